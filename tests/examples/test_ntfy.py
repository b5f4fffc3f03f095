"""The example bridge keeps the contract, and is found as a plug-in."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from treq.client import HTTPClient
from treq.testing import StringStubbingResource, StubTreq
from twisted.internet.defer import fail
from twisted.internet.error import ConnectionRefusedError
from twisted.plugins.goiptwist_ntfy import NtfyBridge, NtfySettings

from goiptwist.config.values import Password
from goiptwist.testing.contract import BridgeContract, FarSide

CODES = {FarSide.ACCEPTS: 200, FarSide.BUSY: 503, FarSide.REFUSES: 413, FarSide.NONSENSE: 299}


class UnreachedHost:
    def request(self, *_, **__):
        return fail(ConnectionRefusedError())


class TestNtfy(BridgeContract):
    secrets = ("tk_1234",)

    def bridge(self, far_side):
        def answer(method, url, params, headers, data):
            self.ids += headers[b"X-Goip-Id"] if far_side is FarSide.ACCEPTS else []
            return CODES[far_side], {}, b""

        self.ids = []
        pretended = StubTreq(StringStubbingResource(answer))
        http = HTTPClient(UnreachedHost()) if far_side is FarSide.AWAY else pretended
        return NtfyBridge(NtfySettings(topic="alarms", token=Password("tk_1234")), http)

    def arrived(self):
        return self.ids


@pytest.mark.real
def test_it_is_found(tmp_path):
    """One file on the path is all it takes."""
    root = Path(__file__).parents[2]
    plugins = tmp_path / "twisted" / "plugins"
    plugins.mkdir(parents=True)
    example = root / "examples" / "twisted" / "plugins" / "goiptwist_ntfy.py"
    (plugins / example.name).write_text(example.read_text())
    asked = (
        "from twisted.plugin import getPlugins; from goiptwist.interfaces import IConnectorKind;"
        "print([kind.kind for kind in getPlugins(IConnectorKind)])"
    )
    found = subprocess.run(
        [sys.executable, "-c", asked],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{root}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == "['ntfy']"
