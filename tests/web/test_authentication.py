"""Who may: tokens, scopes, and the brake for those who guess."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from goiptwist.accounts.throttle import FAILURES, WINDOW
from goiptwist.model.quota import Quota
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
    assert client.gateway.messages.submissions[0].origin == "user:sender"


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


def basic(name: str, password: str) -> dict[str, str]:
    said = b64encode(f"{name}:{password}".encode()).decode()
    return {"Authorization": f"Basic {said}"}


def from_address(client: Client, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("goiptwist.web.http.proxies.TrustedProxies.source_of", lambda *_: host)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("192.0.2.7", 200),
        ("::ffff:192.0.2.7", 200),
        ("198.51.100.1", 403),
        ("::1", 403),
        ("", 403),
        ("/run/socket", 403),
    ],
)
@pytest.mark.parametrize("way", ["token", "password"])
def test_networks(monkeypatch: pytest.MonkeyPatch, host: str, status: int, way: str) -> None:
    """A key that was stolen is of no use from elsewhere, also where it was used before."""
    client = Client()
    headers = basic("near", "near-word:ő")
    if way == "token":
        headers = {"Authorization": "Bearer near-token"}
    from_address(client, "192.0.2.1", monkeypatch)
    assert client.get("/api/v1/me", headers=headers).status == 200
    from_address(client, host, monkeypatch)
    reply = client.get("/api/v1/me", headers=headers)
    assert reply.status == status
    if status == 403:
        assert "user near may not come from" in reply.json["detail"]


@pytest.mark.parametrize(
    "said",
    [
        "Basic",
        "Basic !!!",
        "Basic bmVhcg==",  # no colon
        "Basic /////w==",  # no UTF-8
        basic("near", "near-word")["Authorization"],
        basic("nobody", "near-word:ő")["Authorization"],
        basic("ops", "ops-token")["Authorization"],  # a token is no password
    ],
)
def test_a_wrong_name_or_password(said: str) -> None:
    """Whatever stands there, it is 401 and never our error."""
    reply = Client().get("/api/v1/me", headers={"Authorization": said})
    assert reply.status == 401
    assert "Basic realm" in (reply.header("WWW-Authenticate") or "")


def test_guessing_passwords_is_slowed() -> None:
    """They count like tokens, and with them."""
    client = Client()
    for number in range(FAILURES):
        wrong = basic("near", str(number))
        assert client.get("/api/v1/me", headers=wrong).status == 401
    assert client.get("/api/v1/me", headers=basic("near", "x")).status == 429
    client.token = "wrong"
    assert client.get("/api/v1/me").status == 429


def test_me() -> None:
    """A program can see what it may before it tries."""
    client = Client(token="few-token")
    client.gateway.operator.limits = Quota(messages=100, segments=50)
    client.gateway.operator.spent = (3, 60)
    client.gateway.clock.advance(86400 * 3 + 80000.5)
    client.clock.advance(86400 * 3 + 80000.5)
    reply = client.get("/api/v1/me")
    assert reply.json == {
        "name": "few",
        "may": ["send", "read"],
        "to": [],
        "lines": [],
        "messages_a_day": 100,
        "segments_a_day": 50,
        "networks": [],
        "password": False,
        "token": True,
        "today": {"messages": 3, "segments": 60},
    }
    assert reply.header("RateLimit-Policy") == '"messages";q=100;w=86400, "segments";q=50;w=86400'
    assert reply.header("RateLimit") == '"messages";r=97;t=6400, "segments";r=0;t=6400'


def test_users_are_for_the_admin() -> None:
    """Names and limits, and nothing that could be used to log in."""
    assert Client().get("/api/v1/users").status == 403
    reply = Client(token="admin-token").get("/api/v1/users")
    shown = {user["name"]: user for user in reply.json["users"]}
    assert (shown["near"]["networks"], shown["near"]["password"]) == (["192.0.2.0/24"], True)
    for secret in (b"near-word", b"ops-token", b"scrypt", b"few-token"):
        assert secret not in reply.body
