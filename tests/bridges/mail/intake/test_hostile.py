"""Whatever arrives, in whatever pieces: the state is right, and nothing is raised."""

import re
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goiptwist.bridges.mail.intake.content import Content
from goiptwist.bridges.mail.intake.envelope import read_mail, read_recipient
from goiptwist.bridges.mail.submission.smtp_reply import ClosingReply, SmtpReply, in_one
from tests.bridges.mail.intake.rig import Certificate, FakeSubmission, IntakeCall, server_context

#: Parts of which a conversation may be made: right ones, wrong ones, halves.
PIECES = st.sampled_from(
    [
        b"EHLO me\r\n", b"HELO me\r\n", b"LHLO me\r\n", b"MAIL FROM:<a@b>\r\n", b"MAIL FROM:<>",
        b"MAIL FROM:<\xc3\xa4@b> SMTPUTF8 SIZE=5 BODY=8BITMIME\r\n", b"RCPT TO:<+36@c>\r\n",
        b"RCPT TO:<\xff@c>\r\n", b"DATA\r\n", b"DATA", b".\r\n", b"\r\n.\r\n", b"..\r\n", b".",
        b"\r", b"\n", b"\r\n", b"\0", b" ", b"AUTH PLAIN\r\n", b"AUTH LOGIN b3Bz\r\n",
        b"AUTH PLAIN AG9wcwB4\r\n", b"*\r\n", b"QUIT\r\n", b"RSET\r\n", b"NOOP\r\n",
        b"STARTTLS\r\n",
        b"x" * 1100, b"x" * 4100 + b"\r\n", b"GET / HTTP/1.1\r\n", b"Subject: \xe4\r\n",
    ]
)  # fmt: skip
TALK = st.lists(PIECES | st.binary(max_size=12), max_size=30).map(b"".join)


def in_pieces(data, cuts):
    """The same bytes as the network may deliver them."""
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[a:b] for a, b in pairwise(edges)]


CUTS = st.lists(st.integers(0, 10**6), max_size=8)


@settings(max_examples=400, deadline=None)
@given(talk=TALK, cuts=CUTS, lmtp=st.booleans(), tls=st.booleans())
def test_any_talk(talk, cuts, lmtp, tls):
    """Each answer is one of SMTP, mails are whole, and the end leaves nothing behind."""
    call = IntakeCall(server_context(max_size=1024), lmtp=lmtp, implicit=tls, hello=False)
    for piece in in_pieces(talk, cuts):
        call.sends(piece)
    for line in call.heard():
        assert re.fullmatch(r"[2345][0-9]{2}[ -][ -~]*", line)
    for _, _, recipients, content in call.submission.taken:
        assert recipients
        assert not re.search(rb"\0|\r(?!\n)|(?<!\r)\n", content)
    call.hangs_up()
    assert call.is_over()


@settings(max_examples=200, deadline=None)
@given(talk=TALK, cuts=CUTS, lmtp=st.booleans())
def test_pieces_do_not_matter(talk, cuts, lmtp):
    """How the network cuts what is said changes nothing of what is answered."""
    answers, mails = [], []
    for pieces in ([talk], in_pieces(talk, cuts)):
        call = IntakeCall(server_context(max_size=1024), lmtp=lmtp)
        for piece in pieces:
            call.sends(piece)
        answers.append(call.heard())
        mails.append([mail[1:3] for mail in call.submission.taken])
        call.hangs_up()
    assert answers[0] == answers[1]
    assert mails[0] == mails[1]


@settings(max_examples=200, deadline=None)
@given(talk=TALK, cuts=CUTS, order=st.lists(st.booleans(), max_size=40))
def test_answers_keep_their_order(talk, cuts, order):
    """However long the submission takes for each question, the answers are the same."""
    quick = IntakeCall(server_context(max_size=1024))
    quick.sends(talk)
    slow = IntakeCall(server_context(FakeSubmission(slow=True), max_size=1024))
    for piece, goes_on in zip(in_pieces(talk, cuts), order, strict=False):
        slow.sends(piece)
        if goes_on and slow.submission.pending:
            slow.submission.goes_on()
    sent = sum(map(len, in_pieces(talk, cuts)[: len(order)]))
    slow.sends(talk[sent:])
    while slow.submission.pending:
        slow.submission.goes_on()
    assert slow.heard() == quick.heard()
    for call in (quick, slow):
        call.hangs_up()
        assert call.is_over()


