"""
Faults around a gateway that runs: its far ends, its disk, its database, and
the wish that it stop. Real processes, sockets and files.
"""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol

from goiptwist.simulator.settings import SimulatorSettings
from tests.faults.books import Accepted, compare_incoming, compare_outgoing
from tests.faults.process import LOOPBACK
from tests.faults.rig import Box, Rig, pause, reactor, until

pytestmark = [pytest.mark.real, pytest.mark.slow]

TEXTS = 20


def rig_of(tmp_path: Path, state: Path | None = None, **settings: object) -> Rig:
    """Four lines."""
    simulated = SimulatorSettings(keepalive=0.5, insists=True, **settings)  # type: ignore[arg-type]
    return Rig(tmp_path, [Box(name="a", lines=4, settings=simulated)], state=state)


async def exchange(rig: Rig, name: str, accepted: Accepted) -> None:
    """An SMS comes in by each line, and some are accepted to go out."""
    for line in rig.every_line():
        line.receive_sms("+36301234567", f"in {name} {line.name}")
    for number in range(TEXTS):
        to, text = [f"+3630{number:07}"], f"out {name} {number}"
        ids = await rig.submit(f"{name}-{number}", to, text, pool="a")
        accepted.add(f"{name}-{number}", ids, to, text)


async def test_stopped_in_the_middle(tmp_path: Path) -> None:
    """
    SIGTERM while every line is busy: the gateway waits for the device's word
    on what it was given, so nothing is unknown, and the rest goes out later.
    """
    accepted = Accepted()
    async with rig_of(tmp_path, pace=(1.0, 2.0)) as rig:
        await rig.start()
        await rig.present()
        await exchange(rig, "first", accepted)
        rig.gateway.signal(signal.SIGTERM)
        await until(lambda: not rig.gateway.alive, "the gateway ends", 20)
        assert rig.gateway.gone() == -signal.SIGTERM  # twistd ends by its signal
        assert "Server Shut Down" in rig.gateway.said
        assert rig.network(), "it was to be in the middle"
        await rig.start()
        await rig.quiet()
        states = await compare_outgoing(rig, accepted)
        mails = compare_incoming(rig)
    assert states == {"sent": TEXTS}
    assert len(mails) == 4
    assert "Traceback" not in rig.gateway.said


class Babble(Protocol):
    """No smarthost: it says what no smarthost says, to whatever it hears."""

    def connectionMade(self) -> None:
        self.transport.write(b"220 hello\r\n")  # type: ignore[union-attr]

    def dataReceived(self, data: bytes) -> None:
        self.transport.write(b"\x00\xff 99999 \xe2\x80\xae\r\n")  # type: ignore[union-attr]


class Mute(Protocol):
    """Takes the connection, and says nothing."""


