"""
The demonstration: a simulated device and a smarthost that keeps mails as
files, so that a gateway shows all it does without a box, a SIM or a network.
"""

from __future__ import annotations

import random
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import deferLater
from twisted.logger import Logger

from goiptwist.simulator.device import Device
from goiptwist.simulator.network import CLEAR_LINK
from goiptwist.simulator.service import Simulator
from goiptwist.simulator.settings import Settings
from goiptwist.simulator.smarthost import Smarthost
