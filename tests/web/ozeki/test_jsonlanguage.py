"""The JSON language: the shapes that Ozeki's own libraries write and need to read."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from attrs import evolve

from goiptwist.errors import StoreUnavailable
from goiptwist.model.messages import State
from goiptwist.web.ozeki.jsonshapes import RelativeDates, meaning
from goiptwist.web.ozeki.message import MAX_MESSAGES
from tests.web.ozeki.client import Asking, arrived
from tests.web.powers import NOON

#: As ozekilibsrest writes it.
MESSAGE = {
    "message_id": "0e3a9b1e-5f0c-4d4c-9a8e-0d4b5f1f2a3b",
    "to_address": "+36201234567",
    "text": "Hello, World! ő",
    "create_date": "2021-07-02T16:00:00",
    "valid_until": "2021-07-09T16:00:00",
    "time_to_send": "2021-07-02T16:00:00",
    "submit_report_requested": True,
    "delivery_report_requested": True,
    "view_report_requested": True,
    "tags": [],
}


@pytest.fixture
def asking() -> Asking:
    return Asking()


def send(asking: Asking, *messages: Any) -> Any:
    reply = asking.json("sendmsg", {"messages": list(messages)})
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "application/json"
    return reply.json


def test_send(asking: Asking) -> None:
    """The same fields come back, with dates that have a blank, tags and a status."""
    reply = send(asking, MESSAGE)
    assert (reply["http_code"], reply["response_code"]) == (200, "SUCCESS")
    data = reply["data"]
    assert (data["total_count"], data["success_count"], data["failed_count"]) == (1, 1, 0)
    assert data["messages"] == [
        {
            **MESSAGE,
            **dict.fromkeys(("from_connection", "from_address", "from_station"), ""),
            **dict.fromkeys(("to_connection", "to_station"), ""),
            "create_date": "2021-07-02 16:00:00",
            "valid_until": "2021-07-09 16:00:00",
            "time_to_send": "2021-07-02 16:00:00",
            "status": "SUCCESS",
            "id": "m0",
        }
    ]
    [submission] = asking.gateway.messages.submissions
    assert (submission.origin, submission.recipients) == ("user:httptest", ("+36201234567",))
    assert (submission.text, submission.client_id) == (MESSAGE["text"], MESSAGE["message_id"])
    assert (submission.send_at, submission.expires) == (0.0, NOON + 7 * 86400)


def test_sent_later(asking: Asking) -> None:
    """By as much as lies between the client's dates, counted from now."""
    send(asking, {**MESSAGE, "time_to_send": "2021-07-02T17:00:00"})
    [submission] = asking.gateway.messages.submissions
    assert submission.send_at == NOON + 3600


def test_taken_back(asking: Asking) -> None:
    """What is deleted from the outbox is not sent; a reader may not do that."""
    send(asking, MESSAGE, {"to_address": "06201", "text": "x"})
    chosen = {"folder": "outbox", "message_ids": [MESSAGE["message_id"], "m1", "in0"]}
    refused = asking.json("deletemsg", chosen, ("reader", "only looks"))
    assert refused.json["response_code"] == "ERROR_306"
    asking.gateway.archive.kept[1] = evolve(asking.gateway.archive.kept[1], state=State.SENDING)
    reply = asking.json("deletemsg", chosen)
    assert reply.json["data"]["message_ids"] == [MESSAGE["message_id"]]
    assert [m.state for m in asking.gateway.archive.kept] == [State.CANCELLED, State.SENDING]


def test_as_little_as_needed(asking: Asking) -> None:
    """A message without a name gets one of ours."""
    [shown] = send(asking, {"to_address": "06201", "text": "x"})["data"]["messages"]
    assert (shown["message_id"], shown["status"], shown["tags"]) == ("m0", "SUCCESS", [])


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"to_address": ""}, "to_address is missing"),
        ({"to_address": 36201234567}, "to_address is missing, or no text"),
        ({"to_address": "x"}, "is no telephone number"),
        ({"to_address": "1" * 65}, "longer than 64"),
        ({"text": None}, "text is missing"),
        ({"text": "\x00"}, "U+0000"),
        ({"text": "\ud800"}, "surrogate"),
        ({"message_id": 7}, "message_id must be a text"),
        ({"message_id": "x" * 201}, "the id is longer"),
        ({"create_date": 7}, "create_date must be a text"),
        ({"to_connection": "nowhere"}, "there is no line and no pool 'nowhere'"),
        ({"valid_until": "2021-07-02T15:00:00"}, "would have expired"),
        ({"time_to_send": "2023-07-02T16:00:00"}, "more than a year ahead"),
    ],
)
def test_one_bad_message(asking: Asking, more: dict[str, Any], said: str) -> None:
    """It fails with its sentence, and the good one beside it goes out."""
    data = send(asking, {**MESSAGE, **more}, {**MESSAGE, "message_id": "good"})["data"]
    assert (data["success_count"], data["failed_count"]) == (1, 1)
    bad, good = data["messages"]
    assert said in bad["status"]
    assert good["status"] == "SUCCESS"


