"""
Who may send by mail, what is sent, and that a mail is one SMS
however often it comes.
"""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from twisted.internet.defer import Deferred, execute
from twisted.internet.task import Clock

from goiptwist.accounts.users import User
from goiptwist.bridges.mail.reading.extraction import AttachmentUse, Gsm7Use, ReadingSettings
from goiptwist.bridges.mail.submission.addresses import (
    AddressPlan,
    bounce_address,
    reply_address,
)
from goiptwist.bridges.mail.submission.context import MailContext
from goiptwist.bridges.mail.submission.interfaces import DsnRequest, MailClient, MailProtocol
from goiptwist.bridges.mail.submission.service import MailSubmission
from goiptwist.bridges.mail.submission.smtp_reply import SmtpReply
from goiptwist.bridges.mail.submission.tokens import DAY, AddressTokens, ReplyGrant
from goiptwist.errors import Conflict, Forbidden, OverQuota, StoreUnavailable, Unacceptable
from goiptwist.model.messages import State
from goiptwist.testing.stubs import (
    StandInDirectory,
    StandInGateway,
    StandInMessages,
    sms,
)

NOW = 1_795_000_000.0
STRANGER = MailClient(
    peer="192.0.2.9", protocol=MailProtocol.SMTP, tls=True, user=None, trusted=False, helo="x"
)
ANN = evolve(STRANGER, user=User(name="ann"))
NEIGHBOUR = evolve(STRANGER, trusted=True)
ANSWER = "+36301234567"


class SubmissionRig:
    """A submission with a stand-in for the gateway."""

    def __init__(
        self,
        rules: ReadingSettings | None = None,
        mailboxes: tuple[str, ...] = (),
        correspondents: tuple[str, ...] = (),
        **more: Any,
    ) -> None:
        clock = Clock()
        clock.advance(NOW)
        self.gateway = StandInGateway(None, clock)
        self.tokens = AddressTokens(bytes(range(32)))
        self.grant = ReplyGrant("bridge:ops", "goip1")
        self.tokens.know([self.grant])
        self.submission = MailSubmission(
            self.gateway,
            "sms.example.org",
            AddressPlan(
                lines=("goip1", "goip2"),
                pools=("default",),
                country="HU",
                mailboxes=mailboxes,
                correspondents=correspondents,
            ),
            self.tokens,
            evolve(rules or ReadingSettings(), segments=3),
            execute,
            **more,
        )

    def may_write(self, client: MailClient, recipient: str, sender: str = "ann@example.org") -> str:
        """What is said to RCPT; empty is yes."""
        return outcome(self.submission.check_recipient(client, sender, recipient))

    def take(
        self,
        client: MailClient,
        to: str,
        text: str = "hello",
        sender: str = "ann@example.org",
        wishes: DsnRequest | None = None,
        **header: str,
    ) -> str:
        """What is said to a mail, to one recipient."""
        given = {name.replace("_", "-"): value for name, value in header.items()}
        fields = {"From": "ann@example.org", "Message-ID": "<1@example.org>", **given}
        lines = [*(f"{name}: {value}" for name, value in fields.items()), "", text, ""]
        content = "\r\n".join(lines).encode()
        wanted = {} if wishes is None else {to: wishes}
        said = outcome(self.submission.accept(client, sender, [to], content, wanted))
        return said if isinstance(said, str) else str(said[to])

    def sent(self) -> list[tuple[str, str, str, str]]:
        """What was submitted: on whose account, to whom, by which line, what."""
        return [(s.origin, *s.recipients, s.line, s.text) for s in self.gateway.submissions]

    def reply_to(self, until: float = NOW + DAY) -> str:
        """The address that answers an SMS."""
        return reply_address(self.tokens, self.grant, ANSWER, until, "sms.example.org")


def outcome(coroutine: Any) -> Any:
    """The result of a coroutine; an answer that is raised as text."""
    results: list[Any] = []
    Deferred.fromCoroutine(coroutine).addBoth(results.append)
    (result,) = results
    if hasattr(result, "value"):
        assert isinstance(result.value, SmtpReply | Unacceptable), result
        return str(result.value)
    return "" if result is None else result


@pytest.mark.parametrize(
    ("client", "recipient", "said"),
    [
        (ANN, "+36301234567@sms.example.org", ""),
        (ANN, "06301234567@sms.example.org", ""),
        (ANN, "goip2.+36301234567@sms.example.org", ""),
        (ANN, "pool-default.+36301234567@sms.example.org", ""),
        (ANN, "+36301234567", ""),
        (NEIGHBOUR, "+36301234567@sms.example.org", ""),
        (STRANGER, "+36301234567@sms.example.org", "550 5.7.1 Log in to send SMS"),
        (ANN, "+36301234567@example.net", "550 5.7.1 We take no mail for example.net"),
        (ANN, "goip9.+36301234567@sms.example.org", "550 5.1.1 there is no line 'goip9'"),
        (ANN, "ann@sms.example.org", "550 5.1.1 'ann' is no telephone number"),
    ],
)
def test_who_may(client: MailClient, recipient: str, said: str) -> None:
    """It is said at RCPT: who is refused now needs no bounce."""
    answer = SubmissionRig().may_write(client, recipient)
    assert answer.startswith(said)
    assert bool(answer) == bool(said)


