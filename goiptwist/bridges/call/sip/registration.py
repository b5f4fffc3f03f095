"""
Being known at an exchange: REGISTER, again before it runs out (RFC 3261 section 10).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from attrs import define, field
from sipmessage import URI
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from goiptwist.bridges.call.sip.agent import UserAgent
from goiptwist.bridges.call.sip.failures import error_for
from goiptwist.bridges.call.sip.messages import Response, SipDialog
from goiptwist.errors import GoipTwistError, TryLater

#: How long we ask to be known, in seconds.
EXPIRES = 600
#: How much of that passes before we say it again.
EARLY = 0.8
#: Seconds after which a registration that failed is tried again.
AGAIN = 60.0
#: The shortest time between two of them, in seconds.
SHORTEST = 10.0


@define(eq=False)
class SipRegistration:
    """
    @ivar section: the name of the section, for the log.
    @ivar open_agent: gives our side of SIP, with an open transport to the exchange.
    """

    clock: IReactorTime
    section: str
    open_agent: Callable[[], Awaitable[UserAgent]]
    registrar: URI
    ours: URI
    _dialog: SipDialog | None = field(default=None, init=False)
    _next: IDelayedCall | None = field(default=None, init=False)
    _registered: bool | None = field(default=None, init=False)
    _stopped: bool = field(default=False, init=False)
    log = Logger()

    def start(self) -> None:
        """Register now, and for as long as this runs."""
        ensureDeferred(self._keep())

    async def _keep(self) -> None:
        self._next = None
        try:
            pause = max(await self.register() * EARLY, SHORTEST)
            if self._registered is not True:
                self.log.info("Bridge {destination} is registered", destination=self.section)
            self._registered = True
        except GoipTwistError as error:
            pause = max(getattr(error, "after", None) or 0.0, AGAIN)
            if self._registered is not False:
                self.log.warn(
                    "Bridge {destination} is not registered: {reason}",
                    destination=self.section,
                    reason=str(error),
                )
            self._registered = False
        if not self._stopped:
            self._next = self.clock.callLater(pause, lambda: ensureDeferred(self._keep()))

    async def register(self, expires: int = EXPIRES) -> float:
        """
        Say once where we are.

        @return: the seconds for which that holds.
        @raise GoipTwistError: it was not taken.
        """
        agent = await self.open_agent()
        answer = await self._ask(agent, expires)
        if answer.code == 423 and answer.min_expires:  # Interval Too Brief
            answer = await self._ask(agent, min(answer.min_expires, 86400))
        if not 200 <= answer.code < 300:
            what = f"the registration at {self.registrar.host}"
            error = error_for(answer, what, agent.account is not None)
            raise TryLater(str(error), after=getattr(error, "after", None), attempted=False)
        return _granted(answer, expires)

    async def _ask(self, agent: UserAgent, expires: int) -> Response:
        if self._dialog is None:
            self._dialog = SipDialog.new(agent.local, self.registrar, self.ours, self.ours)
        self._dialog.local = agent.local
        request = self._dialog.request("REGISTER")
        request.expires = expires
        return await agent.ask(self._dialog, request)

    def stop(self) -> Deferred[None] | None:
        """Say it no more; the exchange forgets us by itself."""
        self._stopped = True
        if self._next is not None and self._next.active():
            self._next.cancel()
        return None


def _granted(answer: Response, requested: int) -> float:
    try:
        for contact in answer.contact:
            value = contact.parameters.get("expires")
            if value and value.isdigit():
                return float(value)
        return float(answer.expires or requested)
    except ValueError:
        return float(requested)
