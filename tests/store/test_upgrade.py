"""A store of version 0.1.0 goes on where it was: nothing of it is lost, or is found no more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, text
from twisted.internet.defer import Deferred, execute
from twisted.internet.task import Clock

from goiptwist.bridges.dc09.sequences import SequenceNumbers
from goiptwist.bridges.mail.submission.threads import MailThreads
from goiptwist.bridges.xmpp.chat.correlations import Correlations, Correspondent
from goiptwist.messaging.memory import SectionMemory
from goiptwist.store import Store, lock
from goiptwist.store.database import MIGRATIONS, migrate, open_engine
from goiptwist.testing.stubs import StandInGateway
from tests.world import PromptBus, now

#: The tables of version 0.1.0.
BEFORE = "0004"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = open_engine(tmp_path)
    with made.connect() as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, BEFORE)
        connection.commit()
    yield made
    made.dispose()


def put(engine: Engine, table: str, **columns: Any) -> None:
    names, places = ", ".join(columns), ", ".join(f":{name}" for name in columns)
    with engine.begin() as connection:
        connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({places})"), columns)


def rows(connection: Connection, query: str) -> list[tuple[Any, ...]]:
    return sorted(map(tuple, connection.execute(text(query))))


def test_states(engine: Engine) -> None:
    """Rows of the queue are kept; a destination has what waits for it as a whole."""
    put(engine, "message", id=1, direction="in", text="x", at=0, state="handed_on")
    for name, state, due in (("b:a", "passed", 0), ("b:b", "waiting", 5)):
        put(engine, "delivery", message_id=1, destination=name, state=state, attempts=2, due=due)
    migrate(engine)
    with engine.connect() as connection:
        assert rows(connection, "SELECT state FROM message") == [("delivered",)]
        assert rows(connection, "SELECT destination, recipient, state, due FROM delivery") == [
            ("b:a", "", "escalated", 0.0),
            ("b:b", "", "waiting", 5.0),
        ]


def test_subscriptions_and_notifications(engine: Engine) -> None:
    """Who was to be told is notified; what waited to be told is a notification."""
    tell = '[["bridge:ops", "failed"]]'
    put(engine, "message", id=1, direction="out", text="x", at=0, state="sent", tell=tell)
    told = {"direction": "news", "state": "received", "about": 1, "news": "sent"}
    put(engine, "message", id=2, text="", at=0, **told)
    migrate(engine)
    with engine.connect() as connection:
        found = rows(connection, "SELECT id, direction, subscriptions, about, topic FROM message")
    assert found == [(1, "out", tell, None, ""), (2, "notification", "", 1, "sent")]


def digest(*about: str) -> str:
    return sha256("\0".join(about).encode()).hexdigest()[:32]


@pytest.fixture
def store(engine: Engine, tmp_path: Path) -> Iterator[Store]:
    """With what bridges of version 0.1.0 noted down."""
    ann = json.dumps({"message_id": "m1", "by": "c1", "number": "+361", "line": "g1", "pool": ""})
    for key, value in {
        '["mail", "g1", "+361"]': '["<a@x>"]',
        "dc09 station sequence": "17",
        f"xmpp:chat:became:{digest('ann@x', 's1')}": ann,
        f"xmpp:chat:thread:{digest('t1')}": '{"number": "+361", "line": "g1", "pool": ""}',
        f"xmpp:chat:roster:{digest()}": '{"ann@x": ["sms.x"]}',
        "sms:duty:+361": "m7",
        "dc09 heard 1234": '{"0001-ab": 5.0}',
        "heartbeat:station": "lost",
    }.items():
        put(engine, "note", key=key, value=value, at=9)
    engine.dispose()
    clock = Clock()
    made = Store.open(tmp_path, lock(tmp_path), execute, execute, PromptBus(clock))
    yield made
    made.close()


def memory(store: Store, section: str) -> SectionMemory:
    return SectionMemory(store, Clock(), section)


def ask(coroutine: Any) -> Any:
    return now(Deferred.fromCoroutine(coroutine))


def test_mails(store: Store) -> None:
    """The next mail of a number comes into the thread that there is."""
    assert ask(MailThreads(memory(store, "mail")).earlier("g1", "+361", "<b@x>")) == ("<a@x>",)


def test_sequence_numbers(store: Store) -> None:
    """A station that knows the last number takes the next one for something new."""
    assert ask(SequenceNumbers(memory(store, "bridge.station")).of("m9")) == "0017"


def test_chats(store: Store) -> None:
    """A correction and an answer find the SMS and the number that they are about."""
    gateway: Any = StandInGateway(None, Clock())
    gateway.memory = memory(store, "bridge.chat")
    known = Correlations(gateway)
    assert ask(known.by_thread("t1")) == Correspondent("+361", "g1")
    submitted = ask(known.submitted("ann@x", "s1"))
    assert (submitted.message_id, submitted.client_id) == ("m1", "c1")
    assert ask(gateway.memory.get("roster")) == '{"ann@x": ["sms.x"]}'


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("bridge.duty", "latest +361", "m7"),
        ("alarm", "received 1234", '{"0001-ab": 5.0}'),
    ],
)
def test_alarms(store: Store, section: str, key: str, value: str) -> None:
    """Who took an alarm over, and which reports of panels are known."""
    assert ask(memory(store, section).get(key)) == value


def test_supervision(store: Store) -> None:
    """A way that had failed is not news again."""
    assert now(store.get_value("heartbeat:station")) == "lost"
