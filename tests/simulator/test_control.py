"""The service and its HTTP control, on a reactor that opens nothing."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from treq.testing import StubTreq
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.task import Clock

from goiptwist.simulator.book import Book, PushOutcome
from goiptwist.simulator.control import PATHS, ControlResource
from goiptwist.simulator.device import SimulatedDevice
from goiptwist.simulator.radio import Conditions, Radio
from goiptwist.simulator.service import ServerLink, Simulator
from goiptwist.simulator.settings import SimulatorSettings
from goiptwist.simulator.traffic import RandomTraffic

SERVER = ("127.0.0.1", 44444)
TAKEN = 7777


class FakePort:
    """A port that was opened, and what was written to it."""

    def __init__(self, number: int, protocol: Any, interface: str) -> None:
        self.number, self.protocol, self.interface = number, protocol, interface
        self.written: list[bytes] = []
        self.open = True

    def write(self, datagram: bytes, addr: tuple[str, int]) -> None:
        assert addr == SERVER
        self.written.append(datagram)

    def getHost(self) -> IPv4Address:
        return IPv4Address("UDP", self.interface or "0.0.0.0", self.number)

    def stopListening(self) -> Deferred[None]:
        self.open = False
        if hasattr(self.protocol, "doStop"):
            self.protocol.doStop()
        return succeed(None)


class Reactor(Clock):
    """A clock that hands out ports."""

    def __init__(self) -> None:
        super().__init__()
        self.ports: list[FakePort] = []

    def _opened(self, number: int, protocol: Any, interface: str) -> FakePort:
        if number == TAKEN:
            raise CannotListenError(interface, number, OSError("taken"))
        port = FakePort(number or 50_000 + len(self.ports), protocol, interface)
        self.ports.append(port)
        return port

    def listenUDP(self, number: int, protocol: Any, interface: str = "") -> FakePort:
        port = self._opened(number, protocol, interface)
        protocol.makeConnection(port)
        return port

    def listenTCP(self, number: int, factory: Any, interface: str = "") -> FakePort:
        return self._opened(number, factory, interface)


class Bench:
    """Two lines as a service, and a client of its control."""

    def __init__(self, conditions: Conditions = Conditions(), first_port: int = 0) -> None:  # noqa: B008
        self.reactor = Reactor()
        rng = random.Random(5)
        self.device = SimulatedDevice(self.reactor, rng, Book(), SimulatorSettings())
        for name in ("sim1", "sim 2"):
            self.device.add_line(name, "pw")
        link = ServerLink(
            SERVER, Radio(self.reactor, rng, conditions), Radio(self.reactor, rng, conditions)
        )
        self.simulator = Simulator(
            self.reactor,
            self.device,
            link,
            RandomTraffic(self.reactor, rng, self.device),
            first_port,
        )
        self.simulator.startService()
        self.client = StubTreq(ControlResource(self.simulator))

    def asks(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
        """@return: the status, and what the JSON of the answer holds."""
        options = {"json": body} if body is not None else more
        response = now(self.client.request(method, f"http://localhost{path}", **options))
        assert response.headers.getRawHeaders("content-type") == ["application/json; charset=utf-8"]
        return response.code, now(response.json())

    def orders(self, path: str, body: Any) -> Any:
        """Give an order that is carried out."""
        code, answer = self.asks("POST", path, body)
        assert code == 200, answer
        return answer

    def port(self, name: str) -> FakePort:
        """The port that a line has now."""
        [port] = [p for p in self.reactor.ports if p.open and p.protocol.line.name == name]
        return port


def now(deferred: Deferred[Any]) -> Any:
    results: list[Any] = []
    deferred.addBoth(results.append)
    return results[0]


class TestService:
    def test_a_port_for_each_line(self) -> None:
        """On loopback where the server is; numbered from the first, if it is given."""
        bench = Bench(first_port=10991)
        assert [(p.number, p.interface) for p in bench.reactor.ports] == [
            (10991, "127.0.0.1"),
            (10992, "127.0.0.1"),
        ]
        assert [p.written[0][:15] for p in bench.reactor.ports] == [
            b"req:1;id:sim1;p",
            b"req:1;id:sim 2;",
        ]

    def test_server_elsewhere(self) -> None:
        """Ports are opened to the network only where the server is beyond it."""
        radio = Radio(Clock(), random.Random(1))
        assert ServerLink(("192.0.2.1", 1), radio, radio).interface == ""
        assert ServerLink(("2001:db8::1", 1), radio, radio).interface == "::"
        assert ServerLink(("::1", 1), radio, radio).interface == "::1"

    def test_hears_its_server_only(self) -> None:
        """As behind a router: what strangers send does not arrive."""
        bench = Bench()
        port = bench.port("sim1")
        port.protocol.datagramReceived(b"DONE 5\n", ("127.0.0.1", 5))
        assert len(port.written) == 1
        port.protocol.datagramReceived(b"DONE 5\n", SERVER)
        assert port.written[1:] == [b"DONE 5\n"]

    def test_radio(self) -> None:
        """The service's radios are as bad as they are told to be, both ways."""
        bench = Bench(Conditions(delay=1))
        port = bench.port("sim1")
        assert port.written == []
        bench.reactor.advance(1)
        assert len(port.written) == 1
        port.protocol.datagramReceived(b"DONE 5\n", SERVER)
        bench.reactor.advance(1)
        assert len(port.written) == 1
        bench.reactor.advance(1)
        assert port.written[1:] == [b"DONE 5\n"]

    def test_stop(self) -> None:
        """Nothing ticks, nothing is open; what is in the air falls to the ground."""
        bench = Bench(Conditions(delay=1))
        bench.simulator.traffic.per_minute = 5
        now(bench.simulator.stopService())
        assert not any(port.open for port in bench.reactor.ports)
        bench.reactor.advance(1)
        assert bench.reactor.getDelayedCalls() == []

    def test_unsent(self) -> None:
        """A network that takes no datagram is a lost datagram, not an error."""
        bench = Bench()

        def write(datagram: bytes, addr: tuple[str, int]) -> None:
            raise OSError("no route")

        bench.port("sim1").write = write  # type: ignore[method-assign]
        bench.reactor.advance(30)
        assert bench.asks("GET", "/")[1]["unsent_datagrams"] == 1


