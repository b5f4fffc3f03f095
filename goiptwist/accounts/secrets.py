"""
Secrets that we only check, never say: kept in clear or, better, as a hash.

Checking a hash costs a tenth of a second on purpose, so it belongs off the
reactor's thread, and what was once found right is remembered.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from base64 import b64decode, b64encode
from collections import OrderedDict
from collections.abc import Sequence
from typing import Generic, Self, TypeVar

from attrs import define, field, frozen

from goiptwist.config.values import PLACEHOLDERS

T = TypeVar("T")

#: scrypt's cost (RFC 7914 section 2): N rounds over blocks of r * 128 bytes,
#: p times. About 0.1 s and 32 MiB a check on a small server of 2024. Each hash
#: carries its own, so these may grow without breaking a configuration.
ROUNDS, BLOCK, LANES = 2**15, 8, 1

#: What a hash in a configuration may ask for, so that a slip of the pen does
#: not take the machine's memory: bytes for one check, and N * r * p.
MAX_MEMORY = 128 * 2**20
MAX_WORK = 2**22

#: Bytes of salt and of hash in what we write (NIST SP 800-132 section 5.1 asks
#: for 16 of salt), and the least that we read.
SALT_BYTES, HASH_BYTES = 16, 32
MIN_BYTES = 16

#: The one salt of tokens that we hash, so that one check finds whose token it
#: is. A token is long and random, and nobody has a table of those.
TOKEN_SALT = b"goiptwist/tokens"

#: Characters of a candidate that are looked at all; more is nobody's secret.
MAX_CANDIDATE = 1024

_SCRYPT = re.compile(r"scrypt:(\d{1,8}):(\d{1,4}):(\d{1,4}):([A-Za-z0-9+/=]+):([A-Za-z0-9+/=]+)")


@frozen(repr=False)
class _Hash:
    """One scrypt hash with everything that is needed to make it again."""

    rounds: int
    block: int
    lanes: int
    salt: bytes
    hash: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """@raise ValueError: it is no hash that C{hashed} could have written."""
        match = _SCRYPT.fullmatch(text)
        if match is None:
            raise ValueError("is not of the form scrypt:N:r:p:salt:hash")
        rounds, block, lanes = (int(number) for number in match.groups()[:3])
        if rounds < 2 or rounds & (rounds - 1):
            raise ValueError("has an N that is no power of two")
        if not (block and lanes) or rounds * block * 128 > MAX_MEMORY:
            raise ValueError("asks for no work, or for more than 128 MiB of memory")
        if rounds * block * lanes > MAX_WORK:
            raise ValueError("asks for more work than this gateway does for one check")
        salt, known = (b64decode(part, validate=True) for part in match.groups()[3:])
        if len(salt) < MIN_BYTES or len(known) < MIN_BYTES:
            raise ValueError(f"has a salt or a hash of less than {MIN_BYTES} bytes")
        return cls(rounds, block, lanes, salt, known)

    @classmethod
    def make(cls, secret: bytes, salt: bytes) -> Self:
        blank = cls(ROUNDS, BLOCK, LANES, salt, bytes(HASH_BYTES))
        return cls(ROUNDS, BLOCK, LANES, salt, blank.of(secret))

    @property
    def recipe(self) -> tuple[int, int, int, bytes, int]:
        """Hashes with the same one are found by one check."""
        return self.rounds, self.block, self.lanes, self.salt, len(self.hash)

    def of(self, candidate: bytes) -> bytes:
        """Hash a candidate in the same way: the slow part."""
        return hashlib.scrypt(
            candidate,
            salt=self.salt,
            n=self.rounds,
            r=self.block,
            p=self.lanes,
            maxmem=2 * MAX_MEMORY,
            dklen=len(self.hash),
        )

    def format(self) -> str:
        salt, known = b64encode(self.salt).decode(), b64encode(self.hash).decode()
        return f"scrypt:{self.rounds}:{self.block}:{self.lanes}:{salt}:{known}"


def hashed(secret: str) -> str:
    """
    Make what may stand in a configuration in place of a secret.

    @return: C{scrypt:N:r:p:salt:hash}, salt and hash in base64. Two calls
        never give the same.
    """
    return _Hash.make(_bytes(secret), os.urandom(SALT_BYTES)).format()


def hashed_token(token: str) -> str:
    """
    Make what may stand in a configuration in place of a long and random token.

    @return: as L{hashed}, but with the one salt of all tokens: a guess
        costs one check, and not one for each user.
    """
    return _Hash.make(_bytes(token), TOKEN_SALT).format()


def _bytes(text: str) -> bytes:
    # A lone surrogate is nobody's secret, but it must not be an error either.
    return text.encode("utf-8", "surrogatepass")


@frozen(repr=False)
class Secret:
    """
    A secret that others say to us, in clear or hashed.

    @ivar is_slow: whether L{matches} takes long enough to belong in a thread.
    """

    _known: bytes | _Hash

    @classmethod
    def from_setting(cls, value: object) -> Self:
        """@raise ValueError: with a sentence that says what was meant."""
        if not isinstance(value, str):
            raise ValueError("must be a text")  # noqa: TRY004
        if value.strip().lower() in PLACEHOLDERS:
            raise ValueError("is empty or still the placeholder: put the real secret here")
        if not value.startswith("scrypt:"):
            return cls(_bytes(value))
        try:
            return cls(_Hash.parse(value))
        except ValueError as wrong:
            raise ValueError(f"begins like a hash but {wrong}: make it again") from None

    @classmethod
    def of(cls, clear: str) -> Self:
        """@return: a secret in clear, whatever it looks like."""
        return cls(_bytes(clear))

    @property
    def is_slow(self) -> bool:
        return isinstance(self._known, _Hash)

    def matches(self, candidate: str) -> bool:
        """Compare in constant time, as bytes: non-ASCII text is allowed."""
        if len(candidate) > MAX_CANDIDATE:
            return False
        if isinstance(self._known, _Hash):
            return hmac.compare_digest(self._known.hash, self._known.of(_bytes(candidate)))
        return hmac.compare_digest(self._known, _bytes(candidate))

    def keyed_digest(self, key: bytes) -> bytes:
        """Of a secret in clear: equal for equal secrets, under a key that dies with the process."""
        assert isinstance(self._known, bytes)
        return hashlib.blake2b(self._known, key=key, digest_size=32).digest()

    def hash_of(self, candidate: str) -> bytes:
        """Of a hashed secret: the hash of a candidate, made in the same way; the slow part."""
        assert isinstance(self._known, _Hash)
        return self._known.of(_bytes(candidate))

    def has_hash(self, candidate: bytes) -> bool:
        """Whether a hashed secret has that hash; compared in constant time."""
        return isinstance(self._known, _Hash) and hmac.compare_digest(self._known.hash, candidate)

    @property
    def recipe(self) -> tuple[object, ...]:
        """Secrets with the same one have the same C{hash_of} a candidate."""
        return self._known.recipe if isinstance(self._known, _Hash) else ()

    def decoy(self) -> Secret:
        """
        @return: a secret that nothing matches and that costs as much to check.
        """
        known = self._known
        if isinstance(known, bytes):
            return Secret(os.urandom(SALT_BYTES))
        salt, nothing = os.urandom(len(known.salt)), os.urandom(len(known.hash))
        return Secret(_Hash(known.rounds, known.block, known.lanes, salt, nothing))

    def __repr__(self) -> str:
        return "<a secret>"


@frozen(repr=False)
class TokenGroup(Generic[T]):
    """
    Hashed tokens that were made in the same way, each with its owner: one hash
    of a candidate tells whose it is.
    """

    tokens: Sequence[tuple[Secret, T]]

    def owner(self, candidate: str) -> T | None:
        """@return: whose token it is, or C{None}."""
        if len(candidate) > MAX_CANDIDATE:
            return None
        hash_ = self.tokens[0][0].hash_of(candidate)
        return next((owner for token, owner in self.tokens if token.has_hash(hash_)), None)


def token_groups(tokens: Sequence[tuple[Secret, T]]) -> list[TokenGroup[T]]:
    """@param tokens: hashed ones, each with its owner."""
    groups: dict[tuple[object, ...], list[tuple[Secret, T]]] = {}
    for token, owner in tokens:
        groups.setdefault(token.recipe, []).append((token, owner))
    return [TokenGroup(group) for group in groups.values()]


@define(repr=False)
class CredentialCache(Generic[T]):
    """
    What was found right, so that it need not be found again: at most C{limit}
    entries, the longest unused forgotten first.

    The secrets themselves are not kept, only their keyed hashes (BLAKE2,
    RFC 7693) under a key that dies with the process. Failures are never kept
    here: a stranger must not be able to push anything out.
    """

    limit: int = 1024
    _key: bytes = field(factory=lambda: os.urandom(32), init=False)
    _found: OrderedDict[bytes, T] = field(factory=OrderedDict, init=False)

    def get(self, *texts: str) -> T | None:
        """@param texts: every text that the finding rests on, such as name and secret."""
        digest = self.digest(*texts)
        found = self._found.get(digest)
        if found is not None:
            self._found.move_to_end(digest)
        return found

    def put(self, found: T, *texts: str) -> None:
        self._found[self.digest(*texts)] = found
        if len(self._found) > self.limit:
            self._found.popitem(last=False)

    def digest(self, *texts: str) -> bytes:
        """@return: what an entry is kept under; nobody can tell the texts from it."""
        digest = hashlib.blake2b(key=self._key, digest_size=32)
        for text in texts:
            part = _bytes(text)
            digest.update(b"%d:" % len(part))  # "a", "bc" is not "ab", "c"
            digest.update(part)
        return digest.digest()
