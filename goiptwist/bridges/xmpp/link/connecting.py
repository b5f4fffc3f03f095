# mypy: disallow-untyped-calls=False
# (twisted.words is not annotated)
"""Finding the server, reaching it, logging in: one try."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import HostnameEndpoint, connectProtocol, wrapClientTLS
from twisted.logger import Logger

from goiptwist.bridges.xmpp.link import tls
from goiptwist.bridges.xmpp.link.access import Access
from goiptwist.bridges.xmpp.link.entrance import Entered, Memory, entered
from goiptwist.bridges.xmpp.link.login import as_account, as_component
from goiptwist.bridges.xmpp.link.places import Place, places_of, resolver
from goiptwist.bridges.xmpp.link.stream import Stream
from goiptwist.bridges.xmpp.link.troubles import Trouble, of_connecting

#: Seconds until a server is reached, and for the whole login.
REACH, LOGIN = 30.0, 60.0


@define(eq=False)
class Connecting:
    """
    @ivar stream: of the try under way, or of the last one.
    @ivar found: what the last login has found, in words.
    """

    _reactor: Any
    _access: Access
    stream: Stream | None = field(default=None, init=False)
    found: str = field(default="", init=False)
    log = Logger()

    async def reach(self, memory: Memory | None) -> tuple[Stream, Entered]:
        """
        @param memory: of the session that was lost, or C{None}.
        @raise Trouble: it did not work; the connection is closed.
        """
        place = await self._connected()
        stream = self.stream
        assert stream is not None
        async with self._in_time(stream):
            return stream, await self._logged_in(stream, place, memory)

    @asynccontextmanager
    async def _in_time(self, stream: Stream) -> AsyncIterator[None]:
        deadline = self._reactor.callLater(LOGIN, stream.silent, "the login takes too long")
        try:
            yield
        except BaseException as why:
            broken = not isinstance(why, Trouble | CancelledError | GeneratorExit)
            if broken:
                self.log.failure("The login at {place} broke", place=stream.place)
            trouble = why if isinstance(why, Trouble) else of_connecting(stream.place, why)
            stream.give_up(trouble)
            if broken or isinstance(why, Trouble):
                # The reason that the stream knows is the better one.
                raise await stream.over() from None
            raise
        finally:
            if deadline.active():
                deadline.cancel()

    async def _logged_in(self, stream: Stream, place: Place, memory: Memory | None) -> Entered:
        access = self._access
        if access.component:
            self.found = await as_component(stream, access)
            return Entered(access.domain)
        welcome = await as_account(stream, access, self._options, direct=place.direct)
        self.found = welcome.found
        return await entered(stream, access, welcome.features, memory)

    # To the server

    _options: Any = field(default=None, init=False)

    async def _connected(self) -> Place:
        """Try one place after the other; the first trouble is told."""
        first: Trouble | None = None
        for place in await self._places():
            try:
                await self._connect(place)
            except Trouble as trouble:
                first = first or trouble
            else:
                return place
        raise first or Trouble(f"there is no server for {self._access.domain}", slow=False)

    async def _places(self) -> list[Place]:
        access, server = self._access, self._access.server
        if server is None:
            asked = resolver(self._reactor)
            return await places_of(access.domain, asked)
        if access.component:
            if not (server.is_loopback or access.clear):
                sentence = (
                    f"{server} is another machine, and a component talks in clear: "
                    "use a tunnel to this machine"
                )
                raise Trouble(sentence, slow=True)
            return [Place(server.host, server.port)]
        return [Place(server.host, server.port, access.is_direct)]

    async def _connect(self, place: Place) -> None:
        access = self._access
        try:
            if not access.component:
                self._options = tls.verified(access.domain, access.ca, direct=place.direct)
            await self._dial(place)
        except Trouble:
            raise
        except (OSError, ValueError) as why:
            if access.ca and not access.component and self._options is None:
                raise Trouble(f"ca {access.ca} cannot be used: {why}", slow=True) from None
            raise of_connecting(str(place), why) from None
        except CancelledError:
            raise
        except Exception as why:
            trouble = of_connecting(str(place), why)
            if not trouble.known:
                self.log.failure("The way to {place} broke", place=str(place))
            raise trouble from None

    async def _dial(self, place: Place) -> None:
        access = self._access
        namespace = "jabber:component:accept" if access.component else "jabber:client"
        options = self._options
        stream = Stream(
            self._reactor,
            str(place) if access.component else f"{access.domain} ({place})",
            access.domain,
            namespace,
            lambda: options.fault if options is not None else "",
        )
        endpoint: Any = HostnameEndpoint(
            self._reactor, place.host.encode("idna"), place.port, timeout=REACH
        )
        if place.direct:
            endpoint = wrapClientTLS(options, endpoint)
        await connectProtocol(endpoint, stream)
        self.stream = stream


async def look(reactor: Any, access: Access) -> str:
    """
    Log in once, and leave.

    @return: what was found, in words.
    @raise Trouble: it did not work.
    """
    connecting = Connecting(reactor, access)
    stream, _ = await connecting.reach(None)
    stream.leave()
    gone: Deferred[Trouble] = stream.over()
    await gone
    return connecting.found
