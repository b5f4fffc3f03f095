"""
Contact ID as it is written and as it is sent by tones: C{ACCT MT Q XYZ GG CCC S}
(SIA DC-05-1999.09). Pure.

Three ways of writing it are read: C{1113,18,1,123,03,003}, as Ozeki has it; the
16 digits as on the line, C{1113181123030032}; and these in groups,
C{1113 18 1123 03 003 2}.
"""

from __future__ import annotations

import re

from goiptwist.contact_id.event import LONGEST_ACCOUNT, USUAL_ACCOUNT, Event, shown
from goiptwist.errors import Unacceptable

#: What each digit counts for in the check digit: a 0 counts ten. The letter A
#: is no digit of Contact ID; panels display it for a 0, so it counts as one.
VALUES = {**{str(n): n for n in range(1, 10)}, "0": 10, "A": 10}
VALUES |= {"B": 11, "C": 12, "D": 13, "E": 14, "F": 15}
_MODULUS = 15
#: By the value that is needed: the digit that has it.
_BY_VALUE = {value: digit for digit, value in VALUES.items() if digit != "A"}

#: Keys of a telephone and the digits that they send; key D sends none.
DIGIT_OF_KEY = {**{str(n): str(n) for n in range(10)}}
DIGIT_OF_KEY |= {"*": "B", "#": "C", "A": "D", "B": "E", "C": "F"}
_KEY_OF_DIGIT = {digit: key for key, digit in DIGIT_OF_KEY.items()}

#: Where one part of the 16 digits ends and the next begins.
_PARTS = {
    "account": slice(0, 4),
    "type": slice(4, 6),
    "qualifier": slice(6, 7),
    "code": slice(7, 10),
    "partition": slice(10, 12),
    "zone": slice(12, 15),
}
_BOUNDARIES = frozenset({4, 6, 7, 10, 12, 15, 16})
#: Digits of a message, without and with the check digit.
_BARE, _WHOLE = 15, 16

_HOW = "write it as 1113,18,1,123,03,003, or as its 16 digits, 1113181123030032"

_COMMAS = re.compile(r"\s*[^\s,]{1,16}\s*,\s*[^\s,]{1,3}\s*(,[^,]{0,8}){1,6}")
_SIXTEEN = re.compile(r"\s*[0-9A-Fa-f*#]{16}\s*")
_GROUPS = re.compile(r"\s*\S{4}\s+\d{2}\s*[0-9]\s*[0-9A-Fa-f]{3}\s*[0-9A-Fa-f]{2}\s*\S{3}.{0,4}")


def looks_like(text: str) -> bool:
    """
    Whether somebody means a text as Contact ID, right or wrong: where there is
    a choice, what does is read, and its faults are told.
    """
    return any(form.fullmatch(text) for form in (_COMMAS, _SIXTEEN, _GROUPS))


def check_digit(digits: str) -> str:
    """
    @param digits: the first fifteen.
    @return: the one that makes the sum of all sixteen a multiple of 15.
    @raise KeyError: one of them is no digit.
    """
    total = sum(VALUES[digit] for digit in digits)
    return _BY_VALUE[-total % _MODULUS or _MODULUS]


def read(text: str, *, account_digits: int = LONGEST_ACCOUNT) -> Event:
    """
    @param text: in any of the three forms.
    @param account_digits: how long an account may be, in the form with commas;
        the others have room for four.
    @raise Unacceptable: it cannot be; says which part, and what was meant.
    """
    tidy = text.strip()
    return _read_parts(tidy, account_digits) if "," in tidy else _read_digits(tidy.upper())


def read_keys(keys: str) -> Event:
    """
    Read what a receiver of tones writes down, which is the keys: C{*} for B,
    C{#} for C, and A, B and C for D, E and F.

    @raise Unacceptable: as L{read}; or there is a key D, which means nothing.
    """
    tidy = "".join(keys.split()).upper()
    wrong = next((key for key in tidy if key not in DIGIT_OF_KEY), "")
    if wrong:
        raise Unacceptable("alarm", f"The key {shown(wrong)} is no digit of Contact ID")
    return _read_digits("".join(DIGIT_OF_KEY[key] for key in tidy))


def digits(event: Event) -> str:
    """
    @return: the 16 digits of an event, as tones carry them.
    @raise Unacceptable: it has something that tones cannot carry.
    """
    if len(event.account) != USUAL_ACCOUNT:
        sentence = f"The account {event.account} has more than the 4 digits that tones can carry"
        raise Unacceptable("account", sentence)
    parts = {name: getattr(event, name) for name in _PARTS}
    for name, part in parts.items():
        if "A" in part:
            sentence = f"The {name} {part} has an A, for which Contact ID has no tone; is it a 0?"
            raise Unacceptable(name, sentence)
    bare = "".join(parts.values())
    return bare + check_digit(bare)


def keys(sixteen: str) -> str:
    """
    @param sixteen: what L{digits} returned.
    @return: the keys whose tones carry them.
    """
    return "".join(_KEY_OF_DIGIT[digit] for digit in sixteen)


def _read_parts(text: str, account_digits: int) -> Event:
    parts = [part.strip() for part in text.split(",")]
    if len(parts) > len(_PARTS):
        sentence = f"An alarm has six parts and this has {len(parts)}: {_HOW}"
        raise Unacceptable("alarm", sentence)
    named = dict(zip(_PARTS, parts, strict=False))
    missing = next((name for name in _PARTS if not named.get(name)), "")
    if missing:
        raise Unacceptable(missing, f"The {missing} of the alarm is missing: {_HOW}")
    if not USUAL_ACCOUNT <= len(parts[0]) <= account_digits:
        raise Unacceptable(
            "account",
            f"The account of an alarm is {shown(parts[0])}; it must be 4 hex digits, such as 1113",
        )
    return Event(**named)


def _read_digits(text: str) -> Event:
    groups = text.split()
    ends = {sum(map(len, groups[: n + 1])) for n in range(len(groups))}
    whole = "".join(groups)
    if not ends <= _BOUNDARIES or len(whole) not in (_BARE, _WHOLE):
        raise Unacceptable("alarm", f"{shown(text)} is no Contact ID message: {_HOW}")
    # Which part is wrong says more than that the sum is.
    event = Event(**{name: whole[place] for name, place in _PARTS.items()})
    if len(whole) == _BARE:
        raise Unacceptable("check digit", f"The check digit of the alarm is missing: {_HOW}")
    given, right = whole[-1], check_digit(whole[:_BARE])
    if given != right and not (given == "A" and right == "0"):
        sentence = f"The check digit is {shown(given)} and does not fit: a digit is wrong"
        raise Unacceptable("check digit", sentence)
    return event
