"""
The whole way with a real Prosody: an SMS becomes a chat message in somebody's
program, the answer an SMS, and the handset's report a tick.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.bridges.xmpp.person import Person
from tests.bridges.xmpp.programs import Chatting, chatting
from tests.bridges.xmpp.prosody import NEEDS_PROSODY
from tests.test_twistd import ROOT, TWISTD, until

pytestmark = [pytest.mark.real, pytest.mark.slow, NEEDS_PROSODY]

BOT, ANN, BEN = "bot@example.org", "ann@example.org", "ben@example.org"
ROOM = "team@rooms.example.org"
NUMBER = "+36301234567"


@pytest.fixture(scope="module")
def ann(one_prosody: Any) -> Iterator[Person]:
    """Her program; her room is open before the gateway comes."""
    if not one_prosody.runs:
        one_prosody.start()
    person = Person(one_prosody, ANN)
    person.do(person.client.plugin["xep_0045"].join_muc_wait(ROOM, "ann"))
    form = {"muc#roomconfig_whois": "anyone"}
    muc = person.client.plugin["xep_0045"]
    config = person.do(muc.get_room_config(ROOM))
    config["type"] = "submit"
    for key, value in form.items():
        config["values"] = {**config["values"], key: value}
    person.do(muc.set_room_config(ROOM, config))
    yield person
    person.leave()


@pytest.fixture(scope="module")
def gateway(
    one_prosody: Any, ann: Person, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Chatting]:
    """A whole gateway with an account."""
    keys = {
        "jid": BOT,
        "password": one_prosody.password,
        "server": f"127.0.0.1:{one_prosody.port}",
        "ca": one_prosody.ca,
        "to": [ANN, ROOM],
        "allow": [ANN],
    }
    with chatting(tmp_path_factory.mktemp("gateway"), keys) as made:
        yield made


def test_round(gateway: Chatting, ann: Person) -> None:
    """SMS, answer by reply (XEP-0461), receipt when the handset has it."""
    gateway.hand_in("goip2", NUMBER, "Please call back.")
    sms = ann.read("Please call back.")
    assert sms["body"] == f"Kovács Béla ({NUMBER}) on goip2:\nPlease call back."
    said = ann.say(BOT, "In ten minutes.", answers=sms["id"])
    until(lambda: said in ann.receipts, "the receipt comes")
    assert ("goip2", NUMBER, "In ten minutes.") in gateway.sent()
    [out] = [m for m in gateway.api("/api/v1/messages?direction=out")["messages"]
             if m["text"] == "In ten minutes."]  # fmt: skip
    assert out["report"] == "delivered"


def test_a_failure_is_an_error_of_that_message(gateway: Chatting, ann: Person) -> None:
    """No tick, but the reason, and no SMS."""
    said = ann.say(BOT, "@+36309999999: hello")
    error = ann.error_of(said)
    assert error["condition"] == "service-unavailable"
    assert "38" in error["text"]
    assert said not in ann.receipts


def test_a_bare_line_is_an_error(gateway: Chatting, ann: Person) -> None:
    """In words that help."""
    error = ann.error_of(ann.say(BOT, "hello?"))
    assert "to whom?" in error["text"]


def test_others_may_not(gateway: Chatting, one_prosody: Any) -> None:
    """The server has verified who they are."""
    ben = Person(one_prosody, BEN)
    try:
        error = ben.error_of(ben.say(BOT, f"@{NUMBER}: from ben"))
        assert error["condition"] == "forbidden"
        assert not [text for _, _, text in gateway.sent() if text == "from ben"]
    finally:
        ben.leave()


def test_commands(gateway: Chatting, ann: Person) -> None:
    """In words, and as a program finds them."""
    ann.say(BOT, "/lines")
    assert "goip2: LOGIN" in ann.read("goip1: LOGIN")["body"]
    [bot] = {str(m["from"]) for m in ann.messages if "goip1: LOGIN" in m["body"]}
    info = ann.do(ann.client.plugin["xep_0030"].get_info(bot))
    assert ("client", "bot", None, "SMS") in info["disco_info"]["identities"]
    assert "http://jabber.org/protocol/commands" in info["disco_info"]["features"]


def test_a_room(gateway: Chatting, ann: Person) -> None:
    """It gets the SMS, and only an explicit form sends."""
    gateway.hand_in("goip1", NUMBER, "To all of you.")
    until(
        lambda: [m for m in ann.messages
                 if m["type"] == "groupchat" and "To all of you." in m["body"]],
        "the room shows the SMS",
    )  # fmt: skip
    ann.say(ROOM, "who goes?", kind="groupchat")
    ann.say(ROOM, f"@{NUMBER}: we all come", kind="groupchat")
    until(
        lambda: [t for *_, t in gateway.sent() if t == "we all come"],
        "the room's SMS is sent",
    )
    assert not [t for *_, t in gateway.sent() if "who goes" in t]


def test_the_server_restarts(gateway: Chatting, ann: Person, one_prosody: Any) -> None:
    """In the middle of 100 SMS: none is lost, and none comes twice, by its id."""
    gateway.survives_a_restart(ann, one_prosody)


def test_the_configuration_is_checked(gateway: Chatting) -> None:
    """C{--check-config} logs in, and says how."""
    ran = subprocess.run(
        [*TWISTD, "goip", "--config", "goip.toml", "--check-config"],
        cwd=gateway.folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    said = ran.stdout + ran.stderr
    assert "SCRAM-SHA-256" in said
    assert "certificate of CN=" in said


def test_nothing_is_in_the_log(gateway: Chatting, one_prosody: Any) -> None:
    """No text, no number, no password."""
    log = gateway.log.read_text()
    for secret in (one_prosody.password, "Please call back", "In ten minutes", NUMBER):
        assert secret not in log
