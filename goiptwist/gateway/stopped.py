"""The powers of a gateway that does not run: what it cannot do raises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from twisted.internet.threads import deferToThread
from zope.interface import Interface, directlyProvides

from goiptwist.accounts.authenticator import Authenticator
from goiptwist.accounts.quotas import Permissions
from goiptwist.device_interfaces import IInbound, ITransmissionJournal
from goiptwist.errors import NotRunning
from goiptwist.gateway.connectors import Connectors
from goiptwist.gateway.powers import Powers
from goiptwist.gateway.settings import Settings
from goiptwist.interfaces import IAlarms, IBounces, IMemory, IMessages
from goiptwist.messaging.directory import Directory
from goiptwist.messaging.events import EventBus
from goiptwist.net.rejections import Rejections
from goiptwist.operator_interfaces import IFolders, IHistory, IOperator
from goiptwist.telephony.contacts import Contacts


class StoppedPower:
    """
    A power of which every method raises L{NotRunning}.

    @ivar name: as the gateway has it, such as C{messages}.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, method: str) -> Callable[..., NoReturn]:
        if method.startswith("_"):  # Python and zope ask for such names
            raise AttributeError(method)

        def refuse(*arguments: object, **named: object) -> NoReturn:
            raise NotRunning(f"the gateway does not run, so {self._name}.{method} cannot be used")

        return refuse


def _stopped(name: str, interface: type[Interface]) -> Any:
    power = StoppedPower(name)
    directlyProvides(power, interface)
    return power


def stopped_gateway(settings: Settings, reactor: Any) -> Connectors:
    """
    @return: connectors, of which none is built yet. What they are given knows the
        settings, numbers, users and lines.
    """

    def powers_for(memory: str) -> Powers:
        return powers

    connectors = Connectors(powers_for)
    powers = _powers(settings, reactor, connectors)
    return connectors


def _powers(settings: Settings, reactor: Any, connectors: Connectors) -> Powers:
    users, country = settings.users, settings.country
    permissions = Permissions.of_users(users, country)
    return Powers(
        name=settings.top.name,
        key=bytes(32),
        clock=reactor,
        reactor=reactor,
        defer_to_thread=deferToThread,
        messages=_stopped("messages", IMessages),
        alarms=_stopped("alarms", IAlarms),
        directory=Directory(permissions, Contacts(settings.contacts, country), country),
        lines=connectors,
        bounces=_stopped("bounces", IBounces),
        memory=_stopped("memory", IMemory),
        accounts=Authenticator(users, reactor, deferToThread),
        rejections=Rejections(reactor),
        sections=settings,
        connectors=connectors,
        history=_stopped("history", IHistory),
        folders=_stopped("folders", IFolders),
        operator=_stopped("operator", IOperator),
        events=EventBus(reactor),
        inbound=_stopped("inbound", IInbound),
        journal=_stopped("journal", ITransmissionJournal),
    )
