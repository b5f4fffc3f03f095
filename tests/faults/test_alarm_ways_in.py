"""
Alarms that come over HTTP and as SMS, while the gateway is killed: whoever
brought one asks again until there is a yes, and it is one alarm.
"""

from __future__ import annotations

import re
import shutil
import signal
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from twisted.internet import reactor
from twisted.internet.threads import deferToThread
from twisted.internet.utils import getProcessOutputAndValue

from goiptwist.simulator.settings import SimulatorSettings
from tests.faults.process import LOOPBACK, free_port
from tests.faults.rig import TOKEN, Box, Rig, until
from tests.faults.test_alarm import book
from tests.web.ozeki.test_classic import SEED

pytestmark = [pytest.mark.real, pytest.mark.slow]

EVENT, PANEL = "1113,18,1,123,03,003", "+36301234567"
#: Of C{tests/vectors/contact-id.jsonl}.
FRAME = b'\nC0600027"ADM-CID"0007L0#1113[#1113|3130 01 015]\r'
#: The query of Ozeki's page, with a name of the client's own.
QUERY = (
    "action=sendmessage&username=httptest&password=abc123"
    f"&recipient=06201234567&messagedata={EVENT}&messageid=a-1"
)


def rig_of(tmp_path: Path, boxes: list[Box] | None = None, **alarm: Any) -> Rig:
    """A station, and whose texts are alarms. Nothing is joined: ids alone must do it."""
    tables = {
        "alarm": {"dedup_window": 0.0, **alarm},
        "numbers": {"country": "HU"},
        "bridge": {"station": {"kind": "panel"}},
        "user": [{"name": "httptest", "password": "abc123"}, {"name": "test", "token": TOKEN}],
        "route": [
            {"user": "httptest", "alarm": True, "to": ["station"]},
            {"sender": "06301234567", "alarm": True, "to": ["station"]},
            {"account": "*", "to": ["station"]},
        ],
    }
    return Rig(tmp_path, boxes or [], tables=tables)


async def by_curl(rig: Rig) -> str | None:
    """@return: the id of the alarm, or C{None} where nobody answered."""
    url = f"http://{LOOPBACK}:{rig.http_port}/api?{QUERY}"
    out, _, code = await getProcessOutputAndValue(
        "curl", ["--silent", "--max-time", "10", url], env=None, reactor=reactor
    )
    if code:
        return None
    [own] = re.findall(rb"<messageid>(\w{6}-\d+)</messageid>", out)
    assert out.replace(own, b"m0") == SEED
    return str(own.decode())


async def by_api(rig: Rig) -> str | None:
    """The same over our own interface."""
    answer = await rig.ask("POST", "/api/v1/alarms", {"event": EVENT, "id": "a-1"})
    if answer is None:
        return None
    assert answer[0] == 202, answer
    return str(answer[1]["id"])


async def ended(rig: Rig, many: int = 1) -> list[dict[str, Any]]:
    """@return: all alarms, once the station has them."""

    async def over() -> bool:
        kept = await rig.kept("alarm")
        return kept is not None and [one["state"] for one in kept] == ["delivered"] * many

    await until(over, "the alarms come to their end", 30)
    return await rig.kept("alarm") or []


async def dies(rig: Rig) -> None:
    await until(lambda: not rig.gateway.alive, "the gateway dies at the point", 30)
    assert rig.gateway.gone() == -signal.SIGKILL


@pytest.mark.parametrize(
    ("ask", "point", "asked"),
    [
        (by_curl, "after alarms", (1,)),
        (by_curl, "asked bridge:station", (2,)),
        (by_api, "answered yes", (1, 2)),  # the station's word may not be on disk yet
    ],
)
async def test_over_http(tmp_path: Path, ask: Any, point: str, asked: tuple[int, ...]) -> None:
    """
    The seed's URL: whatever the client heard before the kill, it hears the
    same id after it, and the station gets one alarm.
    """
    if ask is by_curl and shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    async with rig_of(tmp_path) as rig:
        await rig.start(point)
        first = await ask(rig)
        await dies(rig)
        await rig.start()
        second = await until(lambda: ask(rig), "the client has its yes")
        kept = await ended(rig)
    assert [alarm["id"] for alarm in kept] == [second]
    assert first in (None, second)
    station = book(tmp_path, "asked-station")
    assert (set(station), len(station) in asked) == ({second}, True)


def reported(port: int, frame: bytes) -> bytes:
    """A panel reports by DC-09; what it hears, or nothing."""
    with (
        suppress(OSError),
        socket.create_connection((LOOPBACK, port), 5) as panel,
    ):
        panel.settimeout(5)
        panel.sendall(frame)
        return panel.recv(1000)
    return b""


async def test_over_ip(tmp_path: Path) -> None:
    """
    [alarm] says where panels report, and whose: the ACK comes after the
    commit, and what is repeated after a kill is one alarm.
    """
    port = free_port(socket.SOCK_STREAM)
    rig = rig_of(tmp_path, dc09_listen=f"{LOOPBACK}:{port}", accounts=["1113"])
    async with rig:
        await rig.start("after alarms")
        assert await deferToThread(reported, port, FRAME) == b""
        await dies(rig)
        await rig.start()
        assert b'"ACK"0007' in await deferToThread(reported, port, FRAME)
        [alarm] = await ended(rig)
    assert (alarm["alarm"], alarm["origin"]) == ("1113,18,3,130,01,015", "dc09")
    assert book(tmp_path, "asked-station") == [alarm["id"]]


@pytest.mark.parametrize("point", ["after alarms", "after arrivals"])
async def test_by_sms(tmp_path: Path, point: str) -> None:
    """
    The device repeats what nobody acknowledged: it is one alarm and one SMS,
    also where the gateway died between the two.
    """
    box = Box(name="a", lines=1, settings=SimulatorSettings(keepalive=0.5, insists=True))
    async with rig_of(tmp_path, [box]) as rig:
        rig.gateway.start(point)
        (line,) = rig.every_line()
        await until(lambda: line.status is not None, "the line has registered")
        line.receive_sms(PANEL, EVENT)
        await dies(rig)
        await rig.start()
        [alarm] = await ended(rig)
        texts = await until(lambda: rig.kept("in"), "the SMS is kept")
        assert [text["text"] for text in texts] == [EVENT]
        answer = await rig.ask("GET", f"/api/v1/messages/{texts[0]['id']}")
        assert answer is not None
    steps = [(step["what"], step["detail"]) for step in answer[1]["journey"]]
    assert ("read as an alarm", f"alarm {alarm['id']}") in steps
    assert alarm["line"] == "a1"
    # The station may have answered while the SMS was committed: its word was not on disk.
    asked = book(tmp_path, "asked-station")
    assert set(asked) == {alarm["id"]}
    assert len(asked) <= (2 if point == "after arrivals" else 1)
