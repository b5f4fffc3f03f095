"""The contract of bridges finds what it is there to find."""

import pytest
from attrs import define, field
from twisted.application.service import Service
from twisted.internet.task import Clock
from zope.interface import implementer
from zope.interface.verify import verifyObject

from goiptwist.errors import Refused, TryLater
from goiptwist.interfaces import IBridge, IGateway
from goiptwist.model.delivery import Delivered
from goiptwist.model.messages import Submission
from goiptwist.testing.contract import BridgeContract, FarSide
from goiptwist.testing.stubs import StandInGateway

AWAY = TryLater("away", attempted=False)
RIGHT = {
    FarSide.ACCEPTS: None,
    FarSide.BUSY: TryLater("busy"),
    FarSide.REFUSES: Refused("no"),
    FarSide.AWAY: AWAY,
    FarSide.NONSENSE: TryLater("nonsense"),
}


@implementer(IBridge)
@define
class Scripted:
    """A bridge that says what it was told to say."""

    answer: object
    taken: list
    ids: object
    secret: str = ""

    async def deliver(self, message):
        if isinstance(self.answer, Exception):
            raise self.answer
        self.taken.extend(self.ids(message))
        return self.answer


@define
class Contract(BridgeContract):
    """The contract, with parts that can be broken."""

    answers: dict = field(factory=dict)
    ids: object = staticmethod(lambda message: [message.id])
    secret: str = ""
    taken: list = field(factory=list)
    secrets = ("horse",)

    def bridge(self, far_side):
        self.taken.clear()
        answer = {**RIGHT, **self.answers}[far_side]
        return Scripted(answer, self.taken, self.ids, self.secret)

    def arrived(self):
        return self.taken


class TestAGoodBridge(BridgeContract):
    """It passes."""

    def bridge(self, far_side):
        self.good = Contract()
        return self.good.bridge(far_side)

    def arrived(self):
        return self.good.arrived()


BROKEN = [
    ("test_accepted", Contract({FarSide.ACCEPTS: TryLater("hm")})),
    ("test_accepted", Contract(ids=lambda message: [])),
    ("test_accepted", Contract(ids=lambda message: [message.id] * 2)),
    ("test_busy", Contract({FarSide.BUSY: Refused("no")})),
    ("test_busy", Contract({FarSide.BUSY: None})),
    ("test_refused", Contract({FarSide.REFUSES: TryLater("again")})),
    ("test_away", Contract({FarSide.AWAY: TryLater("away")})),
    ("test_nonsense", Contract({FarSide.NONSENSE: Refused("what?")})),
    ("test_nonsense", Contract({FarSide.NONSENSE: Delivered("what?")})),
    ("test_a_repeat_can_be_recognised", Contract(ids=lambda message: [str(object())])),
    ("test_a_repeat_can_be_recognised", Contract(ids=lambda message: ["always"])),
    ("test_a_repeat_can_be_recognised", Contract(ids=lambda message: [""])),
    ("test_hostile_texts", Contract(ids=lambda message: message.text.split("\r\n"))),
    ("test_no_secret_is_seen", Contract(secret="horse")),
    ("test_no_secret_is_seen", Contract({FarSide.BUSY: TryLater("bad password horse")})),
]


@pytest.mark.parametrize(("rule", "contract"), BROKEN)
async def test_a_broken_bridge(rule, contract):
    """Each way to break the contract is noticed by the test of that name."""
    with pytest.raises(AssertionError):
        await getattr(contract, rule)()


async def test_a_crash_is_no_answer():
    """Any other exception is passed on, and fails the test."""
    with pytest.raises(KeyError):
        await Contract({FarSide.NONSENSE: KeyError("x")}).test_nonsense()


async def test_a_bridge_that_is_a_service():
    """It runs while it is asked."""
    seen = []

    @implementer(IBridge)
    class Running(Service):
        async def deliver(self, message):
            seen.append(self.running)

    class Running_(Contract):
        def bridge(self, far_side):
            self.made = Running()
            return self.made

    contract = Running_()
    await contract.answer(FarSide.ACCEPTS)
    assert (seen, contract.made.running) == ([1], 0)


async def test_the_stand_in_gateway():
    """It keeps what it is given, and finds it again."""
    clock = Clock()
    gateway = StandInGateway(clock, clock)
    assert verifyObject(IGateway, gateway)
    submission = Submission(origin="bridge:x", recipients=("+361", "+362"), text="hi")
    made = await gateway.messages.submit(submission)
    assert [message.recipient for message in made] == ["+361", "+362"]
    assert gateway.submissions == [submission]
    assert await gateway.messages.get(made[1].id) == made[1]
    assert await gateway.messages.get("other") is None
