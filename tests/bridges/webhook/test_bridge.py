"""Callbacks as a receiver sees them, checked with the library of Standard Webhooks."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from standardwebhooks.webhooks import WebhookVerificationError
from twisted.internet.ssl import PrivateCertificate
from zope.interface.verify import verifyObject

from goiptwist.bridges.webhook.bridge import WebhookBridge
from goiptwist.config.values import Password
from goiptwist.errors import Away, Refused, TryLater
from goiptwist.interfaces import IChecksItself, IObservesLines, IObservesMessages
from goiptwist.model.messages import Direction, State
from goiptwist.model.notifications import LineEvent, Notification
from goiptwist.model.subscriptions import STATUSES
from goiptwist.testing.stubs import sms
from tests.bridges.mail.outgoing.smarthosts import Authority
from tests.bridges.webhook.receivers import SECRET, CallbackReceiver, bridge_for, free_port, hostile

pytestmark = pytest.mark.real
OTHER = "a plain text of 24 characters and more"


@asynccontextmanager
async def joined(receiver: Any, url: str = "", **keys: Any) -> AsyncIterator[WebhookBridge]:
    """A bridge to a receiver; nothing is left open."""
    bridge = bridge_for(url or receiver.url, **keys)
    bridge.startService()
    try:
        yield bridge
    finally:
        await bridge.stopService()
        await receiver.close()


def news(what: str = "sent", context: str = "", number: int = 3) -> Notification:
    about = sms(
        "hello", id="x-2", direction=Direction.OUT, recipient="+361", state=State.SENT,
        context=context,
    )  # fmt: skip
    return Notification(id=f"x-{number}", status=what, at=1_795_348_800.0, reason="", message=about)


async def test_what_it_can() -> None:
    """The powers that it claims are there."""
    receiver = CallbackReceiver()
    async with joined(receiver) as bridge:
        for power in (IObservesMessages, IObservesLines, IChecksItself):
            assert verifyObject(power, bridge)
        assert bridge.statuses == STATUSES
    assert bridge_for("http://x/", events=("sms",)).statuses == ()


async def test_the_library_accepts_it() -> None:
    """SMS, news and events; each with the id that stays the same when it is tried again."""
    receiver = CallbackReceiver()
    async with joined(receiver) as bridge:
        bridge.gateway.names["+36301234567"] = "Kovács Béla"
        await bridge.deliver(sms("Árvíztűrő 👩 \ud83d"))
        await bridge.notify(news())
        await bridge.observe(LineEvent(id="x-4", what="line.lost", line="goip1", at=1.0))
    bodies = [call.verified() for call in receiver.calls]
    assert [body["type"] for body in bodies] == ["sms.received", "message.sent", "line.lost"]
    assert [call.id for call in receiver.calls] == ["m1", "x-3", "x-4"]
    assert bodies[0]["data"]["name"] == "Kovács Béla"
    [first, *_] = receiver.calls
    assert first.headers["content-type"] == "application/json"
    assert first.headers["user-agent"] == "goiptwist"


async def test_the_library_refuses_what_was_changed() -> None:
    """The check above could fail."""
    receiver = CallbackReceiver()
    async with joined(receiver) as bridge:
        await bridge.deliver(sms())
    [call] = receiver.calls
    for changed in (
        evolve(call, body=call.body.replace(b"Pump", b"Pimp")),
        evolve(call, headers={**call.headers, "webhook-id": "m2"}),
    ):
        with pytest.raises(WebhookVerificationError):
            changed.verified()


async def test_rotation() -> None:
    """While both secrets are set, a receiver that knows either can check a callback."""
    receiver = CallbackReceiver()
    keys = {"secret": Password(OTHER), "secret_before": Password(SECRET)}
    async with joined(receiver, **keys) as bridge:
        await bridge.deliver(sms())
    [call] = receiver.calls
    assert call.verified(SECRET) == call.verified(OTHER.encode())


async def test_a_repeat_is_signed_anew() -> None:
    """The id stays, the time is that of the try: receivers refuse what is 5 minutes old."""
    receiver = CallbackReceiver(500, b"out of coffee")
    async with joined(receiver) as bridge:
        with pytest.raises(TryLater, match="answered 500: out of coffee"):
            await bridge.deliver(sms())
        clock = bridge.gateway.clock
        bridge.gateway.clock = type("Later", (), {"seconds": lambda self: clock.seconds() + 90})()
        receiver.code = 200
        assert "answered 200" in (await bridge.deliver(sms())).detail
    first, again = receiver.calls
    assert first.id == again.id
    assert int(again.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) >= 89
    assert again.verified() == first.verified()


async def test_the_url_is_in_no_sentence() -> None:
    """Its path may be all that a receiver asks for."""
    receiver = CallbackReceiver(500)
    async with joined(receiver, receiver.url + "/s3cr3t?token=s3cr3t") as bridge:
        with pytest.raises(TryLater) as caught:
            await bridge.deliver(sms())
    assert receiver.calls[0].uri == "/hook/s3cr3t?token=s3cr3t"
    assert "s3cr3t" not in str(caught.value)


# -- checking itself --


async def test_check() -> None:
    """A signed ping, and what was said to it."""
    receiver = CallbackReceiver(204)
    async with joined(receiver) as bridge:
        said = await bridge.check()
    assert said == f"127.0.0.1:{receiver.port.number} answered 204 to a webhook.ping"
    assert receiver.calls[0].verified()["type"] == "webhook.ping"


async def test_check_that_finds_something() -> None:
    """A no is a fault of the settings; absence may be anything."""
    receiver = CallbackReceiver(401)
    async with joined(receiver) as bridge:
        with pytest.raises(TryLater, match="answered 401"):
            await bridge.check()
    nobody = bridge_for(f"http://127.0.0.1:{free_port()}/")
    with pytest.raises(Away):
        await nobody.check()


# -- TLS --


@pytest.mark.parametrize(
    ("name", "with_ca", "said"),
    [
        ("localhost", True, ""),
        ("localhost", False, "failed: certificate verify failed"),
        ("elsewhere.example.org", True, "failed: the certificate is of another host"),
    ],
)
async def test_certificates(tmp_path: Path, name: str, with_ca: bool, said: str) -> None:
    """Always verified: an unknown one, or another's, is as good as none."""
    receiver, authority = CallbackReceiver(), Authority(tmp_path)
    await receiver.port.close()
    receiver.port.number = 0
    authority.server(name)
    pem = (tmp_path / f"{authority.name} {name}.key").read_text()
    receiver.port.secure = PrivateCertificate.loadPEM(pem).options()
    receiver.port.open()
    url = f"https://localhost:{receiver.port.number}/"
    ca = authority.pem if with_ca else ""
    async with joined(receiver, url, ca=ca) as bridge:
        if not said:
            assert "answered 204" in (await bridge.deliver(sms())).detail
            return
        with pytest.raises(TryLater, match=said) as caught:
            await bridge.deliver(sms())
        assert not caught.value.attempted
        assert not isinstance(caught.value, Away)  # --check-config calls it a fault
    assert receiver.calls == []


