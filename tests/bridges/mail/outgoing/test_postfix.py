"""The whole bridge before a real Postfix: yes, later, never, and away for a while."""

import pytest
from twisted.internet import reactor

from goiptwist.config.values import HostPort, Password
from goiptwist.errors import Away, Refused, TryLater
from goiptwist.model.delivery import Delivered
from goiptwist.testing.contract import outcome
from goiptwist.testing.stubs import sms
from tests.bridges.mail.outgoing.postfix import NEEDS_POSTFIX, passwords, running, until
from tests.bridges.mail.outgoing.smarthosts import each_recipient, mail_bridge, outcome_of

pytestmark = [pytest.mark.real, NEEDS_POSTFIX]

YES, LATER, NEVER = "ops@example.org", "later@example.org", "never@example.org"
WORDS = f"""
smtpd_recipient_restrictions = check_recipient_access inline:{{
    {{{LATER} = DEFER come again}}, {{{NEVER} = REJECT not here}} }},
  permit_mynetworks, reject
"""


@pytest.fixture(scope="module")
def postfix():
    with running(WORDS) as made:
        yield made


def bridge(postfix, port=None, **changes):
    """Verifies what Postfix shows."""
    smarthost = HostPort("localhost", port or postfix.port)
    keys = {"smarthost": smarthost, "tls": "verified", "ca": postfix.authority.pem, **changes}
    return mail_bridge(reactor, smarthost.port, **keys)


async def delivered(postfix, message_id):
    """The mails with that Message-ID, once there is one and nothing waits any more."""

    def look():
        found = [mail for mail in postfix.inbox() if mail["Message-ID"] == message_id]
        return found if not postfix.queue() else []

    return await until(look, f"{message_id} is delivered")


async def test_accepted(postfix):
    """Over verified TLS, and as it was written."""
    answer = await outcome(bridge(postfix), sms("Szivattyú ☔\n.\n..", id="yes"))
    assert isinstance(answer, Delivered)
    assert answer.detail.startswith("250 2.0.0 Ok: queued as ")
    [mail] = await delivered(postfix, "<yes.1767225600250@gateway.example.org>")
    assert mail.get_payload(decode=True).decode() == "Szivattyú ☔\n.\n..\n"
    assert "with ESMTPS" in mail["Received"]
    assert mail["Return-Path"] == "<sms@gateway.example.org>"


async def test_check(postfix):
    """What an operator wants to know of it."""
    found = await bridge(postfix).check()
    assert "TLSv1.3 with the certificate of CN=localhost (from CN=Test CA, valid until" in found
    assert "verified, not logged in" in found


async def test_not_verified(postfix):
    """Its certificate is for localhost, not for 127.0.0.1."""
    error = await outcome(bridge(postfix, smarthost=HostPort("127.0.0.1", postfix.port)), sms())
    assert isinstance(error, TryLater)
    assert "for another name" in str(error)


@pytest.mark.parametrize(
    ("to", "kind", "words"),
    [
        (LATER, TryLater, "450 4.7.1 <later@example.org>: Recipient address rejected: come again"),
        (NEVER, Refused, "554 5.7.1 <never@example.org>: Recipient address rejected: not here"),
    ],
)
async def test_answers(postfix, to, kind, words):
    """Its own words, sorted by what they mean for the SMS."""
    answer = await outcome(bridge(postfix, to=(to,)), sms())
    assert type(answer) is kind
    assert words in str(answer)


async def test_each_recipient_has_an_outcome_of_its_own(postfix):
    """Three replies; the one that is to be tried again repeats to nobody else."""
    asked = bridge(postfix, to=(YES,), cc=(NEVER,), bcc=(LATER,))
    taken, refused, put_off = await each_recipient(asked, sms(id="three"))
    again = await outcome_of(asked.deliver_to(sms(id="three"), LATER))
    assert isinstance(taken, Delivered)
    assert isinstance(refused, Refused)
    assert str(put_off).startswith(f"the smarthost put it off: {LATER}: 450 4.7.1")
    assert str(again) == str(put_off)
    assert len(await delivered(postfix, "<three.1767225600250@gateway.example.org>")) == 1


async def test_away_and_back(postfix):
    """While it is stopped no attempt is used up; afterwards there is one mail."""
    asked = bridge(postfix)
    postfix.does("stop")
    try:
        error = await outcome(asked, sms(id="away"))
    finally:
        postfix.does("start")
    assert isinstance(error, Away)
    assert not error.attempted
    assert isinstance(await outcome(asked, sms(id="away")), Delivered)
    assert len(await delivered(postfix, "<away.1767225600250@gateway.example.org>")) == 1


async def test_login(postfix):
    """Within TLS, with passwords that Dovecot keeps for it."""
    right = {"username": "goip", "password": Password('right"horse')}
    wrong = {"username": "goip", "password": Password("wrong horse")}
    port = postfix.submission
    with passwords(postfix):
        answer = await outcome(bridge(postfix, port, **right), sms(id="login"))
        found = await bridge(postfix, port, **right).check()
        declined = await outcome(bridge(postfix, port, **wrong), sms())
        nobody = await outcome(bridge(postfix, port), sms())
    assert isinstance(answer, Delivered)
    assert "logged in with PLAIN" in found
    assert isinstance(declined, TryLater)
    assert "did not accept the user name and password: 535" in str(declined)
    assert isinstance(nobody, Refused)
    assert await delivered(postfix, "<login.1767225600250@gateway.example.org>")
