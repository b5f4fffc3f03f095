"""
The JSON language: what Ozeki's own client libraries speak, with the name and
the password of a user as HTTP Basic (RFC 7617).
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping
from datetime import tzinfo

from attrs import define
from twisted.web.iweb import IRequest

from goiptwist.accounts.users import User
from goiptwist.accounts.verification import DeferToThread
from goiptwist.web.ozeki import jsonshapes
from goiptwist.web.ozeki.parameters import MAX_LIMIT, OzekiLogin
from goiptwist.web.ozeki.refusals import (
    LOGIN_NEEDED,
    USER_FORBIDDEN,
    WRONG_LOGIN,
    Refusal,
    wrong,
)
from goiptwist.web.ozeki.reply import OzekiReply, refused_with
from goiptwist.web.ozeki.submitter import FOLDERS, OzekiSubmitter

JSON = b"application/json"

#: What each action needs.
SCOPES = {"sendmsg": "send", "receivemsg": "read", "deletemsg": "read", "markmsg": "read"}

#: What each of these does to messages.
_WORDS = {"deletemsg": "deleted", "markmsg": "downloaded"}

#: What a form on a foreign page can have somebody's browser send, with the
#: password that it remembers (Fetch standard, section 2.2.2).
_FORMS = (b"application/x-www-form-urlencoded", b"multipart/form-data", b"text/plain")

#: Bytes of a body that is read in a thread: keepalives are answered meanwhile.
LARGE = 2**16

_CHALLENGE = b'Basic realm="goiptwist", charset="UTF-8"'


@define(eq=False)
class JsonLanguage:
    """
    @ivar strict: whether errors have a status of their own.
    @ivar zone: in which times are written; C{None} is that of this machine.
    """

    submitter: OzekiSubmitter
    defer_to_thread: DeferToThread
    strict: bool = False
    zone: tzinfo | None = None

    async def reply(self, request: IRequest, action: str, given: Mapping[str, str]) -> OzekiReply:
        """
        @param action: one of L{SCOPES}.
        @param given: the parameters in the query.
        @raise Busy: and the like; what L{refused} makes an answer of.
        """
        login = _basic(request.getHeader(b"Authorization") or b"")
        kind = (request.getHeader(b"Content-Type") or b"").partition(b";")[0].strip().lower()
        if action != "receivemsg" and kind in _FORMS:
            raise wrong("the body must be JSON, with Content-Type: application/json")
        user = await self.submitter.user(request, login.name, login.password, SCOPES[action])
        owner = f"user:{user.name}"
        if action == "receivemsg":
            folder = given.get("folder", "").strip().lower() or "inbox"
            messages = await self.submitter.listed(user, folder, MAX_LIMIT)
            return _well(jsonshapes.received(folder, MAX_LIMIT, messages, self.zone))
        body = request.content.read()
        if action in _WORDS:
            folder, ids = jsonshapes.chosen(body)
            if folder not in FOLDERS:
                raise wrong(f"folder must be one of {', '.join(FOLDERS)}")
            if (action, folder) == ("deletemsg", "outbox"):
                ids = await self._withdrawn(user, ids)
            marked = await self.submitter.gateway.folders.flag(owner, ids, _WORDS[action])
            return _well(jsonshapes.marked(_WORDS[action], folder, marked))
        is_large = len(body) > LARGE
        read = jsonshapes.orders
        orders = await self.defer_to_thread(read, body) if is_large else read(body)
        outcomes = await self.submitter.send(user, [order.message for order in orders])
        rows = [(o, each.message, each.refusal) for o, each in zip(orders, outcomes, strict=True)]
        write = jsonshapes.sent
        return _well(await self.defer_to_thread(write, rows) if is_large else write(rows))

    async def _withdrawn(self, user: User, ids: list[str]) -> list[str]:
        """What is deleted before it was sent is not sent."""
        if not user.allowed("send"):
            raise Refusal(USER_FORBIDDEN, "this needs a user who may send")
        return await self.submitter.withdraw(user, ids)

    def refused(self, refusal: Refusal) -> OzekiReply:
        """@return: the answer that says no."""
        reply = refused_with(refusal, self.strict, JSON, jsonshapes.refused(refusal))
        if reply.status == 401:
            return OzekiReply(401, JSON, reply.body, {b"WWW-Authenticate": _CHALLENGE})
        return reply


def _well(body: bytes) -> OzekiReply:
    return OzekiReply(200, JSON, body)


def _basic(header: bytes) -> OzekiLogin:
    """@raise Refusal: there is no name and password in it."""
    scheme, _, credentials = header.partition(b" ")
    if scheme.lower() != b"basic":
        raise Refusal(LOGIN_NEEDED, "this needs the header Authorization: Basic")
    try:
        clear = b64decode(credentials.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise Refusal(WRONG_LOGIN, "the header Authorization cannot be read") from None
    name, colon, password = clear.partition(":")
    if not colon or not name:
        raise Refusal(LOGIN_NEEDED, "username and password are needed")
    return OzekiLogin(name, password)
