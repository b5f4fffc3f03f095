"""
For the tests of bridges, ours and yours: the contract that every bridge keeps.

A whole test, with C{pip install goiptwist[test]} and pytest::

    from goiptwist.testing import BridgeContract, FarSide

    class TestPhone(BridgeContract):
        secrets = ("tk_1234",)

        def bridge(self, far_side: FarSide) -> IBridge:
            self.service = PretendService(far_side)
            return PhoneBridge(PhoneSettings(token="tk_1234"), self.service)

        def arrived(self) -> list[str]:
            return self.service.ids

The tests are coroutines; pytest-twisted runs them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from enum import Enum, auto
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.application.service import IService
from twisted.internet.defer import maybeDeferred
from zope.interface.verify import verifyObject

from goiptwist.errors import GoipTwistError, Refused, TryLater, Unsure
from goiptwist.interfaces import IBridge
from goiptwist.model.delivery import Delivered
from goiptwist.model.messages import Message
from goiptwist.testing.stubs import alarm, sms

#: What an SMS may hold when somebody means harm, or a device is broken.
HOSTILE_TEXTS = (
    "",
    " ",
    "\n",
    ".",
    ".\r\n",
    "a\r\n.\r\nMAIL FROM:<evil@example.org>\r\n",
    "a\n.\nRSET\n",
    "a\r.\rb",
    "hello\r\nBcc: everybody@example.org\r\n\r\nnew body",
    "=?utf-8?q?=0D=0ABcc:_everybody@example.org?=",
    "nul\x00in the middle",
    "".join(map(chr, range(32))) + "\x7f\x80\x85\x9f",
    "\x1b[2Jescape",
    "\u202egnp.exe\u2066 bidi \u200f\u200b",
    "line\u2028and paragraph\u2029separators\x0b\x0c\x1c\x1d\x1e",
    "emoji 👩\u200d👩\u200d👧 \U0001f1ed\U0001f1fa",
    "lone \ud83d surrogates \udc00",
    "\ufeff\ufffe\uffff\U0010ffff",
    "árvíztűrő tükörfúrógép",
    "<script>alert(1)</script> &amp; ]]> <!--",
    "=1+1;+1-1,@SUM(A1) \t|cmd",
    "$(reboot) `reboot` ; rm -rf / \"quoted\" 'single' \\",
    "%s %d {0} {sender.__class__} ${jndi:ldap://x}",
    '{"json": true}, "another": "',
    "x" * 3000,
    "ő" * 1500,
    "word " * 600,
    "\n" * 3000,
)

#: Any text at all, surrogates and control characters as likely as letters.
any_text = st.text(
    st.one_of(
        st.characters(),
        st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp", "Zs"]),
        st.sampled_from("\r\n.;:=?<>\"'\\{}%\0"),
    ),
    max_size=400,
)


class FarSide(Enum):
    """What a bridge finds at its other end."""

    ACCEPTS = auto()
    BUSY = auto()  # asks to come again later
    REFUSES = auto()  # will never take this message
    AWAY = auto()  # cannot be reached at all
    NONSENSE = auto()  # answers, but not in any language that the bridge knows


async def outcome(bridge: IBridge, message: Message) -> Delivered | GoipTwistError | None:
    """
    Deliver, and make a value of what came of it. Anything but the three
    errors of L{IBridge.deliver} is raised.
    """
    try:
        return await maybeDeferred(bridge.deliver, message)
    except (TryLater, Refused, Unsure) as error:
        return error


def took(answer: object) -> bool:
    """Whether an outcome means that the far side has the message."""
    return answer is None or isinstance(answer, Delivered)


class BridgeContract:
    """
    The tests. Subclass it under a name that begins with C{Test}.

    @cvar secrets: texts that C{bridge} was configured with and that must never
        be seen in a repr or an error.
    """

    secrets: tuple[str, ...] = ()

    def bridge(self, far_side: FarSide) -> IBridge:
        """Make a bridge whose other end is like that."""
        raise NotImplementedError

    def arrived(self) -> Sequence[str]:
        """
        The id under which the last C{bridge}'s far side took each message, in
        order: whatever a consumer would recognise a repeat by.
        """
        raise NotImplementedError

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.test_any_text = _any_text_test()

    @asynccontextmanager
    async def started(self, far_side: FarSide) -> AsyncIterator[IBridge]:
        """A bridge, running as long as it is needed."""
        bridge = self.bridge(far_side)
        service: Any = bridge
        if not IService.providedBy(service):
            yield bridge
            return
        service.startService()
        try:
            yield bridge
        finally:
            await maybeDeferred(service.stopService)

    async def answer(self, far_side: FarSide) -> Delivered | GoipTwistError | None:
        """What comes of one harmless message."""
        async with self.started(far_side) as bridge:
            return await outcome(bridge, sms())

    async def delivers_safely(self, bridge: IBridge, message: Message) -> None:
        """A message arrives as exactly one, or does not arrive; nothing else happens."""
        before = len(self.arrived())
        answer = await outcome(bridge, message)
        more = len(self.arrived()) - before
        assert more == (1 if took(answer) else 0), f"{more} arrived after {answer!r}"

    async def test_is_a_bridge(self) -> None:
        """It provides IBridge, with all that belongs to it."""
        async with self.started(FarSide.ACCEPTS) as bridge:
            assert verifyObject(IBridge, bridge)

    async def test_accepted(self) -> None:
        """A yes is a yes, and the far side has the message once."""
        answer = await self.answer(FarSide.ACCEPTS)
        assert took(answer), f"the far side took it, but: {answer!r}"
        assert len(self.arrived()) == 1

    async def test_an_alarm(self) -> None:
        """A route may name it: an alarm arrives as one, and a repeat can be recognised."""
        async with self.started(FarSide.ACCEPTS) as bridge:
            for given in (alarm(), alarm(), alarm(id="a2")):
                await self.delivers_safely(bridge, given)
            first, again, other = self.arrived()
        assert first == again != other

    async def test_busy(self) -> None:
        """A far side that is busy gets the message later."""
        answer = await self.answer(FarSide.BUSY)
        assert isinstance(answer, TryLater), repr(answer)

    async def test_refused(self) -> None:
        """A far side that refuses is not asked again."""
        answer = await self.answer(FarSide.REFUSES)
        assert isinstance(answer, Refused), repr(answer)

    async def test_away(self) -> None:
        """A far side that is away uses no attempt up."""
        answer = await self.answer(FarSide.AWAY)
        assert isinstance(answer, TryLater), repr(answer)
        assert not answer.attempted, "it never had the message in hand: attempted=False"

    async def test_nonsense(self) -> None:
        """An answer that nobody understands is no yes, no final no, and no crash."""
        answer = await self.answer(FarSide.NONSENSE)
        assert isinstance(answer, TryLater | Unsure), repr(answer)

    async def test_a_repeat_can_be_recognised(self) -> None:
        """The same message carries the same id each time, another message another."""
        async with self.started(FarSide.ACCEPTS) as bridge:
            for message in (sms(), sms(), sms(id="m2")):
                assert took(await outcome(bridge, message))
            first, again, other = self.arrived()
        assert first, "the far side sees no id"
        assert first == again
        assert first != other

    async def test_hostile_texts(self) -> None:
        """No text and no sender breaks the framing, or raises what it should not."""
        async with self.started(FarSide.ACCEPTS) as bridge:
            for number, text in enumerate(HOSTILE_TEXTS):
                for sender in ("+36301234567", text):
                    await self.delivers_safely(bridge, sms(text, id=f"h{number}", sender=sender))

    test_any_text: Any

    async def test_no_secret_is_seen(self) -> None:
        """Neither the bridge's repr nor an error shows what must stay secret."""
        for far_side in FarSide:
            async with self.started(far_side) as bridge:
                answer = await outcome(bridge, sms())
                seen = f"{bridge!r} {answer!r} {answer}"
            found = [secret for secret in self.secrets if secret in seen]
            assert not found, f"{len(found)} secrets are seen when the far side {far_side.name}"


def _any_text_test() -> Any:
    """
    A new one for each class: hypothesis and pytest-twisted both keep things of
    their own on the function.
    """

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(text=any_text, sender=any_text)
    async def test_any_text(self: BridgeContract, text: str, sender: str) -> None:
        """Whatever somebody sends, one message stays one message."""
        async with self.started(FarSide.ACCEPTS) as bridge:
            await self.delivers_safely(bridge, sms(text, sender=sender))

    return test_any_text
