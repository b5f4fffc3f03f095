"""Who has proven to be whom, as our own mail server says, and nobody else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goiptwist.bridges.mail.reading.headers import Headers
from goiptwist.bridges.mail.submission.authentication import (
    FROM_AT_MOST,
    authenticated_author,
    author_of,
    results,
)
from goiptwist.testing.contract import any_text

MX = "mx.example.org"
JOE = "Joe <Joe@Example.NET>"


def mail(*found, author=JOE):
    return Headers([*(("Authentication-Results", value) for value in found), ("From", author)])


@pytest.mark.parametrize(
    ("found", "by"),
    [
        # as OpenDKIM, OpenDMARC, rspamd, Gmail and Exchange write them
        ("mx.example.org; dkim=pass (2048-bit key; unprotected) header.d=example.net "
         "header.i=@example.net header.b=abcDEF12; dkim-atps=neutral", ["dkim"]),
        ("MX.example.org;\r\n\tdmarc=pass (p=reject dis=none) header.from=example.net", ["dmarc"]),
        ("mx.example.org; spf=pass (google.com: domain of joe@example.net designates 192.0.2.1 "
         "as permitted sender) smtp.mailfrom=joe@example.net", ["spf"]),
        ("mx.example.org; dkim=pass header.d=example.net header.s=s1 header.b=ab/c=;\r\n"
         "\tdmarc=pass (policy=none) header.from=example.net; spf=pass smtp.mailfrom=example.net",
         ["dkim", "dmarc", "spf"]),
        ("mx.example.org 1; spf=pass (sender ip is 192.0.2.1) smtp.rcpttodomain=example.org "
         "smtp.mailfrom=example.net; dmarc=pass (p=reject) action=none header.from=example.net; "
         "dkim=pass (signature was verified) header.d=example.net;", ["spf", "dmarc", "dkim"]),
        ('mx.example.org; dkim/1 = pass reason="good; really" header.d = "example.net"', []),
        ("mx.example.org; dkim/1 = pass reason=\"good; really\" header.d = example.net", ["dkim"]),
        # several signatures: one that is good is enough
        ("mx.example.org; dkim=fail header.d=example.net; dkim=pass header.d=example.net",
         ["dkim"]),
        ("mx.example.org; dkim=pass header.d=list.example; dkim=pass header.d=example.net",
         ["dkim"]),
        # not passed, or for another
        ("mx.example.org; none", []),
        ("mx.example.org; dkim=fail header.d=example.net; spf=softfail smtp.mailfrom=example.net",
         []),
        ("mx.example.org; dkim=pass header.d=example.net; dmarc=fail", []),
        ("mx.example.org; dkim=pass header.d=evil.example", []),
        ("mx.example.org; dkim=pass header.d=notexample.net", []),
        ("mx.example.org; dkim=pass header.d=net", []),
        ("mx.example.org; dkim=pass", []),
        ("mx.example.org; spf=pass smtp.helo=example.net", []),
        ("mx.example.org; spf=pass smtp.mailfrom=", []),
        ("mx.example.org; dmarc=pass header.from=mail.example.net", []),
        ("mx.example.org; auth=pass smtp.auth=joe@example.net", []),
        # one that lies above may not be anybody's: only the server can tell
        ("mx.example.org; dkim=pass header.d=mail.example.net", []),
        # what looks like a result stands in a comment, or in a quoted name
        ("mx.example.org; dkim=fail (dkim=pass header.d=example.net) header.d=example.net", []),
        ("mx.example.org; spf=fail (\\) ; dkim=pass header.d=example.net) smtp.mailfrom=x.y", []),
        ('mx.example.org; spf=pass smtp.mailfrom="joe@example.net"@evil.example', []),
        ('mx.example.org; spf=pass smtp.mailfrom="; dkim=pass header.d=example.net"@evil.example',
         []),
        ("mx.example.org; spf=pass smtp.mailfrom=a=joe@evil.example", []),
        ("mx.example.org; spf=pass smtp.mailfrom=bounce+joe=example.org@example.net", ["spf"]),
        # another server, or another version of the format
        ("mx.evil.example; dkim=pass header.d=example.net", []),
        ("mx.example.org.evil.example; dkim=pass header.d=example.net", []),
        ("mx.example.org 2; dkim=pass header.d=example.net", []),
        ("(mx.example.org) mx.evil.example; dkim=pass header.d=example.net", []),
        ("", []),
        (";", []),
    ],
)  # fmt: skip
def test_one_field(found, by):
    """Which methods prove C{joe@example.net}."""
    proven = authenticated_author(mail(found), MX)
    assert (proven.address, proven.domain) == ("joe@example.net", "example.net")
    assert list(proven.by) == by
    assert bool(proven) is bool(by)


def test_from_below():
    """A domain speaks for those below it."""
    found = "mx.example.org; dkim=pass header.d=example.net; dmarc=pass header.from=a.example.net"
    assert authenticated_author(mail(found, author="x@a.example.net"), MX).by == ("dkim", "dmarc")


def test_forged_fields():
    """
    The topmost field of our server counts: it adds its own above what a forger
    has written, and what that says of further methods is nobody's word.
    """
    real = "mx.example.org; dkim=none; spf=fail smtp.mailfrom=example.net; dmarc=fail"
    forged = "mx.example.org; dkim=pass header.d=example.net; dmarc=pass header.from=example.net"
    assert authenticated_author(mail(real, forged), MX).by == ()
    other = forged.replace("mx.", "mx2.")
    assert authenticated_author(mail(other, real, other), MX).by == ()
    # what our server says of other things is no verdict; that it has none is one
    dmarc = "mx.example.org; dmarc=pass header.from=example.net"
    assert authenticated_author(mail("mx.example.org; iprev=pass", dmarc), MX).by == ("dmarc",)
    assert authenticated_author(mail("mx.example.org; none", dmarc), MX).by == ()
    assert authenticated_author(mail("mx.example.org 2; dmarc=fail", dmarc), MX).by == ()
    # several fields of one server, of which the topmost counts
    spf = "mx.example.org; spf=pass smtp.mailfrom=joe@example.net"
    dkim = "mx.example.org; dkim=pass header.d=example.net"
    assert authenticated_author(mail(other, spf, dkim), MX).by == ("spf",)
    assert authenticated_author(mail("mx.example.org; spf=fail", dkim), MX).by == ()


@pytest.mark.parametrize("broken", ['spf=pass smtp.mailfrom="a', "spf=pass (a", "x=" + "y" * 9000])
def test_a_broken_field_of_ours(broken):
    """Who can break our server's field hides what it says; then nothing is proven."""
    forged = "mx.example.org; dmarc=pass header.from=example.net"
    assert authenticated_author(mail(f"mx.example.org; {broken}; dmarc=fail", forged), MX).by == ()
    assert results(mail(f"mx.example.org; {broken}", forged), MX) == []
    assert authenticated_author(mail(f"mx.evil.example; {broken}", forged), MX).by == ("dmarc",)


