"""SMS in one chat with an account: what people see, and what they may write."""

from __future__ import annotations

import json
from typing import Any

import pytest
from attrs import evolve
from zope.interface.verify import verifyObject

from goiptwist.bridges.xmpp import stanzas
from goiptwist.bridges.xmpp.chat.reply_context import ReplyContext
from goiptwist.errors import Busy, Conflict, OverQuota, Refused, TryLater, Unacceptable
from goiptwist.interfaces import IDeliversEach
from goiptwist.model.messages import State
from goiptwist.model.notifications import Notification
from goiptwist.testing.contract import outcome
from goiptwist.testing.stubs import StandInGateway, StandInMessages, sms
from tests.bridges.xmpp.chats import (
    ANN,
    NOW,
    NUMBER,
    NoLink,
    bridge,
    chat,
    condition,
    parsed,
    words,
)

REPLY = "<reply xmlns='urn:xmpp:reply:0' id='{}'/>"
REQUEST = "<request xmlns='urn:xmpp:receipts'/>"
REPLACE = "<replace xmlns='urn:xmpp:message-correct:0' id='{}'/>"
RETRACT = "<retract xmlns='urn:xmpp:message-retract:1' id='{}'/>"
ROOM = "team@rooms.example.org"


def texts(gateway: StandInGateway) -> list[tuple[str, str, str]]:
    """Number, line and text of what was submitted."""
    return [(s.recipients[0], s.line, s.text) for s in gateway.submissions]


async def with_sms(**changes: Any) -> tuple[Any, NoLink, StandInGateway]:
    """A bridge that has just handed the SMS m1 to Ann."""
    made, link, gateway = bridge(**changes)
    gateway.kept["m1"] = sms(at=NOW)
    await made.deliver(gateway.kept["m1"])
    return made, link, gateway


def news(gateway: StandInGateway, what: str, reason: str = "", after: float = 5.0) -> Notification:
    """What became of the last text."""
    submission = gateway.submissions[-1]
    message = evolve(list(gateway.kept.values())[-1], context=submission.context, at=NOW)
    return Notification(id="n1", what=what, at=NOW + after, reason=reason, message=message)


# What people see


async def test_an_sms_says_from_whom_and_by_which_line() -> None:
    """All are in one chat, so each says its name, number and line."""
    _, link, _ = await with_sms()
    [stanza] = link.handed
    assert stanza["to"] == "ann@example.org"
    assert stanza["type"] == "chat"
    assert words(stanza) == "Kovács Béla (+36301234567) on goip1:\nPump 3 stopped"


async def test_its_ids_are_those_of_the_sms() -> None:
    """XEP-0359: a retry is the same to every program."""
    _, link, _ = await with_sms()
    [stanza] = link.handed
    origin = stanzas.child(stanza, "origin-id", stanzas.SID)
    assert stanza["id"] == origin["id"] == "sms-m1"


async def test_a_receipt_is_asked_for() -> None:
    """XEP-0184."""
    _, link, _ = await with_sms()
    assert stanzas.child(link.handed[0], "request", stanzas.RECEIPTS) is not None


@pytest.mark.parametrize(("seconds", "late"), [(5.0, False), (3600.0, True)])
async def test_a_late_one_says_when_it_came(seconds: float, late: bool) -> None:
    """XEP-0203, after the server was away."""
    made, link, _ = bridge()
    await made.deliver(sms(at=NOW - seconds))
    delay = stanzas.child(link.handed[0], "delay", stanzas.DELAY)
    assert (delay is not None) is late
    if late:
        assert delay["stamp"] == stanzas.stamp(NOW - seconds)


TWO = ("ann@example.org", "ben@example.org")


