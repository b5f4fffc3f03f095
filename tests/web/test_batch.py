"""POST /api/v1/messages/batch: each submission is kept or refused by itself."""

from __future__ import annotations

from typing import Any

import pytest

from goiptwist.errors import Busy, OverQuota, StoreUnavailable
from goiptwist.web.v1.batch import AT_ONCE
from goiptwist.web.v1.requests import MAX_BATCH
from tests.web.fakes import Client, Reply

PATH = "/api/v1/messages/batch"
GOOD = {"to": "+36301234567", "text": "Door open"}


def post(client: Client, messages: list[Any], **headers: str) -> Reply:
    """Post a batch, and let time pass until it is answered."""
    replies = client.start("POST", PATH, json={"messages": messages}, headers=headers)
    while not replies:
        client.clock.advance(0)
        client.stub.flush()
    return replies[0]


def test_all_are_kept() -> None:
    """202 says so of all of them; the results stand in the order of the submissions."""
    client = Client()
    reply = post(client, [GOOD, {"to": ["+361", "+362"], "text": "ő"}])
    assert reply.status == 202
    assert reply.json["results"] == [
        {
            "status": 202,
            "messages": [{"id": "m0", "to": "+36301234567", "state": "queued"}],
            "encoding": "gsm7",
            "segments": 1,
        },
        {
            "status": 202,
            "messages": [
                {"id": "m1", "to": "+361", "state": "queued"},
                {"id": "m2", "to": "+362", "state": "queued"},
            ],
            "encoding": "ucs2",
            "segments": 1,
        },
    ]


@pytest.mark.parametrize("wrong", [{"to": "+361"}, 7, None, [], "x", {**GOOD, "notify": "ops"}])
def test_one_that_is_wrong(wrong: Any) -> None:
    """Does not keep the others from being kept; 207 says that somebody must look."""
    client = Client()
    reply = post(client, [GOOD, wrong, GOOD])
    assert reply.status == 207
    assert [result["status"] for result in reply.json["results"]] == [202, 400, 202]
    assert reply.json["results"][1]["problem"]["detail"]
    assert len(client.gateway.messages.submissions) == 2


def test_one_that_the_gateway_refuses() -> None:
    """With the status that it would have had alone."""
    client = Client()
    client.gateway.archive.fault = OverQuota("enough for today", after=60)
    reply = post(client, [GOOD])
    assert (reply.status, reply.json["results"][0]["status"]) == (207, 429)


def test_a_key_for_all() -> None:
    """A batch that is sent again with its key is the same; an id of one's own goes before."""
    client = Client()
    post(client, [GOOD, {**GOOD, "id": "mine"}, GOOD], **{"Idempotency-Key": '"k"'})
    ids = [one.client_id for one in client.gateway.messages.submissions]
    assert ids == ["k-0", "mine", "k-2"]


def test_the_devices_are_heard_in_between() -> None:
    """Ten thousand texts take a second; a keepalive must not wait for it."""
    client = Client()
    replies = client.start("POST", PATH, json={"messages": [GOOD] * (AT_ONCE + 1)})
    assert len(client.gateway.messages.submissions) == AT_ONCE
    assert replies == []
    client.clock.advance(0)
    client.stub.flush()
    assert len(replies[0].json["results"]) == AT_ONCE + 1


@pytest.mark.parametrize("trouble", [Busy("too much", after=1), StoreUnavailable("disk is full")])
def test_trouble_on_the_way(trouble: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is on disk is told; of the rest is said that it is not."""
    client = Client()
    replies = client.start("POST", PATH, json={"messages": [GOOD] * (AT_ONCE + 2)})

    async def fails(gateway: object, submissions: list[object]) -> list[Exception]:
        if isinstance(trouble, Busy):
            raise trouble
        return [trouble] * len(submissions)

    monkeypatch.setattr(type(client.gateway.messages), "submit_many", fails)
    client.clock.advance(0)
    client.stub.flush()
    statuses = [result["status"] for result in replies[0].json["results"]]
    assert replies[0].status == 207
    assert statuses == [202] * AT_ONCE + [429 if isinstance(trouble, Busy) else 503] * 2
    # And where nothing at all was kept, the whole is refused.
    assert post(client, [GOOD]).status in (429, 503)


def test_a_client_that_hangs_up_leaves_no_half() -> None:
    """What was sent is kept to its end, or a repeat would have to find out how far it came."""
    client = Client()
    client.start("POST", PATH, json={"messages": [GOOD] * (AT_ONCE + 1)})
    client.hang_up()
    client.clock.advance(0)
    assert len(client.gateway.messages.submissions) == AT_ONCE + 1


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [{}] * (MAX_BATCH + 1),
        [{**GOOD, "to": ["+361"] * 1000}] * 11,
        7,
        None,
    ],
)
def test_too_many_or_none(messages: Any) -> None:
    """It is bounded in all, before anything is done."""
    client = Client()
    reply = client.post({"messages": messages}, PATH)
    assert (reply.status, reply.json["field"]) == (400, "messages")
    assert client.gateway.messages.submissions == []
