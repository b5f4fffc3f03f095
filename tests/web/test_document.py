"""The OpenAPI document and the page that is made of it say what is so."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openapi_spec_validator import validate
from twisted.internet import reactor
from twisted.internet.utils import getProcessOutputAndValue

from goiptwist.errors import Unacceptable
from goiptwist.simulator.settings import SimulatorSettings
from goiptwist.telephony.validation import accepted_number, accepted_text
from goiptwist.web.root import RootResource
from goiptwist.web.v1 import openapi, requests
from goiptwist.web.v1.operations import OPERATIONS
from goiptwist.web.v1.page import page
from tests.faults.process import LOOPBACK
from tests.faults.rig import TOKEN, Box, Rig
from tests.web.fakes import Client

SCHEMATHESIS = Path(__import__("sys").executable).with_name("schemathesis")

#: An example or so for each way in which a request can be right or wrong.
EXAMPLES = 25

#: All of its checks but those that ask for something else than we promise: after
#: ten wrong tokens we say 429; the gateway knows more of numbers and times than
#: the document can say; what was taken back can still be read; and a batch says
#: for each submission what is wrong with it, and 207 for the whole.
CONFIGURATION = """
[checks]
ignored_auth.enabled = false
positive_data_acceptance.enabled = false
use_after_free.enabled = false

[[operations]]
include-name = "POST /api/v1/messages/batch"
checks.negative_data_rejection.enabled = false
"""

#: A stream has no end that a generator of requests would wait for.
ENDLESS = "/api/v1/events"


@pytest.fixture
def document() -> dict[str, Any]:
    return openapi.document(OPERATIONS)


def test_it_is_openapi(document: dict[str, Any]) -> None:
    """Other people's generators of clients read it."""
    validate(document)
    assert document["openapi"].startswith("3.1")


def test_it_is_served_to_everybody(document: dict[str, Any]) -> None:
    """Who writes a client has no token yet; and there is no secret in it."""
    reply = Client(token=None).get("/api/v1/openapi.json")
    assert (reply.status, reply.json) == (200, document)