class TestOrders:
    def test_overview(self) -> None:
        """The device in figures."""
        bench = Bench()
        assert bench.asks("GET", "/") == (
            200,
            {
                "lines": 2,
                "running": 2,
                "unsettled": 0,
                "sms_per_minute": 0.0,
                "sent": 0,
                "handed_in": 0,
                "unsent_datagrams": 0,
            },
        )

    def test_lines(self) -> None:
        """Each with its address and its state, and without its password."""
        code, answer = Bench().asks("GET", "/lines")
        assert code == 200
        assert [line["name"] for line in answer["lines"]] == ["sim1", "sim 2"]
        assert answer["lines"][0] == {
            "name": "sim1",
            "address": "127.0.0.1:50000",
            "running": True,
            "silent": False,
            "gsm": "LOGIN",
            "status": None,
            "sessions": 0,
            "sending": False,
            "unsettled": 0,
            "unread": 0,
        }

    def test_one_line(self) -> None:
        """Its name stands in the path as paths have it."""
        assert Bench().asks("GET", "/lines/sim%202")[1]["name"] == "sim 2"

    def test_sms(self) -> None:
        """An SMS comes in, and the order tells its receive id."""
        bench = Bench()
        answer = bench.orders("/lines/sim1/sms", {"sender": "+49", "text": "grün; ok"})
        assert answer == {"number": 0}
        assert bench.port("sim1").written[-1] == (
            "RECEIVE:0;id:sim1;password:pw;srcnum:+49;msg:grün; ok".encode()
        )
        assert bench.asks("GET", "/lines/sim1")[1]["unsettled"] == 1

    def test_push(self) -> None:
        """Anything else that a device may push."""
        bench = Bench()
        bench.orders("/lines/sim1/push", {"name": "STATE", "fields": {"gsm_remain_state": "IDLE"}})
        assert bench.port("sim1").written[-1] == (
            b"STATE:0;id:sim1;password:pw;gsm_remain_state:IDLE"
        )

    def test_reboot(self) -> None:
        """For a while if a time is given; an SMS does not come in meanwhile."""
        bench = Bench()
        assert bench.orders("/lines/sim1/reboot", {"seconds": 20})["running"] is False
        code, answer = bench.asks("POST", "/lines/sim1/sms", {"sender": "1", "text": "x"})
        assert code == 409
        assert "off" in answer["error"]
        bench.reactor.advance(20)
        assert bench.asks("GET", "/lines/sim1")[1]["running"] is True
        assert bench.orders("/lines/sim1/reboot", {})["running"] is True

    def test_address(self) -> None:
        """The line goes on from another port, and the old one is closed."""
        bench = Bench()
        old = bench.port("sim1")
        answer = bench.orders("/lines/sim1/address", {})
        assert answer["address"] != "127.0.0.1:50000"
        assert not old.open
        bench.reactor.advance(30)
        assert bench.port("sim1").written[0].startswith(b"req:2;")
        bench.port("sim1").protocol.datagramReceived(b"DONE 5\n", SERVER)
        assert bench.port("sim1").written[1:] == [b"DONE 5\n"]

    def test_address_taken(self) -> None:
        """Then it stays where it is."""
        bench = Bench()
        code, answer = bench.asks("POST", "/lines/sim1/address", {"port": TAKEN})
        assert code == 409
        assert str(TAKEN) in answer["error"]
        assert bench.port("sim1").number == 50000

    def test_counters(self) -> None:
        """From the clock, or from a number."""
        bench = Bench()
        bench.orders("/lines/sim1/counters", {"number": -5})
        answer = bench.orders("/lines/sim1/sms", {"sender": "+49", "text": "x"})
        assert answer == {"number": -5}
        bench.orders("/lines/sim1/counters", {})
        assert bench.device.lines["sim1"].receive_sms("1", "x") == 0

    def test_gsm(self) -> None:
        """Logged out of the mobile network, and in again."""
        bench = Bench()
        assert bench.orders("/lines/sim1/gsm", {"status": "LOGOUT"})["gsm"] == "LOGOUT"
        assert bench.device.lines["sim1"].sim.logged_in is False
        assert bench.orders("/lines/sim1/gsm", {"status": "LOGIN"})["gsm"] == "LOGIN"

    def test_silence(self) -> None:
        """Unheard, and back."""
        bench = Bench()
        assert bench.orders("/lines/sim1/silence", {"silent": True})["silent"] is True
        bench.reactor.advance(30)
        assert len(bench.port("sim1").written) == 1
        bench.orders("/lines/sim1/silence", {"silent": False})
        bench.reactor.advance(30)
        assert len(bench.port("sim1").written) == 2

    def test_rate(self) -> None:
        """About so many SMS a minute come in, over all lines, each its own text."""
        bench = Bench()
        assert bench.orders("/rate", {"sms_per_minute": 60}) == {"sms_per_minute": 60.0}
        bench.reactor.pump([0.05] * 24_000)
        texts = bench.device.book.texts(PushOutcome.GIVEN_UP)
        assert 1100 < len(texts) < 1300
        assert len(set(texts)) == len(texts)
        assert {entry.line for entry in bench.device.book.handed_in} == {"sim1", "sim 2"}
        bench.orders("/rate", {"sms_per_minute": 0})
        before = bench.device.book.count("handed in") + bench.device.unsettled
        bench.reactor.pump([1] * 60)
        assert bench.device.book.count("handed in") == before


