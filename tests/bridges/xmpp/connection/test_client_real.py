"""Handing over to real servers, which come and go."""

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred, gatherResults
from twisted.internet.task import deferLater
from twisted.internet.threads import blockingCallFromThread, deferToThread
from twisted.words.protocols.jabber.error import StanzaError
from twisted.words.protocols.jabber.xmlstream import toResponse
from twisted.words.xish.domish import Element

from goiptwist.bridges.xmpp.connection.characters import sayable
from goiptwist.errors import Refused, TryLater
from tests.bridges.xmpp.connections import Ear, account, component, linked, message, until
from tests.bridges.xmpp.ejabberd import NEEDS_EJABBERD
from tests.bridges.xmpp.prosody import NEEDS_PROSODY

pytestmark = pytest.mark.real


async def persistent(link, stanza):
    """As the queue does: again and again, until the server has it."""
    tries = 0
    while True:
        tries += 1
        try:
            await link.send_confirmed(stanza)
        except TryLater:
            await deferLater(reactor, 0.05)
        else:
            return tries


def asked(name, to, kind="get", uri="urn:xmpp:ping", **attributes):
    iq = Element((None, "iq"), attribs={"type": kind, "to": to, **attributes})
    iq.addElement((uri, name))
    return iq


@NEEDS_PROSODY
async def test_handed_over_in_order(prosody):
    """A hundred stanzas at once, acknowledged by XEP-0198, arrive in their order."""
    ear = Ear(available=True)
    ann, bot = account(prosody, "ann@sha256.test"), account(prosody, "bot@sha256.test")
    async with linked(ann, ear) as hers, linked(bot) as link:
        texts = [f"text {number}" for number in range(100)]
        stanzas = [message(hers.jid, text, text) for text in texts]
        await gatherResults([ensureDeferred(link.send_confirmed(stanza)) for stanza in stanzas])
        await until(lambda: len(ear.bodies()) == 100, "all heard")
    assert ear.bodies() == texts


@NEEDS_PROSODY
@pytest.mark.parametrize("who", ["bot@unsaid.test", "component"])
async def test_handed_over_without_acknowledgements(prosody, who):
    """
    Where the server has no XEP-0198, a ping behind the stanzas says as much: it
    is answered in its turn.
    """
    ear = Ear(available=True)
    access = component(prosody) if who == "component" else account(prosody, who)
    there = "ann@example.org" if who == "component" else "ann@unsaid.test"
    async with linked(account(prosody, there), ear) as hers, linked(access) as link:
        sender = {"from": "+36301234567@sms.example.org"} if who == "component" else {}
        stanzas = [message(hers.jid, f"text {n}", f"id-{n}", **sender) for n in range(20)]
        await gatherResults([ensureDeferred(link.send_confirmed(stanza)) for stanza in stanzas])
        await until(lambda: len(ear.bodies()) == 20, "all heard")
    assert ear.bodies() == [f"text {n}" for n in range(20)]


@NEEDS_EJABBERD
async def test_handed_over_to_ejabberd(ejabberd):
    """A component talks to itself through ejabberd too, and that is its barrier."""
    ear = Ear()
    async with linked(component(ejabberd), ear) as link:
        stanza = message("7@sms.example.org", "hello", "one", **{"from": "sms.example.org"})
        await link.send_confirmed(stanza)
        await until(lambda: ear.bodies() == ["hello"], "heard")
        assert not ear.questions  # the barrier is nothing that anybody asked


@NEEDS_PROSODY
@pytest.mark.parametrize("end", ["stop", "kill"])
@pytest.mark.parametrize("mode", ["client", "component"])
async def test_none_lost_when_the_server_restarts(prosody, mode, end):
    """
    The server goes in the midst of 100 hand-overs and comes back. What was
    acknowledged is not said again, what was not is; whoever gets one twice
    sees it by its id.
    """
    access = component(prosody) if mode == "component" else account(prosody)
    there = "ben@example.org" if mode == "component" else "ben@all.test"
    sender = {"from": "+36301234567@sms.example.org"} if mode == "component" else {}
    async with linked(access) as link:
        going = []
        for number in range(100):
            stanza = message(there, f"text {number}", f"id-{number}", **sender)
            going.append(ensureDeferred(persistent(link, stanza)))
            if number == 50:
                await until(lambda: going[10].called, "some have gone")
                getattr(prosody, end)()
                await until(lambda: link.outage, "the loss was seen")
                prosody.start()
        tries = await gatherResults(going)
        assert max(tries) > 1
        assert not link.outage
    # What was for somebody who is not there is on the server's disk.
    got = Ear(available=True)
    async with linked(account(prosody, there), got):
        await until(lambda: len(ids_of(got)) == 100, lambda: f"all heard: {len(ids_of(got))}")
        texts = {(one["id"], str(one.body)) for one in got.stanzas if one.name == "message"}
    assert texts == {(f"id-{number}", f"text {number}") for number in range(100)}


