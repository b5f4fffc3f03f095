"""The whole way with a domain of our own at a real Prosody: numbers are contacts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest
from slixmpp.exceptions import IqError

from tests.bridges.xmpp.person import Person
from tests.bridges.xmpp.programs import Chatting, chatting
from tests.bridges.xmpp.prosody import NEEDS_PROSODY
from tests.test_twistd import until

pytestmark = [pytest.mark.real, pytest.mark.slow, NEEDS_PROSODY]

ANN = "ann@example.org"
DOMAIN = "sms.example.org"
NUMBER = "+36301234567"
CONTACT = f"{NUMBER}@{DOMAIN}"


@pytest.fixture(scope="module")
def ann(one_prosody: Any) -> Iterator[Person]:
    """Her program."""
    if not one_prosody.runs:
        one_prosody.start()
    person = Person(one_prosody, ANN)
    yield person
    person.leave()


@pytest.fixture(scope="module")
def gateway(
    one_prosody: Any, ann: Person, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Chatting]:
    """A whole gateway as a component."""
    keys = {
        "mode": "component",
        "jid": DOMAIN,
        "password": one_prosody.secret,
        "server": f"127.0.0.1:{one_prosody.component_port}",
        "to": [ANN],
        "allow": [ANN],
    }
    with chatting(tmp_path_factory.mktemp("gateway"), keys) as made:
        until(lambda: made.problems() == [], "the component is connected")
        yield made


def test_round(gateway: Chatting, ann: Person) -> None:
    """An SMS comes from its number; the answer goes by its line, and is ticked off."""
    gateway.hand_in("goip2", NUMBER, "Please call back.")
    sms = ann.read("Please call back.")
    assert str(sms["from"]) == f"{CONTACT}/goip2"
    assert sms["body"] == "Please call back."
    said = ann.say(CONTACT, "In ten minutes.")
    until(lambda: said in ann.receipts, "the receipt comes")
    assert ("goip2", NUMBER, "In ten minutes.") in gateway.sent()


def test_a_failure_is_an_error_of_that_message(gateway: Chatting, ann: Person) -> None:
    """In the conversation with that number."""
    said = ann.say(f"+36309999999@{DOMAIN}", "hello")
    error = ann.error_of(said)
    assert error["condition"] == "service-unavailable"
    assert said not in ann.receipts


def test_a_bad_number(gateway: Chatting, ann: Person) -> None:
    """Before anything is sent."""
    assert ann.error_of(ann.say(f"12@{DOMAIN}", "hello"))["condition"] == "item-not-found"


def test_disco(gateway: Chatting, ann: Person) -> None:
    """A program that looks around finds the gateway and its lines."""
    disco = ann.client.plugin["xep_0030"]
    info = ann.do(disco.get_info(DOMAIN))["disco_info"]
    assert ("gateway", "sms", None, "SMS") in info["identities"]
    assert {"jabber:iq:gateway", "urn:xmpp:receipts"} <= info["features"]
    items = ann.do(disco.get_items(DOMAIN))["disco_items"]["items"]
    assert (f"line-goip1@{DOMAIN}", None, "Line goip1") in items
    number = ann.do(disco.get_info(CONTACT))["disco_info"]
    assert ("client", "phone", None, "SMS") in number["identities"]


def test_the_prompt_of_a_gateway(gateway: Chatting, ann: Person) -> None:
    """XEP-0100: a number that is typed becomes an address."""

    def asked() -> Any:
        iq = ann.client.make_iq_set(ito=DOMAIN)
        iq.append(fromstring(f"<query xmlns='jabber:iq:gateway'><prompt>{NUMBER}</prompt></query>"))
        return iq.send()

    [query] = list(ann.ask(asked).xml)
    assert [child.text for child in query] == [CONTACT]


def test_a_card(gateway: Chatting, ann: Person) -> None:
    """The name of the address book."""
    card = ann.do(ann.client.plugin["xep_0054"].get_vcard(CONTACT))
    assert card["vcard_temp"]["FN"] == "Kovács Béla"


def test_commands_with_forms(gateway: Chatting, ann: Person) -> None:
    """XEP-0050: list them, fill in a form, and an SMS goes out."""
    adhoc = ann.client.plugin["xep_0050"]
    listed = ann.do(adhoc.get_commands(DOMAIN))["disco_items"]["items"]
    assert [node for _, node, _ in sorted(listed)] == ["failures", "lines", "send"]
    first = ann.ask(lambda: adhoc.send_command(DOMAIN, "send"))["command"]
    assert first["status"] == "executing"
    form = first["form"]
    assert set(form.get_fields()) == {"to", "text", "line"}

    def filled() -> Any:
        reply = ann.client.plugin["xep_0004"].make_form(ftype="submit")
        for name, value in (("to", NUMBER), ("text", "by form"), ("line", "goip1")):
            reply.add_field(var=name, value=value)
        return reply

    payload = ann.call(filled)
    done = ann.ask(
        lambda: adhoc.send_command(
            DOMAIN, "send", action="complete", payload=payload, sessionid=first["sessionid"]
        )
    )["command"]
    assert done["status"] == "completed"
    until(lambda: ("goip1", NUMBER, "by form") in gateway.sent(), "the form is sent")


def test_presence_of_a_line(gateway: Chatting, ann: Person) -> None:
    """Added to the list, it shows how it is."""
    line = f"line-goip1@{DOMAIN}"
    ann.call(lambda: ann.client.send_presence_subscription(pto=line))

    def shown() -> list[str]:
        return [p["status"] for p in ann.presences if p["from"].bare == line and p["status"]]

    assert "LOGIN" in until(shown, "the line shows itself")[-1]


def test_strangers_may_not(gateway: Chatting, one_prosody: Any) -> None:
    """Nobody else writes, or looks into the address book."""
    ben = Person(one_prosody, "ben@example.org")
    try:
        assert ben.error_of(ben.say(CONTACT, "from ben"))["condition"] == "forbidden"
        with pytest.raises(IqError, match="forbidden"):
            ben.do(ben.client.plugin["xep_0054"].get_vcard(CONTACT))
    finally:
        ben.leave()


def test_the_server_restarts(gateway: Chatting, ann: Person, one_prosody: Any) -> None:
    """In the middle of 100 SMS: none is lost, and none comes twice, by its id."""
    gateway.survives_a_restart(ann, one_prosody)


def test_nothing_is_in_the_log(gateway: Chatting, one_prosody: Any) -> None:
    """No text, no number, no secret."""
    log = gateway.log.read_text()
    for secret in (one_prosody.secret, "Please call back", "In ten minutes", NUMBER):
        assert secret not in log
