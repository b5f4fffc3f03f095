"""The book: what really happened, for those who compare."""

from __future__ import annotations

import io
import json
import random

from twisted.internet.task import Clock

from goiptwist.simulator.book import Book
from goiptwist.simulator.device import SimulatedDevice


class TestBook:
    def test_file(self) -> None:
        """Each entry is one line of JSON, there as soon as it happened."""
        file = io.StringIO()
        clock = Clock()
        book = Book(file, keeps=False)
        line = SimulatedDevice(clock, random.Random(1), book).add_line("sim1", "pw")
        line.start()
        for order in (b"MSG 5 5 gr\xc3\xbcn\n", b"PASSWORD 5 pw\n", b"SEND 5 1 +49\n"):
            line.datagram_received(order)
        line.receive_sms("Bank", "one\ntwo")
        line.datagram_received(b"RECEIVE 0 OK\n")
        assert [json.loads(row) for row in file.getvalue().splitlines()] == [
            {
                "kind": "sent",
                "line": "sim1",
                "recipient": "+49",
                "text": "grün",
                "session": 5,
                "telid": 1,
                "sms_no": 0,
                "at": 0.0,
            },
            {
                "kind": "handed in",
                "line": "sim1",
                "number": 0,
                "sender": "Bank",
                "text": "one\ntwo",
                "outcome": "acknowledged",
                "at": 0.0,
            },
        ]
        assert (book.sent, book.handed_in) == ([], [])
        assert (book.count("sent"), book.count("handed in")) == (1, 1)
