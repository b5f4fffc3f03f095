"""The parts of callbacks that need no network."""

from __future__ import annotations

import json
from base64 import b64encode
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from goiptwist.bridges.webhook import payloads
from goiptwist.bridges.webhook.private_addresses import private_kind
from goiptwist.bridges.webhook.response import (
    LONGEST_WAIT,
    WebhookResponse,
    delivered_by,
    seconds_of,
    snippet,
)
from goiptwist.bridges.webhook.signing import key_of, signed
from goiptwist.bridges.webhook.urls import fault_of, place_of
from goiptwist.errors import Refused, TryLater
from goiptwist.model.messages import Direction, State
from goiptwist.model.notifications import LineEvent, Notification
from goiptwist.testing.contract import HOSTILE_TEXTS
from goiptwist.testing.stubs import alarm, sms

PLACES = {
    "loopback": ["127.0.0.1", "127.255.255.254", "::1"],
    "private": ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fd12::1",
                "fec0::1"],
    "link-local": ["169.254.169.254", "fe80::1", "fe80::1%eth0"],
    "shared (CGNAT)": ["100.64.0.1", "100.127.255.255"],
    "unspecified": ["0.0.0.0", "0.1.2.3", "::"],
    "multicast": ["224.0.0.1", "239.255.255.255", "ff02::1"],
    "reserved": ["240.0.0.1", "255.255.255.255", "192.0.0.8", "192.0.2.1", "198.18.0.1",
                 "198.51.100.1", "203.0.113.1", "2001::1", "2001:db8::1", "3fff::1", "100::1",
                 "::127.0.0.1", "4000::1", "5f00::1"],
    "IPv4-mapped": ["::ffff:127.0.0.1", "::ffff:8.8.8.8"],
    "6to4": ["2002:7f00:1::", "2002:808:808::", "192.88.99.1"],
    "NAT64": ["64:ff9b::7f00:1", "64:ff9b:1::a00:1"],
    "unreadable": ["localhost", "", "0x7f.1", "2130706433", "127.1", "010.0.0.1"],
    "": ["8.8.8.8", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "192.0.3.1",
         "198.20.0.1", "223.255.255.255", "2001:4860:4860::8888", "2a00:1450::1", "2003::1"],
}  # fmt: skip


class TestFence:
    """Which addresses lie inside."""

    @pytest.mark.parametrize(
        ("address", "word"), [(a, word) for word, some in PLACES.items() for a in some]
    )
    def test_places(self, address: str, word: str) -> None:
        assert private_kind(address) == word

    @given(
        st.one_of(
            st.integers(0, 2**32 - 1).map(IPv4Address), st.integers(0, 2**128 - 1).map(IPv6Address)
        )
    )
    def test_nothing_slips_through(self, address: Any) -> None:
        """What Python's own table calls not global is inside for us too."""
        if not address.is_global or address.is_multicast:
            assert private_kind(str(address))

    @given(st.integers(0, 2**32 - 1))
    def test_no_address_in_disguise(self, number: int) -> None:
        """An IPv4 address within an IPv6 one gets nowhere."""
        hidden = (number, 0xFFFF << 32 | number, 0x64FF9B << 96 | number)
        assert all(private_kind(str(IPv6Address(address))) for address in hidden)
        assert private_kind(str(IPv6Address(0x2002 << 112 | number << 80))) == "6to4"


