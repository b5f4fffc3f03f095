"""Who we are to which server."""

from __future__ import annotations

from attrs import field, frozen

from goiptwist.config.values import HostPort

#: The port at which TLS begins with the first byte, by custom.
DIRECT_TLS_PORT = 5223


@frozen(kw_only=True)
class XmppCredentials:
    """
    @ivar component: a domain of our own (XEP-0114), rather than an account.
    @ivar jid: the account, with a resource if it matters, or the domain.
    @ivar password: of the account, or the secret of the component.
    @ivar server: where the server is; C{None} asks the DNS. A component has one.
    @ivar direct: at C{server}, TLS begins with the first byte (XEP-0368), as it
        does at port 5223 anyway.
    @ivar ca: a PEM file to trust instead of the system's certificates, or empty.
    @ivar clear: a component may talk in clear to another machine.
    """

    jid: str
    password: str = field(repr=False)
    component: bool = False
    server: HostPort | None = None
    direct: bool = False
    ca: str = ""
    clear: bool = False

    @property
    def is_direct(self) -> bool:
        """Whether TLS begins with the first byte at the server that was named."""
        return self.direct or (self.server is not None and self.server.port == DIRECT_TLS_PORT)

    @property
    def domain(self) -> str:
        """Whose server it must be."""
        return self.jid.partition("/")[0].rpartition("@")[2]

    @property
    def user(self) -> str:
        """The name to log in with."""
        return self.jid.partition("/")[0].rpartition("@")[0]

    @property
    def resource(self) -> str:
        """
        How this connection is told apart from others of the account. It is
        always the same, so that a new connection takes the place of an old one
        of which the server has not yet seen that it is dead.
        """
        return self.jid.partition("/")[2] or "goiptwist"
