"""URLs that a client wants called with what becomes of its SMS."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import pytest
from attrs import evolve

from goiptwist.messaging.report_urls import filled_with_status, url_of
from goiptwist.model.messages import Direction, State
from goiptwist.model.notifications import Notification
from goiptwist.testing.contract import HOSTILE_TEXTS
from goiptwist.testing.stubs import sms


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


class TestReportUrls:
    """What a submission names itself."""

    @pytest.mark.parametrize(
        "context",
        ["", "x", "{", "[]", "{}", '{"kind":"mail"}', '{"kind":"reporturl"}',
         '{"kind":"reporturl","url":7}', '{"kind":"reporturl","url":null}'],
    )  # fmt: skip
    def test_none(self, context: str) -> None:
        assert url_of(context) == ""

    def test_found(self) -> None:
        assert url_of('{"kind":"reporturl","url":"https://x/"}') == "https://x/"

    def test_keywords(self) -> None:
        """Each, also where one begins like another."""
        template = (
            "https://x/?a=$messageid&b=$recipient&c=$originator&d=$messagedata&e=$messagetype"
            "&f=$status&g=$statusmessage&h=$senttime&i=$unknown&j=$"
        )
        assert filled_with_status(template, news("sent"), UTC) == (
            "https://x/?a=f6dn5h-2&b=%2B36307654321&c=&d=Pumpe%20l%C3%A4uft%20%26%20more"
            "&e=SMS%3ATEXT&f=sent&g=sent%3A%20a%20b&h=2026-01-01%2000%3A00%3A00&i=$unknown&j=$"
        )

    def test_once(self) -> None:
        """What is filled in is not looked through again."""
        assert filled_with_status("$messagedata", news(text="$recipient")) == "%24recipient"

    @pytest.mark.parametrize("text", HOSTILE_TEXTS)
    def test_hostile_texts(self, text: str) -> None:
        """They stay where they were put."""
        url = filled_with_status("https://x/?d=$messagedata&s=1", news(text=text))
        assert url.startswith("https://x/?d=")
        assert url.endswith("&s=1")
