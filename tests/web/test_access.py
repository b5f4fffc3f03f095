"""Who may: tokens, scopes, and the brake for those who guess."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred

from goiptwist.users import FAILURES, WINDOW
from tests.web.fakes import Client

PATHS = ["/api/v1/messages", "/api/v1/messages/m0", "/api/v1/lines"]


@pytest.mark.parametrize("path", PATHS)
def test_without_a_token_nothing_is_shown(path: str) -> None:
    """401 says what is missing, and does not tell whether the thing exists."""
    reply = Client(token=None).get(path)
    assert reply.status == 401
    assert reply.header("WWW-Authenticate") == (
        'Bearer realm="goiptwist", Basic realm="goiptwist", charset="UTF-8"'
    )
    assert reply.header("Content-Type") == "application/problem+json"


@pytest.mark.parametrize(
    "said",
    [
        "Bearer wrong",
        "Bearer",
        "Bearer  ",
        "Basic b3BzOm9wcy10b2tlbg==",
        "ops-token",
        "Bearer ops-token x",
        b"Bearer \xff",
        "Bearer ops-tokén".encode(),
    ],
)
def test_a_wrong_token(said: str | bytes) -> None:
    """Whatever is not a user's token is nobody's."""
    reply = Client().get("/api/v1/lines", headers={"Authorization": said})
    assert reply.status == 401
    assert reply.header("WWW-Authenticate")


def test_the_scheme_may_be_written_in_any_case() -> None:
    """RFC 9110 section 11.1."""
    reply = Client().get("/api/v1/lines", headers={"Authorization": "bEARER ops-token"})
    assert reply.status == 200


@pytest.mark.parametrize(
    ("token", "sends", "reads"),
    [
        ("ops-token", 202, 200),
        ("send-token", 202, 403),
        ("read-token", 403, 200),
        ("admin-token", 202, 200),
    ],
)
def test_scopes(token: str, sends: int, reads: int) -> None:
    """A sensor that sends alarms need not be able to read everyone's messages."""
    client = Client(token=token)
    assert client.post({"to": "+361", "text": "x"}).status == sends
    assert client.get("/api/v1/messages").status == reads
    assert client.get("/api/v1/lines").status == reads


def test_403_names_the_scope() -> None:
    """RFC 6750 section 3.1, and a sentence for the person."""
    reply = Client(token="read-token").post({"to": "+361", "text": "x"})
    assert reply.json["detail"] == "this needs a user who may send"
    assert 'error="insufficient_scope", scope="send"' in (reply.header("WWW-Authenticate") or "")


def test_the_origin_is_the_user() -> None:
    """Nobody can submit in another's name."""
    client = Client(token="send-token")
    client.post({"to": "+361", "text": "x"})
    assert client.overview.submissions[0].origin == "user:sender"


def test_guessing_is_slowed() -> None:
    """After ten wrong tokens even a right guess is not heard for a while."""
    client = Client(token="wrong")
    for _ in range(FAILURES):
        assert client.get("/api/v1/lines").status == 401
    client.clock.advance(0.5)
    client.token = "ops-token"
    reply = client.get("/api/v1/lines")
    assert (reply.status, reply.phrase) == (429, b"Too Many Requests")
    assert reply.header("Retry-After") == str(int(WINDOW))
    client.clock.advance(WINDOW)
    assert client.get("/api/v1/lines").status == 200


def test_one_bad_client_does_not_lock_out_the_good_ones() -> None:
    """Behind a proxy all have one address; who was let in before still is."""
    client = Client()
    assert client.get("/api/v1/lines").status == 200
    client.token = "wrong"
    replies = [client.get("/api/v1/lines").status for _ in range(FAILURES + 1)]
    assert replies[-1] == 429
    client.token = "ops-token"
    assert client.get("/api/v1/lines").status == 200


def test_a_guess_counts_even_if_the_guesser_hangs_up() -> None:
    """Leaving before the answer must not be a way around the brake."""
    checks: list[Deferred[None]] = []

    def later(*_: Any) -> Deferred[None]:
        checks.append(Deferred())
        return checks[-1]

    client = Client(token="wrong", defer_to_thread=later)
    for _ in range(FAILURES):
        assert client.start("GET", "/api/v1/lines") == []
        client.hang_up()
    while checks:
        checks.pop().callback(None)
    assert client.get("/api/v1/lines").status == 429


def test_a_hashed_token() -> None:
    """What is hashed in the configuration is said in clear by the client."""
    assert Client(token="open sesame").get("/api/v1/lines").status == 200


def test_no_token_is_no_guess() -> None:
    """A monitor that asks without a token does not slow the others at its address."""
    client = Client(token=None)
    assert {client.get("/api/v1/lines").status for _ in range(FAILURES + 5)} == {401}
