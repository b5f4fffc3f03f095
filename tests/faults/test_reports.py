"""
The OK of a text is lost, and its delivery report is not: whoever was answered
by the handset has the text, so nobody has to ask an operator.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from goiptwist.model.messages import Message
from goiptwist.simulator.radio import CLEAR, Conditions
from goiptwist.simulator.settings import SimulatorSettings
from tests.world import World

Worlds = Callable[..., World]

#: Seconds until the delivery report comes.
REPORT = 4.0
#: Seconds that each word of the device takes: time to lose the last one.
DELAY = 0.4


def given_and_lost(worlds: Worlds) -> tuple[World, Message]:
    """A text that went out by a line which is never asked, and whose OK was lost."""
    world = worlds(
        lines=1,
        simulated=SimulatorSettings(reports=True, report_after=(REPORT, REPORT)),
        line_keys={"poll": "never"},
        to_server=Conditions(delay=DELAY),
    )
    world.present()
    (sent,) = world.submit("+36301234567", "hello")
    world.advance(1.0)  # the word to go on is on its way
    deaf(world, True)
    world.advance(0.5)
    deaf(world, False)
    assert world.states([sent]) == {"sending": 1}
    assert len(world.device.book.sent) == 1
    return world, sent


def deaf(world: World, yes: bool) -> None:
    """Nothing that the device says arrives."""
    world.network.to_server_radio.conditions = Conditions(loss=1.0) if yes else CLEAR


def is_known(world: World, sent: Message) -> None:
    message = world.message(sent.id)
    assert (message.state, message.report) == ("sent", "delivered")
    assert len(world.device.book.sent) == 1


def test_report_before_patience_ends(worlds: Worlds) -> None:
    """The report comes while the line still waits for the OK, as it does within seconds."""
    world, sent = given_and_lost(worlds)
    world.advance(10.0)
    assert world.states([sent]) == {"sending": 1}
    world.advance(120.0)
    is_known(world, sent)


def test_report_after_patience_ends(worlds: Worlds) -> None:
    """The report comes when the text is unknown already."""
    world, sent = given_and_lost(worlds)
    deaf(world, True)
    world.advance(120.0)
    assert world.states([sent]) == {"unknown": 1}
    deaf(world, False)
    report(world, 0, "+36301234567")
    world.advance(1.0)
    is_known(world, sent)


def report(world: World, sms_no: int, number: str) -> None:
    """A handset has got an SMS."""
    told = {"sms_no": str(sms_no), "state": "0", "num": number}
    world.device.lines["goip1"].push("DELIVER", told)


def test_report_before_a_crash(worlds: Worlds) -> None:
    """The report is on disk, and the gateway dies while the line still waits for the OK."""
    world, sent = given_and_lost(worlds)
    world.advance(10.0)
    world.crash()
    world.start_gateway()
    is_known(world, sent)


@pytest.mark.parametrize("number", ["+36307654321", ""])
def test_report_of_another(worlds: Worlds, number: str) -> None:
    """A report for another number, or for none, says nothing about this text."""
    world, sent = given_and_lost(worlds)
    world.device.stop()  # its own report never comes
    world.device.start()
    world.advance(1.0)
    report(world, 7, number)
    world.advance(120.0)
    assert world.states([sent]) == {"unknown": 1}
