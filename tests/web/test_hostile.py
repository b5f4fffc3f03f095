"""Whatever is sent, the answer is never an error of ours."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from goiptwist.web.http import validation
from goiptwist.web.http.problems import Problem
from goiptwist.web.v1.requests import MAX_PAGE, MessagesQuery, SubmissionRequest
from tests.web.fakes import Client

#: Any text at all, half surrogates among it.
TEXT = st.text(alphabet=st.characters(), max_size=20)
KEY = st.sampled_from([*SubmissionRequest.model_fields, "To", "recipients"]) | TEXT
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEY, inner, max_size=4),
    max_leaves=8,
)
BODY = st.dictionaries(KEY, VALUE, max_size=6) | VALUE


@settings(deadline=None, max_examples=200)
@given(BODY)
def test_any_json(body: Any) -> None:
    """Taken or refused, and what was taken can be shown again."""
    client = Client()
    reply = client.post(json.dumps(body).encode())
    assert reply.status in (202, 400)
    if reply.status == 400:
        assert reply.json["detail"]
    else:
        assert client.get("/api/v1/messages").status == 200


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=60))
def test_any_bytes(body: bytes) -> None:
    """What is not JSON is the client's fault."""
    assert Client().post(body).status == 400


@settings(deadline=None, max_examples=200)
@given(
    st.dictionaries(
        st.sampled_from([name.encode() for name in MessagesQuery.model_fields])
        | st.binary(max_size=8),
        st.lists(st.binary(max_size=8), min_size=1, max_size=2),
        max_size=4,
    )
)
def test_any_query(arguments: dict[bytes, list[bytes]]) -> None:
    """A query is read or refused in words."""
    try:
        page = validation.validated_query(MessagesQuery, arguments)
    except Problem:
        return
    assert 0 < page.limit <= MAX_PAGE