def test_what_is_no_object(asking: Asking) -> None:
    """In a list of messages."""
    data = send(asking, 7, [], None)["data"]
    assert data["failed_count"] == 3


@pytest.mark.parametrize(
    ("dates", "meant"),
    [
        ({}, RelativeDates()),
        ({"time_to_send": "23:00:00"}, RelativeDates()),
        ({"create_date": "16:00:00"}, RelativeDates()),
        ({"create_date": "16:00:00", "time_to_send": "16:00:05"}, RelativeDates()),
        ({"create_date": "16:00:00", "time_to_send": "16:00:06"}, RelativeDates(delay=6.0)),
        ({"create_date": "16:00:00", "time_to_send": "15:00:00"}, RelativeDates()),
        ({"create_date": "16:00:00", "valid_until": "17:00:00"}, RelativeDates(lifetime=3600.0)),
        ({"create_date": "16:00:00", "valid_until": "15:00:00"}, RelativeDates(lifetime=0.0)),
    ],
)
def test_dates_are_compared_with_one_another(dates: dict[str, str], meant: RelativeDates) -> None:
    """A client's clock and zone may be anything; what lies between its dates is meant."""
    moments = {key: datetime.fromisoformat(f"2021-07-02 {time}") for key, time in dates.items()}
    assert meaning(moments) == meant


@pytest.mark.parametrize(
    "date",
    ["", "soon", "2021-13-40T25:00:00", "2021-07-02", "2021-07-02T16:00", "0001-01-01T00:00:00"],
)
def test_a_date_that_is_none(asking: Asking, date: str) -> None:
    """It says nothing, and is not repeated: a client that reads it would break."""
    [shown] = send(asking, {**MESSAGE, "create_date": date})["data"]["messages"]
    assert shown["status"] == "SUCCESS"
    assert "create_date" not in shown


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "is not JSON"),
        (b"\xff", "is not UTF-8"),
        (b"[" * 100_000, "is not JSON"),
        (b"9" * 10_000, "is not JSON"),
        (b"[]", "must be a JSON object"),
        ({}, "messages must be a list"),
        ({"messages": []}, "messages must be a list"),
        ({"messages": {}}, "messages must be a list"),
        ({"messages": [0] * (MAX_MESSAGES + 1)}, "more than 20000 messages"),
    ],
)
def test_a_body_that_is_wrong(asking: Asking, body: Any, said: str) -> None:
    """The whole request is refused, in a shape that the libraries know."""
    reply = asking.json("sendmsg", body)
    assert (reply.status, reply.json["http_code"]) == (200, 400)
    assert reply.json["response_code"] == "ERROR_302"
    assert said in reply.json["response_msg"]


@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "text/plain; x", "multipart/form-data"]
)
def test_a_form_on_a_foreign_page(asking: Asking, kind: str) -> None:
    """A browser that remembers the password would send it along."""
    reply = asking.json("sendmsg", {"messages": [MESSAGE]}, **{"Content-Type": kind})
    assert reply.json["response_code"] == "ERROR_302"
    assert asking.gateway.messages.submissions == []


@pytest.mark.parametrize(
    ("login", "number", "status"),
    [
        (None, 304, 401),
        (("", "x"), 304, 401),
        (("httptest", "wrong"), 305, 401),
        (("nobody", "abc123"), 305, 401),
        (("reader", "only looks"), 306, 403),
    ],
)
def test_who_may_not(login: tuple[str, str] | None, number: int, status: int) -> None:
    """HTTP says 200 in the compatible mode, and asks for a login in the strict one."""
    document = {"messages": [MESSAGE]}
    reply = Asking().json("sendmsg", document, login)
    assert (reply.status, reply.json["http_code"]) == (200, status)
    assert reply.json["response_code"] == f"ERROR_{number}"
    strict = Asking(strict=True).json("sendmsg", document, login)
    assert (strict.status, strict.body) == (status, reply.body)
    assert ("WWW-Authenticate" in strict.headers) is (status == 401)


