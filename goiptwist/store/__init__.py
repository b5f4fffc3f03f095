"""
The only SQL: what is kept, and how it is asked for.

L{Store} is all that the rest of the gateway sees.
"""

from goiptwist.store.commands.alarms import AlarmAcknowledgement, AlarmRepetition, NewAlarm
from goiptwist.store.commands.bounces import Bounce
from goiptwist.store.commands.folders import AT_ONCE as FLAGS_AT_ONCE
from goiptwist.store.commands.folders import FlagChange
from goiptwist.store.commands.line_events import NewLineEvent, StoredFacts
from goiptwist.store.commands.messages import Arrival, NewSubmission
from goiptwist.store.commands.redelivery import Redelivery
from goiptwist.store.commands.resolutions import Decision
from goiptwist.store.database import lock
from goiptwist.store.store import Store

__all__ = [
    "FLAGS_AT_ONCE",
    "AlarmAcknowledgement",
    "AlarmRepetition",
    "Arrival",
    "Bounce",
    "Decision",
    "FlagChange",
    "LateAnswer",
    "NewAlarm",
    "NewLineEvent",
    "NewSubmission",
    "Redelivery",
    "Store",
    "StoredFacts",
    "Transmission",
    "lock",
]
