"""
What we are and can do (XEP-0030), and its fingerprint (XEP-0115).
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha1

from attrs import frozen
from twisted.words.xish.domish import Element

from goiptwist.bridges.xmpp import stanzas
from goiptwist.bridges.xmpp.addressing import LINE, POOL

#: Names the software (XEP-0115 section 4); nothing is to be found there.
NODE = "urn:goiptwist"

_COMMON = (
    stanzas.CAPS,
    stanzas.DISCO_INFO,
    stanzas.DISCO_ITEMS,
    stanzas.CORRECT,
    stanzas.RETRACT,
    stanzas.PING,
    stanzas.RECEIPTS,
    stanzas.SID,
    stanzas.VERSION,
)


@frozen
class EntityCapabilities:
    """What an address of ours is: XEP-0030 section 3.1, and the registry of its types."""

    category: str
    kind: str
    features: tuple[str, ...]

    @property
    def version(self) -> str:
        """XEP-0115 section 5.1."""
        features = "".join(f"{feature}<" for feature in sorted(self.features))
        whole = f"{self.category}/{self.kind}//{'SMS'}<{features}"
        return b64encode(sha1(whole.encode()).digest()).decode()  # noqa: S324 - as the XEP says


def capabilities_of(address: str, mode: str) -> EntityCapabilities:
    """@param address: bare, of a component; empty for an account."""
    if mode == "client":
        return EntityCapabilities("client", "bot", (*_COMMON, stanzas.COMMANDS, stanzas.REPLY))
    node = address.rpartition("@")[0]
    if not node:
        more = (stanzas.COMMANDS, stanzas.GATEWAY, stanzas.REPLY, stanzas.VCARD_TEMP)
        return EntityCapabilities("gateway", "sms", (*_COMMON, *more, stanzas.VCARD4))
    if node.startswith((LINE, POOL)):
        return EntityCapabilities("gateway", "sms", (*_COMMON, stanzas.VCARD_TEMP, stanzas.VCARD4))
    return EntityCapabilities(
        "client", "phone", (*_COMMON, stanzas.NICK, stanzas.VCARD_TEMP, stanzas.VCARD4)
    )


def node_of(address: str, mode: str) -> str:
    """Under which name others ask what the fingerprint stands for (XEP-0115 section 6.2)."""
    return f"{NODE}#{capabilities_of(address, mode).version}"


def add_caps(presence: Element, address: str, mode: str) -> None:
    """Say by a fingerprint what we can do."""
    caps = presence.addElement((stanzas.CAPS, "c"))
    caps["hash"], caps["node"] = "sha-1", NODE
    caps["ver"] = capabilities_of(address, mode).version


def add_info(query: Element, address: str, mode: str) -> None:
    """The answer to disco#info. Its identity has the same name everywhere, as it is in the caps."""
    own = capabilities_of(address, mode)
    identity = query.addElement("identity")
    identity["category"], identity["type"], identity["name"] = own.category, own.kind, "SMS"
    for feature in own.features:
        query.addElement("feature")["var"] = feature
