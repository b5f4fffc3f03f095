"""How things stand: what the pages and C{/healthz} show."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen


@frozen(kw_only=True)
class LineStatus:
    """
    One line as it stands now.

    @ivar presence: C{unheard}, C{present} or C{lost}.
    @ivar gsm: C{LOGIN}, C{LOGOUT} or empty.
    @ivar signal: 0 to 31 as AT+CSQ gives it, or C{None} if not known.
    @ivar cell: as the device writes it.
    @ivar address: C{host:port} of the last accepted keepalive, or empty.
    @ivar heard_at: seconds since the epoch, or C{None}.
    @ivar stopped: why nothing is sent by it until an operator acts, or empty.
    @ivar last_error: the last thing that went wrong, in words, or empty.
    @ivar sessions: bulk sessions open now.
    @ivar facts: everything else the device told, under its own names.
    """

    id: str
    pool: str
    number: str = field(default="", repr=False)
    presence: str
    gsm: str = ""
    signal: int | None = None
    operator: str = ""
    imei: str = ""
    imsi: str = ""
    iccid: str = ""
    cell: str = ""
    address: str = ""
    heard_at: float | None = None
    stopped: str = ""
    last_error: str = ""
    sessions: int = 0
    facts: Mapping[str, str] = field(factory=dict)


@frozen(kw_only=True)
class DeliveryStatus:
    """
    One way of an alarm as it stands now.

    @ivar bridge: the name of the bridge.
    @ivar recipient: whom of its recipients this is about; empty where the
        bridge has the alarm as a whole.
    @ivar state: C{waiting}, C{done}, C{escalated} (to the next one), C{failed} or
        C{cancelled}.
    @ivar attempts: how often it was tried and put off.
    @ivar detail: what was said last, in words; may be empty.
    @ivar next_try: where it waits: when, in seconds since the epoch.
    @ivar settled_at: where it does not wait: since when.
    @ivar following: the bridges of the chain that get the alarm if this one
        does not deliver it.
    """

    bridge: str
    state: str
    attempts: int = 0
    detail: str = ""
    next_try: float | None = None
    settled_at: float | None = None
    following: tuple[str, ...] = ()
    recipient: str = ""


@frozen(kw_only=True)
class Health:
    """
    Whether the gateway can do its work.

    @ivar problems: one sentence each; empty means well.
    @ivar figures: counters and gauges by name.
    """

    problems: tuple[str, ...] = ()
    figures: Mapping[str, float] = field(factory=dict)

    @property
    def ok(self) -> bool:
        return not self.problems
