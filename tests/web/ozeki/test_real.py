"""
The dialect as old programs meet it: a gateway in a process of its own, curl,
the official client library, and clients that do what they should not.
"""

from __future__ import annotations

import re
import resource
import shutil
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
from ozekilibsrest import Configuration, Folder, Message, MessageApi

from goiptwist.web.http.request import MAX_HELD, MAX_LARGE_BODY
from goiptwist.web.http.site import MAX_CONNECTIONS
from tests.bridges.mail.outgoing.smarthosts import Authority
from tests.test_twistd import PATIENCE, Program, free_port, until
from tests.web.ozeki.test_classic import SEED

pytestmark = [pytest.mark.real, pytest.mark.slow]

#: The query of Ozeki's page.
QUERY = (
    "action=sendmessage&username=httptest&password=abc123"
    "&recipient=06201234567&messagedata=1113,18,1,123,03,003"
)
LOGIN = {"username": "httptest", "password": "abc123"}
BATCH = 20_000

#: Bytes that the gateway may have in memory at the most: itself, what it holds
#: for clients twice over, and one batch taken apart.
MEMORY = 250 * 2**20 + 2 * MAX_HELD


class OzekiProgram(Program):
    """A gateway with the user of the seed, and TLS."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.https = free_port(socket.SOCK_STREAM)
        authority = Authority(folder)
        authority.server("127.0.0.1")
        self.pem = authority.pem
        key = folder / "Test CA 127.0.0.1.key"
        (folder / "goip.toml").write_text(f"""
            state = "{folder / "state"}"
            goip.listen = "127.0.0.1:{self.udp}"
            line = [{{id = "goipid1", password = "password1"}}]
            user = [{{name = "httptest", password = "abc123"}}]
            [http]
            listen = ["127.0.0.1:{self.http}"]
            listen_tls = ["127.0.0.1:{self.https}"]
            certificate = "{key}"
            private_key = "{key}"
            """)

    def options(self) -> list[str]:
        return ["--config", "goip.toml"]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http}/api"

    def post(self, given: dict[str, str]) -> ElementTree.Element:
        with urllib.request.urlopen(self.url, urlencode(given).encode(), PATIENCE) as answer:
            return ElementTree.fromstring(answer.read())

    def connect(self) -> socket.socket:
        client = socket.create_connection(("127.0.0.1", self.http), PATIENCE)
        client.settimeout(PATIENCE)
        return client

    @property
    def peak(self) -> int:
        """Bytes of memory that the process had at the most."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) * 1024


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OzekiProgram]:
    """One that runs, with descriptors enough for all that connect."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2 * MAX_CONNECTIONS:
        pytest.skip("not enough file descriptors are allowed here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (2 * MAX_CONNECTIONS, hard))
    made = OzekiProgram(tmp_path_factory.mktemp("ozeki"))
    try:
        made.start()
        yield made
        assert made.stop()
        log = made.log.read_bytes()
        assert b"Traceback" not in log
        assert b"abc123" not in log
    finally:
        made.stop()
        made.device.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_the_seed_with_curl(program: OzekiProgram, tls: bool) -> None:
    """Ozeki's own example gets Ozeki's own answer, but for the id."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    place = f"https://127.0.0.1:{program.https}" if tls else f"http://127.0.0.1:{program.http}"
    curl = ["curl", "--silent", "--show-error", "--cacert", program.pem, f"{place}/api?{QUERY}"]
    said = subprocess.run(curl, check=True, capture_output=True, timeout=PATIENCE).stdout
    [own] = re.findall(rb"<messageid>(\w{6}-\d+)</messageid>", said)
    assert said.replace(own, b"m0") == SEED


def received(program: OzekiProgram, number: int, text: str) -> None:
    sms = f"RECEIVE:{number};id:goipid1;password:password1;srcnum:+36301234567;msg:{text}"
    # A line that is heard is offered what waits, too.
    until(lambda: program.ask(sms) == f"RECEIVE {number} OK\n", "the SMS is acknowledged")


