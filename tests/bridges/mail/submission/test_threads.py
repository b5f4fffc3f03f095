"""Mails of one conversation refer to one another."""

from __future__ import annotations

from goiptwist.bridges.mail.submission.threads import NOTED_AT_MOST, MailThreads
from goiptwist.errors import StoreUnavailable
from goiptwist.testing.stubs import StandInMemory


class FullDisk:
    async def get(self, key: str) -> str:
        raise StoreUnavailable("the disk is full")

    async def put(self, key: str, value: str) -> None:
        raise StoreUnavailable("the disk is full")


async def test_the_last_ones() -> None:
    """Three suffice for every mail program; a mail that comes again stands there once."""
    threads = MailThreads(StandInMemory({}))
    for n in (1, 2, 3, 2, 4):
        await threads.add("goip1", "+361", f"<{n}@x>")
    assert await threads.earlier("goip1", "+361", "<5@x>") == ("<2@x>", "<3@x>", "<4@x>")


async def test_a_recipient_that_gets_it_later() -> None:
    """A mail refers to those before it, for each recipient to the same."""
    threads = MailThreads(StandInMemory({}))
    for n in range(1, 7):
        await threads.add("goip1", "+361", f"<{n}@x>")
    assert await threads.earlier("goip1", "+361", "<5@x>") == ("<2@x>", "<3@x>", "<4@x>")
    for n in range(7, 30):
        await threads.add("goip1", "+361", f"<{n}@x>")
    assert len(await threads._noted("goip1", "+361")) == NOTED_AT_MOST


async def test_conversations_are_apart() -> None:
    """By line and number, whatever these are made of."""
    threads = MailThreads(StandInMemory({}))
    await threads.add('a", "b', "c", "<1@x>")
    assert await threads.earlier("a", 'b", "c', "<2@x>") == ()


async def test_a_full_disk() -> None:
    """The mail goes all the same."""
    threads = MailThreads(FullDisk())
    await threads.add("goip1", "+361", "<1@x>")
    assert await threads.earlier("goip1", "+361", "<2@x>") == ()
