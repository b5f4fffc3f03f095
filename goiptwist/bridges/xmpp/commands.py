"""
L{Commands}: ad-hoc commands (XEP-0050) with forms (XEP-0004), for programs that
show them as buttons.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import define, field
from twisted.words.protocols.jabber.error import StanzaError
from twisted.words.xish.domish import Element

from goiptwist.bridges.xmpp import stanzas
from goiptwist.bridges.xmpp.context import Asked
from goiptwist.bridges.xmpp.conversation import FAILED, FAILURES_SHOWN
from goiptwist.bridges.xmpp.desk import Desk
from goiptwist.bridges.xmpp.doings import failures_in_words, lines_in_words
from goiptwist.bridges.xmpp.notes import Correspondent
from goiptwist.bridges.xmpp.reading import Said
from goiptwist.bridges.xmpp.settings import XmppSettings
from goiptwist.bridges.xmpp.troubles import trouble_of
from goiptwist.errors import GoipTwistError
from goiptwist.interfaces import IGateway

SEND, LINES, FAILURES = "send", "lines", "failures"
_NAMES = {SEND: "Send an SMS", LINES: "How the lines stand", FAILURES: "SMS that failed lately"}


@define(eq=False)
class Commands:
    """
    Nothing is kept between the steps: the session is the id of the first
    question, and the SMS is submitted under it, so that a repeat is one.
    """

    settings: XmppSettings
    gateway: IGateway = field(repr=False)
    desk: Desk = field(repr=False)

    def knows(self, node: str) -> bool:
        """Whether it is one of ours."""
        return node in _NAMES

    def add_info(self, query: Element, node: str) -> None:
        """What a command is."""
        identity = query.addElement("identity")
        identity["category"], identity["type"] = "automation", "command-node"
        identity["name"] = _NAMES[node]
        for feature in (stanzas.COMMANDS, stanzas.FORMS):
            query.addElement("feature")["var"] = feature

    def add_items(self, query: Element, jid: str) -> None:
        """The list of them."""
        for node, name in _NAMES.items():
            item = query.addElement("item")
            item["jid"], item["node"], item["name"] = jid, node, name

    async def executed(self, iq: Element, command: Element, who: str) -> Element:
        """
        One step of a command.

        @param who: bare; he is allowed.
        @raise StanzaError: what is wrong.
        """
        node, action = command.getAttribute("node", ""), command.getAttribute("action", "execute")
        if node not in _NAMES:
            raise StanzaError("item-not-found", "cancel", "there is no such command")
        session = command.getAttribute("sessionid", "") or f"cmd-{iq.getAttribute('id', '')}"
        answer = stanzas.result_of(iq)
        told = answer.addElement((stanzas.COMMANDS, "command"))
        told["node"], told["sessionid"], told["status"] = node, session, "completed"
        form = stanzas.child(command, "x", stanzas.FORMS)
        if action == "cancel":
            told["status"] = "canceled"
        elif node == LINES:
            shown = self.settings.show_lines
            _note(
                told,
                lines_in_words(self.gateway.lines.statuses())
                if shown
                else "That is not shown here.",
            )
        elif node == FAILURES:
            origin = self.desk.origin(who)
            failed = await self.gateway.messages.recent(origin, FAILED, FAILURES_SHOWN)
            _note(told, failures_in_words(failed))
        elif form is None:
            told["status"] = "executing"
            self._ask(told)
        else:
            await self._send(iq, session, who, _values(form))
            _note(told, "The SMS is on its way.")
        return answer

    def _ask(self, told: Element) -> None:
        actions = told.addElement("actions")
        actions["execute"] = "complete"
        actions.addElement("complete")
        form = told.addElement((stanzas.FORMS, "x"))
        form["type"] = "form"
        form.addElement("title", content=_NAMES[SEND])
        _field(form, "to", "text-single", "Number, with + and the country code", required=True)
        _field(form, "text", "text-multi", "Text", required=True)
        lines = _field(form, "line", "list-single", "Line")
        lines.addElement("value", content="")
        for line in ("", *(line.id for line in self.gateway.lines.statuses())):
            option = lines.addElement("option")
            option["label"] = line or "any"
            option.addElement("value", content=line)

    async def _send(self, iq: Element, session: str, who: str, values: Mapping[str, str]) -> None:
        component = self.settings.mode == "component"
        stanza = Said(
            sender=iq["from"],
            to=iq.getAttribute("to", ""),
            ids=(session,),
            body=values.get("text", ""),
        )
        asked = Asked(to=iq["from"], id=session, ours=stanza.to if component else "")
        to = Correspondent(values.get("to", ""), values.get("line", ""))
        try:
            await self.desk.take(who, stanza, to, stanza.body, asked)
        except GoipTwistError as wrong:
            raise trouble_of(wrong).as_error() from None


def _note(told: Element, words: str) -> None:
    """XEP-0050 section 4.3."""
    told.addElement("note", content=stanzas.clean(words))["type"] = "info"


def _field(form: Element, var: str, kind: str, label: str, *, required: bool = False) -> Element:
    made: Element = form.addElement("field")
    made["var"], made["type"], made["label"] = var, kind, label
    if required:
        made.addElement("required")
    return made


def _values(form: Element) -> dict[str, str]:
    """Several values of one field are the lines of a text (XEP-0004 section 3.3)."""
    found: dict[str, str] = {}
    for one in stanzas.children(form, "field", stanzas.FORMS):
        lines = [stanzas.text_of(v) for v in stanzas.children(one, "value", stanzas.FORMS)]
        found[one.getAttribute("var", "")] = "\n".join(lines)
    return found
