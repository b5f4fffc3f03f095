"""
Which mails belong to one conversation: the ids of the last ones, kept
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
from goiptwist.interfaces import IMemory

#: Ids that are noted: a mail that some recipient gets later than others refers
#: to those before it all the same.
NOTED_AT_MOST = 10


@define(eq=False, repr=False)
class MailThreads:
    """
    The mails of all conversations.

    @ivar memory: shared by mail bridges and the submission of mails, so that a
        mail of ours refers to the answers too.
    """

    memory: IMemory
    log = Logger()

    async def earlier(self, line: str, number: str, own: str) -> tuple[str, ...]:
        """
        @param own: the Message-ID of the mail that is to refer to the others.
        @return: the Message-IDs of the last mails before that, with brackets,
            oldest first. They are the same for each recipient of a mail, though
            some get it later than others.
        """
        known = await self._noted(line, number)
        before = known[: known.index(own)] if own in known else known
        return before[-EARLIER_AT_MOST:]

    async def add(self, line: str, number: str, message_id: str) -> None:
        """@param message_id: of a mail that the other side has now, with brackets."""
        known = await self._noted(line, number)
        if message_id in known:
            return
        latest = json.dumps([*known, message_id][-NOTED_AT_MOST:])
        try:
            await self.memory.put(_key(line, number), latest)
        except GoipTwistError as error:
            self.log.warn("A mail of {line} was not noted: {reason}", line=line, reason=error)

    async def _noted(self, line: str, number: str) -> tuple[str, ...]:
        try:
            return _read(await self.memory.get(_key(line, number)))
        except GoipTwistError as error:
            self.log.warn(
                "Earlier mails of {line} are not known: {reason}", line=line, reason=error
            )
            return ()


def _key(line: str, number: str) -> str:
    return json.dumps([line, number])


def _read(noted: str) -> tuple[str, ...]:
    return tuple(json.loads(noted)) if noted else ()
