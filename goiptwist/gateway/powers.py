"""What connectors are given: the small powers, bound together."""

from __future__ import annotations

from typing import Any

from attrs import field, frozen
from zope.interface import implementer

from goiptwist.interfaces import (
    IAlarms,
    IBounces,
    IDirectory,
    IEventBus,
    IFolders,
    IGateway,
    IHistory,
    ILines,
    IMemory,
    IMessages,
    IOperator,
    IOperatorGateway,
)


@implementer(IGateway)
@frozen(kw_only=True, eq=False)
class Powers:
    """What every section of the settings may ask of the gateway."""

    name: str
    key: bytes = field(repr=False)
    clock: Any
    reactor: Any
    messages: IMessages
    alarms: IAlarms
    directory: IDirectory
    lines: ILines
    bounces: IBounces
    memory: IMemory


@implementer(IOperatorGateway)
@frozen(kw_only=True, eq=False)
class OperatorPowers(Powers):
    """What an interface for operators may ask besides."""

    history: IHistory
    folders: IFolders
    operator: IOperator
    events: IEventBus
