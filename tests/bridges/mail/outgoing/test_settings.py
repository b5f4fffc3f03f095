"""Each wrong key of a mail bridge is refused in a sentence that names it and the cure."""

import re
from types import SimpleNamespace

import attrs
import pytest

from goiptwist.bridges.mail.outgoing.settings import MailSettings, TlsMode
from goiptwist.config.values import HostPort, Password

RIGHT = {"to": ("ops@example.org",), "sender": "sms@example.org"}
FAR = HostPort("mail.example.org", 587)

WRONG = [
    ({"to": ()}, "to: name at least one mail address"),
    ({"to": "ops@example.org"}, "to: name at least one mail address"),
    ({"to": ("ops",)}, "to: 'ops' is no mail address"),
    ({"to": ("a@b.org\r\nRCPT TO:<x@y>",)}, "is no mail address"),
    ({"to": ("a@b.org\n",)}, "is no mail address"),
    ({"to": ("Ops <ops@example.org>",)}, "without a display name"),
    ({"to": ("ops@exämple.org",)}, "xn--"),
    ({"to": ("őr@example.org",)}, "is not ASCII"),
    ({"to": ("a" * 65 + "@example.org",)}, "longer than mail allows"),
    ({"to": (7,)}, "to: 7 is no text"),
    ({"to": ("ops@example.org", "OPS@example.org")}, "to: ops@example.org stands twice, in to;"),
    ({"cc": ("OPS@example.org",)}, "cc: OPS@example.org stands twice, in to and cc; leave one out"),
    ({"cc": ("a@b.org",), "bcc": ("a@b.org",)}, "bcc: a@b.org stands twice, in cc and bcc;"),
    ({"bcc": ("a@b.org", "a@b.org")}, "bcc: a@b.org stands twice, in bcc;"),
    ({"cc": ("Boss <boss@example.org>",)}, "cc: 'Boss <boss@example.org>' is no mail address"),
    ({"bcc": ("a@b.org\r\nX: y",)}, "bcc: "),
    ({"lmtp": True}, "lmtp: LMTP is never spoken on port 25"),
    ({"sender": "sms"}, "sender: 'sms' is no mail address"),
    ({"sender": "@example.org"}, "sender:"),
    ({"sender": "sms@-example.org"}, "sender:"),
    ({"sender": "sms@[127.0.0.1]"}, "sender:"),
    ({"smarthost": HostPort("mail.example.org", 0)}, "smarthost: the port is 0"),
    ({"smarthost": HostPort("a..b", 25)}, "smarthost: 'a..b' is no host name"),
    ({"mailbox": "sms"}, "mailbox: 'sms' is no mail address"),
    ({"mailbox": "sms+x@example.org"}, "mailbox: 'sms+x@example.org' has a plus"),
    ({"mailbox": "a" * 15 + "@example.org"}, "name has at most 14 letters"),
    ({"mailbox": "sms@example.org", "domain": "b.org"}, "mailbox: domain says already"),
    ({"tls": "yes"}, "tls: must be one of none, opportunistic, required, verified"),
    ({"tls": "none", "implicit_tls": True}, "contradicts implicit_tls"),
    ({"username": "goip"}, "username: a password must go with it"),
    ({"password": Password("horse")}, "password: a username must go with it"),
    (
        {"smarthost": FAR, "tls": "none", "username": "u", "password": Password("horse")},
        'set tls = "verified"',
    ),
    ({"ca": "/nowhere/ca.pem"}, "ca: cannot read /nowhere/ca.pem"),
    ({"ca": __file__}, "holds no certificate"),
    ({"timeout": 0.0}, "timeout: must be more than 0"),
    ({"timeout": float("nan")}, "timeout: must be more than 0"),
    (
        {"subject": "{body}"},
        "subject: there is no {body}; use {sender}, {name}, {line}, {id}, {text}",
    ),
    ({"subject": "{line}: {text}", "private": True}, "subject: {text} would tell"),
    ({"subject": "{name}", "private": True}, "subject: {name} would tell"),
    ({"subject": "{sender}", "private": True}, "use {line} and {id} only, or leave private out"),
    ({"subject": "{sender.__class__}"}, "subject: there is no"),
]


@pytest.mark.parametrize(("changes", "words"), WRONG)
def test_wrong(changes, words):
    """A wrong value never starts; the sentence says which key and what to do."""
    with pytest.raises(ValueError, match=re.escape(words)) as problem:
        MailSettings(**{**RIGHT, **changes})
    assert "horse" not in str(problem.value)


def test_everything_at_once():
    """Each key can be asked by itself, so that all problems can be named in one go."""
    wrong = {
        "to": (),
        "cc": ("a@b.org", "a@b.org"),
        "sender": "x",
        "username": "goip",
        "tls": "yes",
        "timeout": -1.0,
        "lmtp": True,
        "subject": "{text}",
    }
    private = {"private": True}
    with attrs.validators.disabled():
        settings = MailSettings(**wrong, **private)
    named = []
    for key in attrs.fields(MailSettings):
        try:
            if key.validator:
                key.validator(settings, key, getattr(settings, key.name))
        except ValueError as problem:
            named.append(str(problem).partition(":")[0])
    assert sorted(named) == sorted(wrong)


@pytest.mark.parametrize(
    ("smarthost", "implicit", "mode"),
    [
        (HostPort("127.0.0.1", 25), False, TlsMode.NONE),
        (HostPort("::1", 25), False, TlsMode.NONE),
        (HostPort("localhost", 465), True, TlsMode.VERIFIED),
        (FAR, False, TlsMode.VERIFIED),
        (FAR, True, TlsMode.VERIFIED),
    ],
)
def test_tls_by_default(smarthost, implicit, mode):
    """Without a word about TLS, only this machine is trusted in clear."""
    assert MailSettings(**RIGHT, smarthost=smarthost, implicit_tls=implicit).tls_mode is mode


def test_the_password_is_not_shown():
    """Settings may be printed."""
    assert "horse" not in repr(MailSettings(**RIGHT, username="u", password=Password("horse")))


def test_the_subject_by_default():
    """In private it tells nothing."""
    assert MailSettings(**RIGHT).subject_template == "SMS from {sender} on {line}"
    assert MailSettings(**RIGHT, private=True).subject_template == "SMS on {line}"
    assert MailSettings(**RIGHT, private=True, subject="{id}").subject_template == "{id}"


def test_a_missing_key_does_not_hide_another():
    """The configuration asks each key, whatever became of those before it."""
    key = attrs.fields(MailSettings).cc
    known = SimpleNamespace(to=attrs.NOTHING, cc=("a@b.org",) * 2, bcc=())
    with pytest.raises(ValueError, match="twice, in cc"):
        key.validator(known, key, known.cc)