@settings(max_examples=200, deadline=None)
@given(before=TALK, behind=st.binary(min_size=1, max_size=40), cuts=CUTS)
def test_nothing_in_clear_lives_on(before, behind, cuts):
    """If TLS begins at all, not a byte said before it is left."""
    call = IntakeCall(server_context(certificate=Certificate(), max_size=1024))
    seen = []
    call.wire.startTLS = lambda context: seen.append(bytes(call.server._unread))
    for piece in in_pieces(before + b"\r\nRSET\r\nSTARTTLS\r\n" + behind, cuts):
        call.sends(piece)
        if seen:
            break
    assert seen in ([], [b""])
    call.hangs_up()


@settings(max_examples=300)
@given(text=st.binary(max_size=300), cuts=CUTS)
def test_content_is_what_was_sent(text, cuts):
    """Dots are doubled by the sender and taken away here; the next command is not touched."""
    lines = [line.replace(b"\r", b"").replace(b"\n", b"") for line in text.split(b"n")]
    mail = b"".join(line + b"\r\n" for line in lines)
    sent = re.sub(rb"(?m)^\.", b"..", mail) + b".\r\nNOOP\r\n"
    content, rest = Content(1000), None
    for piece in in_pieces(sent, cuts):
        rest = content.feed(piece) if rest is None else rest + piece
    assert rest == b"NOOP\r\n"
    assert content.text == mail


@given(data=st.binary(max_size=5000), cuts=CUTS)
def test_content_is_bounded(data, cuts):
    """However it goes on, not more is kept than one mail."""
    content = Content(100)
    with suppress(ClosingReply):
        for piece in in_pieces(data * 3, cuts):
            if content.feed(piece) is not None:
                break
            assert len(content._raw) <= 130 + len(piece)


@settings(max_examples=500)
@given(
    argument=st.binary(max_size=60)
    | st.text(max_size=60).map(lambda text: b"FROM:<" + text.encode("utf-8", "replace") + b">")
    | st.from_regex(rb"\A(FROM|TO): ?<[!-~]{0,20}>( [!-~]{1,9}){0,3}\Z")
)
def test_arguments(argument):
    """They are read, or refused with a 5xx."""
    for read in (
        lambda: read_mail(argument, extended=True, login=True).sender,
        lambda: read_recipient(argument, extended=True, utf8=True).recipient,
    ):
        try:
            address = read()
        except SmtpReply as refused:
            address = refused.codes
            assert address.startswith("5")
        assert address.isprintable()


@given(
    replies=st.dictionaries(
        st.text(max_size=20),
        st.builds(
            SmtpReply, st.sampled_from([250, 450, 550]), st.sampled_from(["2.0.0", ""]), st.text()
        ),
        min_size=1,
    )
)
def test_any_fates(replies):
    """Yes is never said for somebody who was not taken, and every line can be sent."""
    reply = in_one(replies)
    assert reply.taken == all(fate.taken for fate in replies.values())
    assert all(line.isascii() and line.isprintable() for line in reply.lines)
    assert max(map(len, reply.lines)) <= 506


@pytest.mark.parametrize(
    "argument",
    [
        b"FROM:<@" + b"a," * 2000 + b":",
        b'FROM:<"' + b"\\a" * 2000,
        b"FROM:<a@b" + b" " * 4000 + b"\0",
        b"FROM:<a@b>" + b" A" * 2000 + b"\0",
        b"FROM:<" + b"a." * 2000 + b"\0",
    ],
)
def test_no_pattern_runs_wild(argument):
    """None looks at the same text again and again; this would take years."""
    with pytest.raises(SmtpReply):
        read_mail(argument, extended=True, login=True)
