"""The sign of life of a line: when it comes, and what it tells."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from goiptwist.simulator.settings import Generation


@define
class KeepaliveTimer:
    """
    Calls C{send(count)} at each interval. The count starts at 1 when the
    device powers up and grows by 1 (seed, section "Registration").
    """

    _clock: IReactorTime
    _interval: float
    _send: Callable[[int], None]
    _count: int = field(default=0, init=False)
    _next: IDelayedCall | None = field(default=None, init=False)

    def start(self, after: float = 0.0) -> None:
        """
        Power up.

        @param after: seconds until the first one; 0 sends it from within.
        """
        self.stop()
        if after > 0:
            self._next = self._clock.callLater(after, self._beat)
        else:
            self._beat()

    def stop(self) -> None:
        """Say nothing more."""
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def forget_count(self) -> None:
        """The next one is number 1 again, as after a reboot."""
        self._count = 0

    def _beat(self) -> None:
        self._count += 1
        self._next = self._clock.callLater(self._interval, self._beat)
        self._send(self._count)


@define
class SimCard:
    """
    What a line knows of its card, its module and the mobile network.

    @ivar index: makes imei, imsi and iccid of the lines differ.
    @ivar number: as typed into the page of the device; often empty.
    @ivar signal: 0 to 31, as AT+CSQ gives it.
    @ivar logged_in: whether the line is registered with the mobile network.
    """

    index: int
    number: str = ""
    signal: int = 23
    logged_in: bool = True

    @property
    def imei(self) -> str:
        """15 digits."""
        return f"86749502{self.index:07d}"

    @property
    def imsi(self) -> str:
        """15 digits; 001 01 is the network of test equipment."""
        return f"00101{self.index:010d}"

    @property
    def iccid(self) -> str:
        """20 characters; real ones may end in a letter too."""
        return f"8900101{self.index:012d}F"


def facts(generation: Generation, sim: SimCard, answered: bool) -> dict[str, str]:
    """
    What stands in a keepalive beside count, id and password.

    @param answered: whether the server has answered a keepalive before.
    """
    login = "LOGIN" if sim.logged_in else "LOGOUT"
    fields = {"num": sim.number, "signal": str(sim.signal) if sim.logged_in else ""}
    if generation is Generation.OLDEST:
        return fields
    fields |= {"gsm_status": login, "voip_status": "LOGOUT"}
    if generation is Generation.SEED:
        return fields
    identity = {"imei": sim.imei, "imsi": sim.imsi, "iccid": sim.iccid}
    if generation is Generation.MIDDLE:
        return fields | identity
    # In this order in captures from GST1610-1.01-70 and its like.
    return fields | {
        "voip_state": "IDLE",
        "remain_time": "-1",
        **identity,
        "pro": "SIMULATED" if sim.logged_in else "",
        "idle": "0",
        "disable_status": "0",
        "SMS_LOGIN": "Y" if answered else "N",
        "SMB_LOGIN": "",
        "CELLINFO": "LAC:7E5,CELL ID:5E5B" if sim.logged_in else "",
        "CGATT": "Y" if sim.logged_in else "N",
    }
