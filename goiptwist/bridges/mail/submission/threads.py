"""
Which mails belong to one conversation: the ids of the last ones, noted down
so that the next can refer to them.

That is a comfort and not a promise: where it cannot be noted, mails still hang
on the root of their conversation.
"""

from __future__ import annotations

import json

from attrs import define
from twisted.logger import Logger

from goiptwist.bridges.mail.submission.context import EARLIER_AT_MOST
from goiptwist.errors import GoipTwistError
from goiptwist.interfaces import IGateway


@define(eq=False, repr=False)
class MailThreads:
    """
    @ivar gateway: notes it down.
    """

    gateway: IGateway
    log = Logger()

    async def earlier(self, line: str, number: str) -> tuple[str, ...]:
        """@return: the Message-IDs of the last mails with brackets, oldest first."""
        try:
            return _read(await self.gateway.memory.get(_key(line, number)))
        except GoipTwistError as trouble:
            self.log.warn("Earlier mails of {line} are not known: {why}", line=line, why=trouble)
            return ()

    async def add(self, line: str, number: str, message_id: str) -> None:
        """@param message_id: of a mail that the other side has now, with brackets."""
        known = [each for each in await self.earlier(line, number) if each != message_id]
        latest = json.dumps([*known, message_id][-EARLIER_AT_MOST:])
        try:
            await self.gateway.memory.put(_key(line, number), latest)
        except GoipTwistError as trouble:
            self.log.warn("A mail of {line} was not noted: {why}", line=line, why=trouble)


def _key(line: str, number: str) -> str:
    return json.dumps(["mail", line, number])


def _read(noted: str) -> tuple[str, ...]:
    return tuple(json.loads(noted)) if noted else ()
