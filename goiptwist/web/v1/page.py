"""
The OpenAPI document as one page for people: no script, nothing from elsewhere.
Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from typing import Any

#: What the page may do: show itself.
POLICY = b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; }
h2 { border-top: 1px solid #8886; padding-top: 1em; }
h2 code { font-size: .85em; }
table { border-collapse: collapse; width: 100%; margin: .5em 0 1em; }
td, th { border-bottom: 1px solid #8884; padding: .3em .8em .3em 0; text-align: left;
  vertical-align: top; }
code, pre { font-family: ui-monospace, monospace; font-size: .9em; }
pre { background: #8881; padding: .8em; overflow: auto; }
:root { color-scheme: light dark; }
"""

_EXAMPLE = """\
curl -H 'Authorization: Bearer TOKEN' -H 'Content-Type: application/json' \\
    -d '{"to": "+36301234567", "text": "Hello!", "id": "greeting-1"}' \\
    http://127.0.0.1:8080/api/v1/messages
"""


def page(document: dict[str, Any]) -> str:
    """@param document: as L{goiptwist.web.v1.openapi.document} makes it."""
    info = document["info"]
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(info['title'])}: HTTP</title><style>{_STYLE}</style></head><body>",
        f"<h1>{escape(info['title'])} {escape(info['version'])}</h1>",
        f"<p>{escape(info['description'])}</p>",
        "<p>Log in with a token, or with name and password (Basic). This page is made of "
        '<a href="openapi.json">openapi.json</a>, for programs.</p>',
        f"<pre>{escape(_EXAMPLE)}</pre>",
        "<nav><ul>",
        *_index(document),
        "</ul></nav>",
        *_operations(document),
        "<h1>Objects</h1>",
        *_objects(document),
        "</body></html>\n",
    ]
    return "\n".join(parts)


def _each(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def _index(document: dict[str, Any]) -> Iterator[str]:
    for method, path, operation in _each(document):
        name, summary = operation["operationId"], operation["summary"]
        link = f'<a href="#{name}"><code>{method} {escape(path)}</code></a>'
        yield f"<li>{link} {escape(summary)}</li>"


def _operations(document: dict[str, Any]) -> Iterator[str]:
    for method, path, operation in _each(document):
        yield f'<h2 id="{operation["operationId"]}"><code>{method} {escape(path)}</code></h2>'
        for words in operation["description"].split("\n\n"):
            yield f"<p>{escape(words)}</p>"
        rows = [
            (one["name"], one["in"], _kind(one["schema"]), one.get("description", ""))
            for one in operation.get("parameters", ())
        ]
        yield from _table(("parameter", "where", "what", ""), rows)
        body = operation.get("requestBody")
        if body is not None:
            yield f"<p>Body: {_content(body['content'])}</p>"
        yield from _answers(operation)


def _answers(operation: dict[str, Any]) -> Iterator[str]:
    yield "<table><tr><th>status</th><th>body</th><th></th></tr>"
    for status, says in operation["responses"].items():
        names = ", ".join(escape(name) for name in says.get("headers", ()))
        headers = f" <small>({names})</small>" if names else ""
        kind = _content(says["content"])
        words = escape(says["description"])
        yield f"<tr><td>{status}</td><td>{kind}</td><td>{words}{headers}</td></tr>"
    yield "</table>"


def _content(content: dict[str, Any]) -> str:
    [(kind, what)] = content.items()
    reference = what["schema"].get("$ref")
    return _link(reference) if reference else f"<code>{escape(kind)}</code>"


def _objects(document: dict[str, Any]) -> Iterator[str]:
    for name, schema in document["components"]["schemas"].items():
        yield f'<h2 id="object-{name}"><code>{name}</code></h2>'
        yield f"<p>{escape(' '.join(schema.get('description', '').split()))}</p>"
        needed = schema.get("required", ())
        rows = [
            (key, "needed" if key in needed else "", _kind(one), one.get("description", ""))
            for key, one in schema.get("properties", {}).items()
        ]
        yield from _table(("key", "", "what", ""), rows)


def _table(head: tuple[str, ...], rows: list[tuple[str, str, str, str]]) -> Iterator[str]:
    if not rows:
        return
    yield "<table><tr>" + "".join(f"<th>{cell}</th>" for cell in head) + "</tr>"
    for name, where, kind, words in rows:
        yield (
            f"<tr><td><code>{escape(name)}</code></td><td>{escape(where)}</td>"
            f"<td>{kind}</td><td>{escape(words)}</td></tr>"
        )
    yield "</table>"


def _kind(schema: dict[str, Any]) -> str:
    """What a value is, in a few words of HTML."""
    if "$ref" in schema:
        return _link(schema["$ref"])
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"<code>{escape(str(one))}</code>" for one in schema["enum"])
    if "const" in schema:
        return f"<code>{escape(str(schema['const']))}</code>"
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}{_bounds(schema)}"
    return escape(str(schema.get("format") or schema.get("type") or "anything")) + _bounds(schema)


def _bounds(schema: dict[str, Any]) -> str:
    words = [f"{_bound_name(key)} {schema[key]}" for key in _BOUNDS if key in schema]
    return f" <small>{', '.join(words)}</small>" if words else ""


_BOUNDS = ("minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems", "default")


def _bound_name(key: str) -> str:
    return "default" if key == "default" else "from" if key.startswith("min") else "to"


def _link(reference: str) -> str:
    name = re.sub(r"\W", "", reference.rpartition("/")[2])
    return f'<a href="#object-{name}">{name}</a>'
