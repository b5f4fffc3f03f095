"""
What panels report is kept first, then acknowledged; a panel that may not report, or
cannot be understood, gets the reason as far as DC-09 has a word for it.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from attrs import define, evolve, frozen
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.task import Clock

from goiptwist.alarm.panels import Panels
from goiptwist.bridges.dc09 import frames
from goiptwist.bridges.dc09.deduplication import REPEATED_WITHIN
from goiptwist.bridges.dc09.frames import Dc09Frame
from goiptwist.bridges.dc09.intake import Dc09Reply, ReportIntake
from goiptwist.errors import Busy, StoreUnavailable, Unacceptable
from goiptwist.model.messages import AlarmReport, Message
from goiptwist.testing.stubs import StandInAlarms, StandInGateway
from tests.bridges.dc09.far_ends import KEY, NOW
from tests.bridges.dc09.test_frames import framed

_FILE = Path(__file__).parents[2] / "vectors" / "contact-id.jsonl"
VECTORS = [
    row
    for row in map(json.loads, _FILE.read_text().splitlines())
    if row["kind"] == "dc09" and row["valid"] and row.get("fields", {}).get("token") == "ADM-CID"
]
KEYED = "13E3186"

PLAIN = Dc09Frame(
    name="ADM-CID", sequence="0007", receiver="0", line="0", account="1113",
    data="#1113|1123 03 003",
)  # fmt: skip
SECRET = evolve(
    PLAIN, account=KEYED, data=f"#{KEYED}|1123 03 003", encrypted=True, time=NOW
)  # fmt: skip


class CountedRejections(Counter[str]):
    """Counts, and keeps the last sentence."""

    last = ""

    def about(self, kind: str, host: str, why: str) -> None:
        self[kind] += 1
        self.last = why


@define(eq=False)
class FailingGateway(StandInGateway):
    """A gateway whose store may fail, or take its time."""

    failure: Exception | None = None
    commits: Deferred[None] | None = None

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self.alarms = _KeptLater(self)


@frozen(eq=False)
class _KeptLater(StandInAlarms):
    gateway: FailingGateway

    async def raise_alarm(self, report: AlarmReport) -> Message:
        if self.gateway.failure is not None:
            raise self.gateway.failure
        if self.gateway.commits is not None:
            await self.gateway.commits
        return await super().raise_alarm(report)


class PanelRig:
    """A gateway with a receiver, and a panel that talks to it."""

    def __init__(self, **panels: str) -> None:
        self.clock = Clock()
        self.clock.advance(NOW)
        self.gateway = FailingGateway(reactor=None, clock=self.clock)
        self.panels = Panels.from_setting(panels or {"1113": "", KEYED: KEY, "AAA": "", "123F": ""})
        self.restart()

    def restart(self) -> None:
        self.rejections = CountedRejections()
        self.intake = ReportIntake(self.gateway, self.panels, self.rejections)

    def hears(self, frame: Dc09Frame | bytes, key: str = KEY) -> Dc09Frame | None:
        """@return: what it answers, in clear."""
        raw = frame if isinstance(frame, bytes) else frame.format(key.encode())
        answers: list[Dc09Reply | None] = []
        ensureDeferred(self.intake.receive(raw, "192.0.2.7")).addCallback(answers.append)
        [reply] = answers
        if reply is None:
            return None
        answer = frames.read(reply.raw)
        assert reply.proved == answer.encrypted
        return answer.decrypted(KEY.encode()) if answer.encrypted else answer

    @property
    def events(self) -> list[Any]:
        return [report.event.machine for report in self.gateway.reports]

    @property
    def names(self) -> list[str]:
        """The client ids; one that comes again is one alarm (see the store)."""
        return list(dict.fromkeys(report.client_id for report in self.gateway.reports))


@pytest.fixture
def rig() -> PanelRig:
    return PanelRig()


def test_a_report(rig: PanelRig) -> None:
    """It is kept as the event that it is, and acknowledged with its number."""
    answer = rig.hears(PLAIN)
    assert answer == Dc09Frame(name="ACK", sequence="0007", receiver="0", line="0", account="1113")
    assert rig.events == ["1113,18,1,123,03,003"]
    assert rig.gateway.reports[0].origin == "dc09"


@pytest.mark.parametrize("row", VECTORS, ids=lambda row: row["body"][:40])
def test_every_vector(row: dict[str, Any]) -> None:
    """What panels were seen to send is taken from those that are known."""
    fields = row["fields"]
    rig = PanelRig(**{fields["account"]: ""})
    answer = rig.hears(row["frame"].encode())
    assert answer is not None
    if fields["encrypted"]:  # with a key that nobody has published
        assert answer.name == "NAK"
        return
    assert (answer.name, answer.sequence) == ("ACK", fields["sequence"])
    [machine] = rig.events
    account = fields["account"].rjust(4, "0")
    assert machine.startswith(f"{account},18,{fields['qualifier']},{fields['event']},")


#: What dc09-spt 0.0.4 sent, taken down.
DIALLER = (
    b'\nC0600027"ADM-CID"0007L0#1113[#1113|3130 01 015]\r',
    framed('"ADM-CID"000AR1L2#1113[#1113|1401 03 031]'),
)


@pytest.mark.parametrize("raw", DIALLER)
def test_frames_of_a_dialler(rig: PanelRig, raw: bytes) -> None:
    """One that counts in hex gets its number back as it is."""
    answer = rig.hears(raw)
    assert answer is not None
    assert (answer.name, answer.sequence) == ("ACK", frames.read(raw).sequence)


def test_not_before_it_is_kept(rig: PanelRig) -> None:
    """As long as the commit is under way, there is no ACK."""
    rig.gateway.commits = Deferred()
    answers: list[Dc09Reply | None] = []
    ensureDeferred(rig.intake.receive(PLAIN.format(), "x")).addCallback(answers.append)
    assert answers == []
    rig.gateway.commits.callback(None)
    assert answers[0] is not None


@pytest.mark.parametrize(
    "failure", [StoreUnavailable("the disk is full"), Busy("too much waits", after=10)]
)
def test_what_cannot_be_kept(rig: PanelRig, failure: Exception) -> None:
    """Our trouble is silence: the panel repeats, or asks its second receiver."""
    rig.gateway.failure = failure
    assert rig.hears(PLAIN) is None
    assert rig.rejections["dc09_not_kept"] == 1
    rig.gateway.failure = None
    assert rig.hears(PLAIN).name == "ACK"


def test_what_no_route_takes(rig: PanelRig) -> None:
    """It would hold up all that stands behind it in the panel: DUH, and a complaint."""
    rig.gateway.failure = Unacceptable("alarm", "no route takes it")
    assert rig.hears(PLAIN).name == "DUH"
    assert "no route takes it" in rig.rejections.last


def test_a_repeat_is_one_event(rig: PanelRig) -> None:
    """A panel that missed the ACK asks again, with a new time; our restart changes nothing."""
    for seconds in (0, 5, 10):
        rig.clock.advance(seconds)
        assert rig.hears(evolve(SECRET, time=rig.clock.seconds())).name == "ACK"
        rig.restart()
    assert len(rig.names) == 1


def test_what_is_no_repeat(rig: PanelRig) -> None:
    """Another number, another event, another line or another panel is another report."""
    for frame in (
        PLAIN,
        evolve(PLAIN, sequence="0008"),
        evolve(PLAIN, data="#1113|3123 03 003"),
        evolve(PLAIN, line="1"),
        evolve(PLAIN, account="AAA", data="#AAA|1123 03 003"),
    ):
        assert rig.hears(frame).name == "ACK"
    assert len(rig.names) == 5


def test_numbers_come_again(rig: PanelRig) -> None:
    """A panel that was started anew counts anew: the same number later is another alarm."""
    rig.hears(PLAIN)
    rig.clock.advance(REPEATED_WITHIN + 1)
    rig.hears(PLAIN)
    assert len(rig.names) == 2


def test_a_repeat_while_the_first_is_under_way(rig: PanelRig) -> None:
    """A panel without patience makes no second alarm."""
    rig.gateway.commits = Deferred()
    answers: list[Dc09Reply | None] = []
    for _ in range(3):
        ensureDeferred(rig.intake.receive(PLAIN.format(), "x")).addCallback(answers.append)
    rig.gateway.commits.callback(None)
    assert len(answers) == 3
    assert len(rig.names) == 1


@pytest.mark.parametrize(
    "body",
    [
        '"NULL"0000L0#1113[]',
        '"NULL"0000L0#1113[#0000|0000 00 000]_22:13:29,12-29-2022',
        '"NULL"0000#1113[]',
    ],
)
def test_link_test(rig: PanelRig, body: str) -> None:
    """A link test is answered and is no alarm, whatever it contains."""
    answer = rig.hears(framed(body))
    assert (answer.name, answer.sequence, answer.account) == ("ACK", "0000", "1113")
    assert rig.events == []


def test_encrypted(rig: PanelRig) -> None:
    """To an encrypted report the ACK is encrypted, with our time."""
    answer = rig.hears(SECRET)
    assert (answer.name, answer.encrypted, answer.time) == ("ACK", True, NOW)
    assert rig.events == [f"{KEYED},18,1,123,03,003"]


@pytest.mark.parametrize(("off", "name"), [(20, "ACK"), (21, "NAK"), (-40, "ACK"), (-41, "NAK")])
def test_its_clock(rig: PanelRig, off: int, name: str) -> None:
    """A time out of bounds may be an old report played again; the NAK tells ours."""
    answer = rig.hears(evolve(SECRET, time=NOW + off))
    assert answer.name == name
    assert answer.time == NOW
    assert bool(rig.events) == (name == "ACK")


def test_encrypted_without_a_time(rig: PanelRig) -> None:
    """It could be played again for ever."""
    assert rig.hears(evolve(SECRET, time=None)).name == "NAK"
    assert rig.events == []


def test_no_time_is_needed_in_clear(rig: PanelRig) -> None:
    """In clear it proves nothing: a panel without a clock may report."""
    assert rig.hears(evolve(PLAIN, time=NOW - 10_000)).name == "ACK"


def test_another_key(rig: PanelRig) -> None:
    """NAK, and nothing is kept."""
    answer = rig.hears(SECRET, KEY[::-1])
    assert (answer.name, answer.sequence, answer.time) == ("NAK", "0000", NOW)
    assert rig.events == []
    assert KEY not in rig.rejections.last


def test_in_clear_though_there_is_a_key(rig: PanelRig) -> None:
    """Else anybody could report in the name of who has a key."""
    assert rig.hears(evolve(SECRET, encrypted=False)).name == "DUH"
    assert rig.hears(framed(f'"NULL"0000L0#{KEYED}[]')).name == "DUH"
    assert rig.events == []


def test_in_the_name_of_another(rig: PanelRig) -> None:
    """Inside a frame a panel may name accounts of the same key only; else it is its own."""
    rig.hears(evolve(PLAIN, data=f"#{KEYED}|1123 03 003"))
    rig.hears(evolve(PLAIN, sequence="0008", data="#AAA|1123 03 003"))
    assert rig.events == ["1113,18,1,123,03,003", "0AAA,18,1,123,03,003"]


def test_unknown_account(rig: PanelRig) -> None:
    """NAK, told and counted, and nothing is kept."""
    answer = rig.hears(evolve(PLAIN, account="4711"))
    assert answer.name == "NAK"
    assert answer.format().endswith(b'"NAK"0000R0L0A0[]_00:00:00,01-01-2026\r')
    assert "4711" in rig.rejections.last
    assert rig.events == []


@pytest.mark.parametrize(
    "body",
    [
        '"SIA-DCS"0001L0#1113[#1113|Nri1/BA001]',
        '"SIA-DCS"0001L0#1113[]',
        '"ADM-CID"0001L0#1113[#1113|2123 03 003]',
        '"ADM-CID"0001L0#1113[]',
    ],
)
def test_what_cannot_be_understood(rig: PanelRig, body: str) -> None:
    """DUH, so that the panel does not say it again and again."""
    answer = rig.hears(framed(body))
    assert (answer.name, answer.sequence) == ("DUH", "0001")
    assert rig.events == []


@pytest.mark.parametrize(
    "raw",
    [
        b'\n00000027"ADM-CID"0007L0#1113[#1113|3130 01 015]\r',
        b'\nC0600028"ADM-CID"0007L0#1113[#1113|3130 01 015]\r',
        b"GET / HTTP/1.1",
        b"",
    ],
)
def test_what_came_damaged(rig: PanelRig, raw: bytes) -> None:
    """It is not acknowledged; the panel says it again."""
    assert rig.hears(raw) is None
    assert rig.rejections["dc09_malformed"] == 1


@pytest.mark.parametrize("name", ["ACK", "NAK", "DUH", "RSP"])
def test_an_answer_is_not_answered(rig: PanelRig, name: str) -> None:
    """Two receivers must not talk to one another for ever."""
    assert rig.hears(evolve(PLAIN, name=name, data="")) is None


def test_zeros_before_an_account(rig: PanelRig) -> None:
    """Panels fill accounts up, each as it likes."""
    assert rig.hears(evolve(PLAIN, account="0AAA", data="#000AAA|1123 03 003")).name == "ACK"
    assert rig.events == ["0AAA,18,1,123,03,003"]


def test_no_account_outside(rig: PanelRig) -> None:
    """Then it is the one inside."""
    assert rig.hears(framed('"ADM-CID"0007R0L0[#1113|1123 03 003]')).name == "ACK"
    assert rig.events == ["1113,18,1,123,03,003"]


def test_a_note_that_is_broken(rig: PanelRig) -> None:
    """What was noted down by another version costs no alarm."""
    rig.gateway.notes["received 1113"] = "[1"
    assert rig.hears(PLAIN).name == "ACK"


@given(st.binary(max_size=100) | st.text(max_size=60).map(lambda t: framed(t.encode().hex())))
def test_any_bytes(raw: bytes) -> None:
    """Strangers may send anything: no alarm comes of it, and no crash."""
    rig = PanelRig()
    rig.hears(raw)
    assert rig.events == []