async def test_no_tls_there() -> None:
    """A server that speaks in clear where TLS is expected."""
    far_end = hostile(b"HTTP/1.1 200 OK\r\n\r\n")
    async with joined(far_end, f"https://localhost:{far_end.number}/") as bridge:
        with pytest.raises(TryLater):
            await bridge.deliver(sms())


# -- report URLs --


def naming(url: str) -> str:
    return json.dumps({"kind": "reporturl", "url": url})


async def test_report_url() -> None:
    """A submission's own URL is called, without a signature, and nothing is posted."""
    receiver, own = CallbackReceiver(), CallbackReceiver(200)
    context = naming(f"{own.url}?id=$messageid&to=$recipient&s=$status")
    async with joined(receiver, events=("sms",), report_urls=True) as bridge:
        await bridge.notify(news("delivered", context))
    await own.close()
    [call] = own.calls
    assert (call.method, call.uri) == ("GET", "/hook?id=x-2&to=%2B361&s=delivered")
    assert not [name for name in call.headers if name.startswith("webhook")]
    assert receiver.calls == []


async def test_report_urls_only_by_setting() -> None:
    """Else the news is posted like any other."""
    receiver, own = CallbackReceiver(), CallbackReceiver(200)
    async with joined(receiver) as bridge:
        await bridge.notify(news("delivered", naming(own.url)))
    await own.close()
    assert (len(receiver.calls), len(own.calls)) == (1, 0)


async def test_a_report_url_that_leads_inside() -> None:
    """A user who may send SMS may not look around in our network."""
    receiver = CallbackReceiver()
    async with joined(receiver, events=("sms",), report_urls=True, private=False) as bridge:
        with pytest.raises(Refused, match="private = true"):
            await bridge.notify(news("sent", naming(receiver.url)))
    assert receiver.calls == []


@pytest.mark.parametrize("url", ["ftp://x/", "http://a:b@example.org/", "nonsense", "http://x/#a"])
async def test_a_report_url_that_is_none(url: str) -> None:
    """Refused in words that do not repeat it."""
    receiver = CallbackReceiver()
    async with joined(receiver, events=("sms",), report_urls=True) as bridge:
        with pytest.raises(Refused, match="the report URL must") as caught:
            await bridge.notify(news("sent", naming(url)))
    assert url not in str(caught.value)


async def test_a_report_url_that_is_away() -> None:
    """It costs attempts of its own news: the others of this bridge do not rest for it."""
    receiver = CallbackReceiver()
    async with joined(receiver, events=("sms",), report_urls=True) as bridge:
        with pytest.raises(TryLater) as caught:
            await bridge.notify(news("sent", naming(f"http://127.0.0.1:{free_port()}/")))
    assert caught.value.attempted
    assert not isinstance(caught.value, Away)
