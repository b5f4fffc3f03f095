"""The mail bridge keeps the contract of all bridges, before a real SMTP server."""

import re
from contextlib import ExitStack

import pytest
from twisted.internet import reactor

from goiptwist.config.values import Password
from goiptwist.testing.contract import BridgeContract, FarSide
from tests.bridges.mail.outgoing.smarthosts import (
    Mailbox,
    free_port,
    mail_bridge,
    saying,
    scripted_server,
    smtp_server,
)

ANSWERS = {
    FarSide.BUSY: {"ops@example.org": "450 4.2.0 greylisted"},
    FarSide.REFUSES: {"ops@example.org": "550 5.1.1 no such user"},
}


@pytest.mark.real
class TestMailBridge(BridgeContract):
    secrets = ("right horse",)

    def setup_method(self):
        self.servers = ExitStack()

    def teardown_method(self):
        self.servers.close()

    def bridge(self, far_side):
        self.servers.close()
        self.mailbox = Mailbox(rcpt=ANSWERS.get(far_side, {}))
        if far_side is FarSide.AWAY:
            port = free_port()
        elif far_side is FarSide.NONSENSE:
            port = self.servers.enter_context(scripted_server(saying(b"\0\xffright horse\r\n")))
        else:
            port = self.servers.enter_context(smtp_server(self.mailbox))
        return mail_bridge(reactor, port, username="goip", password=Password("right horse"))

    def arrived(self):
        return [
            re.search(rb"(?im)^Message-ID: (\S+)\r\n", envelope.content)[1]
            for envelope in self.mailbox.taken
        ]
