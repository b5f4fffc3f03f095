"""/api/v1/alarms: raised, read, looked for, followed, taken over."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred

from goiptwist.alarm.routes import Names, Routes, RouteSettings
from goiptwist.errors import Busy, GoipTwistError, OverQuota, StoreUnavailable
from goiptwist.model.messages import Direction, Message, State
from goiptwist.model.queries import Search
from goiptwist.model.subscriptions import Subscription
from tests.contact_id.test_notation import BAD, VALID, refusal
from tests.web.fakes import Client, Reply
from tests.web.powers import NOON

EVENT = "1113,18,1,123,03,003"
WORDS = "Account 1113: audible panic alarm, partition 3, zone 3"
PARTS = {"account": "1113", "qualifier": "1", "code": "123", "partition": "3", "zone": "3"}


def field_of(frame: str) -> str:
    """What is wrong with a frame, as this interface calls it."""
    return refusal(frame)[0].replace("alarm", "event")


SHOWN = {
    "id": "m0",
    "event": EVENT,
    "words": WORDS,
    "account": "1113",
    "type": "18",
    "qualifier": "1",
    "code": "123",
    "partition": "03",
    "zone": "003",
    "state": "received",
    "at": "2024-02-29T12:00:00.250Z",
    "origin": "user:ops",
}


@pytest.fixture
def client() -> Client:
    """A gateway that has a way for every alarm."""
    made = Client()
    made.gateway.alarms.routes = Routes(
        [RouteSettings(account=Names(("*",)), to=Names(("station",)))], "HU"
    )
    return made


def post(client: Client, document: Any, **headers: str) -> Reply:
    return client.post(document, "/api/v1/alarms", **headers)


def sms() -> Message:
    return Message(id="sms", direction=Direction.IN, text=EVENT, at=NOON, state=State.DELIVERED)


class TestRaising:
    """POST /api/v1/alarms"""

    @pytest.mark.parametrize(
        "given",
        [
            {"event": EVENT},
            {"event": "1113181123030032"},
            {"event": "1113 18 1123 03 003 2"},
            PARTS,
            {**PARTS, "type": "18", "partition": "03", "zone": "003"},
        ],
    )
    def test_every_way_to_say_it(self, client: Client, given: dict[str, str]) -> None:
        """However it is said, it is the same event; the answer has it in words too."""
        reply = post(client, given)
        assert (reply.status, reply.header("Location")) == (202, "/api/v1/alarms/m0")
        assert reply.json == SHOWN
        [report] = client.gateway.alarms.reports
        assert (report.event.machine, report.origin) == (EVENT, "user:ops")

    def test_everything(self, client: Client) -> None:
        """Each key reaches the gateway as what it means."""
        more = {"id": "a-1", "to": "the door", "notify": "crm"}
        reply = post(client, {"event": EVENT, **more})
        assert reply.json == {**SHOWN, "client_id": "a-1", "to": "the door"}
        [report] = client.gateway.alarms.reports
        assert (report.client_id, report.recipient) == ("a-1", "the door")
        assert report.subscriptions == (Subscription("bridge:crm"),)

    @pytest.mark.parametrize("named", ["id", "Idempotency-Key"])
    def test_the_same_again(self, client: Client, named: str) -> None:
        """One alarm, whatever happened to the first answer; another event is a conflict."""
        body = {"event": EVENT, **({"id": "a-1"} if named == "id" else {})}
        headers = {} if named == "id" else {named: '"a-1"'}
        replies = [post(client, body, **headers) for _ in range(2)]
        assert [reply.json["id"] for reply in replies] == ["m0", "m0"]
        other = post(client, {**body, "event": "1113,18,1,130,03,003"}, **headers)
        assert other.status == 409

    def test_two_names(self, client: Client) -> None:
        """Which one would count?"""
        body = {"event": EVENT, "id": "a"}
        assert post(client, body, **{"Idempotency-Key": "b"}).json["field"] == "id"

    @pytest.mark.parametrize(
        ("given", "field"),
        [
            ({}, "event"),
            ({"event": ""}, "event"),
            ({"event": EVENT, "code": "130"}, "code"),
            ({"event": 1113}, "event"),
            ({"event": "Low balance"}, "event"),
            ({"event": "1113181123030033"}, "check digit"),
            ({"event": "1113,18,7,123,03,003"}, "qualifier"),
            ({**PARTS, "account": "11-3"}, "account"),
            ({**PARTS, "qualifier": "2"}, "qualifier"),
            ({**PARTS, "type": "17"}, "type"),
            ({**PARTS, "partition": "123"}, "partition"),
            ({**PARTS, "zone": "x"}, "zone"),
            ({"code": "130"}, "account"),
            ({"account": "1113", "qualifier": "1"}, "code"),
            ({"account": "1113", "code": "130"}, "qualifier"),
            ({"event": EVENT, "report": ["crm"]}, "report"),
            ({"event": EVENT, "notify": ["nobody"]}, "notify"),
            ({"event": EVENT, "text": "x"}, "text"),
        ],
    )
    def test_what_is_wrong(self, client: Client, given: dict[str, Any], field: str) -> None:
        """The field that is wrong is named; nothing is kept."""
        reply = post(client, given)
        assert (reply.status, reply.json["field"]) == (400, field)
        assert client.gateway.archive.kept == []

    @pytest.mark.parametrize("row", VALID, ids=lambda row: row["frame"])
    def test_every_frame(self, client: Client, row: dict[str, Any]) -> None:
        """What receivers take is taken."""
        reply = post(client, {"event": row["frame"]})
        assert (reply.status, reply.json["code"]) == (202, row["fields"]["event"])

    @pytest.mark.parametrize("frame", BAD)
    def test_every_broken_frame(self, client: Client, frame: str) -> None:
        """What they do not is refused, and the field is named."""
        reply = post(client, {"event": frame})
        assert (reply.status, reply.json["field"]) == (400, field_of(frame))

    def test_no_way(self, client: Client) -> None:
        """What nobody would get is refused, with the cure."""
        client.gateway.alarms.routes = Routes()
        reply = post(client, {"event": EVENT})
        assert (reply.status, reply.json["field"]) == (400, "account")
        assert "the configuration needs a [[route]]" in reply.json["detail"]

    @pytest.mark.parametrize(
        ("error", "status"),
        [
            (Busy("too much waits", after=2), 429),
            (OverQuota("enough for today", after=60), 429),
            (StoreUnavailable("the disk is full"), 503),
        ],
    )
    def test_not_now(self, client: Client, error: GoipTwistError, status: int) -> None:
        """And when to come again."""
        client.gateway.archive.fault = error
        reply = post(client, {"event": EVENT})
        assert (reply.status, reply.json["detail"]) == (status, str(error))
        assert reply.header("Retry-After")

    def test_the_yes_waits_for_the_commit(self, client: Client) -> None:
        """202 is a promise."""
        client.gateway.archive.before_kept = committed = Deferred()
        headers = {"Content-Type": "application/json"}
        replies = client.start("POST", "/api/v1/alarms", json=PARTS, headers=headers)
        assert replies == []
        committed.callback(None)
        client.stub.flush()
        assert replies[0].status == 202

    def test_who_may(self, client: Client) -> None:
        """Raising is sending."""
        client.token = "read-token"
        assert post(client, {"event": EVENT}).status == 403
        client.token = "send-token"
        assert post(client, {"event": EVENT}).status == 202

    def test_a_text_stays_a_text(self, client: Client) -> None:
        """POST /messages sends what it is given, whatever the dialect makes of such texts."""
        client.gateway.alarms.routes = Routes(
            [RouteSettings(user=Names(("ops",)), alarm=True, to=Names(("station",)))]
        )
        assert client.post({"to": "+36301234567", "text": EVENT}).status == 202
        assert (len(client.gateway.messages.submissions), client.gateway.alarms.reports) == (1, [])


class TestLooking:
    """GET /api/v1/alarms"""

    def test_a_page(self, client: Client) -> None:
        """Newest first, alarms only, and where to go on."""
        for code in ("130", "131", "132"):
            post(client, {**PARTS, "code": code})
        client.gateway.archive.kept.append(sms())
        page = client.get("/api/v1/alarms?limit=2")
        assert [one["code"] for one in page.json["alarms"]] == ["132", "131"]
        assert page.json["next"] == "/api/v1/alarms?limit=2&before=m1"
        assert page.header("Link") == '</api/v1/alarms?limit=2&before=m1>; rel="next"'

    def test_what_is_looked_for(self, client: Client) -> None:
        """Each key reaches the store as what it means."""
        query = "account=b0d&code=13f&state=failed&since=2024-02-29T12:00:00Z&before=m9&limit=7"
        assert client.get(f"/api/v1/alarms?{query}").status == 200
        assert client.gateway.history.searches == [
            Search(
                direction=Direction.ALARM,
                state=State.FAILED,
                account="0B0D",
                code="13F",
                since=1709208000.0,
                before="m9",
                limit=7,
            )
        ]

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("code=13", "code"),
            ("code=13%25", "code"),
            ("state=sent", "state"),
            ("limit=0", "limit"),
        ],
    )
    def test_what_nobody_can_look_for(self, client: Client, query: str, field: str) -> None:
        """Rather no than an empty page."""
        reply = client.get(f"/api/v1/alarms?{query}")
        assert (reply.status, reply.json["field"]) == (400, field)

    def test_one(self, client: Client) -> None:
        """Where each way stands, who follows, and how it came to that."""
        post(client, PARTS)
        shown = client.get("/api/v1/alarms/m0").json
        assert {name: shown[name] for name in SHOWN} == SHOWN
        assert shown["deliveries"] == [
            {
                "bridge": "call",
                "state": "escalated",
                "attempts": 4,
                "detail": "",
                "settled_at": "2024-02-29T12:00:00.250Z",
                "following": [],
            },
            {
                "bridge": "dc09",
                "state": "waiting",
                "attempts": 0,
                "detail": "",
                "next_try": "2024-02-29T12:01:00.250Z",
                "following": ["sms"],
            },
        ]
        assert [step["what"] for step in shown["journey"]] == ["accepted", "given"]

    @pytest.mark.parametrize("method", ["GET", "POST"])
    @pytest.mark.parametrize("name", ["nobody", "sms"])
    def test_none(self, client: Client, method: str, name: str) -> None:
        """An SMS is no alarm."""
        client.gateway.archive.kept.append(sms())
        path = f"/api/v1/alarms/{name}" + ("/acknowledge" if method == "POST" else "")
        assert client.ask(method, path).status == 404


class TestTakingOver:
    """POST /api/v1/alarms/ID/acknowledge"""

    def test_by_whom(self, client: Client) -> None:
        """The name of the user is what others hear."""
        post(client, PARTS)
        reply = client.ask("POST", "/api/v1/alarms/m0/acknowledge")
        assert (reply.status, reply.json["id"]) == (200, "m0")
        assert client.gateway.archive.decisions == [("m0", "ops")]

    @pytest.mark.parametrize(("token", "status"), [("read-token", 403), ("admin-token", 200)])
    def test_who_may(self, client: Client, token: str, status: int) -> None:
        """It stops what would wake others: who only reads may not."""
        post(client, PARTS)
        client.token = token
        assert client.ask("POST", "/api/v1/alarms/m0/acknowledge").status == status
