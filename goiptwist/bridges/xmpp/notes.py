"""
What belongs together, noted down on the gateway's disk: whose thread that is,
what a stanza of somebody's became, with whom there was talk last.
"""

from __future__ import annotations

import hmac
import json
from hashlib import sha256

from attrs import asdict, define, field, frozen

from goiptwist.interfaces import IGateway
from goiptwist.model.messages import Direction, Message

#: Before the gateway's id of an SMS in the ids of our stanzas.
SMS = "sms-"
#: Seconds after which "the last one" is nobody any more: a text to the wrong
#: person costs more than an address.
LAST_FOR = 3600.0
#: Characters of a client id (L{goiptwist.telephony.validation.LONGEST_CLIENT_ID}), of a digest.
_LONGEST_ID = 200


@frozen
class Correspondent:
    """
    Somebody at the other end of a line.

    @ivar line: by which to write; empty leaves it to the settings.
    """

    number: str = field(repr=False)
    line: str = ""
    pool: str = ""


@frozen(kw_only=True)
class Became:
    """
    What a stanza of a person became.

    @ivar message_id: of the SMS.
    @ivar by: the client id of the stanza that it came from last, which is
        another one once it was corrected.
    """

    message_id: str
    by: str
    number: str = field(repr=False)
    line: str = ""
    pool: str = ""

    @property
    def correspondent(self) -> Correspondent:
        """To whom it went."""
        return Correspondent(self.number, self.line, self.pool)


def client_id(who: str, stanza_id: str) -> str:
    """
    The name under which a stanza is submitted, so that its repeat is one SMS.

    @param who: bare.
    @return: empty where it has no id.
    """
    if not stanza_id:
        return ""
    whole = f"{who} {stanza_id}"
    if len(whole) <= _LONGEST_ID and whole.isprintable():
        return whole
    return sha256(whole.encode(errors="surrogatepass")).hexdigest()


@define(eq=False)
class Notes:
    """@ivar bridge: the name of the section."""

    bridge: str
    gateway: IGateway = field(repr=False)

    def thread_of(self, correspondent: Correspondent) -> str:
        """The thread (RFC 6121 section 5.2.5) of a correspondent on a line; nobody can guess it."""
        about = f"{correspondent.number}\0{correspondent.line}".encode(errors="surrogatepass")
        return hmac.digest(self.gateway.key, about, "sha256").hex()[:24]

    async def began(self, correspondent: Correspondent) -> str:
        """@return: the thread, once it is known whose it is."""
        thread = self.thread_of(correspondent)
        await self._write_once(correspondent, "thread", thread)
        return thread

    async def whose(self, thread: str) -> Correspondent | None:
        """Whose thread that is."""
        return _correspondent(await self.gateway.memory.get(self._key("thread", thread)))

    async def meant(self, who: str, stanza_id: str) -> Correspondent | None:
        """@return: with whom a stanza of ours, or of this person's, has to do."""
        if stanza_id.startswith(SMS):
            found = await self.gateway.messages.get(stanza_id.removeprefix(SMS))
            return _sender(found)
        became = await self.became(who, stanza_id)
        if became is not None:
            return became.correspondent
        return _correspondent(await self.gateway.memory.get(self._key("posted", who, stanza_id)))

    async def posted(self, room: str, stanza_id: str, message_id: str) -> None:
        """A room has given an SMS an id of its own (XEP-0359)."""
        sender = _sender(await self.gateway.messages.get(message_id))
        if sender is not None:
            await self._write_once(sender, "posted", room, stanza_id)

    async def became(self, who: str, stanza_id: str) -> Became | None:
        """What a stanza of this person became."""
        text = await self.gateway.memory.get(self._key("became", who, stanza_id))
        return Became(**json.loads(text)) if text else None

    async def now_is(self, who: str, ids: tuple[str, ...], became: Became) -> None:
        """Note what a stanza became, under each of its ids."""
        for stanza_id in ids:
            await self.gateway.memory.put(
                self._key("became", who, stanza_id), json.dumps(asdict(became), ensure_ascii=False)
            )

    async def last(self, who: str) -> Correspondent | None:
        """With whom a person had to do in the last hour."""
        text = await self.gateway.memory.get(self._key("last", who))
        if not text or self.gateway.clock.seconds() - json.loads(text)["at"] > LAST_FOR:
            return None
        return _correspondent(text)

    async def talked(self, who: str, correspondent: Correspondent) -> None:
        """A person had to do with somebody now."""
        value = asdict(correspondent) | {"at": self.gateway.clock.seconds()}
        await self.gateway.memory.put(self._key("last", who), json.dumps(value, ensure_ascii=False))

    async def came_by(self, who: str, number: str) -> str:
        """@return: the line by which a person had the last SMS of a number."""
        return await self.gateway.memory.get(self._key("line", who, number))

    async def comes_by(self, who: str, number: str, line: str) -> None:
        """Note that line."""
        key = self._key("line", who, number)
        if await self.gateway.memory.get(key) != line:
            await self.gateway.memory.put(key, line)

    async def spelling(self, node: str) -> str:
        """@return: how a sender writes itself, of which the address is folded."""
        return await self.gateway.memory.get(self._key("spelling", node))

    async def is_spelt(self, node: str, sender: str) -> None:
        """Note that."""
        key = self._key("spelling", node)
        if await self.gateway.memory.get(key) != sender:
            await self.gateway.memory.put(key, sender)

    async def roster(self) -> dict[str, list[str]]:
        """Who has subscribed to our presence, and to that of which of our addresses."""
        text = await self.gateway.memory.get(self._key("roster"))
        return dict(json.loads(text)) if text else {}

    async def keep_roster(self, roster: dict[str, list[str]]) -> None:
        """Note that."""
        await self.gateway.memory.put(self._key("roster"), json.dumps(roster, ensure_ascii=False))

    async def _write_once(self, correspondent: Correspondent, *about: str) -> None:
        value, key = json.dumps(asdict(correspondent), ensure_ascii=False), self._key(*about)
        if await self.gateway.memory.get(key) != value:
            await self.gateway.memory.put(key, value)

    def _key(self, what: str, *about: str) -> str:
        """Of a fixed length, whatever others call themselves."""
        whole = "\0".join(about).encode(errors="surrogatepass")
        return f"xmpp:{self.bridge}:{what}:{sha256(whole).hexdigest()[:32]}"


def answerable(message: Message) -> bool:
    """Whether its sender can be written to; a name, and what is no SMS at all, cannot."""
    plain = message.sender.removeprefix("+")
    return (
        message.direction is Direction.IN
        and bool(message.line)
        and plain.isascii()
        and plain.isdigit()
        and 3 <= len(plain) <= 20
    )


def _sender(message: Message | None) -> Correspondent | None:
    if message is None or not answerable(message):
        return None
    return Correspondent(message.sender, message.line)


def _correspondent(text: str) -> Correspondent | None:
    if not text:
        return None
    value = json.loads(text)
    return Correspondent(value["number"], value["line"], value["pool"])