async def test_a_failure_for_one_repeats_to_nobody_else() -> None:
    """Each recipient is a delivery of his own, whose repeat has the same ids."""
    made, link, _ = bridge(to=TWO)
    link.bounces = [("", "service-unavailable", "wait")]
    with pytest.raises(TryLater, match="ann@example"):
        await made.deliver_to(sms(), "ann@example.org")
    link.bounces = []
    await made.deliver_to(sms(), "ben@example.org")
    assert [s["to"] for s in link.handed] == ["ben@example.org"]
    again, other, _ = bridge(to=TWO)  # as after a restart
    done = await again.deliver_to(sms(), "ann@example.org")
    assert done.detail == "delivered to ann@example.org"
    assert [(s["to"], s["id"]) for s in other.handed] == [("ann@example.org", "sms-m1")]
    assert words(other.handed[0]) == words(link.handed[0])


async def test_the_settings_say_the_recipients() -> None:
    """Each has a row of his own, under the JID that a server would write."""
    made, _, _ = bridge(to=("Ann@Example.org", "team@rooms.example.org"))
    assert made.settings.recipients == ("ann@example.org", "team@rooms.example.org")
    assert verifyObject(IDeliversEach, made)


async def test_a_row_without_a_recipient_goes_to_all() -> None:
    """Ann being put off keeps nobody else waiting; what comes again has the same id."""
    made, link, _ = bridge(to=TWO)
    link.troubles = [TryLater("lost")]
    assert isinstance(await outcome(made, sms()), TryLater)
    assert [s["to"] for s in link.handed] == ["ben@example.org"]
    await made.deliver(sms())
    assert [s["to"] for s in link.handed] == ["ben@example.org", *TWO]
    assert {s["id"] for s in link.handed} == {"sms-m1"}


async def test_what_one_refuses_is_only_that_ones() -> None:
    """Of a row for all, those who have it count."""
    made, link, _ = bridge(to=TWO)
    link.troubles = [Refused("ann is no more")]
    done = await made.deliver(sms())
    assert done.detail == "delivered to ben@example.org; ann is no more"


async def test_an_alarm_is_only_shown() -> None:
    """Where nobody can be answered, no answer is offered."""
    made, link, _ = bridge()
    await made.deliver(sms(line="", sender="Alarm 1113", text="Burglary"))
    assert words(link.handed[0]) == "Alarm 1113:\nBurglary"
    assert stanzas.child(link.handed[0], "thread") is None


async def test_a_sender_cannot_pass_for_another() -> None:
    """A name that turns the direction of text, or has lines, is made harmless."""
    made, link, _ = bridge()
    await made.deliver(sms(sender="\u202eBank\non goip1:\n"))
    assert words(link.handed[0]) == "Bank on goip1: on goip1:\nPump 3 stopped"


async def test_what_came_back_later_goes_to_the_fallback() -> None:
    """The server took it, and another server did not."""
    made, link, gateway = await with_sms()
    back = stanzas.error_to(link.handed[0], "remote-server-not-found", "cancel", "gone")
    back["from"] = "ann@example.org"
    await made.stanza_received(back)
    [(message_id, why)] = gateway.returned
    assert message_id == "m1"
    assert "remote-server-not-found (gone)" in why


async def test_what_came_back_is_only_that_recipients() -> None:
    """Ben has it; it is Ann's delivery that failed."""
    made, link, gateway = bridge(to=TWO)
    gateway.kept["m1"] = sms(at=NOW)
    for recipient in TWO:
        await made.deliver_to(gateway.kept["m1"], recipient)
    back = stanzas.error_to(link.handed[0], "remote-server-not-found", "cancel", "gone")
    back["from"] = "Ann@example.org/phone"
    await made.stanza_received(back)
    [(message_id, reason)] = gateway.returned
    assert message_id == "m1"
    assert "ann@example.org" in reason
    assert gateway.returned_by == ["ann@example.org"]


async def test_strangers_send_nothing_back() -> None:
    """Only those to whom an SMS went can say that it did not come."""
    made, link, gateway = await with_sms()
    back = stanzas.error_to(link.handed[0], "gone", "cancel", "ha")
    back["from"] = "eve@example.net"
    await made.stanza_received(back)
    assert gateway.returned == []


