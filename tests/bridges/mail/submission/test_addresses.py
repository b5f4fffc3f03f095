"""What people write before the @, and what is meant by it."""

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goiptwist.bridges.mail.submission.addresses import (
    BOUNCE_DAYS,
    LOCAL_AT_MOST,
    MAILBOX_AT_MOST,
    AddressPlan,
    BounceAddress,
    SmsRecipient,
    answerable,
    bounce_address,
    reply_address,
)
from goiptwist.bridges.mail.submission.tokens import (
    DAY,
    AddressTokens,
    BadToken,
    ReplyGrant,
    TokenFault,
)
from goiptwist.errors import Unacceptable
from goiptwist.testing.contract import any_text

NOW = 1_795_000_000.0
NUMBER = "+36301234567"
LINES = ("goip1", "goip1.sim2", "site.a", "goip+1", "12", "Goip3", "gOIP3", "bounce")
DIRECTORY = AddressPlan(lines=LINES, pools=("default", "night.shift"), country="HU")
TOKENS = AddressTokens(bytes(range(32)))
TOKENS.know(ReplyGrant("bridge:ops", line) for line in LINES)
TOKEN = "abcdefghijklmnopqrstuvwxyz234567"


@pytest.mark.parametrize(
    ("local", "meant"),
    [
        ("+36301234567", SmsRecipient(number=NUMBER)),
        ("0036301234567", SmsRecipient(number=NUMBER)),
        ("06301234567", SmsRecipient(number=NUMBER)),
        ("06-30-123-4567", SmsRecipient(number=NUMBER)),
        ("06.30.123.4567", SmsRecipient(number=NUMBER)),
        ('"+36 30 123 4567"', SmsRecipient(number=NUMBER)),
        (r'"\+36301234567"', SmsRecipient(number=NUMBER)),
        ("1749", SmsRecipient(number="1749")),
        ("goip1.+36301234567", SmsRecipient(number=NUMBER, line="goip1")),
        ("GOIP1.06301234567", SmsRecipient(number=NUMBER, line="goip1")),
        # names with dots and pluses; the longest wins
        ("goip1.sim2.06301234567", SmsRecipient(number=NUMBER, line="goip1.sim2")),
        ("site.a.06301234567", SmsRecipient(number=NUMBER, line="site.a")),
        ("goip+1.+36301234567", SmsRecipient(number=NUMBER, line="goip+1")),
        # a line of digits is a line before it is an ornament
        ("12.06301234567", SmsRecipient(number=NUMBER, line="12")),
        ("12.06.30.123.4567", SmsRecipient(number=NUMBER, line="12")),
        # case tells lines apart that differ in nothing else
        ("Goip3.1749", SmsRecipient(number="1749", line="Goip3")),
        ("gOIP3.1749", SmsRecipient(number="1749", line="gOIP3")),
        ("pool-default.06301234567", SmsRecipient(number=NUMBER, pool="default")),
        ("Pool-Night.Shift.1749", SmsRecipient(number="1749", pool="night.shift")),
        # answers; the number stays as it is, the token is bound to it
        (f"{NUMBER}+{TOKEN}", SmsRecipient(number=NUMBER, token=TOKEN)),
        (f"{NUMBER}+{TOKEN.upper()}", SmsRecipient(number=NUMBER, token=TOKEN)),
        (f"1749+{TOKEN}", SmsRecipient(number="1749", token=TOKEN)),
        (f"06301234567+{TOKEN}", SmsRecipient(number="06301234567", token=TOKEN)),
        (f"goip1.{NUMBER}+{TOKEN}", SmsRecipient(number=NUMBER, line="goip1", token=TOKEN)),
        (f"bounce+k7-41.{TOKEN[:24]}", BounceAddress(id="k7-41", token=TOKEN[:24])),
        (f"BOUNCE+K7-41.{TOKEN[:24].upper()}", BounceAddress(id="k7-41", token=TOKEN[:24])),
    ],
)
def test_meant(local, meant):
    """Every form."""
    assert DIRECTORY.read(local) == meant


@pytest.mark.parametrize(
    ("local", "words"),
    [
        ("joe", "'joe' is no telephone number: write the number before the @"),
        ("", "3 to 20 digits"),
        ("gopi1.06301234567", "there is no line 'gopi1'; did you mean 'goip1'?"),
        ("site.b.+36301234567", "there is no line 'site.b'; did you mean 'site.a'?"),
        ("pool-defualt.1749", "there is no pool 'defualt'; did you mean 'default'?"),
        ("pool-x.1749", "there is no pool 'x'"),
        ("goip1.joe", "'joe' is no telephone number"),
        ("goip1.", "no telephone number"),
        ("goip1.0630123", "the area code is missing"),
        ("GOIP3.1749", "say exactly which: 'Goip3' or 'gOIP3'"),
        # a line of digits that there is not must not become a part of the number
        ("13.06301234567", "there is no line '13'"),
        ("13.1749", "there is no line '13'"),
        (f"{NUMBER}+abc", "the reply token is damaged"),
        (f"{NUMBER}+{TOKEN}x", "the reply token is damaged"),
        ("bounce+", "bounces only"),
        ("bounce+k7-41", "bounces only"),
        ("+36301234567\r\nRCPT TO:<x@y>", "'+36301234567\\r\\nRCPT TO:<x@y>' is no telephone"),
    ],
)
def test_refused(local, words):
    """Each wrong address is refused in a sentence that says what there is."""
    with pytest.raises(Unacceptable, match=re.escape(words)) as refusal:
        DIRECTORY.read(local)
    assert refusal.value.field == "to"
    assert str(refusal.value).isprintable()


