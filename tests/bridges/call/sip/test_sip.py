"""SIP without a network: time is a clock, and what is sent is a list."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from sipmessage import URI
from twisted.internet.task import Clock

from goiptwist.bridges.call.audio.g711 import PCMA, PCMU
from goiptwist.bridges.call.sip import messages, sdp
from goiptwist.bridges.call.sip.agent import UserAgent
from goiptwist.bridges.call.sip.call import SipCall
from goiptwist.bridges.call.sip.digest import SipAccount, authorize, challenges
from goiptwist.bridges.call.sip.failures import error_for
from goiptwist.bridges.call.sip.messages import LocalAddress, Request, Response, SipDialog
from goiptwist.bridges.call.sip.transports import SipStreamSplitter
from goiptwist.errors import Away, Refused, TryLater

URI_OF_STATION = URI.parse("sip:9999@192.0.2.9:5080")
ANSWER = sdp.offer("192.0.2.9", 4000, (PCMA,), 5)


class SipRig:
    """One agent, one call, and the other side as the test has it."""

    def __init__(self, transport: str = "UDP", account: SipAccount | None = None) -> None:
        self.clock = Clock()
        self.sent: list[Any] = []
        self.local = LocalAddress(transport, "192.0.2.1", 5062)
        self.agent = UserAgent(self.clock, self._sent, self.local, account=account)
        self.audio: list[sdp.RtpTarget] = []
        self.ended: list[str] = []
        self.result: Any = None

    def _sent(self, message: bytes) -> None:
        self.sent.append(messages.read(message))

    def dial(self, wait: float = 20) -> SipCall:
        dialog = SipDialog.new(self.local, URI_OF_STATION, self.local.contact.uri)

        def offer(version: int) -> bytes:
            return sdp.offer("192.0.2.1", 6000, (PCMA, PCMU), 1, version)

        call = SipCall(self.agent, dialog, "the call", offer, self.audio.append, self.ended.append)
        call.dial(wait).addBoth(self._done)
        return call

    def _done(self, result: Any) -> None:
        self.result = getattr(result, "value", "up")

    @property
    def sent_methods(self) -> list[str]:
        """What we sent: methods and codes."""
        return [getattr(m, "method", "") or str(m.code) for m in self.sent]

    def answer(self, code: int, body: bytes = b"", to: Request | None = None, **more: str) -> None:
        """Answer a request, the last INVITE unless it is another."""
        request = to or next(m for m in reversed(self.sent) if m.headers["CSeq"].endswith("INVITE"))
        reply = messages.answer_to(request, code, "Said", body, tag="theirs")
        reply.headers.set("Contact", "<sip:station@192.0.2.9:5080>")
        for name, value in more.items():
            reply.headers.set(name.replace("_", "-"), value)
        self.agent.received(bytes(reply))

    def asks(self, method: str, body: bytes = b"", call: SipCall | None = None) -> Any:
        """A request of the other side; what we answer."""
        theirs = SipDialog.new(
            LocalAddress("UDP", "192.0.2.9", 5080), self.local.contact.uri, URI_OF_STATION
        )
        if call is not None:
            theirs.call_id = call.dialog.call_id
            theirs.ours, theirs.theirs = call.dialog.theirs, call.dialog.ours
        before = len(self.sent)
        self.agent.received(bytes(theirs.request(method, body)))
        return self.sent[before] if len(self.sent) > before else None


# -- requests and their repeats --


def test_an_invite_is_repeated() -> None:
    """After 0.5, 1, 2, ... seconds, for 32 seconds (timers A and B)."""
    rig = SipRig()
    rig.dial(60)
    times = []
    for _ in range(264):
        times += [rig.clock.seconds()] * (len(rig.sent) - len(times))
        rig.clock.advance(0.125)
    assert [round(t, 1) for t in times] == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert isinstance(rig.result, Away)
    assert rig.clock.getDelayedCalls() == []


def test_others_are_repeated_up_to_every_four_seconds() -> None:
    """Timers E and F."""
    rig = SipRig()
    failed: list[Any] = []
    dialog = SipDialog.new(rig.local, URI_OF_STATION, rig.local.contact.uri)
    rig.agent._final(dialog.request("OPTIONS"), 32).addErrback(failed.append)
    times = []
    for _ in range(264):
        times += [rig.clock.seconds()] * (len(rig.sent) - len(times))
        rig.clock.advance(0.125)
    assert [round(t, 1) for t in times[:6]] == [0, 0.5, 1.5, 3.5, 7.5, 11.5]
    assert failed[0].check(Away)
    assert rig.clock.getDelayedCalls() == []


def test_tcp_loses_nothing() -> None:
    """So nothing is repeated there."""
    rig = SipRig("TCP")
    rig.dial()
    rig.clock.advance(19)
    assert rig.sent_methods == ["INVITE"]
    assert rig.sent[0].via[0].transport == "TCP"


def test_a_station_that_rings_is_not_asked_again() -> None:
    """A provisional answer ends the repeats; the patience of the settings goes on."""
    rig = SipRig()
    rig.dial(20)
    rig.answer(180)
    rig.clock.pump([1] * 19)
    assert rig.sent_methods == ["INVITE"]


# -- a call --


def test_a_call() -> None:
    """INVITE, ACK, BYE; each in the dialogue, to where the other side says it is."""
    rig = SipRig()
    call = rig.dial()
    assert "telephone-event" not in rig.sent[0].body.decode()
    assert rig.sent[0].content_type is not None
    rig.answer(100)
    rig.answer(180)
    rig.answer(200, ANSWER, Record_Route="<sip:proxy.example.org;lr>")
    assert rig.result == "up"
    assert rig.audio == [sdp.RtpTarget("192.0.2.9", 4000, (PCMA,))]
    call.hang_up()
    assert rig.sent_methods == ["INVITE", "ACK", "BYE"]
    invite, ack, bye = rig.sent
    assert ack.cseq.sequence == invite.cseq.sequence
    assert bye.cseq.sequence == invite.cseq.sequence + 1
    assert {str(m.uri) for m in (ack, bye)} == {"sip:station@192.0.2.9:5080"}
    assert {m.headers["Route"] for m in (ack, bye)} == {"<sip:proxy.example.org;lr>"}
    assert bye.to_address.parameters["tag"] == "theirs"
    assert ack.via[0].parameters["branch"] != invite.via[0].parameters["branch"]


def test_early_media() -> None:
    """What is heard before the answer is heard."""
    rig = SipRig()
    rig.dial()
    rig.answer(183, ANSWER)
    assert len(rig.audio) == 1
    assert rig.result is None


def test_a_lost_ack() -> None:
    """The other side says yes again until it has one."""
    rig = SipRig()
    rig.dial()
    rig.answer(200, ANSWER)
    rig.answer(200, ANSWER, to=rig.sent[0])
    assert rig.sent_methods == ["INVITE", "ACK", "ACK"]
    assert bytes(rig.sent[1]) == bytes(rig.sent[2])


def test_a_no_is_acknowledged_each_time() -> None:
    """With the branch of the INVITE (section 17.1.1.3)."""
    rig = SipRig()
    rig.dial()
    for _ in range(2):
        rig.answer(486, to=rig.sent[0])
    assert rig.sent_methods == ["INVITE", "ACK", "ACK"]
    assert rig.sent[1].via[0] == rig.sent[0].via[0]
    assert isinstance(rig.result, TryLater)
    assert rig.clock.getDelayedCalls() == []


def test_nobody_picks_up() -> None:
    """It is taken back, and what is said to that is acknowledged."""
    rig = SipRig()
    rig.dial(5)
    rig.answer(180)
    rig.clock.advance(5)
    assert "nobody picked up in 5 seconds" in str(rig.result)
    assert rig.sent_methods == ["INVITE", "CANCEL"]
    rig.answer(200, to=rig.sent[1])
    rig.answer(487, to=rig.sent[0])
    assert rig.sent_methods == ["INVITE", "CANCEL", "ACK"]
    assert rig.clock.getDelayedCalls() == []


def test_a_yes_that_crosses_our_cancel() -> None:
    """They are on the line: hang up, or they would wait for ever."""
    rig = SipRig()
    rig.dial(5)
    rig.answer(180)
    rig.clock.advance(5)
    rig.answer(200, ANSWER, to=rig.sent[0])
    assert rig.sent_methods == ["INVITE", "CANCEL", "ACK", "BYE"]


def test_a_late_sign_of_life() -> None:
    """What was given up before anybody was heard is taken back when somebody is."""
    rig = SipRig()
    rig.dial(5)
    rig.clock.advance(5)
    assert isinstance(rig.result, Away)
    before = len(rig.sent)
    rig.answer(180, to=rig.sent[0])
    assert rig.sent_methods[before:] == ["CANCEL"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (ANSWER.replace(b"AVP 8", b"AVP 3"), "takes no G.711"),
        (ANSWER.replace(b"audio 4000", b"audio 0"), "names no place"),
        (b"", "names no place"),
    ],
)
def test_an_answer_without_our_audio(body: bytes, words: str) -> None:
    """It will not be better the next time; and nobody is left on the line."""
    rig = SipRig()
    rig.dial()
    rig.answer(200, body)
    assert isinstance(rig.result, Refused)
    assert words in str(rig.result)
    assert rig.sent_methods == ["INVITE", "ACK", "BYE"]


# -- what the other side asks --


def test_bye_at_any_time() -> None:
    """The other side hangs up; its BYE may come again."""
    rig = SipRig()
    call = rig.dial()
    rig.answer(200, ANSWER)
    assert rig.asks("BYE", call=call).code == 200
    assert rig.ended == ["the other side hung up before the kissoff"]
    assert rig.asks("BYE", call=call).code == 481
    call.hang_up()
    assert "BYE" not in rig.sent_methods


def test_a_new_offer_in_the_middle() -> None:
    """Audio goes elsewhere; a sign of life changes nothing (RFC 4028)."""
    rig = SipRig()
    call = rig.dial()
    rig.answer(200, ANSWER)
    elsewhere = sdp.offer("192.0.2.77", 4444, (PCMU,), 5, 1)
    reply = rig.asks("INVITE", elsewhere, call)
    assert (reply.code, b"m=audio 6000" in reply.body) == (200, True)
    assert rig.audio[-1] == sdp.RtpTarget("192.0.2.77", 4444, (PCMU,))
    assert rig.asks("INVITE", b"", call).body
    assert not rig.asks("UPDATE", b"", call).body
    assert len(rig.audio) == 2
    assert rig.asks("INVITE", elsewhere.replace(b"AVP 0", b"AVP 9"), call).code == 488


def test_requests_outside_of_any_call() -> None:
    """We are no telephone: nobody calls us, but each request is answered."""
    rig = SipRig()
    assert rig.asks("OPTIONS").code == 200
    assert rig.asks("INVITE", ANSWER).code == 603
    assert rig.asks("MESSAGE").code == 405
    assert rig.asks("BYE").code == 481
    assert rig.asks("CANCEL").code == 481
    assert rig.asks("ACK") is None


# -- passwords --

RFC_7616 = {
    "MD5": "8ca523f5e9506fed4657c9700eebdbec",
    "SHA-256": "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
}


@pytest.mark.parametrize("algorithm", RFC_7616)
def test_digest(algorithm: str) -> None:
    """The example of RFC 7616 section 3.9.1, with both algorithms."""
    answer = Response(401, "Unauthorized")
    answer.headers.set(
        "WWW-Authenticate",
        'Digest realm="http-auth@example.org", qop="auth, auth-int", '
        f"algorithm={algorithm}, "
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", '
        'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"',
    )
    request: Any = SimpleNamespace(
        method="GET", uri="/dir/index.html", headers=Response(1, "").headers
    )
    account = SipAccount("Mufasa", "Circle of Life")
    assert authorize(request, answer, account, "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ")
    written = request.headers["Authorization"]
    assert f'response="{RFC_7616[algorithm]}"' in written
    assert "qop=auth," in written
    assert "Circle" not in repr(account) + written


def test_the_better_of_two() -> None:
    """SHA-256 where it is offered; what nobody knows is left alone (RFC 8760)."""
    rig = SipRig(account=SipAccount("panel", "secret"))
    rig.dial()
    answer = messages.answer_to(rig.sent[0], 407, "Say Who", tag="x")
    for algorithm in ("MD5", "SHA-256", "AKAv1-MD5"):
        value = f'Digest realm="r", nonce="n", algorithm={algorithm}'
        answer.headers.add("Proxy-Authenticate", value)
    assert len(challenges(answer)) == 3
    rig.agent.received(bytes(answer))
    again = rig.sent[-1]
    assert "algorithm=SHA-256" in again.headers["Proxy-Authorization"]
    assert again.cseq.sequence == rig.sent[0].cseq.sequence + 1
    assert rig.sent_methods == ["INVITE", "ACK", "INVITE"]


def test_a_wrong_password_is_said_once() -> None:
    """An exchange may lock out a client that tries again and again."""
    rig = SipRig(account=SipAccount("panel", "secret"))
    rig.dial()
    for _ in range(2):
        rig.answer(401, WWW_Authenticate='Digest realm="r", nonce="n"')
    assert rig.sent_methods == ["INVITE", "ACK", "INVITE", "ACK"]
    assert "check username and password" in str(rig.result)
    assert rig.result.after == 900


@pytest.mark.parametrize(
    ("code", "error", "words"),
    [
        (301, Refused, "put that into uri"),
        (401, TryLater, "wants a username"),
        (403, TryLater, "does it want a username"),
        (404, Refused, "for good"),
        (408, TryLater, "turned down"),
        (480, TryLater, "turned down"),
        (484, Refused, "for good"),
        (486, TryLater, "turned down"),
        (488, Refused, "for good"),
        (500, TryLater, "turned down"),
        (503, TryLater, "turned down"),
        (600, TryLater, "turned down"),
        (604, Refused, "for good"),
    ],
)
def test_what_a_no_means(code: int, error: type[Exception], words: str) -> None:
    """What changes by itself is tried again, what does not is not."""
    wrong = error_for(Response(code, "No\x1b[2J"), "the call", False)
    assert type(wrong) is error
    assert words in str(wrong)
    assert str(code) in str(wrong)
    assert "\x1b" not in str(wrong)


# -- messages --


def test_what_the_library_does_not_read() -> None:
    """Folded lines, blanks before colons, and short names."""
    folded = (
        b"\r\n\r\nBYE sip:a@192.0.2.1 SIP/2.0\r\nv: SIP/2.0/UDP 192.0.2.9;\r\n branch=z9hG4bK1\r\n"
        b"From : <sip:b@x>;tag=1\r\nt: <sip:a@x>\r\ni: 77\r\nCSeq: 1 BYE\r\nl: 3\r\n\r\nabcdef"
    )
    message = messages.read(folded)
    assert messages.branch_of(message) == "z9hG4bK1"
    assert (message.call_id, message.body) == ("77", b"abc")


def test_hostile_messages() -> None:
    """Whatever comes, cut and damaged anywhere, the agent goes on."""
    rig = SipRig()
    call = rig.dial()
    wanted = messages.answer_to(rig.sent[0], 200, "OK", ANSWER, tag="t")
    wanted.headers.set("Contact", "<sip:station@192.0.2.9:5080>")
    whole = bytes(wanted)
    for place in range(len(whole)):
        rig.agent.received(whole[:place])
        for octet in (b"\0", b"\xff", b"\r\n", b";", b'"', b"<"):
            rig.agent.received(whole[:place] + octet + whole[place + 1 :])
    assert call.dialog.call_id


def test_a_stream_of_messages() -> None:
    """TCP cuts where it likes."""
    one = bytes(
        SipDialog.new(SipRig().local, URI_OF_STATION, URI_OF_STATION).request("INVITE", ANSWER)
    )
    stream, found = SipStreamSplitter(), []
    for octet in one + b"\r\n\r\n" + one:
        found += stream.split(bytes([octet]))
    assert found == [one, one]
    with pytest.raises(ValueError, match="too long"):
        SipStreamSplitter().split(b"x" * 100_000)


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xfe",
        b"m=audio",
        b"m=audio x RTP/AVP 8\r\nc=IN IP4 192.0.2.1",
        b"c=IN\r\nm=audio 4 RTP/AVP 0",
        b"c=IN IP4 pbx\r\nm=audio 4 RTP/AVP 0",
        b"c=IN IP4 0.0.0.0\r\nm=audio 4 RTP/AVP 0",
        b"c=IN IP4 192.0.2.1\r\nm=audio 99999 RTP/AVP 0",
    ],
)
def test_hostile_sdp(body: bytes) -> None:
    """The only error is ValueError."""
    with pytest.raises(ValueError, match=r"."):
        sdp.read(body)


def test_sdp_of_others() -> None:
    """The address may stand at the stream; other streams and codecs are passed over."""
    read = sdp.read(
        b"v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 18 8 0 101\r\nc=IN IP4 192.0.2.2\r\n"
        b"a=rtpmap:101 telephone-event/8000\r\nm=video 5000 RTP/AVP 96\r\nc=IN IP4 192.0.2.3\r\n"
    )
    assert read == sdp.RtpTarget("192.0.2.2", 4000, (PCMA, PCMU))
