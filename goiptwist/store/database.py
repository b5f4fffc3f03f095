"""
Opening the embedded database: its folder, its lock, its settings, its shape.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from pathlib import Path
from typing import IO, Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine, create_engine, event, insert, select
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import NullPool

from goiptwist.errors import BadConfiguration
from goiptwist.store.schema import counter, identity

#: Pages (of 4 KiB) in the write-ahead log before they are copied into the
#: database: 32 MiB. SQLite's own 1000 copies the same pages again and again
#: while SMS come in by the thousand, and each copy delays a commit.
CHECKPOINT_PAGES = 8000

#: Bytes that the file of the write-ahead log keeps once it is copied; a burst, or
#: a reader that stayed for long, lets it grow beyond them.
JOURNAL_AT_MOST = 64 * 2**20
#: Seconds that an emergency copy waits for readers.
COPY_PATIENCE = 1.0

#: The newest step in C{migrations/versions}.
HEAD = "0005"
MIGRATIONS = Path(__file__).parent / "migrations"

#: Bytes of the key that addresses are signed with.
KEY_LENGTH = 32

#: Letters of a store's tag: no two that a person confuses, none that a mail
#: or chat program could take for markup.
_LETTERS = "bcdfghjkmnpqrstvwxz23456789"
_TAG_LENGTH = 6

#: Session numbers begin here plus the seconds since 2024, so that a store
#: that began anew does not soon use the numbers of the one before it: a late
#: answer would settle the wrong message. They stay below 2**31, the limit of
#: the devices.
_EPOCH_2024 = 1_704_067_200
_SESSION_MODULUS = 2**30


def lock(folder: Path) -> IO[str]:
    """
    Make sure that this is the only process on a state folder.

    @return: keep it open for as long as the folder is in use.
    @raise BadConfiguration: the folder cannot be used, or somebody else does.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Whoever may write into the folder must not lead us elsewhere by a link.
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
        held = os.fdopen(os.open(folder / "lock", flags, 0o600), "a+", encoding="ascii")
    except OSError as error:
        raise BadConfiguration(
            [f"state: cannot use folder {folder}: {error.strerror}; name one that can be written"]
        ) from None
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        held.seek(0)
        owner = held.read().strip() or "unknown"
        held.close()
        raise BadConfiguration(
            [
                f"state: folder {folder} is in use by another gateway (process {owner}); "
                "stop that one, or name another folder"
            ]
        ) from None
    held.truncate(0)
    held.write(str(os.getpid()))
    held.flush()
    return held


def signing_key(folder: Path) -> bytes:
    """
    What this gateway signs with; made once, readable by its owner only.

    @raise BadConfiguration: the file is damaged, or cannot be made.
    """
    file = folder / "key"
    try:
        if not file.exists():
            _make_key(file)
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW)
        with os.fdopen(descriptor, "rb") as made:
            key = made.read(KEY_LENGTH + 1)
    except OSError as error:
        raise BadConfiguration([f"state: cannot use {file}: {error.strerror}"]) from None
    if len(key) != KEY_LENGTH:
        raise BadConfiguration(
            [f"state: {file} is damaged; remove it, and mails sent before cannot be answered"]
        )
    return key


def _make_key(file: Path) -> None:
    """It is there as a whole or not at all, whenever the power goes."""
    new = file.with_name("key.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as made:
        made.write(secrets.token_bytes(KEY_LENGTH))
        made.flush()
        os.fsync(made.fileno())
    new.rename(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def open_engine(folder: Path) -> Engine:
    """The SQLite database of a state folder, with the settings of a promise."""
    engine = create_engine(
        f"sqlite:///{folder / 'goiptwist.sqlite'}",
        poolclass=NullPool,
        connect_args={"check_same_thread": False, "timeout": 10},
    )

    @event.listens_for(engine, "connect")
    def configure(connection: Any, record: object) -> None:
        cursor = connection.cursor()
        # WAL lets readers read while the writer writes; FULL makes each
        # commit wait for the disk, which is what "accepted" means.
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "temp_store=MEMORY"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
        cursor.execute(f"PRAGMA journal_size_limit={JOURNAL_AT_MOST}")
        cursor.close()

    return engine


def give_back_journal(connection: Connection) -> None:
    """
    Copy the write-ahead log into the database and cut its file off: on a full disk
    it holds the space that commits need, and copied it needs none or little. Where
    even that fails, the next failed commit tries again.
    """
    if connection.dialect.name != "sqlite":
        return
    before = connection.exec_driver_sql("PRAGMA busy_timeout").scalar()
    try:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={COPY_PATIENCE * 1000:.0f}")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    except DatabaseError:
        pass  # it is still full
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={before}")
        connection.rollback()


def migrate(engine: Engine) -> None:
    """
    Bring the tables to the newest shape.

    @raise BadConfiguration: the file is no database, or one of a newer
        gateway.
    """
    try:
        with engine.connect() as connection:
            present = MigrationContext.configure(connection).get_current_revision()
            if present == HEAD:
                return
            connection.rollback()
            config = Config()
            config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
            config.attributes["connection"] = connection
            # All or nothing: a process that is killed in the middle starts anew. The
            # driver begins no transaction by itself for what makes a table.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            command.upgrade(config, HEAD)
            connection.commit()
    except DatabaseError as error:
        raise BadConfiguration([f"state: the database cannot be opened: {error.orig}"]) from None
    except Exception as error:
        if "Can't locate revision" in str(error):
            raise BadConfiguration(
                ["state: the database was made by a newer goiptwist; install that version"]
            ) from None
        raise


def identify(connection: Connection) -> str:
    """Find the tag of the store; a new one gets its tag and its counters."""
    with connection.begin():
        tag = connection.execute(select(identity.c.tag)).scalar_one_or_none()
        if tag is None:
            tag = "".join(secrets.choice(_LETTERS) for _ in range(_TAG_LENGTH))
            connection.execute(insert(identity), {"tag": tag})
            session = (int(time.time()) - _EPOCH_2024) % _SESSION_MODULUS
            connection.execute(
                insert(counter),
                [{"name": "message", "next": 1}, {"name": "session", "next": session}],
            )
    return str(tag)