def ids_of(ear):
    return {one["id"] for one in ear.stanzas if one.name == "message"}


@NEEDS_PROSODY
async def test_a_server_that_stands_still(prosody):
    """
    TCP does not notice a machine that is stuck. The link does, and says
    that it does not know whether the message has arrived.
    """
    async with linked(account(prosody)) as link:
        prosody.pause()
        try:
            waiting = ensureDeferred(link.send_confirmed(message("ann@all.test", "hello", "still")))
            link._session.outgoing._timer.reset(0)  # instead of waiting for it
            with pytest.raises(TryLater, match="did not answer in time"):
                await waiting
            assert "has not acknowledged" in link.outage
        finally:
            prosody.resume()


@NEEDS_PROSODY
async def test_a_session_goes_on(prosody):
    """
    A connection that breaks does not end the session (XEP-0198 resumption):
    rooms and presence stay, and what was said meanwhile comes.
    """
    ear = Ear(available=True)
    async with (
        linked(account(prosody), ear) as link,
        linked(account(prosody, "ann@all.test")) as ann,
    ):
        await link.send_confirmed(message("ann@all.test", "hello", "one"))
        link._attempt.stream.transport.abortConnection()
        await until(lambda: link.outage, "lost")
        await ann.send_confirmed(message(link.jid, "meanwhile", "two"))
        await until(lambda: not link.outage, "connected again")
        await until(lambda: ear.bodies() == ["meanwhile"], "heard")
        await link.send_confirmed(message("ann@all.test", "hello again", "three"))
        assert ear.connections == 1


@NEEDS_PROSODY
async def test_questions(prosody):
    """Answers, refusals and questions of others."""

    async def answer(iq):
        if iq.firstChildElement().name == "ping":
            return toResponse(iq, "result")
        if iq.firstChildElement().name == "forbidden":
            raise StanzaError("forbidden")
        return None

    bot = account(prosody)
    async with (
        linked(bot, Ear(answer=answer)) as link,
        linked(account(prosody, "ann@all.test")) as ann,
    ):
        assert (await ann.request(asked("ping", "all.test")))["type"] == "result"
        assert (await ann.request(asked("ping", link.jid)))["type"] == "result"
        with pytest.raises(Refused, match="forbidden"):
            await ann.request(asked("forbidden", link.jid, uri="test"))
        with pytest.raises(Refused, match="service-unavailable"):
            await ann.request(asked("other", link.jid, uri="test"))


@NEEDS_PROSODY
async def test_two_with_one_name(prosody):
    """
    A second gateway with the same account takes the place of the first. That
    one says so, and they do not throw each other out for ever.
    """
    async with linked(account(prosody)) as first, linked(account(prosody)) as second:
        await until(lambda: "is there a second gateway?" in first.outage, lambda: first.outage)
        assert not second.outage


#: What people, and machines, may write: all of Unicode, and what XML is made of.
HOSTILE = st.text(max_size=200) | st.text(
    "<>&'\"]![CDATA\0\x1b\ufffe\ud800\u202e\r\n\t", max_size=60
)


@NEEDS_PROSODY
async def test_no_text_breaks_the_stream(prosody):
    """Whatever an SMS holds arrives, but for what XML cannot hold, and nobody is cut off."""

    async def all_of_them(texts):
        ear = Ear(available=True)
        ann, bot = account(prosody, "ann@scram.test"), account(prosody, "bot@scram.test")
        async with linked(ann, ear) as hers, linked(bot) as link:
            for number, text in enumerate(texts):
                await link.send_confirmed(message(hers.jid, text, f"n{number}", subject=text))
            await until(lambda: len(ear.bodies()) >= len(texts), "heard")
            assert not link.outage
        return ear.bodies()

    @settings(
        max_examples=3,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(HOSTILE, min_size=60, max_size=60))
    def property_holds(texts):
        texts = [*texts, "x" * 3000, "\u202e" * 500]
        heard = blockingCallFromThread(reactor, lambda: ensureDeferred(all_of_them(texts)))
        # XML makes one line end of all (XML 1.0 section 2.11).
        said = [sayable(text).replace("\r\n", "\n").replace("\r", "\n") for text in texts]
        assert heard == said

    # Hypothesis waits for its examples, and the reactor must not.
    await deferToThread(property_holds)
