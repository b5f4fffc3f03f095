"""How a link comes back: by the clock, with tries that end as the test says."""

import pytest
from attrs import define, field
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.task import Clock
from twisted.logger import LogLevel, globalLogPublisher

from goiptwist.bridges.xmpp.connection.client import (
    RETRY_DELAYS,
    SLOW_RETRY_DELAYS,
    STABLE_AFTER,
    XmppClient,
)
from goiptwist.bridges.xmpp.connection.credentials import XmppCredentials
from goiptwist.bridges.xmpp.connection.failures import ConnectionFailure
from goiptwist.bridges.xmpp.connection.negotiation import NegotiatedSession, negotiate
from goiptwist.errors import Away
from tests.bridges.xmpp.connection.wires import Standing
from tests.bridges.xmpp.connections import Ear, message

ACCESS = XmppCredentials(jid="bot@example.org", password="secret")
AWAY = ConnectionFailure("nothing listens there", slow=False)
WRONG = ConnectionFailure("the password is wrong", slow=True)


@define(eq=False)
class Tries:
    """
    Stands for L{Connecting}.

    @ivar outcomes: a trouble, or the end of a login; the last is repeated.
    @ivar times: when there was a try.
    """

    clock: Clock
    outcomes: list
    times: list = field(factory=list)
    memories: list = field(factory=list)
    stream: object = None
    found: str = "found"

    async def connect(self, memory):
        self.times.append(self.clock.seconds())
        self.memories.append(memory)
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, ConnectionFailure):
            raise outcome
        self.stream = outcome.stream
        return outcome.stream, outcome.negotiated


def standing(clock):
    there = Standing(
        clock=clock, negotiated=NegotiatedSession("bot@example.org/x", True, "previous")
    )
    ensureDeferred(there.stream.begin())
    there.says(there.header)
    return there


@pytest.fixture
def warned():
    """What was logged for the operator."""
    seen = []

    def observer(event):
        if event.get("log_level") in (LogLevel.warn, LogLevel.info) and "destination" in event:
            seen.append(event.get("reason") or event.get("found"))

    globalLogPublisher.addObserver(observer)
    yield seen
    globalLogPublisher.removeObserver(observer)


def link_with(*outcomes):
    clock = Clock()
    ear = Ear()
    link = XmppClient(clock, ACCESS, ear, "chat")
    tries = Tries(clock, [one(clock) if callable(one) else one for one in outcomes])
    link._attempt = tries
    link.startService()
    return link, tries, clock, ear


@pytest.mark.parametrize(("trouble", "paces"), [(AWAY, RETRY_DELAYS), (WRONG, SLOW_RETRY_DELAYS)])
def test_pace(trouble, paces, warned):
    """
    Soon where a server is away; slowly where somebody has to change something:
    servers lock out who comes with a wrong password again and again. Told once.
    """
    link, tries, clock, _ = link_with(trouble)
    for number, pace in enumerate((*paces, paces[-1])):
        clock.advance(pace - 0.5)
        assert len(tries.times) == number + 1
        clock.advance(0.5)
        assert len(tries.times) == number + 2
    assert link.outage == str(trouble)
    assert warned == [str(trouble)]
    ensureDeferred(link.stopService())
    assert clock.getDelayedCalls() == []


def test_back_again(warned):
    """The way back is told, and the next loss is a new one."""
    link, tries, clock, ear = link_with(AWAY, standing, AWAY)
    clock.advance(RETRY_DELAYS[0])
    assert (link.outage, link.jid, ear.connections) == ("", "bot@example.org/x", 1)
    clock.advance(0)
    tries.stream.transport.loseConnection()
    assert link.outage == "the server closed the connection"
    assert warned == [str(AWAY), "found", "the server closed the connection"]
    assert tries.memories == [None, None]
    clock.advance(RETRY_DELAYS[0])
    assert len(tries.times) == 2  # it was cut off at once: that is no success
    clock.advance(RETRY_DELAYS[1] - RETRY_DELAYS[0])
    assert tries.memories[-1].resumption_id == "previous"  # the session may go on
    ensureDeferred(link.stopService())


def test_a_long_connection_counts(warned):
    """After a steady connection the first try comes soon; not after one that was cut off."""
    link, tries, clock, _ = link_with(AWAY, AWAY, AWAY, standing, AWAY)
    for pace in RETRY_DELAYS[:3]:
        clock.advance(pace)
    assert link.outage == ""
    for _ in range(3):
        clock.advance(STABLE_AFTER / 3)
        tries.stream.dataReceived(b"<a xmlns='urn:xmpp:sm:3' h='0'/>")
    tries.stream.transport.loseConnection()
    tried = len(tries.times)
    clock.advance(RETRY_DELAYS[0])
    assert len(tries.times) == tried + 1
    ensureDeferred(link.stopService())


