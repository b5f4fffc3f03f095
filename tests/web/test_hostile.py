"""Whatever is sent, the answer is never an error of ours."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from goiptwist.web import shapes
from goiptwist.web.problems import Problem
from tests.web.fakes import Client

#: Any text at all, half surrogates among it.
TEXT = st.text(alphabet=st.characters(), max_size=20)
KEY = st.sampled_from([*shapes.KEYS, "To", "recipients"]) | TEXT
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
        st.sampled_from([b"after", b"limit", b"direction"]) | st.binary(max_size=8),
        st.lists(st.binary(max_size=8), min_size=1, max_size=2),
        max_size=4,
    )
)
def test_any_query(arguments: dict[bytes, list[bytes]]) -> None:
    """A query is read or refused in words."""
    try:
        page = shapes.Page.read(arguments)
    except Problem:
        return
    assert 0 < page.limit <= shapes.MAX_PAGE
