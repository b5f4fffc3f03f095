"""The folder, its lock, and the shape of the tables."""

from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, text

from goiptwist.errors import BadConfiguration
from goiptwist.store import lock
from goiptwist.store.database import (
    HEAD,
    KEY_LENGTH,
    MIGRATIONS,
    identify,
    migrate,
    open_engine,
    signing_key,
)
from goiptwist.store.schema import metadata
from tests.store.conftest import Kept


def problem(error: pytest.ExceptionInfo[BadConfiguration]) -> str:
    [line] = error.value.problems
    return line


class TestLock:
    """Two gateways on one folder would send every text twice."""

    def test_the_second_is_told_who_the_first_is(self, tmp_path: Path) -> None:
        """With its process, and what to do."""
        held = lock(tmp_path)
        with pytest.raises(BadConfiguration) as caught:
            lock(tmp_path)
        assert problem(caught) == (
            f"state: folder {tmp_path} is in use by another gateway (process {os.getpid()}); "
            "stop that one, or name another folder"
        )
        held.close()
        lock(tmp_path).close()

    def test_a_lock_left_behind_is_no_harm(self, tmp_path: Path) -> None:
        """After a kill -9 the file is there, and nobody holds it."""
        (tmp_path / "lock").write_text("99999999999")
        held = lock(tmp_path)
        assert (tmp_path / "lock").read_text() == str(os.getpid())
        held.close()

    def test_the_folder_is_made(self, tmp_path: Path) -> None:
        """For its owner only: it holds texts and numbers of people."""
        lock(tmp_path / "a" / "b").close()
        assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700

    def test_a_folder_that_cannot_be(self, tmp_path: Path) -> None:
        """A file stands in its way."""
        (tmp_path / "file").touch()
        with pytest.raises(BadConfiguration) as caught:
            lock(tmp_path / "file")
        assert problem(caught).startswith(f"state: cannot use folder {tmp_path / 'file'}: ")


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_engine(tmp_path)


class TestShape:
    """The migrations and the tables in the code say the same."""

    def test_a_new_database_is_what_the_code_expects(self, engine: Engine) -> None:
        """No column, index or type differs."""
        migrate(engine)
        with engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, metadata) == []

    def test_indexes_on_a_part(self, engine: Engine, tmp_path: Path) -> None:
        """What the comparison does not see: the conditions, and tables without rowid."""
        (tmp_path / "direct").mkdir()
        migrate(engine)
        direct = open_engine(tmp_path / "direct")
        metadata.create_all(direct)
        shapes = []
        for each in (engine, direct):
            with each.connect() as connection:
                rows = connection.execute(
                    text("SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'alembic%'")
                )
                shapes.append({r.name: _plain(r.sql) for r in rows if r.sql})
        assert shapes[0] == shapes[1]

    def test_head_is_the_newest_step(self) -> None:
        """A new step must move L{HEAD}, or it is never made."""
        steps = sorted((MIGRATIONS / "versions").glob("v*.py"))
        assert steps[-1].name.startswith(f"v{HEAD}_")

    def test_a_second_start_changes_nothing(self, engine: Engine) -> None:
        """Nor does it take a new tag."""
        migrate(engine)
        with engine.connect() as connection:
            tag = identify(connection)
        migrate(engine)
        with engine.connect() as connection:
            assert identify(connection) == tag

    def test_a_newer_gateway_made_it(self, engine: Engine) -> None:
        """Its tables may mean something else: better not to start."""
        migrate(engine)
        with engine.connect() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
            connection.commit()
        with pytest.raises(BadConfiguration) as caught:
            migrate(engine)
        assert "was made by a newer goiptwist" in problem(caught)

    def test_no_database(self, tmp_path: Path) -> None:
        """Somebody put another file there."""
        (tmp_path / "goiptwist.sqlite").write_bytes(b"this is no database" * 100)
        with pytest.raises(BadConfiguration) as caught:
            Kept(tmp_path)
        assert problem(caught) == ("state: the database cannot be opened: file is not a database")

    def test_a_database_of_somebody_else(self, tmp_path: Path) -> None:
        """Its tables stay as they are."""
        with sqlite3.connect(tmp_path / "goiptwist.sqlite") as other:
            other.execute("CREATE TABLE message (x)")
        with pytest.raises(BadConfiguration, match="the database cannot be opened"):
            Kept(tmp_path)


def _plain(sql: str) -> str:
    """Without what differs in spelling only."""
    return "".join(sql.replace('"', "").split()).lower()


class TestKey:
    """What the gateway signs with is there as a whole, whenever the power goes."""

    def test_made_once(self, tmp_path: Path) -> None:
        """The owner alone can read it, and it stays the same."""
        key = signing_key(tmp_path)
        assert len(key) == KEY_LENGTH
        assert signing_key(tmp_path) == key
        assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
        assert [path.name for path in tmp_path.iterdir()] == ["key"]

    def test_what_a_power_cut_left(self, tmp_path: Path) -> None:
        """Half a key under its other name is made anew."""
        (tmp_path / "key.new").write_bytes(b"half")
        assert len(signing_key(tmp_path)) == KEY_LENGTH

    @pytest.mark.parametrize("name", ["key", "lock"])
    def test_no_link_is_followed(self, tmp_path: Path, name: str) -> None:
        """Nobody leads us to another file by a link in the folder."""
        other = tmp_path / "other"
        other.write_bytes(b"k" * KEY_LENGTH)
        state = tmp_path / "state"
        state.mkdir()
        (state / name).symlink_to(other)
        with pytest.raises(BadConfiguration, match="cannot use"):
            signing_key(state) if name == "key" else lock(state)
