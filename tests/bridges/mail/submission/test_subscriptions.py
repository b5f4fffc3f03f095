"""Who is told by mail what became of his SMS: he who wrote, and nobody else."""

from __future__ import annotations

from typing import Any

import pytest

from goiptwist.bridges.mail.reading.extraction import ReadingSettings
from goiptwist.bridges.mail.reading.headers import Headers
from goiptwist.bridges.mail.submission.context import MailContext
from goiptwist.bridges.mail.submission.interfaces import DsnRequest
from goiptwist.bridges.mail.submission.subscriptions import mail_context, statuses_for
from goiptwist.model.subscriptions import Subscription
from tests.bridges.mail.submission.test_relay_policy import PASS, TO, room
from tests.bridges.mail.submission.test_service import ANN, NEIGHBOUR, NOW, STRANGER, SubmissionRig

FAILURE = ("failed", "expired", "undelivered", "unknown")


def told(here: SubmissionRig) -> tuple[Subscription, ...]:
    [submission] = here.gateway.submissions
    assert bool(submission.subscriptions) == bool(submission.context)
    return submission.subscriptions


def test_everything_that_a_report_needs() -> None:
    """It joins the thread of the mail, and names what the sender knows it by."""
    here = room(reports_by="ops")
    here.take(
        ANN,
        TO,
        wishes=DsnRequest(orcpt="rfc822;pump@example.org", envid="QQ", ret="HDRS"),
        References=" ".join(f"<{n}@example.org>" for n in range(9)) + " <a\x01b>",
        Subject="=?utf-8?q?Pump=0A_=C3=A4?=" + "x" * 300,
    )
    assert told(here) == (Subscription("bridge:ops", (*FAILURE, "delayed")),)
    [submission] = here.gateway.submissions
    assert MailContext.from_text(submission.context) == MailContext(
        to="ann@example.org",
        message_id="1@example.org",
        references=tuple(f"{n}@example.org" for n in (4, 5, 6, 7, 8, 1)),
        subject=("Pump ä" + "x" * 300)[:200],
        envid="QQ",
        orcpt="rfc822;pump@example.org",
        ret="HDRS",
        notify=frozenset(["failure", "delay"]),
        recipient=TO,
        arrived=int(NOW),
    )
    assert "ann@" not in repr(submission)


@pytest.mark.parametrize(
    ("notify", "wanted"),
    [
        (["success"], ("delivered",)),
        (["failure"], FAILURE),
        (["delay"], ("delayed",)),
        (["success", "failure", "delay"], (*FAILURE, "delayed", "delivered")),
        ([], ()),
    ],
)
def test_what_is_told(notify: list[str], wanted: tuple[str, ...]) -> None:
    """The words of NOTIFY in the life of an SMS; NEVER is never."""
    assert statuses_for(notify) == wanted
    here = room(reports_by="ops")
    here.take(ANN, TO, wishes=DsnRequest(notify=frozenset(notify)))
    assert told(here) == ((Subscription("bridge:ops", wanted),) if wanted else ())


@pytest.mark.parametrize(
    ("notify", "wanted"),
    [(["failure"], (*FAILURE, "delivered")), (["success"], ("delivered",)), ([], ())],
)
def test_without_being_asked(notify: list[str], wanted: tuple[str, ...]) -> None:
    """Where the operator wants it, success is told; but not to whoever wants to hear nothing."""
    here = SubmissionRig(ReadingSettings(confirm=True), reports_by="ops")
    here.take(ANN, TO, wishes=DsnRequest(notify=frozenset(notify)))
    assert told(here) == ((Subscription("bridge:ops", wanted),) if wanted else ())


def heard(client: Any, *, answer: bool = False, sender: str, **keys: Any) -> bool:
    """Whether the envelope sender of a mail of Ann's is told."""
    here = room(**{"reports_by": "ops", **keys})
    to = here.reply_to() if answer else TO
    said = here.take(client, to, sender=sender, **{"Authentication-Results": PASS})
    assert said.startswith("250"), said
    return bool(told(here))


def test_who_is_told() -> None:
    """
    Who has logged in, or is vouched for, or holds a token and says the same in
    the envelope as in From. Anybody else could have us write to a victim.
    """
    assert heard(ANN, sender="ann@example.org")
    assert heard(ANN, sender="bounces@elsewhere.example")
    assert heard(ANN, sender="bounces@elsewhere.example", answer=True)
    assert heard(NEIGHBOUR, sender="Ann@Example.org")
    assert heard(NEIGHBOUR, sender="bounces+1@example.org")
    assert not heard(NEIGHBOUR, sender="victim@elsewhere.example")
    assert heard(STRANGER, sender="ANN@example.org", answer=True)
    assert not heard(STRANGER, sender="joe@example.org", answer=True)
    assert not heard(NEIGHBOUR, sender="ann@example.org", authserv="")
    assert not heard(ANN, sender="ann@example.org", reports_by="")


@pytest.mark.parametrize("sender", ["ann", '"a>b"@example.org', "ann@" + "x" * 300])
def test_no_address_to_write_to(sender: str) -> None:
    """The SMS goes all the same."""
    assert not heard(ANN, sender=sender)
    assert mail_context(Headers([]), sender, TO, DsnRequest(), NOW) is None


def test_odd_ids() -> None:
    """What could not stand in a header of ours is left out."""
    found = Headers([("Message-ID", "<ä@x>"), ("References", "<a@b> <" + "x" * 400 + "> <ö>")])
    one = mail_context(found, "ann@example.org", TO, DsnRequest(), NOW)
    assert one is not None
    assert (one.message_id, one.references) == ("", ("a@b",))
