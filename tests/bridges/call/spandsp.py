"""A receiver of Contact ID that is not ours: libspandsp, by ctypes."""

from __future__ import annotations

import ctypes
from ctypes.util import find_library
from typing import Any

import numpy as np
import pytest

from goiptwist.bridges.call.audio.g711 import Samples, silence

_FOUND = find_library("spandsp")
NEEDS_SPANDSP = pytest.mark.skipif(_FOUND is None, reason="libspandsp2 is not installed")


class _ContactIdStruct(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int) for name in ("acct", "mt", "q", "xyz", "gg", "ccc")]


_CALLED = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.POINTER(_ContactIdStruct))


class SpandspReceiver:
    """Hears and says; C{events} is what it took, in the form of machines."""

    over = False

    def __init__(self) -> None:
        library: Any = ctypes.CDLL(_FOUND)
        self._library = library
        library.ademco_contactid_receiver_init.restype = ctypes.c_void_p
        self.events: list[str] = []
        self._callback = _CALLED(self._took)
        self._state = ctypes.c_void_p(
            library.ademco_contactid_receiver_init(None, self._callback, None)
        )
        self._held = silence(0)

    def _took(self, _: Any, report: Any) -> None:
        r = report.contents
        self.events.append(f"{r.acct:04X},{r.mt:02X},{r.q:X},{r.xyz:03X},{r.gg:02X},{r.ccc:03X}")

    def receive(self, samples: Samples) -> None:
        pointer = np.ascontiguousarray(samples).ctypes.data_as(ctypes.c_void_p)
        self._library.ademco_contactid_receiver_rx(self._state, pointer, len(samples))

    def produce(self, count: int) -> Samples:
        made = silence(count)
        pointer = made.ctypes.data_as(ctypes.c_void_p)
        said = self._library.ademco_contactid_receiver_tx(self._state, pointer, count)
        made[said:] = 0
        return made

    def close(self) -> None:
        self._library.ademco_contactid_receiver_free(self._state)
