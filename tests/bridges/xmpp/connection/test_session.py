"""What was handed over, what came in, and who has had what: by the clock, without a server."""

import pytest
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.words.protocols.jabber.error import StanzaError
from twisted.words.protocols.jabber.xmlstream import toResponse
from twisted.words.xish.domish import Element

from goiptwist.bridges.xmpp.connection.incoming import MAX_UNDONE
from goiptwist.bridges.xmpp.connection.negotiation import NegotiatedSession
from goiptwist.bridges.xmpp.connection.outgoing import IDLE, LARGEST, MAX_UNACKNOWLEDGED, TIMEOUT
from goiptwist.errors import Refused, TryLater
from tests.bridges.xmpp.connection.wires import Standing
from tests.bridges.xmpp.connections import Ear, message

R, A = "<r xmlns='urn:xmpp:sm:3'/>", "<a xmlns='urn:xmpp:sm:3' h='{}'/>"


ANN, BEN = "ann@example.org", "ben@example.org"


def handed(there, name, text="hello", to=ANN):
    """Begin to send; the list gets the outcome."""
    outcome = []
    there.session.outgoing.send_confirmed(message(to, text, name)).addBoth(outcome.append)
    return outcome


def test_done_when_the_server_has_it():
    """XEP-0198 section 4: written is not taken; only C{<a/>} says so."""
    there = Standing().log_in()
    one, two = handed(there, "one"), handed(there, "two")
    assert there.wire.said().count(R) == 1  # one question at a time
    there.says(A.format(1))
    assert (one, two) == ([None], [])
    assert there.wire.said() == R  # and another, since one is still open
    there.says(A.format(2))
    assert two == [None]
    assert there.wire.said() == ""


def test_counters_begin_anew():
    """After 2^32 - 1 comes 0 (XEP-0198 section 4)."""
    there = Standing(
        negotiated=NegotiatedSession("bot@example.org/x", True, sent=2**32 - 1)
    ).log_in()
    one, two = handed(there, "one"), handed(there, "two")
    there.says(A.format(0))
    assert (one, two) == ([None], [])
    there.says(A.format(1))
    assert two == [None]


def test_what_nobody_misses_counts_too():
    """The server counts presence and IQ as well."""
    there = Standing().log_in()
    there.session.outgoing.send(Element((None, "presence")))
    one = handed(there, "one")
    there.says(A.format(1))
    assert one == []
    there.says(A.format(2))
    assert one == [None]


def test_lost_before_the_server_said_so():
    """It may have it, so the queue keeps it and hands it over again."""
    there = Standing().log_in()
    one = handed(there, "one")
    there.wire.loseConnection()
    memory = there.session.closed(there.lost[0])
    assert one[0].check(TryLater)
    assert "the connection was lost before the server had the message" in str(one[0].value)
    assert memory.unacknowledged == [("one", ANN)]
    assert there.clock.getDelayedCalls() == []


def test_what_had_arrived_is_not_said_again():
    """A server that goes on with a session says how much it had; that much is done."""
    had = frozenset({("one", ANN)})
    known = NegotiatedSession("bot@example.org/x", True, "p", sent=1, delivered=had)
    there = Standing(negotiated=known).log_in()
    assert handed(there, "one") == [None]
    assert there.wire.said() == ""
    assert handed(there, "one") == []  # the next with that id is another
    assert "<message" in there.wire.said()


def test_what_one_of_them_has_is_still_said_to_the_other():
    """An SMS to several people has the same id for each: only the address tells them apart."""
    had = frozenset({("one", ANN)})
    known = NegotiatedSession("bot@example.org/x", True, "p", sent=1, delivered=had)
    there = Standing(negotiated=known).log_in()
    assert handed(there, "one", to=BEN) == []
    assert "to='ben@example.org'" in there.wire.said()
    assert handed(there, "one", to=ANN) == [None]


@pytest.mark.parametrize("managed", [True, False])
def test_a_dead_connection_is_noticed(managed):
    """TCP says nothing about a cable that was pulled."""
    there = Standing(managed=managed).log_in()
    there.clock.advance(IDLE)
    assert there.wire.said()  # a question, though there is nothing to ask about
    there.clock.advance(TIMEOUT)
    assert "did not answer in time" in there.trouble


def test_a_living_connection_stays():
    """An answer is enough, however long nobody has anything to say."""
    there = Standing().log_in()
    for _ in range(5):
        there.clock.advance(IDLE)
        assert there.wire.said() == R
        there.says(A.format(0))
    assert not there.trouble


@pytest.mark.parametrize("component", [True, False])
def test_a_ping_is_a_barrier(component):
    """
    Without XEP-0198 (Prosody has none for components), what comes back of a ping
    was behind what went before it.
    """
    there = Standing(component=component, managed=False).log_in()
    one = handed(there, "one")
    said = there.wire.said()
    assert said.index("<message") < said.index("urn:xmpp:ping")
    name = said.rpartition("<iq")[2].partition("id='")[2].partition("'")[0]
    two = handed(there, "two")
    kind = "get" if component else "error"
    there.says(f"<iq type='{kind}' id='{name}'/>")
    assert (one, two) == ([None], [])
    assert not there.ear.questions


def test_memory_is_bounded():
    """A server that acknowledges nothing does not fill our memory."""
    there = Standing().log_in()
    for number in range(MAX_UNACKNOWLEDGED):
        handed(there, f"n{number}")
    with pytest.raises(TryLater, match="has not yet acknowledged"):
        handed(there, "more")


