"""Mails of one conversation refer to one another."""

from __future__ import annotations

from twisted.internet import reactor
from twisted.internet.task import Clock

from goiptwist.bridges.mail.submission.threads import MailThreads
from goiptwist.errors import StoreUnavailable
from goiptwist.testing.stubs import StandInGateway


class FullDisk:
    async def get(self, key: str) -> str:
        raise StoreUnavailable("the disk is full")

    async def put(self, key: str, value: str) -> None:
        raise StoreUnavailable("the disk is full")


async def test_the_last_ones() -> None:
    """Three suffice for every mail program; a mail that comes again stands there once."""
    threads = MailThreads(StandInGateway(reactor, Clock()))
    for n in (1, 2, 3, 2, 4):
        await threads.add("goip1", "+361", f"<{n}@x>")
    assert await threads.earlier("goip1", "+361") == ("<3@x>", "<2@x>", "<4@x>")


async def test_conversations_are_apart() -> None:
    """By line and number, whatever these are made of."""
    threads = MailThreads(StandInGateway(reactor, Clock()))
    await threads.add('a", "b', "c", "<1@x>")
    assert await threads.earlier("a", 'b", "c') == ()


async def test_a_full_disk() -> None:
    """The mail goes all the same."""
    gateway = StandInGateway(reactor, Clock())
    gateway.memory = FullDisk()
    threads = MailThreads(gateway)
    await threads.add("goip1", "+361", "<1@x>")
    assert await threads.earlier("goip1", "+361") == ()
