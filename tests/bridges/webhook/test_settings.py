"""The keys of the section, as a file says them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from goiptwist.bridges.webhook.settings import WebhookSettings
from goiptwist.errors import BadConfiguration
from goiptwist.gateway.bridge_keys import routing_rule
from goiptwist.gateway.settings import read_settings
from goiptwist.messaging.router import RoutingRule

RIGHT = {"kind": "webhook", "url": "https://hooks.example.org/", "secret": "s" * 24}


def read(**keys: Any) -> WebhookSettings:
    tables = {"line": [{"id": "g", "password": "pw"}], "bridge": {"hooks": {**RIGHT, **keys}}}
    settings = read_settings(tables, "f").bridges["hooks"][1]
    assert isinstance(settings, WebhookSettings)
    return settings


def test_as_the_order_has_it() -> None:
    """C{kind}, C{url} and C{secret} are enough."""
    settings = read()
    assert settings.events == ("sms", "state")
    assert (settings.private, settings.timeout, settings.keys) == (False, 15.0, (b"s" * 24,))


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"url": "https://me:geheim@example.org/"}, "url: must not hold a name and password"),
        ({"secret": "geheim"}, "secret: must be whsec_"),
        ({"secret_before": "geheim"}, "secret_before: must be whsec_"),
        ({"secret": "changeme"}, "secret is empty or still the placeholder"),
        ({"events": ["sms", "calls"]}, "events: there is no 'calls'; use sms, state, line"),
        ({"report_urls": True}, 'report_urls: with "state" among the events'),
        ({"match": "("}, "match: '(' is no regular expression"),
        ({"ca": "/no/such/file"}, "ca: cannot read /no/such/file"),
        ({"timeout": 0}, "timeout: must be more than 0"),
        ({"timeout": 301}, "timeout: must be more than 0"),
        ({"fallback": "nobody"}, "fallback: there is no bridge 'nobody'"),
        ({"lines": ["nobody"]}, "lines: there is no line 'nobody'"),
        ({"uri": "x"}, "unknown key 'uri'"),
    ],
)
def test_wrong(keys: dict[str, Any], sentence: str) -> None:
    """Said in a sentence that names the key, and no secret."""
    with pytest.raises(BadConfiguration) as caught:
        read(**keys)
    assert sentence in str(caught.value)
    assert "geheim" not in str(caught.value)


def test_a_file_that_is_no_certificate(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("x")
    with pytest.raises(BadConfiguration, match="holds no certificate"):
        read(ca=str(tmp_path / "ca.pem"))


def test_report_urls() -> None:
    """In a section of its own."""
    assert read(report_urls=True, events=[]).report_urls


@pytest.mark.parametrize(
    ("events", "rule"),
    [
        (["sms", "state"], RoutingRule()),
        (["line"], RoutingRule(sms=False, takes_events=True)),
        (["sms", "line"], RoutingRule(takes_events=True)),
        ([], RoutingRule(sms=False)),
    ],
)
def test_what_it_is_given(events: list[str], rule: RoutingRule) -> None:
    """The events decide whether it gets SMS, and what happens on lines."""
    assert routing_rule(read(events=events)) == rule


def test_no_secret_is_seen() -> None:
    assert "s" * 24 not in repr(read())