@pytest.mark.parametrize(
    "header", ["Bearer ops-token", "Basic", "Basic !!", "Basic /w==", "Basic eA=="]
)
def test_no_login_in_the_header(asking: Asking, header: str) -> None:
    reply = asking.json("receivemsg", login=None, method="GET", Authorization=header)
    assert reply.json["response_code"] in ("ERROR_304", "ERROR_305")


def test_not_now(asking: Asking) -> None:
    """The store's own sentence."""
    asking.gateway.archive.fault = StoreUnavailable("the disk is full")
    reply = asking.json("sendmsg", {"messages": [MESSAGE]})
    assert (reply.json["http_code"], reply.json["response_msg"]) == (503, "the disk is full")
    assert reply.headers["Retry-After"] == "5"


def receive(asking: Asking, folder: str = "inbox") -> list[Any]:
    reply = asking.json("receivemsg", method="GET", more=f"&folder={folder}").json
    assert reply["data"]["folder"] == folder
    assert reply["data"]["limit"] == "1000"
    messages: list[Any] = reply["data"]["data"]
    return messages


def test_receive(asking: Asking) -> None:
    """What came in, with everything that the libraries look for."""
    asking.gateway.archive.kept = [arrived(0), arrived(1)]
    first, _ = receive(asking)
    assert first == {
        "message_id": "in0",
        "from_connection": "goip1",
        "from_address": "+36301234567",
        "from_station": "",
        "to_connection": "",
        "to_address": "",
        "to_station": "",
        "text": "Door open",
        "create_date": "2024-02-29 12:00:00",
        "valid_until": "2024-02-29 12:00:00",
        "time_to_send": "2024-02-29 12:00:00",
        "submit_report_requested": False,
        "delivery_report_requested": False,
        "view_report_requested": False,
        "tags": [],
        "id": "in0",
        "state": "delivered",
    }


@pytest.mark.parametrize(("action", "word"), [("deletemsg", "deleted"), ("markmsg", "downloaded")])
def test_taken_out(asking: Asking, action: str, word: str) -> None:
    """The ids for which it was done come back, and only those are gone."""
    asking.gateway.archive.kept = [arrived(0), arrived(1)]
    reply = asking.json(action, {"folder": "inbox", "message_ids": ["in0", "nonsense"]})
    assert reply.json["data"] == {"folder": "inbox", "message_ids": ["in0"]}
    assert asking.gateway.folders.flags == [("user:httptest", word, "in0")]
    assert [message["message_id"] for message in receive(asking)] == ["in1"]
    assert len(receive(asking, "deleted")) == (word == "deleted")


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"message_ids": "in0"},
        {"message_ids": [7]},
        {"folder": 7, "message_ids": []},
        {"folder": "spam", "message_ids": []},
        {"message_ids": ["x"] * (MAX_MESSAGES + 1)},
    ],
)
def test_a_choice_that_is_wrong(asking: Asking, document: Any) -> None:
    assert asking.json("deletemsg", document).json["response_code"] == "ERROR_302"


def test_nothing_to_delete(asking: Asking) -> None:
    """What the Python library says after each download of an empty inbox."""
    reply = asking.json("deletemsg", {"folder": "inbox", "message_ids": []})
    assert reply.json["data"]["message_ids"] == []


def test_what_was_sent(asking: Asking) -> None:
    """It lies in the folder of its state, under the client's own name."""
    send(asking, MESSAGE, {"to_address": "06201", "text": "x"})
    kept = asking.gateway.archive.kept
    asking.gateway.archive.kept = [
        evolve(kept[0], state=State.SENT),
        evolve(kept[1], state=State.FAILED),
    ]
    [sent], [notsent] = receive(asking, "sent"), receive(asking, "notsent")
    assert (sent["message_id"], sent["id"]) == (MESSAGE["message_id"], "m0")
    assert (notsent["message_id"], notsent["state"]) == ("m1", "failed")
    assert receive(asking, "outbox") == []


def test_a_folder_that_there_is_not(asking: Asking) -> None:
    reply = asking.json("receivemsg", method="GET", more="&folder=spam")
    assert reply.json["response_code"] == "ERROR_302"
