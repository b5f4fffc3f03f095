"""The keys of a C{[bridge.NAME]} section with C{kind = "webhook"}."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from goiptwist.bridges.webhook.signing import MEANT, key_of
from goiptwist.bridges.webhook.urls import fault_of
from goiptwist.config.common import BridgeSettings
from goiptwist.config.values import Password, setting
from goiptwist.model.subscriptions import STATUSES
from goiptwist.net.trust import check_ca

#: What a callback may be about.
EVENTS = ("sms", "state", "line")


def _check_url(_: Any, __: Any, url: str) -> None:
    fault = fault_of(url)
    if fault:
        raise ValueError(f"url: {fault}")


def _check_secret(_: Any, attribute: Any, secret: Password | None) -> None:
    if secret is None:
        return
    try:
        key_of(secret.clear)
    except ValueError as error:
        raise ValueError(f"{attribute.name}: {error}") from None


def _check_events(_: Any, __: Any, events: tuple[str, ...]) -> None:
    unknown = [event for event in events if event not in EVENTS]
    if unknown:
        raise ValueError(f"events: there is no {unknown[0]!r}; use {', '.join(EVENTS)}")


def _check_report_urls(settings: WebhookSettings, __: Any, report_urls: bool) -> None:
    if report_urls and "state" in settings.events:
        raise ValueError(
            'report_urls: with "state" among the events, a user who submits an SMS could take its '
            "states away from url; give it a section of its own, with events = []"
        )


def _check_timeout(_: Any, __: Any, timeout: float) -> None:
    if not 0 < timeout <= 300:
        raise ValueError("timeout: must be more than 0 and at most 300 seconds")


@frozen(kw_only=True)
class WebhookSettings(BridgeSettings):
    """Where callbacks are posted to, and what they are about."""

    url: str = setting(
        "The URL that is called, http or https. A certificate must be good for its host.",
        validator=_check_url,
    )
    secret: Password = setting(
        f"What the callbacks are signed with: {MEANT.removeprefix('must be ')}, whose bytes are "
        "the key.",
        validator=_check_secret,
    )
    secret_before: Password | None = setting(
        "The secret before this one. As long as it stands here, each callback is signed with "
        "both, so that the receiver can change over when it likes.",
        validator=_check_secret,
        default=None,
    )
    events: tuple[str, ...] = setting(
        'What is posted: "sms" (each SMS that comes in), "state" (what becomes of each that goes '
        'out), "line" (lines that come and go, calls, USSD).',
        validator=_check_events,
        default=("sms", "state"),
    )
    private: bool = setting(
        "Whether addresses of this machine and of private networks may be called.", default=False
    )
    ca: str = setting(
        "A PEM file with the certificates to trust instead of the system's.",
        validator=check_ca,
        default="",
    )
    timeout: float = setting(
        "How long one call may take, in seconds.", validator=_check_timeout, default=15.0
    )
    report_urls: bool = setting(
        "Whether a URL that a submission names itself (reporturl) is called, without a signature, "
        "when that submission asks this bridge to tell what became of it.",
        validator=_check_report_urls,
        default=False,
    )

    @property
    def sms(self) -> bool:
        """See L{goiptwist.messaging.router.RoutingRule}."""
        return "sms" in self.events

    @property
    def takes_events(self) -> bool:
        """See L{goiptwist.messaging.router.RoutingRule}."""
        return "line" in self.events

    @property
    def statuses(self) -> tuple[str, ...]:
        """See L{goiptwist.interfaces.IObservesMessages}."""
        return STATUSES if "state" in self.events else ()

    @property
    def keys(self) -> tuple[bytes, ...]:
        """What to sign with, the newest first."""
        secrets = (self.secret, self.secret_before)
        return tuple(key_of(secret.clear) for secret in secrets if secret is not None)