MISTAKES = [
    ("GET", "/nowhere", None, 404, PATHS),
    ("GET", "/lines/else", None, 404, "no line 'else'"),
    ("POST", "/lines/sim1/explode", {}, 404, PATHS),
    ("POST", "/lines", {}, 405, "takes GET"),
    ("GET", "/lines/sim1/sms", None, 405, "takes POST"),
    ("GET", "/rate", None, 405, "takes POST"),
    ("POST", "/rate", {}, 400, "sms_per_minute must be a number"),
    ("POST", "/rate", {"sms_per_minute": -1}, 400, "from 0 to"),
    ("POST", "/rate", {"sms_per_minute": True}, 400, "must be a number"),
    ("POST", "/rate", {"sms_per_minute": 10**400}, 400, "from 0 to"),
    ("POST", "/rate", {"rate": 1}, 400, "unknown key 'rate'; there are sms_per_minute"),
    ("POST", "/lines/sim1/sms", {"text": "x"}, 400, "sender is required"),
    ("POST", "/lines/sim1/sms", {"sender": 5, "text": "x"}, 400, "sender must be a text"),
    ("POST", "/lines/sim1/sms", {"sender": "1", "text": "ж" * 1501}, 400, "3000 bytes"),
    ("POST", "/lines/sim1/sms", {"sender": "1", "text": "\ud800"}, 400, "surrogate"),
    ("POST", "/lines/sim1/sms", [], 400, "JSON object"),
    ("POST", "/lines/sim1/push", {"name": "A B"}, 400, "word of letters"),
    ("POST", "/lines/sim1/push", {"name": "A", "fields": {"x": 1}}, 400, "must be a text"),
    ("POST", "/lines/sim1/push", {"name": "A", "fields": []}, 400, "fields must be an object"),
    ("POST", "/lines/sim1/push", {"name": "A", "fields": {"x": "y" * 1500}}, 400, "1500 bytes"),
    ("POST", "/lines/sim1/address", {"port": 65536}, 400, "from 0 to 65535"),
    ("POST", "/lines/sim1/address", {"port": True}, 400, "whole number"),
    ("POST", "/lines/sim1/counters", {"number": 1.5}, 400, "whole number"),
    ("POST", "/lines/sim1/gsm", {"status": "login"}, 400, "LOGIN or LOGOUT"),
    ("POST", "/lines/sim1/gsm", {"status": []}, 400, "LOGIN or LOGOUT"),
    ("POST", "/lines/sim1/silence", {"silent": 1}, 400, "true or false"),
    ("POST", "/lines/sim1/reboot", {"seconds": "1"}, 400, "must be a number"),
]


