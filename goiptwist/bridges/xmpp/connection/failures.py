"""
Why there is no connection, in words for a person, and how soon to try again.
All the ways in which a stream may fail are made one here.
"""

from __future__ import annotations

from OpenSSL import SSL
from service_identity import VerificationError
from twisted.internet.defer import TimeoutError
from twisted.internet.error import (
    ConnectBindError,
    ConnectError,
    ConnectionClosed,
    ConnectionDone,
    ConnectionRefusedError,
    DNSLookupError,
)

from goiptwist.bridges.xmpp.connection.characters import sayable
from goiptwist.errors import GoipTwistError

#: Letters of a server's own words that are repeated in a sentence.
MAX_QUOTED = 200

#: Conditions of RFC 6120 section 4.9.3 that somebody has to do something
#: about, and what.
_CONDITIONS = {
    "not-authorized": "refuses the login: the password or secret is wrong",
    "host-unknown": "does not serve that domain: see jid and server",
    "conflict": "has somebody else under our name: is there a second gateway?",
    "policy-violation": "found that we broke a rule of it",
    "invalid-namespace": "expects another kind of connection on that port: see server and mode",
    "invalid-from": "does not let us write in that name",
    "not-allowed": "does not allow the login",
    "unsupported-version": "speaks another version of XMPP",
}
#: Conditions that pass by themselves.
_PASSING = {
    "system-shutdown": "shuts down",
    "reset": "wants us to connect again",
    "internal-server-error": "has a problem of its own",
    "resource-constraint": "has no room for us now",
    "remote-connection-failed": "does not reach another server",
    "connection-timeout": "has not heard from us for too long",
    "undefined-condition": "is not content",
}
#: RFC 6120 section 6.5: what SASL says if it is not the password.
_LOGINS = {
    "account-disabled": "says that the account is disabled",
    "credentials-expired": "says that the password has expired",
    "encryption-required": "wants encryption before a login",
    "invalid-mechanism": "does not take the mechanism that it has offered",
    "mechanism-too-weak": "finds the mechanism too weak",
    "temporary-auth-failure": "cannot check passwords at the moment",
    "not-authorized": "refuses the login: the name or the password is wrong",
}


class ConnectionFailure(GoipTwistError):
    """
    There is no connection. The text names the server and says why.

    @ivar slow: nothing will change by itself, so do not ask again soon.
    @ivar known: false where it is a bug of ours.
    """

    def __init__(self, sentence: str, *, slow: bool, known: bool = True) -> None:
        super().__init__(sentence)
        self.slow, self.known = slow, known


def protocol_violation(server: str, what: str) -> ConnectionFailure:
    """The server broke the rules; C{what} says how."""
    return ConnectionFailure(f"{server} talks nonsense: it {what}", slow=True)


def from_stream_error(server: str, condition: str, text: str) -> ConnectionFailure:
    """The server ended the stream with an error."""
    reason = _PASSING.get(condition)
    slow = reason is None
    reason = reason or _CONDITIONS.get(condition, "ended the connection")
    return ConnectionFailure(f"{server} {reason} ({_quoted(condition, text)})", slow=slow)


def from_login_error(server: str, jid: str, condition: str, text: str) -> ConnectionFailure:
    """The server did not take a login."""
    reason = _LOGINS.get(condition, "refuses the login")
    slow = condition != "temporary-auth-failure"
    return ConnectionFailure(
        f"{server} {reason}; we are {jid} ({_quoted(condition, text)})", slow=slow
    )


def from_connect_error(server: str, error: BaseException) -> ConnectionFailure:
    """There was no way to the server."""
    if isinstance(error, ConnectionFailure):
        return error
    if isinstance(error, DNSLookupError):
        reason = "its name is not known"
    elif isinstance(error, ConnectionRefusedError):
        reason = "nothing listens there"
    elif isinstance(error, TimeoutError):
        reason = "it did not answer in time"
    elif isinstance(error, ConnectError | ConnectBindError | OSError):
        reason = str(getattr(error, "osError", None) or error) or "no reason given"
    else:
        return from_connection_loss(server, error, "")
    return ConnectionFailure(f"{server} is not reached: {reason}", slow=False)


def from_connection_loss(
    server: str, error: BaseException | None, certificate: str
) -> ConnectionFailure:
    """
    A connection is gone.

    @param certificate: what is wrong with the server's certificate, or empty.
    """
    if certificate:
        return ConnectionFailure(
            f"{server} has a certificate that is not good: {certificate}", slow=True
        )
    if isinstance(error, ConnectionFailure):
        return error
    if isinstance(error, VerificationError):
        return ConnectionFailure(f"{server} has a certificate for another name", slow=True)
    if isinstance(error, SSL.Error):
        details = ", ".join(str(part[-1]) for part in (error.args[0] if error.args else ()) if part)
        return ConnectionFailure(
            f"{server} and we cannot agree on TLS: {details or 'no reason'}", slow=True
        )
    if isinstance(error, ConnectionDone):
        return ConnectionFailure(f"{server} closed the connection", slow=False)
    if isinstance(error, ConnectionClosed | OSError):
        return ConnectionFailure(f"{server} is not reached any more: {error}", slow=False)
    return ConnectionFailure(
        f"{server}: {type(error).__name__}, see the log", slow=False, known=False
    )


def _quoted(condition: str, text: str) -> str:
    text = " ".join(sayable(text).split())[:MAX_QUOTED]
    return f"{condition}: {text}" if text else condition