@pytest.mark.parametrize(
    ("author", "address"),
    [
        ("joe@example.net", "joe@example.net"),
        ('"joe@example.net" <eve@evil.example>', "eve@evil.example"),
        ("joe@example.net <eve@evil.example>", "eve@evil.example"),
        ("(joe@example.net) eve@evil.example", "eve@evil.example"),
        ("=?utf-8?q?joe=40example.net?= <eve@evil.example>", "eve@evil.example"),
        ("joe@example.net, eve@evil.example", ""),
        ("<joe@example.net> <eve@evil.example>", ""),
        ("undisclosed:;", ""),
        ("joe", ""),
        ("", ""),
    ],
)
def test_author(author, address):
    """Whose mail it is; where several could be meant, it is nobody's."""
    found = "mx.example.org; dmarc=pass header.from=example.net"
    proven = authenticated_author(mail(found, author=author), MX)
    assert proven.address == address
    assert proven.by == (("dmarc",) if address == "joe@example.net" else ())


def test_two_authors():
    """Two fields From, and each reader would take another."""
    twice = Headers([*mail("mx.example.org; dmarc=pass header.from=example.net").fields] * 2)
    assert authenticated_author(twice, MX).address == ""


def test_nobody_is_trusted():
    """Without an id there is no server to trust."""
    assert authenticated_author(mail("; dkim=pass header.d=example.net"), "").by == ()


@given(any_text, st.lists(any_text, max_size=3))
def test_any_text(author, found):
    """Whatever stands there, nothing is raised, and nothing is proven by chance."""
    assert not authenticated_author(mail(*found, author=author), MX)


@given(st.text('mx.example.org;=()"\\ dkimpass@header.d\r\n\t', max_size=80))
def test_damaged(text):
    """Nor where it is nearly right."""
    authenticated_author(mail(f"mx.example.org; {text}", f"mx.example.org{text}"), MX)


def test_a_quoted_text_that_never_ends():
    """Nobody writes a From of that length, and reading it would cost its square."""
    endless = Headers([("From", '"' + '\\"' * 30_000)])
    assert author_of(endless) == ""
    assert author_of(Headers([("From", "a" * FROM_AT_MOST + "@example.org")])) == ""