# Answers


async def test_a_reply_goes_to_its_correspondent_by_its_line() -> None:
    """XEP-0461, verbatim, even where it looks like a command."""
    made, _, gateway = await with_sms()
    await made.stanza_received(chat("/help is no command here", REPLY.format("sms-m1")))
    assert texts(gateway) == [(NUMBER, "goip1", "/help is no command here")]


async def test_the_quotation_is_no_part_of_the_answer() -> None:
    """XEP-0428: what stands there for older programs is cut off."""
    made, _, gateway = await with_sms()
    quoted = "> Pump 3 stopped\n"
    fallback = (
        "<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply'>"
        f"<body start='0' end='{len(quoted)}'/></fallback>"
    )
    await made.stanza_received(chat(f"{quoted}I come", REPLY.format("sms-m1"), fallback))
    assert texts(gateway) == [(NUMBER, "goip1", "I come")]


async def test_a_thread_goes_to_its_correspondent() -> None:
    """It is known even to another process: it is on disk."""
    _, link, gateway = await with_sms()
    thread = stanzas.text_of(stanzas.child(link.handed[0], "thread"))
    again, _, other = bridge()
    other.notes.update(gateway.notes)
    await again.stanza_received(chat("I come", f"<thread>{thread}</thread>"))
    assert texts(other) == [(NUMBER, "goip1", "I come")]


@pytest.mark.parametrize("body", ["@+36 30 123-4567: I come", "/sms +36301234567 I come"])
async def test_the_number_stands_before_the_text(body: str) -> None:
    """For programs without replies, and for a first word."""
    made, _, gateway = bridge(pool="cheap")
    await made.stanza_received(chat(body))
    assert texts(gateway) == [("+36301234567", "", "I come")]
    assert gateway.submissions[0].pool == "cheap"


async def test_a_national_number() -> None:
    """It is understood as in a mail, in the country of the settings."""
    made, link, gateway = bridge()
    gateway.country = "HU"
    await made.stanza_received(chat("@06 30 123 4567: I come"))
    assert texts(gateway) == [("+36301234567", "", "I come")]
    await made.stanza_received(chat("@0630123: I come", id="a2"))
    assert condition(link.sent[-1]) == "item-not-found"


async def test_a_reply_to_what_oneself_wrote_goes_there_too() -> None:
    """A second thought."""
    made, _, gateway = bridge()
    await made.stanza_received(chat("@1777: on"))
    await made.stanza_received(chat("and off", REPLY.format("a1"), id="a2"))
    assert [text[0] for text in texts(gateway)] == ["1777", "1777"]


async def test_a_bare_line_texts_nobody() -> None:
    """A word to the wrong person costs money, or more."""
    made, link, gateway = await with_sms()
    await made.stanza_received(chat("on my way"))
    assert texts(gateway) == []
    assert condition(link.sent[-1]) == "not-acceptable"
    assert "to whom?" in link.said()[-1]


async def test_unless_the_settings_say_so() -> None:
    """It goes to the last one, for an hour."""
    made, _, gateway = await with_sms(plain="last")
    await made.stanza_received(chat("on my way"))
    assert texts(gateway) == [(NUMBER, "goip1", "on my way")]
    gateway.clock.advance(3601)
    await made.stanza_received(chat("where are you", id="a2"))
    assert len(texts(gateway)) == 1


async def test_a_reply_to_nobody_texts_nobody() -> None:
    """Not even the last one: somebody else was meant."""
    made, _, gateway = await with_sms(plain="last")
    await made.stanza_received(chat("yes", REPLY.format("unknown")))
    assert texts(gateway) == []


