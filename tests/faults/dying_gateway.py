"""
C{twistd} with a gateway that kills itself, as a power cut would, at a point
which the environment names: C{DIE_AT="<when> <what> [<passage>]"}.

  - C{before COMMAND} and C{after COMMAND}: the commit of a group in which
    that command of the store is, such as C{before arrivals}. C{settlements}
    is written C{settlements-in} or C{settlements-out}.
  - C{written WORD}: a datagram that begins with the word has left, such as
    C{written SEND}; numbers aside, C{written SEND-number} is the one with a
    number to send to.
  - C{mailed mail}: the smarthost has said yes to a mail.
  - C{answered yes}: a submission was answered over HTTP; the answer has not left.
  - C{asked NAME}: a destination has answered; nobody has noted it yet.
  - C{created table}: a table of a new store was made.

The passage is which time, 1 unless it is told. The points are around the
product, not in it.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from attrs import define, field

ORDINAL = "-number"


@define
class FaultPoint:
    """Where to die."""

    when: str
    what: str
    left: int = 1

    @classmethod
    def read(cls, text: str) -> FaultPoint:
        """As the environment has it."""
        when, what, *passage = text.split()
        return cls(when, what, *map(int, passage))

    def passed(self, when: str, what: str) -> None:
        """Die, if this is the place and the time."""
        if (when, what) == (self.when, self.what):
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


@define
class Wrapped:
    """The places, each with a call of L{FaultPoint.passed}."""

    point: FaultPoint
    _group: list[str] = field(factory=list)

    def around_commits(self) -> None:
        from sqlalchemy import Engine, event

        from goiptwist.store.writer import Writer

        commit = Writer._commit

        def committing(writer: Any, group: list[Any]) -> None:
            self._group = sorted({command_of(job) for job in group})
            commit(writer, group)
            for name in self._group:
                self.point.passed("after", name)
            self._group = []

        @event.listens_for(Engine, "commit")
        def about_to_commit(connection: object) -> None:
            for name in self._group:
                self.point.passed("before", name)

        Writer._commit = committing

    def after_tables(self) -> None:
        from sqlalchemy import Engine, event

        @event.listens_for(Engine, "after_cursor_execute")
        def executed(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
            if statement.lstrip().startswith("CREATE TABLE"):
                self.point.passed("created", "table")

    def after_datagrams(self) -> None:
        from goiptwist.goip.transport import DatagramSender

        write = DatagramSender.write

        def written(sender: Any, datagram: bytes, address: Any) -> None:
            write(sender, datagram, address)
            words = datagram.decode("utf-8", "replace").split()
            self.point.passed("written", words[0].partition(":")[0])
            if len(words) > 3:
                self.point.passed("written", words[0] + ORDINAL)

        DatagramSender.write = written

    def after_mails(self) -> None:
        from goiptwist.bridges.mail.outgoing.bridge import MailBridge

        deliver: Callable[..., Any] = MailBridge.deliver_to

        async def delivered(bridge: Any, *args: Any) -> Any:
            answer = await deliver(bridge, *args)
            self.point.passed("mailed", "mail")
            return answer

        MailBridge.deliver_to = delivered

    def after_destinations(self) -> None:
        from goiptwist.delivery.hand_over import HandOver

        ask: Callable[..., Any] = HandOver.ask

        async def asked(hand_over: Any, *args: Any) -> Any:
            answer = await ask(hand_over, *args)
            self.point.passed("asked", hand_over.queue)
            return answer

        HandOver.ask = asked

    def after_answers(self) -> None:
        from goiptwist.web.http.request import Request

        finish = Request.finish

        def finished(request: Any) -> None:
            finish(request)
            if request.code == 202:
                self.point.passed("answered", "yes")

        Request.finish = finished


def command_of(job: Any) -> str:
    """What a command of the store is called here."""
    name = str(job.command.__name__)
    return f"{name}-{job.item.message.direction}" if name == "settlements" else name


def main() -> None:
    """Put the point into its place, and be C{twistd}."""
    wrapped = Wrapped(FaultPoint.read(os.environ["DIE_AT"]))
    wrapped.around_commits()
    wrapped.after_tables()
    wrapped.after_datagrams()
    wrapped.after_mails()
    wrapped.after_answers()
    wrapped.after_destinations()
    from twisted.scripts.twistd import run

    sys.exit(run())


if __name__ == "__main__":
    main()
