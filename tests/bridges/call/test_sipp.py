"""Trouble in signalling, played by sipp: it checks that we keep to RFC 3261."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from twisted.internet.defer import DeferredList, ensureDeferred
from twisted.internet.utils import getProcessOutputAndValue

from goiptwist.config.values import Password
from goiptwist.errors import Refused, TryLater
from goiptwist.testing.stubs import alarm
from tests.bridges.call.world import bridge_to, core, outcome

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(shutil.which("sipp") is None, reason="sipp is not installed"),
]
SCENARIOS = Path(__file__).parent / "sipp"
HUNG_UP = "hung up before the kissoff"
WHO = {"username": "panel", "password": Password("the right one")}
WRONG = {"username": "panel", "password": Password("a wrong one")}


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def played(scenario: str, number: int, **keys: Any) -> Any:
    """
    What becomes of an event with whom sipp plays.

    @param number: of this sipp among those that run: its media ports are at an
        address of their own.
    @return: the outcome; sipp has seen every message that its scenario wants.
    """
    port = free_port()
    with TemporaryDirectory() as folder:
        options = ["-sf", str(SCENARIOS / f"{scenario}.xml"), "-m", "1", "-nostdin"]
        where = [
            "-i",
            "127.0.0.1",
            "-p",
            str(port),
            "-mi",
            f"127.0.0.{number + 2}",
            "-timeout",
            "20s",
        ]
        ended = getProcessOutputAndValue(
            "/usr/bin/env", ["sipp", *options, *where, "-timeout_error"],
            env={"PATH": "/usr/bin:/bin", "TERM": "dumb"}, path=folder, reactor=core,
        )  # fmt: skip
        bridge = bridge_to(port, **{"wait": 3.0, **keys})
        bridge.startService()
        answer = await outcome(bridge, alarm())
        out, err, status = await ended
        await bridge.stopService()
    assert status == 0, (scenario, answer, out[-1500:], err[-1500:])
    return answer


async def test_signalling() -> None:
    """Each scenario runs to its end, and the outcome says what happened."""
    expected: list[tuple[str, dict[str, Any], type[Exception], str]] = [
        ("busy", {}, TryLater, "486 Busy Here"),
        ("unavailable", {}, TryLater, "503 Service Unavailable"),
        ("moved", {}, Refused, "put that into uri"),
        ("ringing", {}, TryLater, "nobody picked up in 3 seconds"),
        ("early_bye", {}, TryLater, HUNG_UP),
        ("password", WHO, TryLater, HUNG_UP),
        ("password", WRONG, TryLater, "403 Forbidden; check username and password"),
        ("password_proxy", WHO, TryLater, HUNG_UP),
        ("slow", {}, TryLater, HUNG_UP),
    ]

    async def one(
        number: int, scenario: str, keys: Any, error: type[Exception], words: str
    ) -> None:
        answer = await played(scenario, number, **keys)
        assert type(answer) is error, (scenario, answer)
        assert words in str(answer), scenario
        if scenario == "unavailable":
            assert answer.after == 120
        if keys is WRONG:
            assert answer.after == 900
            assert "wrong one" not in f"{answer!r}"

    running = [ensureDeferred(one(number, *row)) for number, row in enumerate(expected)]
    for finished, result in await DeferredList(running, consumeErrors=True):
        assert finished, result