async def test_commands() -> None:
    """What one can ask in words."""
    made, link, gateway = bridge()
    for word in ("/help", "/lines", "/status"):
        await made.stanza_received(chat(word))
    assert gateway.submissions == []
    helped, lines, stood = link.said()
    assert "@+36301234567: text" in helped
    assert lines.splitlines() == [
        "goip1: LOGIN at Telekom, signal 20 of 31",
        "goip2: lost: the device is silent",
    ]
    assert stood.startswith("1 of 2 lines work.")


async def test_what_is_nearly_a_command_is_none() -> None:
    """A typing mistake is no SMS."""
    made, link, gateway = bridge()
    await made.stanza_received(chat("/snd +36301234567 x"))
    await made.stanza_received(chat("/line"))
    await made.stanza_received(chat("@Béla: x"))
    assert gateway.submissions == []
    assert {condition(s) for s in link.sent} == {"not-acceptable", "bad-request"}


# Once, and by whom


async def test_a_repeat_is_one() -> None:
    """The server says it again where it does not know that we had it."""
    made, _, gateway = bridge()
    for _ in range(2):
        await made.stanza_received(chat("@1777: on"))
    first, second = gateway.submissions
    assert first.client_id == second.client_id == "ann@example.org a1"


async def test_ids_of_any_length() -> None:
    """A name for a submission has its limits, and a program's id has not."""
    made, _, gateway = bridge()
    await made.stanza_received(chat("@1777: on", id="x" * 5000))
    assert 0 < len(gateway.submissions[0].client_id) <= 200


@pytest.mark.parametrize("sender", ["eve@example.net/x", "bob@example.org/x", ""])
async def test_others_may_not(sender: str) -> None:
    """Only who is allowed sends."""
    made, link, gateway = bridge()
    await made.stanza_received(chat("@1777: on", sender=sender))
    assert gateway.submissions == []
    if sender:
        assert condition(link.sent[-1]) == "forbidden"


async def test_a_domain_may() -> None:
    """All of one's own people."""
    made, _, gateway = bridge(allow=("example.org",))
    await made.stanza_received(chat("@1777: on", sender="bob@example.org/x"))
    await made.stanza_received(chat("@1777: on", sender="eve@sub.example.org/x"))
    [one] = gateway.submissions
    assert one.origin == "bridge:chat/bob@example.org"


@pytest.mark.parametrize(
    "more",
    [
        "<sent xmlns='urn:xmpp:carbons:2'/>",
        "<received xmlns='urn:xmpp:carbons:2'/>",
        "<result xmlns='urn:xmpp:mam:2'/>",
        "<x xmlns='jabber:x:conference' jid='room@rooms.example.org'/>",
        "<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reactions:0'/>",
    ],
)
async def test_copies_and_events_are_no_texts(more: str) -> None:
    """Their text was said to somebody else, or is said by no person."""
    made, _, gateway = bridge()
    await made.stanza_received(chat("@1777: on", more))
    assert gateway.submissions == []


@pytest.mark.parametrize(
    "more",
    [
        "<active xmlns='http://jabber.org/protocol/chatstates'/>",
        "<displayed xmlns='urn:xmpp:chat-markers:0' id='x'/>",
        "<received xmlns='urn:xmpp:receipts' id='x'/>",
        "<reactions xmlns='urn:xmpp:reactions:0' id='x'><reaction>👍</reaction></reactions>",
        "<body>  </body>",
    ],
)
async def test_what_has_no_words_is_left_alone(more: str) -> None:
    """Not even an answer: they come all the time."""
    made, link, gateway = await with_sms(plain="last")
    await made.stanza_received(chat("", more))
    assert gateway.submissions == []
    assert link.said() == []


@pytest.mark.parametrize("kind", ["error", "headline"])
async def test_other_kinds_are_no_texts(kind: str) -> None:
    """An error that is answered would come back for ever."""
    made, link, gateway = bridge()
    await made.stanza_received(chat("@1777: on", type=kind))
    assert (gateway.submissions, link.sent) == ([], [])


