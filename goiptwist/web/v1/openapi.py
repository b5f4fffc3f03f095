"""
The OpenAPI document (3.1), made of the operations and of the classes that check
what comes in. Pure.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any

from pydantic.json_schema import models_json_schema

import goiptwist
from goiptwist.web.http.validation import Shape
from goiptwist.web.v1.context import ApiResponse, Operation
from goiptwist.web.v1.messages import MAX_ID
from goiptwist.web.v1.responses import ProblemView

_REFERENCE = "#/components/schemas/{model}"

#: How our classes end, so that no two of the gateway have one name. The document
#: has a name space of its own and says C{Message}, and C{Submission}.
_OUR_ENDINGS = ("View", "Request")

#: What any refusal is about, in the words of the document.
_REFUSALS = {
    400: "Something in the request is wrong: field and errors say what.",
    401: "No user, or a wrong token or password.",
    403: "This user may not do that, not for this number, or not from this address.",
    404: "There is no such thing.",
    405: "This path does not know this method.",
    409: "It stands elsewhere than this needs; or the id was used for something else.",
    413: "The body is too large.",
    415: "The body is not called application/json.",
    429: "Too much: of what the user may send in a day, of what waits, or of wrong tokens.",
    500: "An error inside the gateway; its log says more.",
    503: "The gateway cannot write to its disk, or has no room in memory.",
}
_RETRY = {
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}
}
_HEADERS: dict[int, dict[str, Any]] = {
    401: {"WWW-Authenticate": {"description": "How to log in.", "schema": {"type": "string"}}},
    405: {"Allow": {"description": "What it knows.", "schema": {"type": "string"}}},
    429: _RETRY,
    503: _RETRY,
}

_ABOUT = (
    "Send and receive SMS over GoIP devices. A 202 means on disk: from then on a message ends in "
    "exactly one of sent, failed, expired, cancelled and unknown. Every refusal is a problem "
    "(RFC 9457) that names all that is wrong."
)


def document(operations: Sequence[Operation]) -> dict[str, Any]:
    """@return: the whole of it, as JSON would have it."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "goiptwist", "version": goiptwist.__version__, "description": _ABOUT},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": _schemas(operations),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "password": {"type": "http", "scheme": "basic"},
            },
        },
    }


def _schemas(operations: Sequence[Operation]) -> dict[str, Any]:
    bodies = {one.body for one in operations if one.body is not None}
    answers = {
        response.shape
        for one in operations
        for response in one.answers.values()
        if response.shape is not None
    }
    models: list[Any] = [(one, "validation") for one in {*bodies, *answers, ProblemView}]
    _, made = models_json_schema(
        sorted(models, key=lambda pair: str(pair[0].__name__)), ref_template=_REFERENCE
    )
    schemas: dict[str, Any] = _outward(_plain(made["$defs"]))
    return {schema_name(name): schemas[name] for name in sorted(schemas)}


def schema_name(name: str) -> str:
    """@return: what a class is called in the document."""
    ending = next((ending for ending in _OUR_ENDINGS if name.endswith(ending)), "")
    return name.removesuffix(ending)


def _outward(schema: Any) -> Any:
    """With the names of the document in all references."""
    if isinstance(schema, list):
        return [_outward(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: schema_name(value) if key == "$ref" else _outward(value)
        for key, value in schema.items()
    }


def _plain(schema: Any, named: bool = True) -> Any:
    """
    Without the titles that only repeat a name, and without defaults that stand
    for nothing.

    @param named: whether the keys are names of the user's, not of the schema.
    """
    if isinstance(schema, list):
        return [_plain(part, False) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _plain(value, not named and key in ("properties", "$defs"))
        for key, value in schema.items()
        if named or not (key == "title" or (key == "default" and _is_nothing(value)))
    }


def _is_nothing(default: object) -> bool:
    """Whether a class says so that nothing was given."""
    return not default and not isinstance(default, int)


def _operation(one: Operation) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": one.name,
        "summary": one.summary,
        "description": _description(one),
        "responses": dict(_answers(one)),
    }
    parameters = list(_parameters(one))
    if parameters:
        made["parameters"] = parameters
    if one.scope:
        made["security"] = [{"token": []}, {"password": []}]
    if one.body is not None:
        made["requestBody"] = {"required": True, "content": _content(one.body)}
    return made


def _description(one: Operation) -> str:
    words = inspect.getdoc(one.handler) or ""
    needs = {"": "Nobody has to log in.", "any": "Any user may."}
    return f"{words}\n\n{needs.get(one.scope, f'Needs a user who may {one.scope}.')}"


def _parameters(one: Operation) -> Iterator[dict[str, Any]]:
    for name in re.findall(r"{(\w+)}", one.path):
        schema: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": MAX_ID}
        yield {"name": name, "in": "path", "required": True, "schema": schema}
    for name, words in one.headers.items():
        yield {"name": name, "in": "header", "description": words, "schema": {"type": "string"}}
    if one.query is not None:
        made = _plain(one.query.model_json_schema(ref_template=_REFERENCE), False)
        for name, schema in made["properties"].items():
            words = schema.pop("description", "")
            yield {"name": name, "in": "query", "description": words, "schema": _unset(schema)}


def _unset(schema: dict[str, Any]) -> dict[str, Any]:
    """A query has no null; a client that does not want a key leaves it out."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    return kinds[0] if kinds else schema


def _content(shape: type[Shape], kind: str = "application/json") -> dict[str, Any]:
    return {kind: {"schema": {"$ref": _REFERENCE.format(model=schema_name(shape.__name__))}}}


def _answers(one: Operation) -> Iterator[tuple[str, dict[str, Any]]]:
    refusals = {*one.refusals, 405, 500}
    if one.scope:
        refusals |= {400, 401, 403, 429, 503}
    if one.body is not None:
        refusals |= {413, 415}
    # The headers or the path may hold what is no text.
    refusals |= {400}
    for status in sorted({*one.answers, *refusals}):
        response = one.answers.get(status)
        yield str(status), _answer(response) if response is not None else _refusal(status)


def _answer(response: ApiResponse) -> dict[str, Any]:
    content: dict[str, Any] = {response.media_type: {"schema": {"type": "string"}}}
    if response.shape is not None:
        content = _content(response.shape, response.media_type)
    made: dict[str, Any] = {"description": response.description, "content": content}
    if response.headers:
        made["headers"] = {
            name: {"description": words, "schema": {"type": "string"}}
            for name, words in response.headers.items()
        }
    if response.links:
        made["links"] = {
            name: {
                "operationId": name,
                "parameters": {"message_id": f"$response.body#{place}"},
            }
            for name, place in response.links.items()
        }
    return made


def _refusal(status: int) -> dict[str, Any]:
    made: dict[str, Any] = {
        "description": _REFUSALS.get(status, HTTPStatus(status).phrase),
        "content": _content(ProblemView, "application/problem+json"),
    }
    if status in _HEADERS:
        made["headers"] = _HEADERS[status]
    return made
