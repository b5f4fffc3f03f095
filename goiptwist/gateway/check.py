"""C{--check-config}: asks connectors whether they work, and says what it found."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import react

from goiptwist.errors import Away, GoipTwistError, NotRunning
from goiptwist.gateway.connectors import ConnectorPlan, Connectors, planned
from goiptwist.gateway.kinds import connector_kinds
from goiptwist.gateway.settings import Settings
from goiptwist.gateway.stopped import stopped_gateway
from goiptwist.interfaces import IChecksItself


async def check_connectors(settings: Settings, reactor: Any) -> list[str]:
    """
    Build every connector, ask those that can check themselves, and print one
    sentence for each of them and for each bridge.

    @return: those that do not work.
    """
    faulty: list[str] = []
    connectors = stopped_gateway(settings, reactor)
    for plan in planned(settings, connector_kinds()):
        works, sentence = await _checked(connectors, plan)
        if not works:
            faulty.append(plan.title)
        if sentence:
            print(f"{plan.title}: {sentence}")
    return faulty


async def _checked(connectors: Connectors, plan: ConnectorPlan) -> tuple[bool, str]:
    """@return: whether it may work, and what was found."""
    try:
        part = connectors.build(plan).part
        if not IChecksItself.providedBy(part):
            return True, "cannot check itself" if plan.is_bridge else ""
        return True, await part.check()
    except (Away, NotRunning) as absence:
        # The settings may be right all the same, and mail would wait.
        return True, f"cannot be checked now: {absence}"
    except GoipTwistError as error:
        return False, str(error)


def check_config(settings: Settings, reactor: Any) -> int:
    """@return: the exit status: 0, or 1 where a connector does not work."""
    faulty: list[str] = []

    async def check(reactor: Any) -> None:
        faulty.extend(await check_connectors(settings, reactor))

    try:
        react(check, (), _reactor=reactor)
    except SystemExit as end:
        return 1 if faulty or end.code else 0
