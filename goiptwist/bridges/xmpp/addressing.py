"""
Numbers, names, lines and pools as addresses under the domain of a component,
and back.

Addresses are folded to small letters and hold no spaces (RFC 6122, nodeprep;
XEP-0106), so how a sender writes itself is remembered by others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256

from attrs import frozen
from twisted.words.protocols.jabber.jid import JID, InvalidFormat

#: XEP-0106 section 4.2.
_ESCAPED = {c: f"\\{ord(c):02x}" for c in " \"&'/:<>@"}
_CODES = {code: character for character, code in (*_ESCAPED.items(), ("\\", "\\5c"))}
_BACKSLASH = re.compile(r"\\(?=20|22|26|27|2f|3a|3c|3e|40|5c)")
_CODE = re.compile(r"\\(?:20|22|26|27|2f|3a|3c|3e|40|5c)")
_NUMBER = re.compile(r"\+?[0-9]{3,20}")

LINE, POOL = "line-", "pool-"
#: What our own names begin with; a sender called so must not pass for one.
_OURS = (LINE, POOL, "sender-", "unknown-")
#: Octets of a node. RFC 6122 allows 1023; nobody has a name that long.
LONGEST_NODE = 200


def escape(text: str) -> str:
    """XEP-0106: a text as the part before the @."""
    text = _BACKSLASH.sub(r"\\5c", text)
    return "".join(_ESCAPED.get(character, character) for character in text)


def unescape(node: str) -> str:
    """XEP-0106, back again."""
    return _CODE.sub(lambda found: _CODES[found[0]], node)


def is_number(text: str) -> bool:
    """Whether it can be dialled."""
    return _NUMBER.fullmatch(text) is not None


def bare(jid: str) -> str:
    """
    A JID without its resource, as a server would write it.

    @raise ValueError: it is none.
    """
    try:
        return str(JID(jid).userhost())
    except (InvalidFormat, UnicodeError, RuntimeError, IndexError, TypeError):
        raise ValueError(f"{jid[:80]!r} is no JID, such as ann@example.org") from None


def node_of(text: str) -> str:
    """The part before the @ for any text at all; the same text has the same."""
    escaped = escape(text.strip())
    if escaped.lower().startswith(_OURS):
        escaped = "sender-" + escaped
    try:
        node = JID(f"{escaped}@x").user if escaped.isprintable() else None
    except (InvalidFormat, UnicodeError, RuntimeError, IndexError):
        node = None
    if not node or len(node.encode()) > LONGEST_NODE or unescape(node) != unescape(node).strip():
        return "unknown-" + sha256(text.encode(errors="surrogatepass")).hexdigest()[:16]
    return node


@frozen
class ComponentAddress:
    """
    What an address of ours stands for; all empty is the gateway itself.

    @ivar number: somebody who can be written to.
    @ivar line: send by this line.
    @ivar pool: send by any line of this pool.
    @ivar name: somebody who has a name and no number, as the node.
    """

    number: str = ""
    line: str = ""
    pool: str = ""
    name: str = ""


@frozen
class ComponentAddresses:
    """
    @ivar domain: of the component.
    @ivar lines: ids of lines.
    @ivar pools: names of pools.
    """

    domain: str
    lines: tuple[str, ...] = ()
    pools: tuple[str, ...] = ()

    def of_sender(self, sender: str) -> str:
        """The address of a correspondent."""
        return f"{node_of(sender)}@{self.domain}"

    def of_line(self, line: str) -> str:
        """The address of a line."""
        return f"{_own(LINE, line)}@{self.domain}"

    def of_pool(self, pool: str) -> str:
        """The address of a pool."""
        return f"{_own(POOL, pool)}@{self.domain}"

    def parse(self, address: str) -> ComponentAddress:
        """
        @param address: of ours; a resource may name a line.
        @raise ValueError: nothing is there, in words.
        """
        try:
            jid = JID(address)
        except (InvalidFormat, UnicodeError, RuntimeError, IndexError):
            raise ValueError("that is no address") from None
        node = jid.user or ""
        if not node:
            return ComponentAddress()
        for beginning, names, key in ((LINE, self.lines, "line"), (POOL, self.pools, "pool")):
            if node.startswith(beginning):
                return ComponentAddress(**{key: _found(node, beginning, names, key)})
        line = jid.resource if jid.resource in self.lines else ""
        text = unescape(node)
        return (
            ComponentAddress(number=text, line=line)
            if is_number(text)
            else ComponentAddress(name=node)
        )


def _own(beginning: str, name: str) -> str:
    return beginning + node_of(name).removeprefix("sender-")


def _found(node: str, beginning: str, names: Iterable[str], key: str) -> str:
    for name in names:
        if _own(beginning, name) == node:
            return name
    raise ValueError(f"there is no {key} {unescape(node).removeprefix(beginning)!r}")
