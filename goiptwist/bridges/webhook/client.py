"""
An HTTP client that may be given any URL: it connects to no private address,
follows nothing, and neither waits nor listens for long.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import define, field
from hyperlink import EncodedURL
from OpenSSL import SSL
from service_identity import VerificationError
from treq.client import HTTPClient
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectError, DNSLookupError
from twisted.internet.interfaces import IReactorPluggableNameResolver
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import trustRootFromCertificates
from twisted.python.failure import Failure
from twisted.web.client import (  # type: ignore[attr-defined]
    Agent,
    BrowserLikePolicyForHTTPS,
    HTTP11ClientProtocol,
    HTTPConnectionPool,
)
from twisted.web.iweb import IAgent
from zope.interface import implementer

from goiptwist.bridges.webhook.own_addresses import is_own
from goiptwist.bridges.webhook.private_addresses import private_kind
from goiptwist.bridges.webhook.response import WebhookResponse, snippet
from goiptwist.bridges.webhook.urls import place_of
from goiptwist.errors import Away, Refused, TryLater
from goiptwist.net.trust import trusted_certificates

#: Bytes of an answer that are listened to, its headers included.
LONGEST_ANSWER = 16384
#: Seconds for which a connection is kept for the next call: shorter than any
#: usual server waits (5 s), so that it is not closed under our hands.
KEPT_OPEN = 4.0
#: Connections that are kept so.
KEPT_AT_MOST = 10


class PrivateAddressBlocked(TryLater):
    """The URL leads to an address of this machine or of a private network."""

    def __init__(self, host: str, word: str) -> None:
        super().__init__(
            f"{host} is {word}; say private = true to call such addresses", attempted=False
        )


@implementer(IReactorPluggableNameResolver)
@define(eq=False, repr=False)
class PublicOnlyReactor:
    """
    As much of a reactor as makes connections, but none to private addresses.

    Names are resolved before this, and C{connectTCP} gets the address that is
    connected to: a name that changes its address meanwhile changes nothing.
    """

    reactor: Any

    def connectTCP(self, host: str, *args: Any, **kwargs: Any) -> Any:
        """@raise PrivateAddressBlocked: the address is private."""
        word = private_kind(host) or ("of this machine" if is_own(host) else "")
        if word:
            raise PrivateAddressBlocked(host, word)
        return self.reactor.connectTCP(host, *args, **kwargs)

    @property
    def nameResolver(self) -> Any:
        return self.reactor.nameResolver

    def installNameResolver(self, resolver: Any) -> Any:
        return self.reactor.installNameResolver(resolver)

    def callLater(self, *args: Any, **kwargs: Any) -> Any:
        return self.reactor.callLater(*args, **kwargs)

    def seconds(self) -> float:
        return float(self.reactor.seconds())


class BoundedHttpProtocol(HTTP11ClientProtocol):
    """Reads L{LONGEST_ANSWER} bytes of each answer, and hangs up on the rest."""

    _allowance = LONGEST_ANSWER

    def request(self, request: Any) -> Any:
        self._allowance = LONGEST_ANSWER
        return super().request(request)

    def dataReceived(self, data: bytes) -> None:
        accepted, self._allowance = data[: self._allowance], self._allowance - len(data)
        if accepted:
            super().dataReceived(accepted)
        transport: Any = self.transport
        if self._allowance < 0 and transport is not None:
            transport.abortConnection()


class _BoundedProtocolFactory(Factory):
    noisy = False

    def __init__(self, quiescent: Any, metadata: Any) -> None:
        self._quiescent = quiescent

    def buildProtocol(self, addr: Any) -> BoundedHttpProtocol:
        return BoundedHttpProtocol(self._quiescent)


class _HttpConnectionPool(HTTPConnectionPool):
    _factory = _BoundedProtocolFactory  # type: ignore[assignment]
    maxPersistentPerHost = KEPT_AT_MOST
    cachedConnectionTimeout = KEPT_OPEN  # type: ignore[assignment]
    #: The delivery loop repeats, and writes down that it did.
    retryAutomatically = False


@implementer(IAgent)
@define(eq=False, repr=False)
class _UncompressedAgent:
    """Asks for nothing packed and unpacks nothing: a small answer may swell."""

    agent: Agent

    def request(
        self, method: bytes, uri: bytes, headers: Any = None, bodyProducer: Any = None
    ) -> Any:
        headers.removeHeader(b"accept-encoding")
        requested = self.agent.request(method, uri, headers, bodyProducer)
        return requested.addCallback(_as_it_is)


class _VerbatimUrl(EncodedURL):
    """A URL that is called as it was written: hyperlink cannot spell C{[::1]} anew."""

    def to_uri(self) -> EncodedURL:
        return self


def _as_it_is(response: Any) -> Any:
    response.headers.removeHeader(b"content-encoding")
    return response


@define(eq=False, repr=False)
class WebhookClient:
    """
    @ivar private: whether private addresses may be called.
    @ivar ca: the path of a PEM file, or empty for the system's certificates.
    @ivar timeout: seconds for a whole call.
    @ivar persistent: whether connections are kept for the next call.
    """

    reactor: Any
    private: bool
    ca: str
    timeout: float
    persistent: bool = True
    _pool: Any = field(init=False)
    _agent: Any = field(init=False)

    def __attrs_post_init__(self) -> None:
        trust = trustRootFromCertificates(trusted_certificates(self.ca)) if self.ca else None
        self._pool = _HttpConnectionPool(self.reactor, self.persistent)
        self._agent = _UncompressedAgent(
            Agent(
                self.reactor if self.private else PublicOnlyReactor(self.reactor),
                BrowserLikePolicyForHTTPS(trust),
                connectTimeout=self.timeout,
                pool=self._pool,
            )
        )

    async def call(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> WebhookResponse:
        """
        @param url: one that L{fault_of<goiptwist.bridges.webhook.urls.fault_of>}
            finds no fault with.
        @raise Away: nobody is there.
        @raise PrivateAddressBlocked: the address is private.
        @raise TryLater: no answer came, or none in HTTP.
        """
        pending = Deferred.fromCoroutine(self._request(method, url, {**headers}, body))
        timer = self.reactor.callLater(self.timeout, pending.cancel)
        try:
            return await pending
        except (Refused, TryLater):
            raise
        except Exception as error:
            raise _sorted_error(error, place_of(url), not timer.active(), self.timeout) from None
        finally:
            if timer.active():
                timer.cancel()

    async def _request(
        self, method: str, url: str, headers: dict[Any, Any], body: bytes | None
    ) -> WebhookResponse:
        # A new client each time: treq keeps the cookies that a client was given.
        response = await HTTPClient(self._agent).request(
            method,
            _VerbatimUrl.from_text(url),
            headers=headers,
            data=body,
            allow_redirects=False,
            unbuffered=True,
            reactor=self.reactor,
        )
        content = _ResponseBody()
        if response.length:
            response.deliverBody(content)
            await content.finished
        [retry_after] = response.headers.getRawHeaders("retry-after", [""])[:1]
        return WebhookResponse(response.code, b"".join(content.parts), retry_after)

    def close(self) -> Deferred[Any]:
        """Part from everybody; calls under way end by themselves."""
        self._pool.persistent = False
        closed: Deferred[Any] = self._pool.closeCachedConnections()
        return closed


class _ResponseBody(Protocol):
    """The body of an answer, as far as it comes: the status decides."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.finished: Deferred[None] = Deferred(self._give_up)

    def _give_up(self, finished: Deferred[None]) -> None:
        # Out of time. Fires connectionLost, unless that has been.
        transport: Any = self.transport
        if transport is not None:
            transport.stopProducing()
        if not finished.called:
            finished.callback(None)

    def dataReceived(self, data: bytes) -> None:
        self.parts.append(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if not self.finished.called:
            self.finished.callback(None)


def _sorted_error(error: Exception, where: str, too_late: bool, timeout: float) -> TryLater:
    """What went wrong, sorted by what to do about it."""
    causes = [error, *_causes(error)]
    if any(isinstance(cause, SSL.Error | VerificationError) for cause in causes):
        reasons = ", ".join(filter(None, map(_tls_words, causes)))
        reason = snippet(reasons.encode("utf-8", "replace")) or "no reason is given"
        return TryLater(f"TLS with {where} failed: {reason}", attempted=False)
    if isinstance(error, DNSLookupError):
        return Away(f"{where} cannot be reached: its name is not known")
    if isinstance(error, ConnectError | OSError):
        late = f"no connection within {timeout:g} s" if too_late else ""
        reason = late or snippet(str(error).encode("utf-8", "replace")) or type(error).__name__
        return Away(f"{where} cannot be reached: {reason}")
    if too_late or any(isinstance(cause, CancelledError) for cause in causes):
        return TryLater(f"{where} did not answer within {timeout:g} s")
    names = ", ".join(dict.fromkeys(type(cause).__name__ for cause in causes[1:] or causes))
    return TryLater(f"{where} gave no answer in HTTP: {names}")


def _causes(error: Exception) -> list[BaseException]:
    reasons = getattr(error, "reasons", ())
    values = [reason.value for reason in reasons if isinstance(reason, Failure)]
    return [value for value in values if value is not None]


def _tls_words(cause: BaseException) -> str:
    if isinstance(cause, SSL.Error) and cause.args and isinstance(cause.args[0], list):
        return " ".join(str(part[-1]) for part in cause.args[0] if part)
    if isinstance(cause, VerificationError):
        return "the certificate is of another host"
    return ""