@pytest.mark.parametrize("far_end", [None, Babble, Mute])
async def test_no_smarthost(tmp_path: Path, far_end: type[Protocol] | None) -> None:
    """
    Nobody is there, or one that talks nonsense, or one that says nothing:
    what comes in is kept and acknowledged, /healthz says so where nobody is
    reached, a restart forgets nothing, and once there is a smarthost each SMS
    is mailed once.
    """
    async with rig_of(tmp_path) as rig:
        await rig.close_smarthost()
        if far_end is not None:
            factory = Factory.forProtocol(far_end)
            rig.smarthost = reactor.listenTCP(rig.smtp_port, factory, interface=LOOPBACK)
        await rig.start()
        for number in range(TEXTS):
            line = rig.every_line()[number % 4]
            line.receive_sms("+36301234567", f"in {number}")
        await until(lambda: not any(n.unsettled for n in rig.every_line()), "all are acknowledged")
        if far_end is None:
            await until(lambda: told(rig, "is not reached"), "/healthz tells", 10)
        rig.gateway.kill()
        await rig.close_smarthost()
        rig.open_smarthost()
        await rig.start()
        await rig.quiet()
        mails = compare_incoming(rig)
    assert mails == {f"in {number}": 1 for number in range(TEXTS)}


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Another process, such as a backup gone wrong, holds the database."""
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        connection.close()


async def test_database_locked(tmp_path: Path) -> None:
    """
    The database is held by somebody else for longer than we wait for it: no
    yes is said, keepalives are answered, /healthz says why, and all goes on by
    itself.
    """
    async with rig_of(tmp_path) as rig:
        await rig.start()
        await rig.present()
        with locked(tmp_path / "state" / "goiptwist.sqlite"):
            accepted = Accepted()
            exchanging = Deferred.fromCoroutine(exchange(rig, "locked", accepted))
            await until(lambda: told(rig, "locked"), "/healthz tells", 30)
            assert accepted.messages == {}
            assert all(line.unsettled for line in rig.every_line())
            await answers_keepalives(rig)
        await exchanging
        await rig.quiet()
        states = await compare_outgoing(rig, accepted)
        mails = compare_incoming(rig)
        assert await rig.health() == []
    assert states == {"sent": TEXTS}
    assert list(mails.values()) == [1, 1, 1, 1]


async def told(rig: Rig, word: str) -> bool:
    """Whether C{/healthz} names a trouble."""
    return word in " ".join(await rig.health())


async def answers_keepalives(rig: Rig) -> None:
    """Each line is answered."""
    for line in rig.every_line():
        line.status = None
    await until(lambda: all(n.status == 0 for n in rig.every_line()), "keepalives are answered", 5)


class SmallDisk:
    """
    A disk of 16 MiB, of which SQLite's log may take 4. Without the right to
    mount one, it is the operating system's limit on the size of the gateway's
    files that is hit.

    @ivar folder: lies on it.
    """

    SIZE = 16 * 1024 * 1024

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={self.SIZE}", "tmpfs", str(folder)]
        self.mounted = os.geteuid() == 0 and subprocess.run(mount, check=False).returncode == 0

    def fill(self, gateway: int) -> None:
        """Leave no room. @param gateway: its process."""
        if not self.mounted:
            resource.prlimit(gateway, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
            return
        with (self.folder / "filler").open("wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(bytes(4096))
            except OSError:
                return

    def clear(self, gateway: int) -> None:
        """Somebody has deleted something."""
        if not self.mounted:
            unlimited = resource.RLIM_INFINITY, resource.RLIM_INFINITY
            resource.prlimit(gateway, resource.RLIMIT_FSIZE, unlimited)
            return
        (self.folder / "filler").unlink()

    def remove(self) -> None:
        """The gateway is gone."""
        if self.mounted:
            subprocess.run(["umount", "--lazy", str(self.folder)], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    disk = SmallDisk(tmp_path / "disk")
    yield disk
    disk.remove()


async def test_disk_full(tmp_path: Path, small_disk: SmallDisk) -> None:
    """
    Nothing more fits on the disk: no yes is said, keepalives are answered,
    /healthz says why, and all goes on by itself once there is room.
    """
    async with rig_of(tmp_path, state=small_disk.folder / "state") as rig:
        await rig.start()
        await rig.present()
        small_disk.fill(rig.gateway.pid)
        accepted = Accepted()
        exchanging = Deferred.fromCoroutine(exchange(rig, "full", accepted))
        await until(lambda: told(rig, "cannot commit"), "/healthz tells", 30)
        await answers_keepalives(rig)
        before = dict(accepted.messages)
        await pause(4.0)  # the device has repeated itself
        assert any(line.unsettled for line in rig.every_line())
        small_disk.clear(rig.gateway.pid)
        await exchanging
        assert len(before) < len(accepted.messages), "the disk was not full"
        await rig.quiet()
        states = await compare_outgoing(rig, accepted)
        mails = compare_incoming(rig)
        assert await rig.health() == []
    assert states == {"sent": TEXTS}
    assert list(mails.values()) == [1, 1, 1, 1]