def test_an_answer_needs_no_login() -> None:
    """The token proves that we wrote the address, and goes by the line of the SMS."""
    room = SubmissionRig()
    assert room.may_write(STRANGER, room.reply_to()) == ""
    assert room.take(STRANGER, room.reply_to()).startswith("250 2.0.0 Kept as")
    assert room.sent() == [("bridge:ops", ANSWER, "goip1", "hello")]


def test_a_token_for_somebody_else() -> None:
    """It is good for its number only, and for its time."""
    room = SubmissionRig()
    forged = room.reply_to().replace("+36301234567", "+36301234568")
    assert room.may_write(STRANGER, forged).startswith("550 5.7.1 the reply token does not belong")
    late = room.reply_to(NOW - 2 * DAY)
    assert room.may_write(STRANGER, late).startswith("550 5.7.1 the SMS is too old")


def test_the_same_mail_again() -> None:
    """The same Message-ID and recipient is the same client id; another is not."""
    room = SubmissionRig()
    room.take(ANN, "+36301234567@sms.example.org")
    room.take(ANN, "+36301234567@sms.example.org")
    room.take(ANN, "+36301234568@sms.example.org")
    room.take(ANN, "+36301234567@sms.example.org", Message_ID="<2@example.org>")
    first, again, other, new = [s.client_id for s in room.gateway.submissions]
    assert first == again
    assert len({first, other, new}) == 3


def test_what_was_read_otherwise_the_first_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mail that was taken is taken, also if an update reads its text in another way."""
    room = SubmissionRig()

    async def conflict(submission: object) -> None:
        raise Conflict("used before")

    monkeypatch.setattr(StandInMessages, "submit", lambda self, s: conflict(s))
    assert room.take(ANN, "+36301234567@sms.example.org").startswith("250")


def test_the_quote_of_our_own_sms_is_cut() -> None:
    """Our mail is known by its id, and so is what it said."""
    room = SubmissionRig()
    room.gateway.kept["m1"] = sms("The cellar is flooding!", id="m1", state=State.RECEIVED)
    said = room.take(
        STRANGER,
        room.reply_to(),
        "On my way\r\n\r\nThe cellar is flooding!",
        In_Reply_To="<m1.1767225600250@sms.example.org>",
    )
    assert said.startswith("250")
    assert [text for *_, text in room.sent()] == ["On my way"]


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ({"Auto-Submitted": "auto-replied"}, "answers by itself"),
        ({"Precedence": "bulk"}, "bulk"),
        ({"List-Id": "<l.example.org>"}, "list"),
    ],
)
def test_no_loops(header: dict[str, str], said: str) -> None:
    """What a program has answered never becomes an SMS."""
    room = SubmissionRig()
    answer = room.take(STRANGER, room.reply_to(), **header)
    assert room.sent() == []
    assert answer


def test_too_long() -> None:
    """The count is said, and nothing is sent."""
    room = SubmissionRig()
    said = room.take(ANN, "+36301234567@sms.example.org", "x" * 1000)
    assert said == "552 5.3.4 The text needs 7 SMS; at most 3 are sent"
    assert room.sent() == []


def test_the_last_stop_of_a_loop() -> None:
    """Answers to one number come at most three in ten minutes; logins are not counted."""
    room = SubmissionRig()
    said = [room.take(STRANGER, room.reply_to(), Message_ID=f"<{n}@example.org>") for n in range(4)]
    assert [answer[:3] for answer in said] == ["250", "250", "250", "450"]
    assert room.take(STRANGER, room.reply_to(), Message_ID="<0@example.org>")[:3] == "250"
    more = [
        room.take(ANN, f"{ANSWER}@sms.example.org", Message_ID=f"<a{n}@example.org>")
        for n in range(5)
    ]
    assert {answer[:3] for answer in more} == {"250"}


def test_a_repeat_is_not_counted() -> None:
    """A server that did not hear our yes says it all again; that is no second SMS."""
    room = SubmissionRig()
    for _ in range(5):
        assert room.take(STRANGER, room.reply_to())[:3] == "250"
    for other in (2, 3):
        said = room.take(STRANGER, room.reply_to(), Message_ID=f"<{other}@example.org>")
        assert said[:3] == "250"


def test_what_is_left_out_is_said() -> None:
    """In the answer, and in each mail about what became of the SMS."""
    rules = ReadingSettings(attachments=AttachmentUse.IGNORE)
    room = SubmissionRig(rules, reports_by="ops")
    to = f"{ANSWER}@sms.example.org"
    text = (
        "--b\r\nContent-Type: text/plain\r\n\r\nSee the plan.\r\n--b\r\n"
        'Content-Type: application/pdf; name="plan.pdf"\r\n'
        'Content-Disposition: attachment; filename="plan.pdf"\r\n\r\nPDF\r\n--b--'
    )
    said = room.take(ANN, to, text, Content_Type='multipart/mixed; boundary="b"')
    assert said == "250 2.0.0 Kept as out1, left out: 'plan.pdf'"
    [submission] = room.gateway.submissions
    assert submission.text == "See the plan."
    assert MailContext.from_text(submission.context).note == "left out: 'plan.pdf'"
    refused = SubmissionRig().take(ANN, to, text, Content_Type='multipart/mixed; boundary="b"')
    assert refused.endswith("an SMS is text only: send the mail again without 'plan.pdf'")


def test_an_answer_is_noted() -> None:
    """The next mail of the conversation refers to it; new mails belong to none."""
    room = SubmissionRig()
    room.take(ANN, f"{ANSWER}@sms.example.org", Message_ID="<new@example.org>")
    assert room.gateway.notes == {}
    room.take(STRANGER, room.reply_to(), Message_ID="<answer@example.org>")
    assert list(room.gateway.notes.values()) == ['["<answer@example.org>"]']


def test_no_disk_no_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be kept is told to come again."""
    room = SubmissionRig()

    async def full(submission: object) -> None:
        raise StoreUnavailable("disk full")

    monkeypatch.setattr(StandInMessages, "submit", lambda self, s: full(s))
    assert room.take(ANN, "+36301234567@sms.example.org") == "451 4.3.0 disk full"


