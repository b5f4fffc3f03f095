"""
The gateway as one service of twistd: opens the store, starts the connectors in
the order of their phases, and stops them in the opposite order.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from attrs import define, field
from twisted.application.service import IServiceCollection, MultiService
from twisted.internet.defer import Deferred, execute, maybeDeferred
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

from goiptwist.errors import BadConfiguration, StoreUnavailable
from goiptwist.gateway.composition import Gateway
from goiptwist.gateway.hangup import HangupIgnored
from goiptwist.gateway.settings import Settings
from goiptwist.interfaces import Phase
from goiptwist.messaging.events import EventBus
from goiptwist.store import Store


@define(eq=False, repr=False)
class WorkerThread:
    """
    One thread of its own, always the same.

    Until it is started, and once it is stopped, work is done at once: the
    start of the gateway may block, its run may not.
    """

    reactor: Any
    name: str
    _pool: ThreadPool | None = field(default=None, init=False)

    def __call__(self, work: Callable[[], Any]) -> Deferred[Any]:
        if self._pool is None:
            return execute(work)
        return deferToThreadPool(self.reactor, self._pool, work)

    def start(self) -> None:
        """From now on, work is done in the thread."""
        self._pool = ThreadPool(1, 1, self.name)
        self._pool.start()

    def stop(self) -> None:
        """Wait for the work under way; from now on it is done at once."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.stop()


class GatewayService(MultiService):
    """
    Everything that C{twistd goip} runs.

    @ivar gateway: the parts, once the service runs.
    """

    gateway: Gateway
    log = Logger()

    def __init__(self, settings: Settings, folder: Path, held: IO[str], reactor: Any) -> None:
        """
        @param folder: of the store; its lock is C{held}.
        """
        super().__init__()
        self.settings = settings
        self.folder = folder
        self._held = held
        self._reactor = reactor
        self._hangup = HangupIgnored()
        self._writing = WorkerThread(reactor, "goip-store-writer")
        self._reading = WorkerThread(reactor, "goip-store-reader")

    def startService(self) -> None:
        """
        A port that is taken ends the process in a sentence, not a traceback.
        """
        try:
            self._start()
        except BadConfiguration as problems:
            self.log.critical("The gateway cannot start: {problems}", problems=problems)
            print(problems, file=sys.__stderr__)
            raise SystemExit(1) from None

    def _start(self) -> None:
        store = Store.open(
            self.folder, self._held, self._writing, self._reading, EventBus(self._reactor)
        )
        self.gateway = gateway = Gateway(self.settings, store, self._reactor, self._reactor)
        self._resume(gateway)
        for phase in Phase:
            for service in gateway.connectors.services(phase):
                service.setServiceParent(IServiceCollection(self))
        super().startService()
        self._hangup.on()
        self._writing.start()
        self._reading.start()
        gateway.housekeeping.start()

    def _resume(self, gateway: Gateway) -> None:
        """
        Go on where the last run stopped. Nothing is open yet, so it may block.

        @raise BadConfiguration: the store does not note which texts a device
            may have had; a gateway that went on would send them again.
        """
        failures: list[Failure] = []
        Deferred.fromCoroutine(self._resumed(gateway)).addErrback(failures.append)
        for failure in failures:
            gateway.store.close()
            if failure.check(StoreUnavailable):
                raise BadConfiguration([f"state: {failure.getErrorMessage()}"])
            failure.raiseException()

    async def _resumed(self, gateway: Gateway) -> None:
        policy = self.settings.delivery.on_unknown
        count = await gateway.store.after_restart(self._reactor.seconds(), policy)
        if count:
            self.log.warn(
                "{count} texts were with a device when the gateway stopped: "
                "nobody knows whether they went out",
                count=count,
            )
        await gateway.connectors.restore()
        await gateway.alarms.start()
        await gateway.dispatcher.start()
        await gateway.supervision.start()

    def stopService(self) -> Deferred[None]:
        """
        Stop taking submissions, let the deliveries under way end, then close.
        """
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        gateway = self.gateway
        self._hangup.off()
        gateway.housekeeping.stop()
        gateway.supervision.stop()
        await self._stop_phase(Phase.LISTENER)
        await gateway.dispatcher.stop()
        await self._stop_phase(Phase.BRIDGE)
        await maybeDeferred(super().stopService)
        gateway.connectors.save()
        await gateway.store.writer.idle()
        gateway.store.bus.flush()
        self._writing.stop()
        self._reading.stop()
        gateway.store.close()

    async def _stop_phase(self, phase: Phase) -> None:
        for service in self.gateway.connectors.services(phase):
            await maybeDeferred(service.disownServiceParent)