@pytest.mark.parametrize(("method", "path", "body", "code", "sentence"), MISTAKES)
def test_mistakes(method: str, path: str, body: Any, code: int, sentence: str) -> None:
    """Each is told in JSON, with a sentence that says what was meant."""
    answered, answer = Bench().asks(method, path, body)
    assert (answered, list(answer)) == (code, ["error"])
    assert sentence in answer["error"]


@pytest.mark.parametrize("content", [b"{", b"\xff", b"[" * 20_000])
def test_no_json(content: bytes) -> None:
    """Whatever it is instead."""
    code, answer = Bench().asks("POST", "/rate", data=content)
    assert code == 400
    assert "no JSON" in answer["error"]


def test_too_long() -> None:
    """An order is short."""
    assert Bench().asks("POST", "/rate", data=b" " * 40_000)[0] == 413


def test_every_order_reads_its_keys() -> None:
    """Null is the same as a key that is left out."""
    bench = Bench()
    orders: list[Callable[[], Any]] = [
        lambda: bench.orders("/lines/sim1/counters", {"number": None}),
        lambda: bench.orders("/lines/sim1/sms", {"sender": "1", "text": "", "smsc": "+86"}),
    ]
    for order in orders:
        order()
    assert bench.port("sim1").written[-1].endswith(b"srcnum:1;smscnum:+86;msg:")