class TestSigning:
    """As the paper has it."""

    def test_the_example_of_the_paper(self) -> None:
        """Id, time, secret and signature of the vectors of Standard Webhooks' own libraries."""
        key = key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        body = b'{"test": 2432232314}'
        headers = signed([key], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330.9, body)
        assert headers == {
            "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "webhook-timestamp": "1614265330",
            "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        }

    def test_two_keys(self) -> None:
        """Both signatures, with a space between them."""
        both = signed([b"a" * 24, b"b" * 24], "m", 1.0, b"{}")["webhook-signature"].split(" ")
        alone = [signed([key * 24], "m", 1.0, b"{}")["webhook-signature"] for key in (b"a", b"b")]
        assert both == alone

    @pytest.mark.parametrize("many", [24, 32, 64])
    def test_keys(self, many: int) -> None:
        """24 to 64 bytes in base64, padded or not; or a plain text."""
        key = bytes(range(many))
        text = b64encode(key).decode()
        assert key_of(f"whsec_{text}") == key_of(f"whsec_{text.rstrip('=')}") == key
        assert key_of("ő" * 24) == ("ő" * 24).encode()

    @pytest.mark.parametrize(
        "wrong",
        ["x" * 23, "whsec_", "whsec_!!!!", f"whsec_{b64encode(bytes(23)).decode()}",
         f"whsec_{b64encode(bytes(65)).decode()}", "whsec_" + "ő" * 40, "whsec_" + "A" * 33],
    )  # fmt: skip
    def test_no_keys(self, wrong: str) -> None:
        """Too short, too long, or no base64; the sentence does not say what stood there."""
        with pytest.raises(ValueError, match="base64 of 24 to 64") as caught:
            key_of(wrong)
        assert wrong.removeprefix("whsec_") not in str(caught.value) or wrong == "whsec_"


class TestVerdict:
    """What follows from an answer."""

    @pytest.mark.parametrize("code", [200, 201, 204, 299])
    def test_taken(self, code: int) -> None:
        assert delivered_by(WebhookResponse(code), "h", 0.0).detail == f"h answered {code}"

    def test_gone(self) -> None:
        """The only final no."""
        with pytest.raises(Refused):
            delivered_by(WebhookResponse(410), "h", 0.0)

    @pytest.mark.parametrize("code", [199, 300, 304, 400, 401, 403, 404, 422, 500, 502, 504, 999])
    def test_later(self, code: int) -> None:
        """Everything else is tried again, by our own schedule."""
        with pytest.raises(TryLater) as caught:
            delivered_by(WebhookResponse(code, b"no\r\nsuch \x1b[2Jthing", "7"), "h", 0.0)
        assert caught.value.after is None
        assert caught.value.attempted
        if code >= 400:
            assert str(caught.value) == f"h answered {code}: no such [2Jthing"

    def test_redirects(self) -> None:
        """Where it wants us to go is none of our business."""
        with pytest.raises(TryLater, match="redirects are not followed: correct the url"):
            delivered_by(WebhookResponse(301), "h", 0.0)

    @pytest.mark.parametrize("code", [429, 503])
    def test_asked_to_wait(self, code: int) -> None:
        with pytest.raises(TryLater) as caught:
            delivered_by(WebhookResponse(code, b"", "120"), "h", 0.0)
        assert caught.value.after == 120

    @pytest.mark.parametrize(
        ("said", "seconds"),
        [
            ("0", 0), (" 60 ", 60), ("99999999999999999999", LONGEST_WAIT), ("-5", None),
            ("", None), ("soon", None), ("1.5", None), ("²", None), ("\x00", None),
            ("Sun, 22 Nov 2026 12:00:30 GMT", 30), ("Sun, 22 Nov 2026 11:00:00 GMT", 0),
            ("Sun, 22 Nov 2036 11:00:00 GMT", LONGEST_WAIT),
            ("Sun, 22 Nov 99999 11:00:00 GMT", None),
        ],
    )  # fmt: skip
    def test_retry_after(self, said: str, seconds: float | None) -> None:
        """Seconds or a date, a day at the most; nonsense is nothing."""
        assert seconds_of(said, 1_795_348_800.0) == seconds

    @given(st.text())
    def test_any_retry_after(self, said: str) -> None:
        found = seconds_of(said, 0.0)
        assert found is None or 0 <= found <= LONGEST_WAIT

    @given(st.binary(max_size=2000))
    def test_any_body(self, body: bytes) -> None:
        """One readable line, not too long."""
        assert len(snippet(body)) <= 120
        assert snippet(body).isprintable()


def news(what: str = "sent", **changes: Any) -> Notification:
    """Something became of a message."""
    known = sms(
        "Pumpe läuft & more",
        id="f6dn5h-2",
        direction=Direction.OUT,
        sender="",
        recipient="+36307654321",
        state=State.SENT,
        client_id="mine-1",
        report="delivered",
    )
    return Notification(
        id="f6dn5h-3",
        status=what,
        at=1_795_348_800.0,
        reason="a b",
        message=evolve(known, **changes),
    )


class TestPayloads:
    """What is posted."""

    def test_sms(self) -> None:
        body = json.loads(payloads.sms_payload(sms(smsc="+3630"), "Kovács Béla"))
        assert body == {
            "type": "sms.received",
            "timestamp": "2026-01-01T00:00:00.250Z",
            "data": {
                "id": "m1",
                "line": "goip1",
                "from": "+36301234567",
                "name": "Kovács Béla",
                "text": "Pump 3 stopped",
                "at": "2026-01-01T00:00:00.250Z",
                "smsc": "+3630",
            },
        }

    def test_news(self) -> None:
        body = json.loads(payloads.notification_payload(news("delivered")))
        assert (body["type"], body["timestamp"]) == (
            "message.delivered",
            "2026-11-22T12:00:00.000Z",
        )
        assert body["data"] == {
            "id": "f6dn5h-2",
            "client_id": "mine-1",
            "line": "goip1",
            "to": "+36307654321",
            "at": "2026-01-01T00:00:00.250Z",
            "state": "sent",
            "report": "delivered",
            "reason": "a b",
        }

    def test_event(self) -> None:
        event = LineEvent(id="x-1", what="call.ended", line="g", at=0.0, fields={"num": "1"})
        body = json.loads(payloads.line_event_payload(event))
        assert body["type"] == "call.ended"
        assert body["data"]["fields"] == {"num": "1"}

    @pytest.mark.parametrize("text", HOSTILE_TEXTS)
    def test_hostile_texts(self, text: str) -> None:
        """UTF-8 and JSON whatever it is; half a surrogate pair becomes a question mark of sorts."""
        body = payloads.sms_payload(sms(text, sender=text), text)
        read = json.loads(body.decode("utf-8"))["data"]
        assert read["text"] == read["from"] == read["name"]
        if not any(0xD800 <= ord(character) < 0xE000 for character in text):
            assert read["text"] == text


class TestUrls:
    """Which URLs are called."""

    @pytest.mark.parametrize(
        "url",
        ["https://hooks.example.org/sms", "http://127.0.0.1:8080/", "http://[::1]:8080/x?y=1&z=%20",
         "https://xn--rhzfk-yta.example.org", "http://a_b.example/"],
    )  # fmt: skip
    def test_right(self, url: str) -> None:
        assert fault_of(url) == ""

    @pytest.mark.parametrize(
        ("url", "fault"),
        [
            ("https://me:geheim@example.org/", "name and password"),
            ("https://me@example.org/", "name and password"),
            ("https://example.org/#top", "#"),
            ("ftp://example.org/", "must be a URL"),
            ("file:///etc/passwd", "must be a URL"),
            ("//example.org/", "must be a URL"),
            ("example.org", "must be a URL"),
            ("https://", "must be a URL"),
            ("https:///x", "must be a URL"),
            ("https://[::1/", "must be a URL"),
            ("https://a:99999/", "must be a URL"),
            ("https://a:x/", "must be a URL"),
            ("https://a:0/", "port 0"),
            ("https://a%00b/", "must be a URL"),
            ("https://example.org\\@evil/", "plain ASCII"),
            ("https://exämple.org/", "plain ASCII"),
            ("https://example.org/ x", "plain ASCII"),
            ("https://example.org/\r\nHost: x", "plain ASCII"),
            ("https://example.org/\0", "plain ASCII"),
            ("", "plain ASCII"),
            ("https://example.org/" + "x" * 8000, "longer"),
        ],
    )
    def test_wrong(self, url: str, fault: str) -> None:
        assert fault in fault_of(url)

    @given(st.text())
    def test_any(self, rest: str) -> None:
        """Whatever somebody writes, there is an answer."""
        fault_of(rest)
        fault_of(f"https://{rest}")

    def test_what_may_be_logged(self) -> None:
        """A path may be a secret."""
        assert place_of("https://hooks.example.org:8443/T0/B0/s3cr3t?x=1") == (
            "hooks.example.org:8443"
        )


class TestAlarms:
    """A receiver needs to know nothing of Contact ID."""

    def test_alarm(self) -> None:
        """The sentence, the machine form, and its parts."""
        given = alarm(recipient="06201234567", client_id="x")
        assert json.loads(payloads.alarm_payload(given)) == {
            "type": "alarm.received",
            "timestamp": "2026-01-01T00:00:00.250Z",
            "data": {
                "id": "a1",
                "at": "2026-01-01T00:00:00.250Z",
                "text": "Account 1113: audible panic alarm, partition 3, zone 3",
                "alarm": "1113,18,1,123,03,003",
                "account": "1113",
                "qualifier": "1",
                "code": "123",
                "kind": "panic",
                "event": "audible panic alarm",
                "partition": "03",
                "zone": "003",
                "line": "",
                "to": "06201234567",
                "origin": "user:panel",
                "client_id": "x",
            },
        }

    def test_news_of_one(self) -> None:
        """What became of it has a name of its own."""
        about = alarm(state=State.DELIVERED)
        told = Notification(
            id="n", status="delivered", at=1_767_225_600.0, reason="", message=about
        )
        whole = json.loads(payloads.notification_payload(told))
        assert whole["type"] == "alarm.delivered"
        assert whole["data"]["alarm"] == "1113,18,1,123,03,003"
        assert whole["data"]["state"] == "delivered"
