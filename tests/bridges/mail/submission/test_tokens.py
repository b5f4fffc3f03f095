"""A token proves that we wrote the address, and allows just what it was made for."""

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goiptwist.bridges.mail.submission.tokens import (
    DAY,
    AddressTokens,
    BadToken,
    ReplyGrant,
    TokenFault,
)
from goiptwist.testing.contract import any_text

KEY = bytes(range(32))
NOW = 1_795_000_000.0
OPS = ReplyGrant("bridge:ops", "goip1")
ELSE = ReplyGrant("bridge:ops", "goip2")
JOE = ReplyGrant("user:joe", "goip1")
NUMBER = "+36301234567"


def tokens(*grants, key=KEY):
    made = AddressTokens(key)
    made.know(grants or (OPS, ELSE, JOE))
    return made


def fault(token, *, number=NUMBER, now=NOW, known=None, **only):
    with pytest.raises(BadToken) as refusal:
        (known or tokens()).granted(token, number, now, **only)
    assert refusal.value.field == "to"
    return refusal.value.fault


def test_the_letters():
    """It may stand in a local part, and does not mind how its case is folded."""
    token = tokens().reply(OPS, NUMBER, NOW)
    assert re.fullmatch("[a-z2-7]{32}", token)
    assert tokens().granted(token.upper(), NUMBER, NOW) == OPS
    assert re.fullmatch("[a-z2-7]{24}", tokens().bounce("m1", NOW))


@given(
    owner=any_text,
    line=any_text,
    number=st.from_regex(r"\A\+?[0-9]{3,20}\Z"),
    until=st.floats(0, 4e9),
    key=st.binary(min_size=32, max_size=80),
)
def test_round_trip(owner, line, number, until, key):
    """Whoever it was made for is who comes out, until the end of the day."""
    grant = ReplyGrant(owner, line)
    known = tokens(grant, OPS, key=key)
    token = known.reply(grant, number, until)
    last_moment = (until // DAY + 1) * DAY - 1
    assert known.granted(token, number, last_moment) == grant
    assert fault(token, number=number, now=last_moment + 1, known=known) is TokenFault.EXPIRED


@given(st.integers(0, 159))
def test_every_bit_counts(bit):
    """A token with another bit in it is forged, or not even for a line of ours."""
    token = tokens().reply(OPS, NUMBER, NOW)
    octets = int.from_bytes(base64.b32decode(token.upper()), "big") ^ (1 << bit)
    changed = base64.b32encode(octets.to_bytes(20, "big")).decode().lower()
    assert fault(changed) in (TokenFault.FORGED, TokenFault.ELSEWHERE)


@given(st.one_of(any_text, st.from_regex(r"\A[a-z2-7]{32}\Z")))
def test_any_text(token):
    """Nothing but our own error leaves, whatever is shown as a token."""
    assert fault(token) in (TokenFault.MALFORMED, TokenFault.FORGED, TokenFault.ELSEWHERE)
    with pytest.raises(BadToken):
        tokens().bounced(token, "m1", NOW)


def test_bound():
    """To the number, the line, the owner and the key: none can be exchanged."""
    token = tokens().reply(OPS, NUMBER, NOW)
    assert fault(token, number="+36301234568") is TokenFault.FORGED
    assert fault(token, number="36301234567") is TokenFault.FORGED
    assert fault(token, line="goip2") is TokenFault.ELSEWHERE
    assert fault(token, owner="user:joe") is TokenFault.ELSEWHERE
    assert fault(token, known=tokens(ELSE, JOE)) is TokenFault.ELSEWHERE
    assert fault(token, known=tokens(key=bytes(32))) in (TokenFault.FORGED, TokenFault.ELSEWHERE)
    assert tokens().granted(token, NUMBER, NOW, owner="bridge:ops", line="goip1") == OPS


def test_expired_is_said_to_whom_it_was_given_only():
    """Nobody learns from the reasons how a token would have to look."""
    token = tokens().reply(OPS, NUMBER, NOW)
    later = NOW + 2 * DAY
    assert fault(token, now=later) is TokenFault.EXPIRED
    assert fault(token, number="+1", now=later) is TokenFault.FORGED


def test_the_reasons_are_sentences():
    """Each is another one, and says what to do."""
    said = {str(BadToken(each)) for each in TokenFault}
    assert len(said) == len(TokenFault)
    assert all("answer" in sentence for sentence in said)


def test_bounces():
    """A bounce token is for one message; a reply token is none."""
    known = tokens()
    token = known.bounce("k7x2c9-41", NOW)
    known.bounced(token.upper(), "K7X2C9-41", NOW)
    for wrong, at in [("k7x2c9-42", NOW), ("k7x2c9-41", NOW + 2 * DAY)]:
        with pytest.raises(BadToken):
            known.bounced(token, wrong, at)
    with pytest.raises(BadToken):
        known.bounced(known.reply(OPS, NUMBER, NOW), "k7x2c9-41", NOW)


def test_bounces_of_one_recipient():
    """
    The token says whose mail it was: the address has no room for that. One of the
    version before, which names none, is of all.
    """
    known, people = tokens(), ("anna@example.org", "bela@example.org")
    token = known.bounce("m1", NOW, "bela@example.org")
    assert known.bounced(token, "m1", NOW, people) == "bela@example.org"
    assert known.bounced(known.bounce("m1", NOW), "m1", NOW, people) == ""
    for wrong, others in (("m2", people), ("m1", people[:1]), ("m1", ())):
        with pytest.raises(BadToken):
            known.bounced(token, wrong, NOW, others)


def test_parts_cannot_be_shifted():
    """Where one part ends and the next begins is part of what is proven."""
    ab, a = ReplyGrant("ab", "c"), ReplyGrant("a", "bc")
    known = tokens(ab, a)
    assert known.granted(known.reply(ab, NUMBER, NOW), NUMBER, NOW) == ab
    assert known.reply(ab, NUMBER, NOW) != known.reply(a, NUMBER, NOW)


def test_lines_with_the_same_mark():
    """Two octets mark a line; a thousand lines share some, and are told apart."""
    lines = [ReplyGrant("bridge:ops", f"goip{n}") for n in range(2000)]
    known = tokens(*lines)
    for line in lines[::50]:
        assert known.granted(known.reply(line, NUMBER, NOW), NUMBER, NOW) == line


def test_the_key_is_secret():
    """It is long enough, and shows itself to nobody."""
    with pytest.raises(ValueError, match="32 octets"):
        AddressTokens(b"short")
    assert repr(KEY) not in repr(tokens())
