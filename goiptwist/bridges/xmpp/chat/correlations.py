"""
What belongs together, noted down on the gateway's disk: the correspondent of a
thread, the SMS that a stanza became, and to whom a person wrote last.
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
class SubmittedStanza:
    """
    The SMS that a stanza of a person became.

    @ivar message_id: of the SMS.
    @ivar client_id: of the stanza that it came from last, which is
        another one once it was corrected.
    """

    message_id: str
    client_id: str
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
class Correlations:
    """What is put under a key here is read again after a restart."""

    gateway: IGateway = field(repr=False)

    def thread_of(self, correspondent: Correspondent) -> str:
        """The thread (RFC 6121 section 5.2.5) of a correspondent on a line; nobody can guess it."""
        about = f"{correspondent.number}\0{correspondent.line}".encode(errors="surrogatepass")
        return hmac.digest(self.gateway.key, about, "sha256").hex()[:24]

    async def start_thread(self, correspondent: Correspondent) -> str:
        """@return: the thread, once it is on disk to whom it belongs."""
        thread = self.thread_of(correspondent)
        await self._put(_key("thread", thread), _text(correspondent))
        return thread

    async def by_thread(self, thread: str) -> Correspondent | None:
        """@return: to whom a thread belongs."""
        return _correspondent(await self.gateway.memory.get(_key("thread", thread)))

    async def by_stanza(self, who: str, stanza_id: str) -> Correspondent | None:
        """@return: the correspondent of a stanza of ours, or of this person's."""
        if stanza_id.startswith(SMS):
            message = await self.gateway.messages.get(stanza_id.removeprefix(SMS))
            return _sender(message)
        submitted = await self.submitted(who, stanza_id)
        if submitted is not None:
            return submitted.correspondent
        return _correspondent(await self.gateway.memory.get(_key("posted", who, stanza_id)))

    async def put_room_id(self, room: str, stanza_id: str, message_id: str) -> None:
        """A room has given an SMS an id of its own (XEP-0359)."""
        sender = _sender(await self.gateway.messages.get(message_id))
        if sender is not None:
            await self._put(_key("posted", room, stanza_id), _text(sender))

    async def submitted(self, who: str, stanza_id: str) -> SubmittedStanza | None:
        """@return: the SMS that a stanza of this person became."""
        text = await self.gateway.memory.get(_key("became", who, stanza_id))
        return SubmittedStanza(**json.loads(text)) if text else None

    async def put_submitted(
        self, who: str, ids: tuple[str, ...], submitted: SubmittedStanza
    ) -> None:
        """Note which SMS a stanza became, under each of its ids."""
        text = json.dumps(asdict(submitted), ensure_ascii=False)
        for stanza_id in ids:
            await self.gateway.memory.put(_key("became", who, stanza_id), text)

    async def last_correspondent(self, who: str) -> Correspondent | None:
        """@return: with whom a person had to do last, if that was in the last hour."""
        text = await self.gateway.memory.get(_key("last", who))
        if not text or self.gateway.clock.seconds() - json.loads(text)["at"] > LAST_FOR:
            return None
        return _correspondent(text)

    async def put_last_correspondent(self, who: str, correspondent: Correspondent) -> None:
        """A person had to do with somebody now."""
        value = asdict(correspondent) | {"at": self.gateway.clock.seconds()}
        await self.gateway.memory.put(_key("last", who), json.dumps(value, ensure_ascii=False))

    async def last_line(self, who: str, number: str) -> str:
        """@return: the line by which a person had the last SMS of a number."""
        return await self.gateway.memory.get(_key("line", who, number))

    async def put_last_line(self, who: str, number: str, line: str) -> None:
        """Note that line."""
        await self._put(_key("line", who, number), line)

    async def spelling(self, node: str) -> str:
        """@return: how a sender writes itself, of which the address is folded."""
        return await self.gateway.memory.get(_key("spelling", node))

    async def put_spelling(self, node: str, sender: str) -> None:
        """Note how a sender writes itself."""
        await self._put(_key("spelling", node), sender)

    async def _put(self, key: str, value: str) -> None:
        """What is there already is not written again: each SMS comes by here."""
        if await self.gateway.memory.get(key) != value:
            await self.gateway.memory.put(key, value)


def _key(subject: str, *about: str) -> str:
    """Of a fixed length, however long the names of others are."""
    whole = "\0".join(about).encode(errors="surrogatepass")
    return f"{subject}:{sha256(whole).hexdigest()[:32]}"


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


def _text(correspondent: Correspondent) -> str:
    return json.dumps(asdict(correspondent), ensure_ascii=False)


def _correspondent(text: str) -> Correspondent | None:
    if not text:
        return None
    value = json.loads(text)
    return Correspondent(value["number"], value["line"], value["pool"])