def test_a_destination_that_is_not_allowed() -> None:
    """It is said at RCPT, in the words of the gateway, if it is known by then whose SMS it is."""
    room = SubmissionRig()
    room.gateway.forbidden = "ann may write to Hungary only"
    said = "550 5.7.1 ann may write to Hungary only"
    assert room.may_write(ANN, "+4366012345678@sms.example.org") == said
    assert room.may_write(STRANGER, room.reply_to()) == said


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (Forbidden("not there"), "550 5.7.1 not there"),
        (OverQuota("100 today", after=60), "452 4.7.1 100 today"),
    ],
)
def test_what_the_gateway_does_not_take(
    trouble: Exception, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is never allowed is told apart from what is allowed again tomorrow."""
    room = SubmissionRig()

    async def no(submission: object) -> None:
        raise trouble

    monkeypatch.setattr(StandInMessages, "submit", lambda self, s: no(s))
    assert room.take(ANN, "+36301234567@sms.example.org") == said


def test_letters_of_a_cheap_sms() -> None:
    """It is counted as it is sent, and said."""
    room = SubmissionRig(ReadingSettings(gsm7=Gsm7Use.IF_SHORTER))
    said = room.take(ANN, "+36301234567@sms.example.org", "“" + "x" * 300 + "”")
    assert said == "250 2.0.0 Kept as out1, in the letters of GSM 7-bit"
    assert room.sent()[0][3] == '"' + "x" * 300 + '"'


class TestBounces:
    """Mails of ours that come back."""

    def came(self, **changes: Any) -> tuple[str, list[tuple[str, str]]]:
        room = SubmissionRig()
        to = bounce_address(room.tokens, "m1", NOW, "sms.example.org")
        assert room.may_write(STRANGER, to, sender="") == ""
        assert room.may_write(STRANGER, to) == "550 5.7.1 This address is for bounces only"
        said = room.take(STRANGER, to, sender="", **changes)
        assert room.sent() == []
        return said, room.gateway.returned

    def test_noted(self) -> None:
        """The SMS that it was about hears of it, with the reason."""
        said, returned = self.came(From="<>", Subject="failure notice")
        assert (said, returned) == ("250 2.0.0 Noted", [("m1", "failure notice")])

    def test_of_one_recipient(self) -> None:
        """Each mail of an SMS comes back for its own recipient."""
        room = SubmissionRig(correspondents=("ann@example.org", "joe@example.org"))
        to = bounce_address(room.tokens, "m1", NOW, "sms.example.org", "joe@example.org")
        assert room.take(STRANGER, to, sender="", From="<>") == "250 2.0.0 Noted"
        assert room.gateway.returned_by == ["joe@example.org"]

    def test_no_failure(self) -> None:
        """Somebody is on holiday: the mail has arrived."""
        assert self.came(Auto_Submitted="auto-replied") == ("250 2.0.0 Noted", [])

    def test_no_disk_no_yes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What could not be noted is told to come again."""

        async def full(message_id: str, reason: str, recipient: str) -> None:
            raise StoreUnavailable("disk full")

        monkeypatch.setattr(StandInDirectory, "bounced", lambda self, *a: full(*a))
        assert self.came(From="<>") == ("451 4.3.0 disk full", [])