async def test_our_own_echo_is_no_text() -> None:
    """Another program logged in as us."""
    made, link, gateway = bridge(allow=("example.org",))
    await made.stanza_received(chat("@1777: on", sender="bot@example.org/other"))
    assert (gateway.submissions, link.sent) == ([], [])


async def test_what_comes_late_is_not_sent() -> None:
    """What waited at the server while we were away would come as a surprise."""
    made, link, gateway = bridge()
    for minutes in (2, 30):
        delay = f"<delay xmlns='urn:xmpp:delay' stamp='{stanzas.stamp(NOW - 60 * minutes)}'/>"
        await made.stanza_received(chat(f"@1777: {minutes}", delay, id=f"a{minutes}"))
    assert [s.text for s in gateway.submissions] == ["2"]
    assert "came 30 minutes late and was not sent" in link.said()[-1]


@pytest.mark.parametrize(
    "more",
    [
        "<encrypted xmlns='eu.siacs.conversations.axolotl'/>",
        "<encrypted xmlns='urn:xmpp:omemo:2'/>",
        "<encryption xmlns='urn:xmpp:eme:0' namespace='x'/>",
        "<openpgp xmlns='urn:xmpp:openpgp:0'/>",
    ],
)
async def test_the_excuse_of_an_encrypted_text_is_no_text(more: str) -> None:
    """The body only says that there is something else."""
    made, link, gateway = bridge()
    await made.stanza_received(chat("@1777: I sent you an OMEMO encrypted message", more))
    assert gateway.submissions == []
    assert "encrypt" in link.said()[-1]


@pytest.mark.parametrize(
    "more",
    [
        "<x xmlns='jabber:x:oob'><url>https://example.org/a.jpg</url></x>",
        "<file-sharing xmlns='urn:xmpp:sfs:0'/>",
    ],
)
async def test_attachments_are_refused(more: str) -> None:
    """Nobody's picture goes out as a link without being asked."""
    made, link, gateway = bridge()
    await made.stanza_received(chat("@1777: https://example.org/a.jpg", more))
    assert gateway.submissions == []
    assert "attachments are not supported" in link.said()[-1]