@given(st.one_of(any_text, st.text('0123456789+.-pol"\\', max_size=64)))
def test_any_text(local):
    """Nothing but our own error leaves."""
    with suppress(Unacceptable):
        DIRECTORY.read(local)


@given(
    st.from_regex(r"\A\+?[0-9]{3,20}\Z"),
    st.sampled_from(LINES),
    st.booleans(),
)
def test_answers_come_back(number, line, folded):
    """The address that we write is the one that we read, and it fits into a mail."""
    address = reply_address(TOKENS, ReplyGrant("bridge:ops", line), number, NOW, "sms.example.org")
    local, _, domain = address.partition("@")
    assert (len(local) <= LOCAL_AT_MOST, domain) == (True, "sms.example.org")
    read = DIRECTORY.read(local.upper() if folded else local)
    assert read.number == number
    grant = TOKENS.granted(read.token, read.number, NOW)
    assert grant == ReplyGrant("bridge:ops", line)


@given(
    st.from_regex(r"\A\+?[0-9]{3,15}\Z"),
    st.from_regex(rf"\A[a-z][a-z0-9.]{{0,{MAILBOX_AT_MOST - 2}}}[a-z]\Z"),
    st.booleans(),
)
def test_answers_come_back_to_a_mailbox(number, name, folded):
    """Likewise behind the name of a mailbox that has no domain of its own."""
    mailbox = f"{name}@example.org"
    address = reply_address(TOKENS, ReplyGrant("bridge:ops", "goip1"), number, NOW, mailbox)
    assert address.startswith(f"{name}+")
    assert len(address.rpartition("@")[0]) <= LOCAL_AT_MOST
    directory = AddressPlan(lines=LINES, mailboxes=("other@example.org", mailbox))
    read = directory.read(directory.unwrapped(address.upper() if folded else address))
    assert (read.number, read.line) == (number, "")
    assert TOKENS.granted(read.token, read.number, NOW).line == "goip1"


@pytest.mark.parametrize(
    "recipient",
    ["sms@example.org", "sms+@example.org", "sms+1@example.net", "smsx+1@example.org", "", "sms+1"],
)
def test_what_is_not_behind_a_mailbox(recipient):
    """Another domain, another name, or nothing at all: it means what it says."""
    assert AddressPlan(mailboxes=("sms@example.org",)).unwrapped(recipient) == recipient


def test_an_answer_by_another_line():
    """Whoever puts another line before our address has made an address of his own."""
    address = reply_address(TOKENS, ReplyGrant("bridge:ops", "goip1"), NUMBER, NOW, "example.org")
    read = DIRECTORY.read("site.a." + address.partition("@")[0])
    with pytest.raises(BadToken) as refusal:
        TOKENS.granted(read.token, read.number, NOW, line=read.line)
    assert refusal.value.fault is TokenFault.ELSEWHERE


@pytest.mark.parametrize("name", ["INFO", "Telekom 1", "", "12", "+"])
def test_names_cannot_be_answered(name):
    """No network takes a text to a name, so the mail must not offer it."""
    assert not answerable(name)
    with pytest.raises(Unacceptable, match="cannot be answered"):
        reply_address(TOKENS, ReplyGrant("bridge:ops", "goip1"), name, NOW, "example.org")


@given(st.from_regex(r"\A[a-z0-9][a-z0-9_-]{0,31}\Z"), st.booleans())
def test_bounces_come_back(known, folded):
    """So does the address that bounces go to, for as long as servers try."""
    address = bounce_address(TOKENS, known, NOW, "sms.example.org")
    local = address.partition("@")[0]
    assert len(local) <= LOCAL_AT_MOST
    read = DIRECTORY.read(local.upper() if folded else local)
    assert read.id == known
    TOKENS.bounced(read.token, read.id, NOW + BOUNCE_DAYS * DAY)
    with pytest.raises(BadToken):
        TOKENS.bounced(read.token, read.id, NOW + (BOUNCE_DAYS + 1) * DAY)


@pytest.mark.parametrize("known", ["", "a b", "M1", "x" * 33, "a.b"])
def test_no_bounce_address_without_room(known):
    """An id that would not survive the way is refused before the mail is written."""
    with pytest.raises(ValueError, match="cannot stand in an address"):
        bounce_address(TOKENS, known, NOW, "example.org")


def test_without_a_country():
    """Numbers go out as they are written."""
    assert AddressPlan().read("06301234567") == SmsRecipient(number="06301234567")
