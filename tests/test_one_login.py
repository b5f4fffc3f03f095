"""One login over real sockets: guesses by HTTP and by SMTP are counted together."""

from __future__ import annotations

import smtplib
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from goiptwist.accounts.throttle import FAILURES
from tests.test_mail_circle import MailProgram

pytestmark = [pytest.mark.real, pytest.mark.slow]


@pytest.fixture
def program(tmp_path: Path) -> Iterator[MailProgram]:
    """A gateway with HTTP and SMTP, that is started."""
    made = MailProgram(tmp_path)
    made.start()
    yield made
    made.stop()
    made.device.close()


def by_http(program: MailProgram, password: str) -> int:
    """@return: the status of a login with name and password."""
    credentials = b64encode(f"ann:{password}".encode()).decode()
    url = f"http://127.0.0.1:{program.http}/api/v1/me"
    try:
        with urlopen(Request(url, headers={"Authorization": f"Basic {credentials}"})) as reply:
            return int(reply.status)
    except HTTPError as refused:
        refused.close()
        return refused.code


def by_smtp(program: MailProgram, password: str) -> int:
    """@return: the code of a login with name and password."""
    response = b64encode(f"\0ann\0{password}".encode()).decode()
    with smtplib.SMTP("127.0.0.1", program.intake) as server:
        server.ehlo()
        return server.docmd("AUTH", f"PLAIN {response}")[0]


def test_guesses_by_http_and_by_smtp_count_together(program: MailProgram) -> None:
    """Nine here and one there are ten; then even the right one has to wait, on both."""
    assert {by_http(program, f"guess {n}") for n in range(FAILURES - 1)} == {401}
    assert by_smtp(program, "guess") == 535
    assert by_smtp(program, "ann-password") == 454
    assert by_http(program, "ann-password") == 429


def test_a_login_by_smtp_is_known_by_http(program: MailProgram) -> None:
    """A user who was right from there before is let in, however many guess beside."""
    assert by_smtp(program, "ann-password") == 235
    assert {by_http(program, f"guess {n}") for n in range(3 * FAILURES)} == {401, 429}
    assert by_http(program, "ann-password") == 200
