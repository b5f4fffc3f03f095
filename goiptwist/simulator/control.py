"""
The control of the simulator: JSON over HTTP, for scripts and for people with
C{curl}. There is no password: it belongs on loopback only, and C{tap} sees to
that.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from attrs import frozen
from twisted.internet.error import CannotListenError
from twisted.web.http import Request
from twisted.web.resource import Resource

from goiptwist.goip.frames import LONGEST_TEXT
from goiptwist.simulator.line import SimulatedLine
from goiptwist.simulator.order_body import OrderBody, OrderRejected
from goiptwist.simulator.service import Simulator

#: The longest push beside an incoming SMS, in bytes. The vendor's server takes
#: no more than 1500 of a USSD text.
LONGEST_PUSH = 1500
#: SMS a minute; more than this process could make anyhow.
HIGHEST_RATE = 1_000_000.0
#: Seconds that a device may be off, a day.
LONGEST_REBOOT = 86_400.0
#: No order is longer: a text of 3000 bytes, each written as an escape.
LONGEST_BODY = 32_768


def overview(simulator: Simulator) -> dict[str, Any]:
    """GET /: the device in figures."""
    device = simulator.device
    return {
        "lines": len(device.lines),
        "running": sum(line.running for line in device),
        "unsettled": device.unsettled,
        "sms_per_minute": simulator.traffic.per_minute,
        "sent": device.book.count("sent"),
        "handed_in": device.book.count("handed in"),
        "unsent_datagrams": simulator.link.unsent,
    }


def line_status(simulator: Simulator, line: SimulatedLine) -> dict[str, Any]:
    """GET /lines/NAME: one line as it stands now."""
    return {
        "name": line.name,
        "address": str(simulator.address(line)),
        "running": line.running,
        "silent": line.silent,
        "gsm": "LOGIN" if line.sim.logged_in else "LOGOUT",
        "status": line.status,
        "sessions": line.open_sessions,
        "sending": line.sending,
        "unsettled": line.unsettled,
        "unread": line.unread,
    }


def _rate(simulator: Simulator, body: OrderBody) -> dict[str, Any]:
    simulator.traffic.per_minute = body.number("sms_per_minute", most=HIGHEST_RATE)
    return {"sms_per_minute": simulator.traffic.per_minute}


def _sms(simulator: Simulator, line: SimulatedLine, body: OrderBody) -> dict[str, Any]:
    sender, text = body.text("sender"), body.text("text", longest=LONGEST_TEXT)
    smsc = body.text("smsc", default="")
    if not line.running:
        raise OrderRejected(
            409, f"line {line.name!r} is off and takes no SMS: wait until it has rebooted"
        )
    return {"number": line.receive_sms(sender, text, smsc)}


def _push(simulator: Simulator, line: SimulatedLine, body: OrderBody) -> dict[str, Any]:
    return {"number": line.push(body.name("name"), body.texts("fields", longest=LONGEST_PUSH))}


def _reboot(simulator: Simulator, line: SimulatedLine, body: OrderBody) -> dict[str, Any]:
    line.reboot(body.number("seconds", default=0.0, most=LONGEST_REBOOT))
    return line_status(simulator, line)


def _address(simulator: Simulator, line: SimulatedLine, body: OrderBody) -> dict[str, Any]:
    port = body.whole("port", default=0, least=0, most=65535)
    try:
        simulator.move(line, port)
    except CannotListenError:
        raise OrderRejected(
            409, f"port {port} cannot be opened: choose another, or 0 for any"
        ) from None
    return line_status(simulator, line)


def _counters(simulator: Simulator, line: SimulatedLine, body: OrderBody) -> dict[str, Any]:
    line.restart_counters(body.whole("number") if body.has("number") else None)
    return line_status(simulator, line)


def _gsm(simulator: Simulator, line: SimulatedLine, body: OrderBody) -> dict[str, Any]:
    line.sim.logged_in = body.one_of("status", ("LOGIN", "LOGOUT")) == "LOGIN"
    return line_status(simulator, line)


def _silence(simulator: Simulator, line: SimulatedLine, body: OrderBody) -> dict[str, Any]:
    line.silent = body.truth("silent")
    return line_status(simulator, line)


Order = Callable[[Simulator, SimulatedLine, OrderBody], dict[str, Any]]

#: POST /lines/NAME/<order>, with the keys that its body may have.
ORDERS: Mapping[str, tuple[Order, frozenset[str]]] = {
    "sms": (_sms, frozenset({"sender", "text", "smsc"})),
    "push": (_push, frozenset({"name", "fields"})),
    "reboot": (_reboot, frozenset({"seconds"})),
    "address": (_address, frozenset({"port"})),
    "counters": (_counters, frozenset({"number"})),
    "gsm": (_gsm, frozenset({"status"})),
    "silence": (_silence, frozenset({"silent"})),
}
PATHS = (
    "GET /, GET /lines, GET /lines/NAME, POST /rate, "
    f"and POST /lines/NAME/ followed by {', '.join(ORDERS)}"
)


@frozen(eq=False)
class _ControlRequest:
    """One request, far enough read to be answered."""

    method: str
    path: tuple[str, ...]
    content: bytes

    def require(self, method: str) -> None:
        if self.method != method:
            raise OrderRejected(405, f"this path takes {method}, not {self.method}")


class ControlResource(Resource):
    """Every path of the control."""

    isLeaf = True

    def __init__(self, simulator: Simulator) -> None:
        super().__init__()
        self._simulator = simulator

    def render(self, request: Request) -> bytes:
        try:
            answer: Any = self._answer(_read(request))
        except OrderRejected as rejection:
            request.setResponseCode(rejection.code)
            answer = {"error": str(rejection)}
        request.responseHeaders.setRawHeaders(b"content-type", [b"application/json; charset=utf-8"])
        return (json.dumps(answer, ensure_ascii=False) + "\n").encode()

    def _answer(self, order: _ControlRequest) -> Any:
        match order.path:
            case ():
                order.require("GET")
                return overview(self._simulator)
            case ("rate",):
                order.require("POST")
                return _rate(self._simulator, OrderBody.read(order.content, {"sms_per_minute"}))
            case ("lines",):
                order.require("GET")
                return {
                    "lines": [line_status(self._simulator, line) for line in self._simulator.device]
                }
            case ("lines", name):
                order.require("GET")
                return line_status(self._simulator, self._line(name))
            case ("lines", name, verb) if verb in ORDERS:
                order.require("POST")
                run, keys = ORDERS[verb]
                return run(self._simulator, self._line(name), OrderBody.read(order.content, keys))
        raise OrderRejected(404, f"there is no such path; there are {PATHS}")

    def _line(self, name: str) -> SimulatedLine:
        line = self._simulator.device.lines.get(name)
        if line is None:
            raise OrderRejected(404, f"there is no line {name!r}; GET /lines lists all")
        return line


def _read(request: Request) -> _ControlRequest:
    path = request.path.decode("ascii", "replace").strip("/")
    parts = tuple(unquote(part) for part in path.split("/")) if path else ()
    content = request.content.read(LONGEST_BODY + 1) if request.content else b""
    if len(content) > LONGEST_BODY:
        raise OrderRejected(413, f"an order is no longer than {LONGEST_BODY} bytes")
    return _ControlRequest(request.method.decode("ascii", "replace"), parts, content)
