"""What connectors are given: the small powers, bound together."""

from __future__ import annotations

from typing import Any

from attrs import field, frozen
from zope.interface import implementer

from goiptwist.accounts.authenticator import Authenticator
from goiptwist.accounts.verification import DeferToThread
from goiptwist.device_interfaces import IDeviceGateway, IInbound, ITransmissionJournal
from goiptwist.interfaces import (
    IAlarms,
    IBounces,
    IConnectors,
    IDirectory,
    ILines,
    IMemory,
    IMessages,
    ISections,
)
from goiptwist.net.rejections import Rejections
from goiptwist.operator_interfaces import (
    IEventBus,
    IFolders,
    IHistory,
    IOperator,
    IOperatorGateway,
)


@implementer(IOperatorGateway, IDeviceGateway)
@frozen(kw_only=True, eq=False)
class Powers:
    """What every section of the settings may ask of the gateway."""

    name: str
    key: bytes = field(repr=False)
    clock: Any
    reactor: Any
    defer_to_thread: DeferToThread
    messages: IMessages
    alarms: IAlarms
    directory: IDirectory
    lines: ILines
    bounces: IBounces
    memory: IMemory
    accounts: Authenticator
    rejections: Rejections
    sections: ISections
    connectors: IConnectors
    # For interfaces of operators:
    history: IHistory
    folders: IFolders
    operator: IOperator
    events: IEventBus
    # For devices:
    inbound: IInbound
    journal: ITransmissionJournal
