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

from goiptwist.bridges.xmpp.connection import tls
from goiptwist.bridges.xmpp.connection.credentials import XmppCredentials
from goiptwist.bridges.xmpp.connection.failures import ConnectionFailure, from_connect_error
from goiptwist.bridges.xmpp.connection.login import login_account, login_component
from goiptwist.bridges.xmpp.connection.negotiation import (
    NegotiatedSession,
    ResumableSession,
    negotiate,
)
from goiptwist.bridges.xmpp.connection.server_lookup import (
    ServerAddress,
    make_resolver,
    servers_of,
)
from goiptwist.bridges.xmpp.connection.stream import XmppStream

#: Seconds until a server is reached, and for the whole login.
CONNECT_TIMEOUT, LOGIN_TIMEOUT = 30.0, 60.0


@define(eq=False)
class ConnectionAttempt:
    """
    @ivar stream: of the try under way, or of the last one.
    @ivar found: what the last login has found, in words.
    """

    _reactor: Any
    _credentials: XmppCredentials
    stream: XmppStream | None = field(default=None, init=False)
    found: str = field(default="", init=False)
    log = Logger()

    async def connect(
        self, resumable: ResumableSession | None
    ) -> tuple[XmppStream, NegotiatedSession]:
        """
        @param resumable: of the session that was lost, or C{None}.
        @raise ConnectionFailure: it did not work; the connection is closed.
        """
        server = await self._connected()
        stream = self.stream
        assert stream is not None
        async with self._in_time(stream):
            return stream, await self._logged_in(stream, server, resumable)

    @asynccontextmanager
    async def _in_time(self, stream: XmppStream) -> AsyncIterator[None]:
        deadline = self._reactor.callLater(
            LOGIN_TIMEOUT, stream.timed_out, "the login takes too long"
        )
        try:
            yield
        except BaseException as error:
            broken = not isinstance(error, ConnectionFailure | CancelledError | GeneratorExit)
            if broken:
                self.log.failure("The login at {server} broke", server=stream.server)
            failure = (
                error
                if isinstance(error, ConnectionFailure)
                else from_connect_error(stream.server, error)
            )
            stream.abort(failure)
            if broken or isinstance(error, ConnectionFailure):
                # The reason that the stream knows is the better one.
                raise await stream.closed() from None
            raise
        finally:
            if deadline.active():
                deadline.cancel()

    async def _logged_in(
        self, stream: XmppStream, server: ServerAddress, resumable: ResumableSession | None
    ) -> NegotiatedSession:
        credentials = self._credentials
        if credentials.component:
            self.found = await login_component(stream, credentials)
            return NegotiatedSession(credentials.domain)
        login = await login_account(stream, credentials, self._options, direct=server.direct)
        self.found = login.found
        return await negotiate(stream, credentials, login.features, resumable)

    # To the server

    _options: Any = field(default=None, init=False)

    async def _connected(self) -> ServerAddress:
        """Try one server after the other; the first failure is reported."""
        first: ConnectionFailure | None = None
        for server in await self._servers():
            try:
                await self._connect(server)
            except ConnectionFailure as failure:
                first = first or failure
            else:
                return server
        raise first or ConnectionFailure(
            f"there is no server for {self._credentials.domain}", slow=False
        )

    async def _servers(self) -> list[ServerAddress]:
        credentials, named = self._credentials, self._credentials.server
        if named is None:
            return await servers_of(credentials.domain, make_resolver(self._reactor))
        if credentials.component:
            if not (named.is_loopback or credentials.clear):
                sentence = (
                    f"{named} is another machine, and a component talks in clear: "
                    "use a tunnel to this machine"
                )
                raise ConnectionFailure(sentence, slow=True)
            return [ServerAddress(named.host, named.port)]
        return [ServerAddress(named.host, named.port, credentials.is_direct)]

    async def _connect(self, server: ServerAddress) -> None:
        credentials = self._credentials
        try:
            if not credentials.component:
                self._options = tls.verifying_options(
                    credentials.domain, credentials.ca, direct=server.direct
                )
            await self._connect_to(server)
        except ConnectionFailure:
            raise
        except (OSError, ValueError) as error:
            if credentials.ca and not credentials.component and self._options is None:
                raise ConnectionFailure(
                    f"ca {credentials.ca} cannot be used: {error}", slow=True
                ) from None
            raise from_connect_error(str(server), error) from None
        except CancelledError:
            raise
        except Exception as error:
            failure = from_connect_error(str(server), error)
            if not failure.known:
                self.log.failure("The way to {server} broke", server=str(server))
            raise failure from None

    async def _connect_to(self, server: ServerAddress) -> None:
        credentials = self._credentials
        namespace = "jabber:component:accept" if credentials.component else "jabber:client"
        options = self._options
        stream = XmppStream(
            self._reactor,
            str(server) if credentials.component else f"{credentials.domain} ({server})",
            credentials.domain,
            namespace,
            lambda: options.fault if options is not None else "",
        )
        endpoint: Any = HostnameEndpoint(
            self._reactor, server.host.encode("idna"), server.port, timeout=CONNECT_TIMEOUT
        )
        if server.direct:
            endpoint = wrapClientTLS(options, endpoint)
        await connectProtocol(endpoint, stream)
        self.stream = stream


async def probe(reactor: Any, credentials: XmppCredentials) -> str:
    """
    Log in once, and leave.

    @return: what was found, in words.
    @raise ConnectionFailure: it did not work.
    """
    attempt = ConnectionAttempt(reactor, credentials)
    stream, _ = await attempt.connect(None)
    stream.close()
    gone: Deferred[ConnectionFailure] = stream.closed()
    await gone
    return attempt.found