def test_the_official_library(program: OzekiProgram) -> None:
    """Send one, send many, download, mark and delete, as its own examples do."""
    api = MessageApi(Configuration("httptest", "abc123", program.url))
    message = Message(to_address="+36201111111", text="Hello, World!")
    one = api.send(message)
    assert (one.status, one.response_message) == ("Success", "")
    assert one.message.message_id == str(message.message_id)

    many = api.send([Message(to_address=to, text="x") for to in ("06201", "06202", "nobody")])
    assert (many.total_count, many.success_count, many.failed_count) == (3, 2, 1)
    assert [result.status for result in many.results] == ["Success", "Success", "Failed"]
    assert "is no telephone number" in many.results[2].response_message

    received(program, 7, "first")
    received(program, 8, "second")
    inbox = api.download_incoming()
    assert [(m.from_address, m.text) for m in inbox.messages] == [
        ("+36301234567", "first"),
        ("+36301234567", "second"),
    ]
    assert api.download_incoming().messages == []

    received(program, 9, "third")
    with urllib.request.urlopen(f"{program.url}?{urlencode(LOGIN)}&action=receivemessage") as said:
        [third] = ElementTree.fromstring(said.read()).findall("data/message/messageid")
    assert api.mark(Folder.Inbox, Message(message_id=third.text)) is True
    assert api.download_incoming().messages == []
    assert api.delete(Folder.Inbox, Message(message_id=third.text)) is True
    assert api.delete(Folder.Inbox, Message(message_id="nonsense")) is False

    made = datetime(2021, 7, 2, 16)
    until = made - timedelta(hours=1)
    late = Message(to_address="06201", text="x", create_date=made, time_to_send=made)
    late.valid_until = until
    assert "would have expired" in api.send(late).response_message

    wrong = MessageApi(Configuration("httptest", "abc12", program.url)).send(message)
    assert wrong.total_count == 0


def batch() -> dict[str, str]:
    given = {"action": "sendmessage", **LOGIN, "messagecount": str(BATCH), "messageid": "batch"}
    for n in range(BATCH):
        given[f"recipient{n}"] = f"+3620{n:07}"
        given[f"messagetype{n}"] = "SMS:TEXT"
        given[f"messagedata{n}"] = f"Dear customer number {n}, your parcel waits for you."
    return given


def test_a_batch_and_a_slow_reader(program: OzekiProgram) -> None:
    """
    20,000 are accepted, each with its id. The same again, from one who does not
    read the answer for a while: others are served meanwhile, the answer is the
    same, and nothing is sent twice.
    """
    reports = program.post(batch())
    assert {e.text for e in reports.iterfind("data/acceptreport/statuscode")} == {"0"}
    ids = [e.text for e in reports.iterfind("data/acceptreport/messageid")]
    assert len(set(ids)) == BATCH

    body = urlencode(batch()).encode()
    slow = program.connect()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**16)  # far less than the answer
    slow.sendall(
        b"POST /api HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    )
    first = slow.recv(1000)
    for _ in range(3):
        assert program.post({"action": "receivemessage", **LOGIN}).findtext("action") == (
            "receivemessage"
        )
    answer = first + b"".join(iter(lambda: slow.recv(2**16), b""))
    slow.close()
    again = ElementTree.fromstring(answer.partition(b"\r\n\r\n")[2])
    assert [e.text for e in again.iterfind("data/acceptreport/messageid")] == ids
    assert program.peak < MEMORY


def test_huge_bodies(program: OzekiProgram) -> None:
    """What is too large is refused before it comes; many together get no more than their room."""
    head = b"POST /api HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
    with program.connect() as client:
        client.sendall(head % 10**12)
        assert client.recv(4096).startswith(b"HTTP/1.1 413 ")
    clients = [program.connect() for _ in range(MAX_HELD // MAX_LARGE_BODY + 2)]
    refused = 0
    for client in clients:
        try:
            client.sendall(head % MAX_LARGE_BODY + b"x" * (MAX_LARGE_BODY - 1))
        except ConnectionError:
            refused += 1  # it said no, lingered, and closed while we still talked
    assert program.healthy()
    for client in clients:
        client.settimeout(0.2)
        with suppress(TimeoutError, ConnectionError):
            refused += client.recv(4096).startswith(b"HTTP/1.1 503 ")
        client.close()
    assert refused
    assert program.peak < MEMORY
    until(lambda: program.post({"action": "receivemessage", **LOGIN}) is not None, "room again")


def test_a_thousand_idle_connections(program: OzekiProgram) -> None:
    """They cost others nothing; and where there are too many, the oldest make room."""
    idle: list[Any] = []
    try:
        idle += [program.connect() for _ in range(1000)]
        one = {"action": "sendmessage", **LOGIN, "recipient": "06201", "messagedata": "x"}
        assert program.post(one).findtext("data/acceptreport/statuscode") == "0"
        idle += [program.connect() for _ in range(MAX_CONNECTIONS - 900)]
        assert program.healthy()
        idle[0].settimeout(PATIENCE)
        with suppress(ConnectionResetError):
            assert idle[0].recv(1) == b""
        idle[-1].sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert idle[-1].recv(4096).startswith(b"HTTP/1.1 ")
    finally:
        for client in idle:
            client.close()
