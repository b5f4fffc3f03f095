"""C{--check-config}: asks bridges and mailbox whether they work, and says what it found."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from attrs import frozen
from twisted.internet.task import react

from goiptwist.errors import Away, GoipTwistError
from goiptwist.gateway.composition import check_mailbox
from goiptwist.gateway.kinds import bridge_kinds
from goiptwist.gateway.settings import Settings
from goiptwist.interfaces import IChecksItself


@frozen
class Surroundings:
    """As much of a gateway as a bridge needs to check itself."""

    name: str
    reactor: Any
    clock: Any
    key: bytes


def check_bridges(settings: Settings, reactor: Any) -> int:
    """
    Ask, and print one sentence for each bridge, and for the mailbox if there is one.

    @return: the exit status: 0, or 1 where one is there and does not work.
    """
    faulty: list[str] = []

    async def ask(reactor: Any) -> None:
        kinds = bridge_kinds()
        around: Any = Surroundings(settings.top.name, reactor, reactor, bytes(32))
        for name, (kind, own) in settings.bridges.items():
            bridge = kinds[kind].build(name, own, around)
            if not IChecksItself.providedBy(bridge):
                print(f"bridge {name}: cannot check itself")
                continue
            await say(f"bridge {name}", bridge.check())
        await say("mailbox", check_mailbox(settings, reactor))

    async def say(name: str, check: Awaitable[str]) -> None:
        try:
            found = await check
        except Away as absence:
            # The settings may be right all the same, and mail would wait.
            found = f"cannot be checked now: {absence}"
        except GoipTwistError as trouble:
            found = str(trouble)
            faulty.append(name)
        if found:
            print(f"{name}: {found}")

    try:
        react(ask, (), _reactor=reactor)
    except SystemExit as end:
        return 1 if faulty or end.code else 0
