"""Being known at an exchange, and staying so."""

from __future__ import annotations

from twisted.logger import capturedLogs

from goiptwist.bridges.call.sip import messages
from goiptwist.bridges.call.sip.agent import UserAgent
from goiptwist.bridges.call.sip.digest import SipAccount
from goiptwist.bridges.call.sip.registration import SipRegistration
from tests.bridges.call.sip.test_sip import URI_OF_STATION, SipRig


class RegistrarRig(SipRig):
    """One agent that registers."""

    def __init__(self) -> None:
        super().__init__(account=SipAccount("panel", "secret"))
        uri = URI_OF_STATION
        self.registration = SipRegistration(self.clock, "station", self._opened, uri, uri)

    async def _opened(self) -> UserAgent:
        return self.agent

    def says(self, code: int, **headers: str) -> None:
        reply = messages.answer_to(self.sent[-1], code, "Said", tag="x")
        for name, value in headers.items():
            reply.headers.set(name.replace("_", "-"), value)
        self.agent.received(bytes(reply))


def test_again_before_it_runs_out() -> None:
    """Asked for a password, taken for 100 seconds, said again after 80."""
    rig = RegistrarRig()
    rig.registration.start()
    rig.says(401, WWW_Authenticate='Digest realm="r", nonce="n", qop="auth"')
    assert rig.sent_methods == ["REGISTER", "REGISTER"]
    assert rig.sent[-1].headers["Expires"] == "600"
    with capturedLogs() as logs:
        rig.says(200, Contact="<sip:panel@192.0.2.1>;expires=100")
    assert [event["log_format"] for event in logs] == ["Bridge {destination} is registered"]
    rig.clock.advance(79)
    assert len(rig.sent) == 2
    rig.clock.advance(1)
    assert len(rig.sent) == 3
    assert rig.sent[-1].call_id == rig.sent[0].call_id
    rig.agent.stop()
    rig.registration.stop()
    assert rig.clock.getDelayedCalls() == []


def test_longer_than_we_asked() -> None:
    """423 says how long it wants us to stay (RFC 3261 section 10.2.8)."""
    rig = RegistrarRig()
    rig.registration.start()
    rig.says(423, Min_Expires="3600")
    assert rig.sent[-1].headers["Expires"] == "3600"
    rig.agent.stop()


def test_an_exchange_that_says_no() -> None:
    """One warning, without the password; and it is tried again."""
    rig = RegistrarRig()
    with capturedLogs() as logs:
        rig.registration.start()
        for _ in range(3):
            rig.says(503)
            rig.clock.advance(60)
    [warning] = [event for event in logs if event["log_level"].name == "warn"]
    assert "503" in warning["reason"]
    assert "secret" not in str(warning)
    assert len(rig.sent) == 4
    rig.registration.stop()
    rig.agent.stop()
    assert rig.clock.getDelayedCalls() == []