async def test_not_connected():
    """The queue gets a reason, and loses no attempt."""
    link, _, _, _ = link_with(WRONG)
    with pytest.raises(Away, match="the password is wrong"):
        await link.send_confirmed(message("ann@example.org", "hello", "one"))
    with pytest.raises(Away):
        await link.request(message("ann@example.org", "hello", "one"))
    link.send(message("ann@example.org", "hello", "one"))
    await link.stopService()


def test_stop_in_the_midst_of_a_try():
    """The service ends, whatever it waits for."""
    clock = Clock()
    link = XmppClient(clock, ACCESS, Ear(), "chat")
    waiting = Deferred()

    class Never(Tries):
        async def connect(self, memory):
            await waiting

    link._attempt = Never(clock, [])
    link.startService()
    stopped = ensureDeferred(link.stopService())
    assert stopped.called
    assert waiting.called
    assert clock.getDelayedCalls() == []


def test_goodbye():
    """Stopping says goodbye, and is done when the connection is closed."""
    link, tries, clock, _ = link_with(standing)
    stopped = ensureDeferred(link.stopService())
    assert not stopped.called
    tries.stream.dataReceived(b"</stream:stream>")
    assert stopped.called
    assert clock.getDelayedCalls() == []


# Going on with a session

MANAGED = "<sm xmlns='urn:xmpp:sm:3'/>"
BIND = "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"


def entering(memory, answers):
    """Enter a server that offers both; gives what came of it, and what we said."""
    there = standing(Clock())
    features = []
    there.stream.next().addCallback(features.append)
    there.says(f"<stream:features>{MANAGED}{BIND}</stream:features>")
    done = []
    waiting = ensureDeferred(negotiate(there.stream, ACCESS, features[0], memory))
    waiting.addBoth(done.append)
    said = [there.wire.said()]
    for answer in answers:
        name = said[-1].partition("id='")[2].partition("'")[0]
        there.says(answer.format(id=name))
        said.append(there.wire.said())
    return done[0], said


def lost(*names):
    """What is known of a session in which a server acknowledged 5 and then had these."""
    before = Standing(
        negotiated=NegotiatedSession("bot@example.org/x", True, "before", sent=5)
    ).log_in()
    for name in names:
        before.session.outgoing.send_confirmed(message("a@b", "x", name)).addErrback(lambda _: 0)
    before.wire.loseConnection()
    return before.session.closed(before.lost[0])


BOUND = (
    "<iq type='result' id='{id}'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
    "<jid>bot@example.org/new</jid></bind></iq>"
)


def test_resumed():
    """What the server had is known now; what it had not is the queue's to say again."""
    resumed = "<resumed xmlns='urn:xmpp:sm:3' previd='before' h='6'/>"
    outcome, said = entering(lost("one", "two"), [resumed])
    assert "<resume xmlns='urn:xmpp:sm:3' previd='before' h='0'/>" in said[0]
    assert (outcome.resumed, outcome.jid, outcome.sent) == (True, "bot@example.org/x", 6)
    assert outcome.delivered == {("one", "a@b")}


def test_what_is_still_being_done_when_the_session_goes_on():
    """
    It comes again, as the server was told; counting it twice would acknowledge
    something that nobody has seen.
    """
    memory = lost()
    number = memory.received.add()
    outcome, said = entering(memory, ["<resumed xmlns='urn:xmpp:sm:3' previd='before' h='5'/>"])
    assert "h='0'" in said[0]
    outcome.received.done(number)
    assert outcome.received.count == 0
    outcome.received.done(outcome.received.add())
    assert outcome.received.count == 1


def test_not_resumed():
    """A server may have forgotten the session, and still know how far it came."""
    failed = "<failed xmlns='urn:xmpp:sm:3' h='7'/>"
    enabled = "<enabled xmlns='urn:xmpp:sm:3' resume='true' id='next'/>"
    outcome, said = entering(lost("one", "two", "three"), [failed, BOUND, enabled])
    assert "<resource>goiptwist</resource>" in said[1]
    assert (outcome.resumed, outcome.jid) == (False, "bot@example.org/new")
    assert (outcome.resumption_id, outcome.sent) == ("next", 0)
    assert outcome.delivered == {("one", "a@b"), ("two", "a@b")}


def test_no_acknowledgements():
    """A server may offer them and then not give them; then a ping has to do."""
    outcome, _ = entering(None, [BOUND, "<failed xmlns='urn:xmpp:sm:3'/>"])
    assert (outcome.managed, outcome.resumption_id) == (False, "")


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        (["<iq type='error' id='{id}'/>"], "refuses a resource"),
        (["<message/>"], "answers an order with <message/>"),
        (["<iq type='result' id='{id}'/>"], "does not say who we are"),
    ],
)
def test_no_resource(answers, sentence):
    """Each has its sentence."""
    outcome, _ = entering(None, answers)
    assert sentence in str(outcome.value)