def test_every_refusal_is_documented(document: dict[str, Any]) -> None:
    """Each operation that needs a user says what happens without one."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert {"400", "405"} <= set(operation["responses"]), (path, method)
            if "security" in operation:
                assert {"401", "403", "429", "503"} <= set(operation["responses"]), (path, method)
            if "requestBody" in operation:
                assert {"413", "415"} <= set(operation["responses"]), (path, method)


def test_every_key_explains_itself(document: dict[str, Any]) -> None:
    """A key of a submission without a word of explanation is a riddle."""
    schemas = document["components"]["schemas"]
    for name in ("Submission", "Batch", "Resolution", "AlarmSubmission"):
        for key, schema in schemas[name]["properties"].items():
            assert schema.get("description"), (name, key)


def test_every_key_is_checked(document: dict[str, Any]) -> None:
    """What the document shows is what is read: no key more, none less."""
    for shape in (requests.SubmissionRequest, requests.AlarmSubmissionRequest):
        shown = document["components"]["schemas"][openapi.schema_name(shape.__name__)]
        assert set(shown["properties"]) == set(shape.model_fields)
        assert shown["additionalProperties"] is False


@given(st.text(alphabet=" \u00a0().-/+0123456789a\n", max_size=30))
def test_the_pattern_of_a_number(text: str) -> None:
    """The document says of numbers what the gateway does."""
    try:
        accepted_number(text)
    except Unacceptable:
        is_right = False
    else:
        is_right = True
    assert bool(re.search(requests.NUMBER.removesuffix("$") + r"\Z", text)) is is_right


@given(st.text(max_size=10) | st.text(alphabet="\t\n\r\x00\x1f\x7f\x85\x9f a", max_size=10))
def test_the_pattern_of_a_text(text: str) -> None:
    """And so of texts."""
    try:
        accepted_text(text)
    except Unacceptable:
        is_right = False
    else:
        is_right = True
    assert bool(re.search(requests.NO_CONTROLS.removesuffix("$") + r"\Z", text)) is is_right


class Links(HTMLParser):
    """What a page refers to, and what can be referred to in it."""

    def __init__(self) -> None:
        super().__init__()
        self.to: set[str] = set()
        self.here: set[str] = set()
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.to |= {str(value) for name, value in attrs if name in ("href", "src")}
        self.here |= {str(value) for name, value in attrs if name == "id"}


def test_the_page_needs_nothing_else(document: dict[str, Any]) -> None:
    """No script, nothing from elsewhere; it works where there is no internet."""
    links = Links()
    links.feed(page(document))
    assert not links.tags & {"script", "link", "img", "iframe", "form"}
    assert {to for to in links.to if not to.startswith("#")} == {"openapi.json"}
    assert {to.removeprefix("#") for to in links.to if to.startswith("#")} <= links.here
    names = {one.name for one in OPERATIONS} | {
        f"object-{name}" for name in document["components"]["schemas"]
    }
    assert names <= links.here


def test_the_page_is_guarded() -> None:
    """Even if a script got into it, no browser would run it."""
    reply = Client(token=None).get("/api/v1/docs")
    assert (reply.status, reply.header("Content-Type")) == (200, "text/html; charset=utf-8")
    policy = reply.header("Content-Security-Policy") or ""
    assert policy.startswith("default-src 'none'")
    assert "script-src" not in policy


def test_a_batch_may_be_large() -> None:
    """The site takes larger bodies where a batch is sent, and only there."""
    assert b"/api/v1/messages/batch" in RootResource.leniency.large
    assert "/api/v1/messages/batch" in {one.path for one in OPERATIONS}


def _short(said: str) -> str:
    return "\n".join(line[:200] for line in said.splitlines())


@pytest.mark.real
@pytest.mark.slow
async def test_schemathesis(tmp_path: Path) -> None:
    """
    Whatever is made of the document, right or wrong, and sent to a gateway
    that runs: the answer is never an error of ours, and always one of those
    that the document promises, in the shape that it promises.
    """
    box = Box(name="a", settings=SimulatorSettings())
    user = {"name": "test", "token": TOKEN, "may": ["admin"]}
    tables = {"user": [user], "route": [{"account": "*", "to": ["mail"]}]}
    async with Rig(tmp_path, [box], tables=tables) as rig:
        await rig.start()
        (tmp_path / "schemathesis.toml").write_text(CONFIGURATION)
        out, err, code = await getProcessOutputAndValue(
            str(SCHEMATHESIS),
            [
                "--config-file",
                str(tmp_path / "schemathesis.toml"),
                "run",
                f"http://{LOOPBACK}:{rig.http_port}/api/v1/openapi.json",
                "--header",
                f"Authorization: Bearer {TOKEN}",
                "--exclude-path",
                ENDLESS,
                "--max-examples",
                str(EXAMPLES),
                "--seed",
                "20100402",
                "--no-color",
            ],
            path=str(tmp_path),
            reactor=reactor,
        )
        said = out.decode("utf-8", "replace")
        assert code == 0, _short(said) + err.decode("utf-8", "replace")[-2000:]
        assert f"Tested: {len(OPERATIONS) - 1}" in said
        for direction in ("out", "alarm"):
            kept = await rig.kept(direction)
            assert kept, f"nothing that was made of the document was taken: {direction}"
        assert "Traceback" not in rig.gateway.said


def test_names_of_the_document(document: dict[str, Any]) -> None:
    """Classes have names of their own in the gateway, and plain ones in the document."""
    schemas = document["components"]["schemas"]
    assert {"Message", "Alarm", "AlarmSubmission", "Submission", "Line", "Problem"} <= set(schemas)
    assert not [name for name in schemas if name.endswith(("View", "Request"))]
    text = str(document)
    assert set(re.findall(r"#/components/schemas/(\w+)", text)) <= set(schemas)
