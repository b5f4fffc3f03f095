"""
What the local part of an address means: a number, perhaps with the line or the
pool to send by, perhaps with a token. Pure.

The forms::

    +36301234567                 a number, as people write it
    LINE.+36301234567            by that line
    pool-NAME.+36301234567       by any line of that pool
    +36301234567+TOKEN           the answer to an SMS
    bounce+ID.TOKEN              the envelope sender of our own mail

Where we have a mailbox and no domain, they stand behind its name and a plus, as
in C{sms++36301234567+TOKEN@example.org} (RFC 5233, subaddresses).

Servers on the way may fold the case of a local part, so case decides only
between names that differ in nothing else.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator

from attrs import field, frozen

from goiptwist.bridges.mail.submission.tokens import (
    BOUNCE_LETTERS,
    DAY,
    REPLY_LETTERS,
    AddressTokens,
    BadToken,
    ReplyGrant,
    TokenFault,
)
from goiptwist.errors import Unacceptable
from goiptwist.telephony.numbering import international
from goiptwist.telephony.validation import accepted_number

#: Octets of a local part (RFC 5321 section 4.5.3.1.1).
LOCAL_AT_MOST = 64

#: Days for which a mail may still bounce: servers give up after four or five
#: (RFC 5321 section 4.5.4.1), and some wait a week.
BOUNCE_DAYS = 14

#: Octets of a mailbox's name, so that there is room behind it: two pluses, a
#: number of 15 digits with its own plus (E.164 section 6), and a token.
MAILBOX_AT_MOST = LOCAL_AT_MOST - REPLY_LETTERS - 16 - 2

#: Digits of a group of a number that is written with dots.
GROUP_AT_MOST = 7

_POOL = "pool-"
_BOUNCE = "bounce+"
_BOUNCED = re.compile(rf"bounce\+([a-z0-9_-]+)\.([a-z2-7]{{{BOUNCE_LETTERS}}})", re.I | re.A)
_ANSWER = re.compile(r"(\+?[0-9]{3,20})\+(\w*)", re.ASCII)
_NUMBER = re.compile(r"\+?[0-9]{3,20}")
_PLAIN_ID = re.compile(r"[a-z0-9_-]+")


@frozen(kw_only=True)
class SmsRecipient:
    """
    Somebody to send an SMS to.

    @ivar number: as the device wants it; with a token, exactly as the address
        has it, because the token is bound to that.
    @ivar line: send by this line only, or empty.
    @ivar pool: send by this pool only, or empty.
    @ivar token: proves that we wrote the address; empty where there is none.
    """

    number: str = field(repr=False)
    line: str = ""
    pool: str = ""
    token: str = field(default="", repr=False)


@frozen(kw_only=True)
class BounceAddress:
    """
    A mail of ours came back.

    @ivar id: of the message that the mail was about.
    @ivar recipient: whom the mail was for, once the token has proven it; empty is
        several.
    """

    id: str
    token: str = field(repr=False)
    recipient: str = ""


@frozen(kw_only=True)
class AddressPlan:
    """
    What there is to be written to.

    @ivar lines: the ids of all lines; they may hold dots and pluses.
    @ivar pools: the names of all pools.
    @ivar country: see L{goiptwist.telephony.numbering.NumbersSettings}.
    @ivar mailboxes: addresses of mailboxes that are ours, without a domain that is.
    @ivar correspondents: whom bridges write to, so that mails may come back from them.
    """

    lines: tuple[str, ...] = ()
    pools: tuple[str, ...] = ()
    country: str = ""
    mailboxes: tuple[str, ...] = ()
    correspondents: tuple[str, ...] = ()

    def unwrapped(self, recipient: str) -> str:
        """
        @return: what stands behind the plus of a mailbox, which is then no
            address of any domain; every other recipient as it is.
        """
        inner = (behind_mailbox(recipient, mailbox) for mailbox in self.mailboxes)
        return next(filter(None, inner), recipient)

    def read(self, local: str) -> SmsRecipient | BounceAddress:
        """
        @param local: what stands before the C{@}, as the envelope has it.
        @raise Unacceptable: it is none of the forms; the sentence names the
            nearest thing that there is.
        """
        local = _unquoted(local)
        if local.lower().startswith(_BOUNCE):
            return _bounced(local)
        line, pool, number = self._way(local)
        if answer := _ANSWER.fullmatch(number):
            if len(answer[2]) != REPLY_LETTERS:
                raise BadToken(TokenFault.MALFORMED)
            token = answer[2].lower()
            return SmsRecipient(number=answer[1], line=line, pool=pool, token=token)
        if line or pool or _is_number(number):
            return SmsRecipient(number=international(number, self.country), line=line, pool=pool)
        raise self._unknown(number)

    def _way(self, local: str) -> tuple[str, str, str]:
        """@return: line, pool, and what stands behind them; the longest known name wins."""
        found = [name for name in self._names() if local.lower().startswith(f"{name[0].lower()}.")]
        longest = max((len(written) for written, _, _ in found), default=0)
        found = [name for name in found if len(name[0]) == longest]
        exact = [name for name in found if local.startswith(name[0])]
        found = exact or found
        if not found:
            return "", "", local
        if len(found) > 1 and not exact:
            both = " or ".join(repr(written) for written, _, _ in found)
            raise Unacceptable("to", f"say exactly which: {both}")
        _, line, pool = found[0]
        return line, pool, local[longest + 1 :]

    def _names(self) -> Iterator[tuple[str, str, str]]:
        """As written, the line and the pool; a line before a pool of the same spelling."""
        yield from ((line, line, "") for line in self.lines)
        yield from ((_POOL + pool, "", pool) for pool in self.pools)

    def _unknown(self, local: str) -> Unacceptable:
        name, dot, _ = local.rpartition(".")
        if dot and name.lower().startswith(_POOL):
            pool = name[len(_POOL) :]
            return Unacceptable("to", f"there is no pool {pool[:40]!r}{_near(pool, self.pools)}")
        if dot:
            return Unacceptable("to", f"there is no line {name[:40]!r}{_near(name, self.lines)}")
        return Unacceptable(
            "to",
            f"{local[:40]!r} is no telephone number: write the number before the @, such as "
            "+36301234567, or LINE.+36301234567 to send by a certain line",
        )


def reply_address(
    tokens: AddressTokens, grant: ReplyGrant, number: str, until: float, place: str
) -> str:
    """
    The address that answers an SMS.

    @param number: who wrote the SMS.
    @param until: the last moment at which it can be answered.
    @param place: our domain, or the address of a mailbox of ours.
    @raise Unacceptable: the sender is a name, which cannot be answered.
    """
    if not answerable(number):
        raise Unacceptable("to", f"{number[:40]!r} is a name and no number; it cannot be answered")
    number = accepted_number(number)
    mailbox, at, domain = place.rpartition("@")
    before = f"{mailbox}+" if at else ""
    return f"{before}{number}+{tokens.reply(grant, number, until)}@{domain}"


def behind_mailbox(recipient: str, mailbox: str) -> str:
    """@return: what stands behind the name of that mailbox and a plus, or empty."""
    name, _, domain = mailbox.rpartition("@")
    local, _, own_domain = recipient.rpartition("@")
    if own_domain.lower() != domain.lower() or not local.lower().startswith(f"{name}+".lower()):
        return ""
    return local[len(name) + 1 :]


def answerable(number: str) -> bool:
    """Whether an SMS from there can be answered: a name of letters cannot."""
    return _NUMBER.fullmatch(number) is not None


def bounce_address(
    tokens: AddressTokens, known: str, now: float, domain: str, recipient: str = ""
) -> str:
    """
    The envelope sender of a mail about a message, so that its bounce is known.

    @param known: the id of the message, in lower case and 32 characters at most.
    @param recipient: whom the mail is for; empty is several.
    @raise ValueError: there is no room for it, or it would not survive the way.
    """
    token = tokens.bounce(known, now + BOUNCE_DAYS * DAY, recipient)
    local = f"{_BOUNCE}{known}.{token}"
    if not _PLAIN_ID.fullmatch(known) or len(local) > LOCAL_AT_MOST:
        raise ValueError(f"{known!r} cannot stand in an address")
    return f"{local}@{domain}"


def _bounced(local: str) -> BounceAddress:
    found = _BOUNCED.fullmatch(local)
    if found is None:
        raise Unacceptable("to", "nobody reads mail to this address: it is for bounces only")
    return BounceAddress(id=found[1].lower(), token=found[2].lower())


def _is_number(local: str) -> bool:
    """
    Whether it is a number and nothing else. One dot parts a line from a number;
    dots that part the groups of a number are several, and the groups short:
    else a line that is misspelt would become digits of another's number.
    """
    if re.search(r"[^\W\d_]", local):
        return False
    groups = local.split(".")
    return len(groups) == 1 or (len(groups) > 2 and max(map(len, groups)) <= GROUP_AT_MOST)


def _unquoted(local: str) -> str:
    """Quoted strings mean the same as what they quote (RFC 5321 section 4.1.2)."""
    if len(local) >= 2 and local.startswith('"') and local.endswith('"'):
        return re.sub(r"\\(.)", r"\1", local[1:-1], flags=re.DOTALL)
    return local


def _near(name: str, names: Iterable[str]) -> str:
    folded = {known.lower(): known for known in names}
    near = difflib.get_close_matches(name.lower(), list(folded), 1)
    return f"; did you mean {folded[near[0]]!r}?" if near else ""
