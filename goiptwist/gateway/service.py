"""
The gateway as one service of twistd: opens the store, starts the parts in
order, and stops them in the opposite order.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from attrs import define, field
from twisted.application.service import IService, MultiService
from twisted.internet.defer import Deferred, execute, maybeDeferred
from twisted.internet.threads import deferToThread, deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

from goiptwist.errors import BadConfiguration, StoreUnavailable
from goiptwist.gateway.composition import Gateway
from goiptwist.gateway.settings import Settings
from goiptwist.messaging.events import EventBus
from goiptwist.store import Store


@define(eq=False, repr=False)
class Worker:
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
        self._writing = Worker(reactor, "goip-store-writer")
        self._reading = Worker(reactor, "goip-store-reader")

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
        self._take_up(gateway)
        for bridge in gateway.bridges.values():
            if IService.providedBy(bridge):
                bridge.setServiceParent(self)
        gateway.goip_service().setServiceParent(self)
        http = gateway.http_service(deferToThread)
        if http is not None:
            http.setServiceParent(self)
        for way_in in (*gateway.mail_services(deferToThread), *gateway.alarm_services()):
            way_in.setServiceParent(self)
        super().startService()
        self._writing.start()
        self._reading.start()
        gateway.housekeeping.start()

    def _take_up(self, gateway: Gateway) -> None:
        """
        Go on where the last run stopped. Nothing is open yet, so it may block.

        @raise BadConfiguration: the store does not note which texts a device
            may have had; whoever went on would send them again.
        """
        failures: list[Failure] = []
        Deferred.fromCoroutine(self._taken_up(gateway)).addErrback(failures.append)
        for failure in failures:
            gateway.store.close()
            if failure.check(StoreUnavailable):
                raise BadConfiguration([f"state: {failure.getErrorMessage()}"])
            failure.raiseException()

    async def _taken_up(self, gateway: Gateway) -> None:
        policy = self.settings.delivery.on_unknown
        count = await gateway.store.after_restart(self._reactor.seconds(), policy)
        if count:
            self.log.warn(
                "{count} texts were with a device when the gateway stopped: "
                "nobody knows whether they went out",
                count=count,
            )
        await gateway.lines.remember()
        await gateway.alarms.start()
        await gateway.delivery.start()
        await gateway.heartbeats.start()

    def stopService(self) -> Deferred[None]:
        """
        Stop taking submissions, let the dialogues under way end, then close.
        """
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        gateway = self.gateway
        gateway.housekeeping.stop()
        gateway.heartbeats.stop()
        http = [part for part in self if part.name != "goip"]
        for part in http:
            await maybeDeferred(part.disownServiceParent)
        await gateway.delivery.stop()
        gateway.lines.leave()
        await maybeDeferred(super().stopService)
        gateway.lines.keep_facts()
        await gateway.store.writer.idle()
        gateway.store.bus.flush()
        self._writing.stop()
        self._reading.stop()
        gateway.store.close()
