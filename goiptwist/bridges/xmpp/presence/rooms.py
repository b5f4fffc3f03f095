"""
L{ChatRooms}: joins rooms (XEP-0045), stays in them, and knows who is there.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.error import AlreadyCalled
from twisted.logger import Logger
from twisted.words.protocols.jabber.jid import JID, InvalidFormat
from twisted.words.xish.domish import Element

from goiptwist.bridges.xmpp import stanzas
from goiptwist.bridges.xmpp.addressing import bare
from goiptwist.bridges.xmpp.interfaces import IXmppConnection
from goiptwist.errors import Refused, TryLater

#: Seconds between two looks whether we are still in (XEP-0410 section 3).
ROOM_CHECK_INTERVAL = 300.0
#: Seconds for a room to let us in, or to show a message to all.
TIMEOUT = 20.0


@define(eq=False)
class ChatRoom:
    """
    @ivar jid: of the room.
    @ivar nick: what we are called there.
    @ivar inside: whether we are.
    @ivar refusal: why it does not let us in, in words.
    @ivar occupants: real bare JIDs by nick, of those whose we see.
    """

    jid: str
    nick: str
    inside: bool = False
    refusal: str = ""
    occupants: dict[str, str] = field(factory=dict, repr=False)
    _waiting: list[Deferred[None]] = field(factory=list, init=False)
    #: Messages of ours that the room has not shown yet, by id.
    shown: dict[str, Deferred[str]] = field(factory=dict, init=False)

    def join_ended(self) -> None:
        """We are in, or are not let in: go on with what waits for that."""
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.callback(None)

    async def entered(self, clock: Any) -> None:
        """@raise TryLater: we are not inside."""
        if not self.inside:
            waits: Deferred[None] = Deferred()
            self._waiting.append(waits)
            try:
                await waits.addTimeout(TIMEOUT, clock, onTimeoutCancel=_nothing)
            finally:
                self._waiting = [each for each in self._waiting if each is not waits]
        if not self.inside:
            reason = self.refusal or "it does not answer"
            raise TryLater(f"we are not in the room {self.jid}: {reason}", attempted=False)


@define(eq=False)
class ChatRooms:
    """
    @ivar ours: whom we come as; empty is our account.
    """

    connection: IXmppConnection = field(repr=False)
    clock: Any = field(repr=False)
    nick: str = "SMS"
    ours: str = ""
    by_jid: dict[str, ChatRoom] = field(factory=dict)
    #: What was found out: whether a domain is one of rooms.
    _services: dict[str, bool] = field(factory=dict)
    log = Logger()

    async def is_room(self, jid: str) -> bool:
        """
        Ask the service of a JID what it is (XEP-0030).

        @raise TryLater: it cannot be asked now.
        """
        if jid in self.by_jid:
            return True
        domain = jid.rpartition("@")[2].lower()
        if domain not in self._services:
            request = stanzas.iq("get", domain, self.ours)
            request.addElement((stanzas.DISCO_INFO, "query"))
            try:
                answer = await self.connection.request(request)
            except Refused as refusal:
                if "remote-server" in str(refusal):
                    raise TryLater(f"{domain} does not answer: {refusal}") from None
                self._services[domain] = False
                return False
            query = stanzas.child(answer, "query", stanzas.DISCO_INFO)
            features = stanzas.children(query, "feature", stanzas.DISCO_INFO) if query else ()
            self._services[domain] = stanzas.MUC in [f.getAttribute("var") for f in features]
        return self._services[domain]

    def forget(self) -> None:
        """A new stream: the server has put us out everywhere."""
        for room in self.by_jid.values():
            room.inside = False
            room.occupants.clear()

    def join(self, jid: str) -> ChatRoom:
        """Ask to be let in, without what was said before."""
        room = self.by_jid.setdefault(jid, ChatRoom(jid, self.nick))
        entry = stanzas.presence(f"{jid}/{room.nick}", ours=self.ours)
        entry.addElement((stanzas.MUC, "x")).addElement("history")["maxstanzas"] = "0"
        self.connection.send(entry)
        return room

    async def post(self, jid: str, stanza: Element) -> str:
        """
        Post a message, and wait until the room shows it to all.

        @return: the id that the room gave it (XEP-0359), or empty.
        @raise TryLater: it did not.
        @raise Refused: it does not let us speak.
        """
        room = self.by_jid.get(jid)
        if room is None or not room.inside:
            room = self.join(jid)
        await room.entered(self.clock)
        shown: Deferred[str] = Deferred()
        room.shown[stanza["id"]] = shown
        try:
            await self.connection.send_confirmed(stanza)
            return await shown.addTimeout(TIMEOUT, self.clock, onTimeoutCancel=_not_shown)
        finally:
            room.shown.pop(stanza["id"], None)

    def presence_received(self, stanza: Element) -> bool:
        """@return: whether a presence was of a room."""
        room, nick = self._room_of(stanza)
        if room is None:
            return False
        kind = stanza.getAttribute("type", "")
        codes, item = _status_of(stanza)
        if kind == "error":
            self._refused(room, stanza)
        elif kind == "unavailable":
            room.occupants.pop(nick, None)
            if "110" in codes or nick == room.nick:
                room.inside, room.refusal = False, "it put us out"
                self.clock.callLater(TIMEOUT, self._rejoin, room)
        elif not kind:
            real = item.getAttribute("jid", "") if item is not None else ""
            room.occupants[nick] = _bare_or_nothing(real)
            if "110" in codes:  # a room may also have given us another nick
                room.nick, room.inside, room.refusal = nick, True, ""
                room.join_ended()
        return True

    def message_received(self, stanza: Element) -> tuple[ChatRoom | None, str]:
        """
        A groupchat message.

        @return: the room, and the nick of who spoke; no nick is nobody to
            answer: the room itself, or we.
        """
        room, nick = self._room_of(stanza)
        if room is None:
            return None, ""
        shown = room.shown.get(stanza.getAttribute("id", ""))
        if nick == room.nick or (shown is not None and not nick):
            if shown is not None:
                ids = stanzas.children(stanza, "stanza-id", stanzas.SID)
                _fire(shown, next((i["id"] for i in ids if i.getAttribute("by") == room.jid), ""))
            return room, ""
        return room, nick

    def bounced(self, stanza: Element) -> bool:
        """@return: whether an error is of a message to a room that waits for it."""
        room, _ = self._room_of(stanza)
        shown = room.shown.get(stanza.getAttribute("id", "")) if room else None
        if room is None or shown is None:
            return False
        error = stanzas.child(stanza, "error")
        conditions = [e.name for e in error.elements()] if error is not None else []
        if "not-acceptable" in conditions:  # XEP-0045 section 7.4: not inside
            room.inside, room.refusal = False, "it has forgotten us"
            _fire(shown, TryLater(f"we are not in the room {room.jid} any more"))
        else:
            names = ", ".join(name for name in conditions if name != "text")
            reason = f"the room {room.jid} does not let us speak: {names}"
            later = error is not None and error.getAttribute("type") == "wait"
            _fire(shown, TryLater(reason) if later else Refused(reason))
        return True

    async def check(self) -> None:
        """Ask ourselves in each room whether we are there (XEP-0410)."""
        for room in list(self.by_jid.values()):
            if not room.inside:
                self.join(room.jid)
                continue
            ping = stanzas.iq("get", f"{room.jid}/{room.nick}", self.ours)
            ping.addElement((stanzas.PING, "ping"))
            try:
                await self.connection.request(ping)
            except Refused as refusal:
                # Section 3.2: these say that we are in, and cannot be pinged.
                fine = ("service-unavailable", "feature-not-implemented", "item-not-found")
                if not any(condition in str(refusal) for condition in fine):
                    room.inside = False
                    self.join(room.jid)
            except TryLater:
                pass  # nothing is known; XEP-0410 section 3.2 advises to wait

    def _refused(self, room: ChatRoom, stanza: Element) -> None:
        error = stanzas.child(stanza, "error")
        names = [e.name for e in error.elements() if e.name != "text"] if error is not None else []
        if "conflict" in names and len(room.nick) < 40:
            room.nick += "_"
            self.join(room.jid)
            return
        room.inside, room.refusal = False, ", ".join(names) or "it says no"
        self.log.warn(
            "The room {room} does not let us in: {reason}", room=room.jid, reason=room.refusal
        )
        room.join_ended()

    def _rejoin(self, room: ChatRoom) -> None:
        if not room.inside and not self.connection.outage:
            self.join(room.jid)

    def _room_of(self, stanza: Element) -> tuple[ChatRoom | None, str]:
        try:
            jid = JID(stanza.getAttribute("from", ""))
        except (InvalidFormat, UnicodeError, RuntimeError, IndexError):
            return None, ""
        return self.by_jid.get(jid.userhost()), jid.resource or ""


def _status_of(stanza: Element) -> tuple[set[str], Element | None]:
    user = stanzas.child(stanza, "x", stanzas.MUC_USER)
    if user is None:
        return set(), None
    codes = {s.getAttribute("code", "") for s in stanzas.children(user, "status", stanzas.MUC_USER)}
    return codes, stanzas.child(user, "item", stanzas.MUC_USER)


def _bare_or_nothing(jid: str) -> str:
    try:
        return bare(jid) if jid else ""
    except ValueError:
        return ""


def _nothing(_: object, __: float) -> None:
    return None


def _not_shown(_: object, __: float) -> str:
    raise TryLater("the room did not show the message")


def _fire(waits: Deferred[str], result: str | Exception) -> None:
    with suppress(AlreadyCalled):  # its time may be over
        waits.errback(result) if isinstance(result, Exception) else waits.callback(result)