def test_too_large():
    """A server would end the stream for it, again and again."""
    there = Standing().log_in()
    with pytest.raises(Refused, match="larger than"):
        handed(there, "one", "&" * (LARGEST // 5))
    assert there.wire.said() == ""


def test_what_xml_forbids_is_left_out():
    """One such character, and the server would end the stream."""
    there = Standing().log_in()
    handed(there, "one", "a\x00b\x1b\ud800\ufffe\uffffc\td")
    assert "<body>abc\td</body>" in there.wire.said()


# What comes in


def test_had_when_it_is_done():
    """The server keeps what it gave us until we say that we are done with it."""
    doing = Deferred()

    class Slow(Ear):
        async def stanza_received(self, stanza):
            await doing
            await super().stanza_received(stanza)

    there = Standing(ear=Slow()).log_in()
    there.says("<message id='1'/><message id='2'/>" + R)
    assert there.wire.said() == A.format(0)
    doing.callback(None)
    assert there.wire.said() == A.format(2)
    assert [one["id"] for one in there.ear.stanzas] == ["1", "2"]


def test_a_stanza_that_breaks_us(logged_failures):
    """It is logged, and the next one is heard."""

    class Broken(Ear):
        async def stanza_received(self, stanza):
            await super().stanza_received(stanza)
            raise ZeroDivisionError

    there = Standing(ear=Broken()).log_in()
    there.says("<message id='1' from='x@y'/><message id='2'/>" + R)
    assert len(there.ear.stanzas) == 2
    assert there.wire.said() == A.format(2)
    assert len(logged_failures.flush()) == 2


def test_a_question_does_not_wait_for_messages():
    """Whoever hears a message may ask something meanwhile; the answer must get through."""
    answers = []

    class Asking(Ear):
        async def stanza_received(self, stanza):
            iq = Element((None, "iq"), attribs={"type": "get", "to": "ann@y", "id": "q"})
            answers.append(await there.session.request(iq, 30))

    there = Standing(ear=Asking()).log_in()
    there.says("<message/><iq type='result' id='q' from='mallory@y'/>")
    assert answers == []  # not the one we asked
    there.says("<iq type='result' id='q' from='ann@y'/>")
    assert len(answers) == 1


def test_more_than_we_can_do_must_wait():
    """The server is not read while so much is undone; TCP lets it wait."""
    doing = Deferred()

    class Slow(Ear):
        async def stanza_received(self, stanza):
            if not doing.called:
                await doing

    there = Standing(ear=Slow()).log_in()
    there.says("<message/>" * (MAX_UNDONE - 1))
    assert there.wire.producerState == "producing"
    there.says("<message/>")
    assert there.wire.producerState == "paused"
    for seconds in (IDLE, TIMEOUT, TIMEOUT):
        there.clock.advance(seconds)
    assert not there.trouble  # it is not the server who does not listen
    doing.callback(None)
    assert there.wire.producerState == "producing"


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (None, "service-unavailable"),
        (StanzaError("forbidden"), "forbidden"),
        (ZeroDivisionError(), "internal-server-error"),
    ],
)
def test_questions_are_answered(outcome, said, logged_failures):
    """Every question gets an answer (RFC 6120 section 8.2.3)."""

    async def answer(iq):
        if outcome is not None:
            raise outcome

    there = Standing(ear=Ear(answer=answer)).log_in()
    there.says("<iq type='get' id='7' from='ann@y'><query xmlns='x'/></iq>")
    text = there.wire.said()
    for part in (said, "id='7'", "to='ann@y'"):
        assert part in text
    assert len(logged_failures.flush()) == isinstance(outcome, ZeroDivisionError)


def test_a_result():
    """What the conversation answers goes out as it is."""

    async def answer(iq):
        return toResponse(iq, "result")

    there = Standing(ear=Ear(answer=answer)).log_in()
    there.says("<iq type='get' id='7' from='ann@y'><query xmlns='x'/></iq>")
    assert "type='result'" in there.wire.said()


def asked(there, timeout=30.0):
    iq = Element((None, "iq"), attribs={"type": "get", "to": "ann@y", "id": "q"})
    outcome = []
    there.session.request(iq, timeout).addBoth(outcome.append)
    return outcome


def test_no_answer():
    """Patience has an end, and a late answer does no harm."""
    there = Standing().log_in()
    outcome = asked(there, 5)
    there.clock.advance(5)
    assert outcome[0].check(TryLater)
    there.says("<iq type='result' id='q' from='ann@y'/>")
    assert len(outcome) == 1


def test_no_answer_any_more():
    """Nobody waits for an answer that cannot come."""
    there = Standing().log_in()
    outcome = asked(there)
    there.wire.loseConnection()
    there.session.closed(there.lost[0])
    assert "the connection was lost before an answer" in str(outcome[0].value)
    assert there.clock.getDelayedCalls() == []


def test_an_answer_that_is_an_error():
    """Its condition and text are told."""
    there = Standing().log_in()
    outcome = asked(there)
    there.says(
        "<iq type='error' id='q' from='ann@y'><error type='cancel'>"
        "<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
        "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>who?</text></error></iq>"
    )
    assert outcome[0].check(Refused)
    assert str(outcome[0].value) == "ann@y says item-not-found: who?"


def test_nothing_is_left_of_a_cancelled_question():
    """Whoever gives up waiting leaves no timer."""
    there = Standing().log_in()

    async def ask():
        await there.session.request(Element((None, "iq"), attribs={"type": "get"}), 30)

    waiting = ensureDeferred(ask())
    before = len(there.clock.getDelayedCalls())
    waiting.addErrback(lambda _: None)
    waiting.cancel()
    assert len(there.clock.getDelayedCalls()) == before - 1
