"""What people may write to the gateway."""

from __future__ import annotations

import pytest
from attrs import evolve

from goiptwist.bridges.xmpp import stanzas
from goiptwist.errors import Busy, Conflict, OverQuota, Unacceptable
from goiptwist.model.messages import State
from goiptwist.testing.stubs import StandInGateway, StandInMessages
from tests.bridges.xmpp.chats import (
    ANN,
    NOW,
    NUMBER,
    REPLACE,
    REPLY,
    RETRACT,
    bridge,
    chat,
    condition,
    news,
    texts,
    with_sms,
    words,
)


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


async def test_ranges_may_overlap() -> None:
    """Several things fall back to the same text; what is left is what none of them names."""
    made, _, gateway = await with_sms()
    ranges = "".join(f"<body start='{a}' end='{b}'/>" for a, b in ((6, 9), (0, 4), (2, 5), (7, 8)))
    fallback = f"<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply'>{ranges}</fallback>"
    await made.stanza_received(chat("0123456789", REPLY.format("sms-m1"), fallback))
    assert texts(gateway) == [(NUMBER, "goip1", "59")]


async def test_too_many_ranges() -> None:
    """Thousands of them are made to wear us down: each cost as much as the text is long."""
    made, link, gateway = await with_sms()
    fallback = "<fallback xmlns='urn:xmpp:fallback:0'>" + "<body start='0' end='9'/>" * 3000
    await made.stanza_received(chat("x" * 9000, REPLY.format("sms-m1"), f"{fallback}</fallback>"))
    assert condition(link.sent[-1]) == "not-acceptable"
    assert gateway.submissions == []


async def test_a_stranger_is_not_read() -> None:
    """Who may not write is refused before what he wrote is looked at."""
    made, link, _ = bridge()
    fallback = "<fallback xmlns='urn:xmpp:fallback:0'>" + "<body start='0' end='9'/>" * 3000
    await made.stanza_received(chat("x", f"{fallback}</fallback>", sender="eve@evil.example/x"))
    assert condition(link.sent[-1]) == "forbidden"


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