@pytest.mark.parametrize(
    ("trouble", "wanted", "told"),
    [
        (OverQuota("5 a day", after=3600.0), "resource-constraint", "try again in 3600 seconds"),
        (Busy("too much waits", after=2.0), "resource-constraint", "try again in 2 seconds"),
        (Unacceptable("to", "no such number"), "item-not-found", "no such number"),
        (Unacceptable("text", "too long"), "not-acceptable", "too long"),
        (Conflict("used before"), "conflict", "used before"),
    ],
)
async def test_what_the_gateway_refuses_is_said(
    trouble: Exception, wanted: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the same conversation, with the reason."""
    made, link, _ = bridge()

    async def submit(submission: object) -> None:
        raise trouble

    monkeypatch.setattr(StandInMessages, "submit", lambda self, s: submit(s))
    await made.stanza_received(chat("@1777: on"))
    [answer] = link.sent
    assert (condition(answer), answer["id"], answer["to"]) == (wanted, "a1", ANN)
    assert told in words(answer)


# What became of it


async def test_the_receipt_is_asked_of_the_handset() -> None:
    """A tick means that the other has it, unless the settings say otherwise."""
    for receipt in ("delivered", "sent"):
        made, _, gateway = bridge(receipt=receipt)
        await made.stanza_received(chat("@1777: on", REQUEST))
        [wish] = gateway.submissions[0].tell
        good = [what for what in wish.whats if what in ("sent", "delivered")]
        assert (wish.destination, good) == ("bridge:chat", [receipt])


async def test_a_receipt() -> None:
    """XEP-0184, for the id that the program knows; kept for a phone that is off."""
    made, link, gateway = bridge()
    await made.stanza_received(chat("@1777: on", REQUEST))
    await made.notify(news(gateway, "delivered"))
    [receipt] = link.handed
    assert receipt["to"] == ANN
    assert stanzas.child(receipt, "received", stanzas.RECEIPTS)["id"] == "a1"
    assert stanzas.child(receipt, "store", stanzas.HINTS) is not None


async def test_no_receipt_unasked() -> None:
    """XEP-0184 section 5.4."""
    made, link, gateway = bridge()
    await made.stanza_received(chat("@1777: on"))
    await made.notify(news(gateway, "delivered"))
    assert link.handed == []


@pytest.mark.parametrize(
    ("what", "wanted"),
    [
        ("failed", "service-unavailable"),
        ("expired", "remote-server-timeout"),
        ("unknown", "remote-server-timeout"),
        ("undelivered", "recipient-unavailable"),
        ("cancelled", "undefined-condition"),
    ],
)
async def test_a_failure_is_an_error_of_that_message(what: str, wanted: str) -> None:
    """The program marks the very message."""
    made, link, gateway = bridge()
    await made.stanza_received(chat("@1777: on"))
    assert what in gateway.submissions[0].tell[0].whats
    await made.notify(news(gateway, what, "the network said 38"))
    [answer] = link.handed
    assert (condition(answer), answer["id"]) == (wanted, "a1")
    assert "the network said 38" in words(answer)


async def test_a_late_failure_is_also_told_in_words() -> None:
    """Servers keep no errors for those who are away."""
    made, link, gateway = bridge()
    await made.stanza_received(chat("@1777: on"))
    await made.notify(news(gateway, "expired", after=3600))
    assert [stanza["type"] for stanza in link.handed] == ["error", "chat"]
    assert words(link.handed[1]) == "no line could send the SMS in time"


async def test_what_still_waits_is_told() -> None:
    """Nobody has to guess."""
    made, link, gateway = bridge()
    await made.stanza_received(chat("@1777: on"))
    await made.notify(news(gateway, "delayed"))
    assert words(link.handed[0]) == "the SMS still waits for a line"


async def test_news_of_others_is_not_told() -> None:
    """A context that is not ours leads to nobody."""
    made, _, gateway = bridge()
    await made.stanza_received(chat("@1777: on"))
    for context in (
        "",
        "{}",
        "[",
        json.dumps({"kind": "mail"}),
        ReplyContext(to="", id="").to_text(),
    ):
        told = news(gateway, "failed")
        with pytest.raises(Refused, match="nobody can be told by chat"):
            await made.notify(evolve(told, message=evolve(told.message, context=context)))


# Changing one's mind


async def test_a_correction_before_it_left() -> None:
    """XEP-0308: the first is withdrawn, the second sent, to the same number."""
    made, _, gateway = await with_sms()
    await made.stanza_received(chat("I cone", REPLY.format("sms-m1")))
    await made.stanza_received(chat("I come", REPLACE.format("a1"), id="a2"))
    assert texts(gateway)[-1] == (NUMBER, "goip1", "I come")
    states = [m.state for m in gateway.kept.values() if m.text.startswith("I co")]
    assert states == [State.CANCELLED, State.QUEUED]


async def test_corrections_name_the_first_one_again() -> None:
    """XEP-0308 section 3; and a repeat of one changes nothing."""
    made, _, gateway = bridge()
    await made.stanza_received(chat("@1777: a"))
    for _ in range(2):
        await made.stanza_received(chat("@1777: b", REPLACE.format("a1"), id="a2"))
    await made.stanza_received(chat("@1777: c", REPLACE.format("a1"), id="a3"))
    assert [m.text for m in gateway.kept.values() if m.state is State.QUEUED] == ["c"]


async def test_a_correction_that_comes_too_late() -> None:
    """The other has read it: nothing more is sent, and it is said."""
    made, link, gateway = bridge()
    await made.stanza_received(chat("@1777: a"))
    [(key, kept)] = gateway.kept.items()
    gateway.kept[key] = evolve(kept, state=State.SENT)
    await made.stanza_received(chat("@1777: b", REPLACE.format("a1"), id="a2"))
    assert len(gateway.submissions) == 1
    assert "it was not corrected, it is sent already" in link.said()[-1]


async def test_a_correction_of_nothing() -> None:
    """Somebody else's message, or one of long ago."""
    made, link, gateway = bridge(allow=("example.org",))
    await made.stanza_received(chat("@1777: a"))
    await made.stanza_received(
        chat("@1777: b", REPLACE.format("a1"), id="b1", sender="bob@example.org/x")
    )
    assert len(gateway.submissions) == 1
    assert condition(link.sent[-1]) == "item-not-found"


async def test_a_wrong_correction_changes_nothing() -> None:
    """What is wrong is said before the first one is gone."""
    made, link, gateway = bridge()
    await made.stanza_received(chat("@1777: a"))
    await made.stanza_received(chat("@1777: " + "x" * 4000, REPLACE.format("a1"), id="a2"))
    assert [m.state for m in gateway.kept.values()] == [State.QUEUED]
    assert "4000 bytes" in link.said()[-1]


async def test_a_text_is_taken_back() -> None:
    """XEP-0424; the excuse for older programs is no SMS."""
    made, link, gateway = bridge()
    await made.stanza_received(chat("@1777: a"))
    await made.stanza_received(chat("This person tried to retract", RETRACT.format("a1"), id="a2"))
    assert [m.state for m in gateway.kept.values()] == [State.CANCELLED]
    told = news(gateway, "cancelled")
    await made.notify(evolve(told, message=evolve(told.message, **_reason(gateway))))
    assert (len(gateway.submissions), link.sent, link.handed) == (1, [], [])


def _reason(gateway: StandInGateway) -> dict[str, str]:
    return {"reason": list(gateway.kept.values())[-1].reason}


# Rooms


def occupant(nick: str, jid: str = "", *codes: str) -> str:
    """A presence of a room."""
    real = f" jid='{jid}'" if jid else ""
    marks = "".join(f"<status code='{code}'/>" for code in codes)
    return (
        f"<presence from='{ROOM}/{nick}'><x xmlns='http://jabber.org/protocol/muc#user'>"
        f"<item affiliation='member' role='participant'{real}/>{marks}</x></presence>"
    )


async def in_room(**changes: Any) -> tuple[Any, NoLink, StandInGateway]:
    """A bridge that is in a room with Ann, Eve, and somebody hidden."""
    made, link, gateway = bridge(to=(ROOM,), **changes)
    await made.connected(link)
    for one in (
        occupant("ann", ANN),
        occupant("eve", "eve@example.net/x"),
        occupant("ghost"),
        occupant("SMS", "", "110"),
    ):
        await made.stanza_received(parsed(one))
    link.sent.clear()
    return made, link, gateway


def spoken(body: str, nick: str = "ann", *more: str, **attributes: str) -> Any:
    """What somebody says in the room."""
    return chat(body, *more, sender=f"{ROOM}/{nick}", type="groupchat", **attributes)


async def test_a_room_is_joined_without_its_past() -> None:
    """Whether a JID is a room, its service says."""
    made, link, _ = bridge(to=(ROOM, "ann@example.org"))
    await made.connected(link)
    joins = [s for s in link.sent if s.name == "presence" and s.getAttribute("to")]
    assert [s["to"] for s in joins] == [f"{ROOM}/SMS"]
    history = stanzas.child(stanzas.child(joins[0], "x", stanzas.MUC), "history", stanzas.MUC)
    assert history["maxstanzas"] == "0"


async def test_a_room_gets_the_sms() -> None:
    """As everybody's message, once the room has shown it."""
    made, link, _ = await in_room()
    await made.deliver(sms(at=NOW))
    [stanza] = link.handed
    assert (stanza["type"], stanza["to"]) == ("groupchat", ROOM)


async def test_in_a_room_only_an_explicit_form_sends() -> None:
    """People talk to one another there."""
    made, link, gateway = await in_room(plain="last")
    gateway.kept["m1"] = sms(at=NOW)
    await made.deliver(gateway.kept["m1"])
    await made.stanza_received(spoken("who goes there?"))
    await made.stanza_received(spoken("I", "ann", REPLY.format("room-sms-m1"), id="a2"))
    assert gateway.submissions == []
    await made.stanza_received(spoken(f"@{NUMBER}: I come", id="a3"))
    assert texts(gateway) == [(NUMBER, "", "I come")]
    assert link.sent == []


@pytest.mark.parametrize(
    ("nick", "told"), [("eve", "may not send SMS here"), ("ghost", "hides who you are")]
)
async def test_in_a_room_it_must_be_seen_who_speaks(nick: str, told: str) -> None:
    """A nick is no name."""
    made, link, gateway = await in_room()
    await made.stanza_received(spoken("@1777: on", nick))
    assert gateway.submissions == []
    assert told in link.said()[-1]


async def test_the_past_of_a_room_is_no_text() -> None:
    """It comes again at each join of a careless room."""
    made, link, gateway = await in_room()
    delay = f"<delay xmlns='urn:xmpp:delay' stamp='{stanzas.stamp(NOW - 3600)}'/>"
    await made.stanza_received(spoken("@1777: on", "ann", delay))
    await made.stanza_received(spoken("@1777: on", "SMS"))  # we ourselves
    assert (gateway.submissions, link.sent) == ([], [])


async def test_a_failure_is_told_to_the_room() -> None:
    """In words, to whom it concerns."""
    made, link, gateway = await in_room()
    await made.stanza_received(spoken("@1777: on"))
    await made.notify(news(gateway, "failed", "error 38"))
    assert words(link.handed[-1]) == "ann: the SMS was not sent: error 38"


async def test_what_is_whispered_in_a_room_is_not_for_us() -> None:
    """Its address is the room's, and says nothing of who it is."""
    made, link, gateway = await in_room(allow=("rooms.example.org",))
    await made.stanza_received(chat("@1777: on", sender=f"{ROOM}/eve"))
    assert (gateway.submissions, link.sent) == ([], [])


async def test_who_is_put_out_comes_again() -> None:
    """After a while, and not at once: it had a reason."""
    made, link, gateway = await in_room()
    gone = occupant("SMS", "", "110", "307").replace("<presence ", "<presence type='unavailable' ")
    await made.stanza_received(parsed(gone))
    assert link.sent == []
    gateway.clock.advance(21)
    assert [s["to"] for s in link.sent] == [f"{ROOM}/SMS"]


# Presence


async def test_allowed_people_may_watch() -> None:
    """Without anybody's help; others may not."""
    made, link, _ = bridge()
    for who in (ANN, "eve@example.net"):
        asks = stanzas.presence("bot@example.org", "subscribe")
        asks["from"] = who
        await made.stanza_received(asks)
    kinds = [(s["to"], s.getAttribute("type", "")) for s in link.sent]
    assert ("ann@example.org", "subscribed") in kinds
    assert ("eve@example.net", "unsubscribed") in kinds
    assert ("eve@example.net", "subscribed") not in kinds


async def test_presence_says_how_the_lines_stand() -> None:
    """And again when that changes, not otherwise."""
    made, link, gateway = bridge()
    await made.connected(link)
    await made.chat.update_presence()
    gateway.statuses = gateway.statuses[1:]
    await made.chat.update_presence()
    shown = [stanzas.text_of(stanzas.child(s, "status")) for s in link.sent if s.name == "presence"]
    assert shown == ["1 of 2 lines work", "0 of 1 lines work"]
