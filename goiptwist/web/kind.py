"""C{[http]}."""

from __future__ import annotations

from zope.interface import implementer

from goiptwist.interfaces import (
    IConnectorKind,
    IConversational,
    IGateway,
    INotifies,
    ISections,
    Phase,
)
from goiptwist.operator_interfaces import IOperatorGateway
from goiptwist.web.http.proxies import TrustedProxies
from goiptwist.web.ozeki.dialect import OzekiDialect
from goiptwist.web.root import RootResource
from goiptwist.web.service import HttpService
from goiptwist.web.settings import HttpSettings
from goiptwist.web.v1.api import Api


@implementer(IConnectorKind)
class HttpKind:
    """Makes the HTTP interface."""

    section, kind = "http", ""
    settings = HttpSettings
    phase = Phase.LISTENER

    def build(self, name: str, settings: HttpSettings, gateway: IGateway) -> HttpService | None:
        """@param gateway: is shown, and asked, by HTTP."""
        if not settings.listen and not settings.listen_tls:
            return None
        operator = IOperatorGateway(gateway)
        proxies = TrustedProxies(settings.proxies)
        notified_by = _notified_by(gateway)
        api = Api(operator, gateway.accounts, gateway.clock, notified_by, proxies)
        dialect = OzekiDialect(
            operator,
            api.access,
            gateway.defer_to_thread,
            strict=settings.strict,
            reports_by=_caller_of_urls(gateway.sections),
        )
        root = RootResource(api.resource(), dialect)
        return HttpService(gateway.reactor, settings, root, root.leniency, api.end_streams)


def _notified_by(gateway: IGateway) -> list[str]:
    """The names of the bridges that may notify whom a submission over HTTP says."""
    bridges = gateway.connectors.providing(INotifies)
    return [
        section.removeprefix("bridge.")
        for section, bridge in bridges.items()
        if section.startswith("bridge.") and not IConversational.providedBy(bridge)
    ]


def _caller_of_urls(sections: ISections) -> str:
    """The name of the bridge that calls the report URLs of submissions; empty is none."""
    bridges = sections.bridges.items()
    return next((name for name, (_, own) in bridges if getattr(own, "report_urls", False)), "")
