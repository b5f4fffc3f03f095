"""
Writes C{etc/goip.toml} from the settings classes, so that it always shows
every key with its meaning and its default.

C{python -m tests.house.sample} prints it.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

import attrs

from goiptwist.accounts.users import User
from goiptwist.alarm.routes import Names, RouteSettings
from goiptwist.bridges.call.settings import CallSettings
from goiptwist.bridges.dc09.settings import Dc09Settings
from goiptwist.bridges.mail.outgoing.settings import MailSettings
from goiptwist.bridges.sms.settings import SmsSettings
from goiptwist.bridges.webhook.settings import WebhookSettings
from goiptwist.bridges.xmpp.settings import XmppSettings
from goiptwist.gateway.kinds import own_kinds
from goiptwist.gateway.settings import scheme
from goiptwist.goip.settings import LineSettings
from goiptwist.telephony.contacts import Contact

HEAD = """\
# The configuration of the SMS gateway: twistd -n goip --config goip.toml
#
# Every key stands here with its default; what has no default must be set. Keys
# that are commented out have the value that is shown. "twistd goip
# --check-config --config goip.toml" checks the file, and names every problem
# at once.
"""

#: What the keys without a default are in this file.
EXAMPLES: dict[tuple[type[Any], str], str] = {
    (LineSettings, "id"): '"goipid1"',
    (LineSettings, "password"): '"password1"',
    (User, "name"): '"ops"',
    (Contact, "number"): '"+36301234567"',
    (Contact, "name"): '"Kovács Béla"',
    (RouteSettings, "account"): '"*"',
    (RouteSettings, "to"): '["ops"]',
    (CallSettings, "uri"): '"sip:9999@pbx.example.org"',
    (MailSettings, "to"): '["ops@example.org"]',
    (MailSettings, "sender"): '"sms@example.org"',
    (SmsSettings, "numbers"): '["+36301234567"]',
    (Dc09Settings, "receiver"): '"192.0.2.20:12345"',
    (XmppSettings, "jid"): '"sms-bot@example.org"',
    (XmppSettings, "password"): '"the password of that account"',
    (XmppSettings, "to"): '["ann@example.org"]',
    (WebhookSettings, "url"): '"https://hooks.example.org/sms"',
    (WebhookSettings, "secret"): '"the text that both sides know"',
}
#: What stands above a section.
INTRODUCTIONS = {
    "line": "One section for each line (SIM) of your devices. Type the same id and password into\n"
    'the "SMS Server" fields of the line.',
    "mail": "Mail to SMS: where mails are handed in. Whoever logs in as a [[user]], comes from a\n"
    "trusted network, or answers a mail of ours, can send. Write to +36301234567@DOMAIN,\n"
    "LINE.+36301234567@DOMAIN or pool-NAME.+36301234567@DOMAIN.",
    "mail_text": "How the text is read out of a mail.",
    "imap": "Mail to SMS without a domain: a mailbox that is looked into now and then. Only\n"
    "answers to mails of ours are taken there.",
    "numbers": "How numbers are understood.",
    "alarm": "Alarms of panels: Contact ID, and where panels report over IP.",
    "user": "Who may use the gateway, by HTTP or by mail. Secrets may be clear, or hashed:\n"
    "twistd goip --hash for passwords, --hash-token for tokens.",
    "contact": "The address book: any number of sections.",
    "route": "Alarms: which way they go. Any number of sections; what is empty asks for nothing,\n"
    "and all else must hold. Bridges get alarms by these alone, whatever their own rules say.",
    "bridge.ops": "Where SMS that come in are handed on to. Any number of bridges, each with a\n"
    "name of its own; every SMS goes to every bridge.",
    "bridge.station": "Alarms, told to a monitoring station on a telephone call (Contact ID, by\n"
    "SIP and G.711 audio). Needs pip install 'goiptwist[calls]'.",
    "bridge.hooks": "Callbacks: what happens at the gateway, posted to a URL as JSON. They are\n"
    "signed after Standard Webhooks (www.standardwebhooks.com), whose libraries check it.\n"
    'To have it, take "# " away from the beginning of each line.',
    "bridge.oncall": "People who are texted when there is an alarm, and may answer ACK. It gets\n"
    "what a [[route]] or the fallback of another bridge sends it.",
    "bridge.receiver": "A monitoring station that is told over IP, by SIA DC-09.",
    "bridge.chat": "SMS as chat messages (XMPP), and answers to them. See etc/prosody and\n"
    'etc/ejabberd. To have it, take "# " away from the beginning of each line.',
}
#: Bridges that not everybody wants, each with its kind: they are commented out.
ON_REQUEST = (
    ("hooks", "webhook", WebhookSettings),
    ("chat", "xmpp", XmppSettings),
    ("oncall", "sms", SmsSettings),
    ("station", "contact-id-call", CallSettings),
    ("receiver", "dc09", Dc09Settings),
)


def rendered() -> str:
    """The whole file."""
    plan = scheme(own_kinds())
    parts = [HEAD, *_keys(plan.top)]
    for name, cls in plan.single.items():
        parts += _section(f"[{name}]", name, cls)
    for name, cls in plan.lists.items():
        parts += _section(f"[[{name}]]", name, cls)
    parts += _section("[bridge.ops]", "bridge.ops", MailSettings, ['kind = "mail"'])
    for name, kind, cls in ON_REQUEST:
        section = _section(f"[bridge.{name}]", f"bridge.{name}", cls, [f'kind = "{kind}"'])
        parts += [textwrap.indent(part, "# ") for part in section]
    return "\n".join(parts) + "\n"


def _section(
    title: str, name: str, cls: type[Any], first: list[str] | None = None
) -> Iterator[str]:
    yield "\n"
    if name in INTRODUCTIONS:
        yield textwrap.indent(INTRODUCTIONS[name], "# ")
    yield title
    yield from first or []
    yield from _keys(cls)


def _keys(cls: type[Any]) -> Iterator[str]:
    for key in sorted(attrs.fields(cls), key=lambda key: key.inherited):  # its own first
        doc = key.metadata.get("doc", "")
        yield ""
        if doc:
            yield textwrap.indent(textwrap.fill(doc, 94), "# ")
        example = EXAMPLES.get((cls, key.name))
        yield f"{key.name} = {example}" if example else f"#{key.name} = {toml(key.default)}"


def toml(value: Any) -> str:
    """A default as TOML writes it."""
    if value is None:
        return '""'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, tuple | Names):
        return "[" + ", ".join(toml(part) for part in value) + "]"
    text = str(value)
    return text if text.replace(".", "").isdigit() and not isinstance(value, str) else f'"{text}"'


if __name__ == "__main__":
    print(rendered(), end="")
