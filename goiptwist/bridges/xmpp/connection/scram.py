"""
Proving that we know a password, without saying it to a server that does not
(RFC 5802, RFC 7677), or at least within TLS only (RFC 4616).
"""

from __future__ import annotations

import re
from typing import Protocol

from attrs import define, field, frozen
from scramp import ScramClient, ScramException

#: From the best to the worst. With -PLUS nobody can sit between two TLS connections.
PREFERRED = (
    "SCRAM-SHA-256-PLUS",
    "SCRAM-SHA-256",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-1",
    "PLAIN",
)

#: Rounds of hashing: RFC 7677 section 4 wants no fewer. More than the other
#: would make us count for seconds, in which nothing else goes on.
FEWEST_ROUNDS, MOST_ROUNDS = 4096, 500_000

_ROUNDS = re.compile(r",i=([0-9]{1,20})")


class BadServer(Exception):
    """The server sent what no honest server sends; the text says what is wrong."""


@frozen
class ChannelBinding:
    """
    What both ends of one TLS connection know, and nobody else (RFC 5056).

    @ivar kind: C{tls-unique} or C{tls-server-end-point}.
    """

    kind: str
    value: bytes = field(repr=False)


class SaslMechanism(Protocol):
    """One way to log in; any of these may raise L{BadServer}."""

    @property
    def name(self) -> str:
        """As SASL calls it."""

    def first(self) -> bytes:
        """@return: what goes with the choice of the mechanism."""

    def answer(self, challenge: bytes) -> bytes:
        """@return: what to say to a challenge of the server."""

    def verify(self, last: bytes) -> None:
        """See whether the server knew the password too; C{last} came with its yes."""


@define
class PlainMechanism:
    """The password, as it is."""

    username: str
    password: str = field(repr=False)
    name: str = "PLAIN"

    def first(self) -> bytes:
        """See L{SaslMechanism}."""
        return f"\0{self.username}\0{self.password}".encode()

    def answer(self, challenge: bytes) -> bytes:
        """See L{SaslMechanism}."""
        raise BadServer("asks for more than the password")

    def verify(self, last: bytes) -> None:
        """See L{SaslMechanism}: there is nothing to see."""


@define
class ScramMechanism:
    """One login; the order of its messages is C{scramp}'s to watch."""

    name: str
    _client: ScramClient
    _asked: int = 0
    _proved: bool = False

    def first(self) -> bytes:
        """See L{SaslMechanism}."""
        message: str = self._client.get_client_first()
        return message.encode()

    def answer(self, challenge: bytes) -> bytes:
        """See L{SaslMechanism}."""
        self._asked += 1
        if self._asked == 1:
            return self._final(challenge)
        # Some say their last word as a challenge, and nothing with their yes.
        self.verify(challenge)
        return b""

    def _final(self, challenge: bytes) -> bytes:
        try:
            text = challenge.decode()
            rounds = _ROUNDS.search(text)
            if rounds and not FEWEST_ROUNDS <= int(rounds[1]) <= MOST_ROUNDS:
                raise BadServer(f"wants {rounds[1]} rounds of hashing")
            self._client.set_server_first(text)
            message: str = self._client.get_client_final()
        except (ScramException, ValueError) as error:
            raise BadServer("sent a challenge that is none") from error
        return message.encode()

    def verify(self, last: bytes) -> None:
        """See L{SaslMechanism}."""
        if self._proved and not last:
            return
        try:
            self._client.set_server_final(last.decode())
        except (ScramException, ValueError) as error:
            raise BadServer("does not know the password itself") from error
        self._proved = True


def choose(
    offered: list[str], username: str, password: str, binding: ChannelBinding | None
) -> SaslMechanism | None:
    """
    @param offered: the server's mechanisms.
    @param binding: C{None} where there can be none.
    @return: the best way that both know, or C{None}.
    """
    for name in PREFERRED:
        if name not in offered or (name.endswith("-PLUS") and binding is None):
            continue
        if name == "PLAIN":
            return PlainMechanism(username, password)
        bound = (binding.kind, binding.value) if binding else None
        try:
            return ScramMechanism(
                name, ScramClient([name], username, password, channel_binding=bound)
            )
        except (ScramException, ValueError):
            continue  # a password with characters that SASLprep forbids
    return None
