"""
The generator of load: one plain socket, one process, no framework.

It keeps a fixed number of datagrams in flight: for each answer that comes, the
next one leaves (a closed loop), and it notes how long each answer took. All
lines speak from its one port. It can also send to itself, which shows how fast
it is alone; where that is not several times the yardstick, the yardstick is
the generator.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
import time
from collections.abc import Callable
from typing import Any

from attrs import define, field

from bench import datagrams
from bench.figures import latencies

#: A device repeats a push that was not answered after 3 s (seed, section
#: "Receive SMS"). On the loopback interface it is a sign of overload.
REPEAT_AFTER = 3

_BUFFER = 4 * 1024 * 1024


@define
class Loop:
    """
    @ivar make: builds the datagram with a number of ten digits.
    @ivar number_at: where the number stands in the answer.
    @ivar next_number: grows through all rounds: no number comes twice.
    """

    make: Callable[[int], bytes]
    number_at: slice
    next_number: int = 1_000_000_000
    _asked: dict[bytes, float] = field(factory=dict)

    def run(self, port: int, in_flight: int, seconds: float) -> dict[str, Any]:
        """One round against the server behind a port of this machine; 0 is ourselves."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
            # Blocking with the kernel's own limit: one call a datagram.
            limit = struct.pack("ll", REPEAT_AFTER, 0)
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
            wire.bind(("127.0.0.1", 0))
            wire.connect(("127.0.0.1", port or wire.getsockname()[1]))
            return self._run(wire, in_flight, seconds)

    def _run(self, wire: socket.socket, in_flight: int, seconds: float) -> dict[str, Any]:
        self._asked.clear()
        took: list[float] = []
        repeated = 0
        clock, number_at, asked = time.perf_counter, self.number_at, self._asked
        began, cpu = clock(), time.process_time()
        until = began + seconds
        for _ in range(in_flight):
            self._ask(wire)
        while asked:
            try:
                answer = wire.recv(4096)
            except BlockingIOError:
                repeated += self._repeat(wire)
                continue
            now = clock()
            at = asked.pop(answer[number_at], None)
            if at is None:
                continue  # the second answer to a repeated datagram
            took.append(now - at)
            if now < until:
                self._ask(wire)
        took_all = clock() - began
        return {
            "answers": len(took),
            "per_second": len(took) / took_all,
            "repeated": repeated,
            "cpu": (time.process_time() - cpu) / took_all,
            **latencies(took),
        }

    def _ask(self, wire: socket.socket) -> None:
        number = self.next_number
        self.next_number = number + 1
        datagram = self.make(number)
        self._asked[b"%d" % number] = time.perf_counter()
        wire.send(datagram)

    def _repeat(self, wire: socket.socket) -> int:
        for number in self._asked:
            wire.send(self.make(int(number)))
        return len(self._asked)


def main() -> None:
    """Take orders C{run}, with a kind, a port, how many in flight, how long."""
    loops = {
        "keepalive": Loop(datagrams.Keepalives(), slice(4, 14)),
        "receive": Loop(datagrams.Received(), slice(8, 18)),
    }
    print(json.dumps({}), flush=True)
    for line in sys.stdin:
        how = json.loads(line)
        loop = loops[how["kind"]]
        print(json.dumps(loop.run(how["port"], how["in_flight"], how["seconds"])), flush=True)


if __name__ == "__main__":
    main()
