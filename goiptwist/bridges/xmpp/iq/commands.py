"""
L{AdHocCommands}: ad-hoc commands (XEP-0050) with forms (XEP-0004), for programs that
show them as buttons.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import define, field
from twisted.words.protocols.jabber.error import StanzaError
from twisted.words.xish.domish import Element

from goiptwist.bridges.xmpp import stanzas
from goiptwist.bridges.xmpp.chat.chat_message import ChatMessage
from goiptwist.bridges.xmpp.chat.conversation import FAILED, FAILURES_SHOWN
from goiptwist.bridges.xmpp.chat.correlations import Correspondent
from goiptwist.bridges.xmpp.chat.error_replies import error_reply
from goiptwist.bridges.xmpp.chat.reply_context import ReplyContext
from goiptwist.bridges.xmpp.chat.submitter import ChatSubmitter
from goiptwist.bridges.xmpp.presence.line_status import failures_text, lines_text
from goiptwist.bridges.xmpp.settings import XmppSettings
from goiptwist.errors import GoipTwistError
from goiptwist.interfaces import IGateway

SEND, LINES, FAILURES = "send", "lines", "failures"
_NAMES = {SEND: "Send an SMS", LINES: "How the lines stand", FAILURES: "SMS that failed lately"}


@define(eq=False)
class AdHocCommands:
    """
    Nothing is kept between the steps: the session is the id of the first
    question, and the SMS is submitted under it, so that a repeat is one.
    """

    settings: XmppSettings
    gateway: IGateway = field(repr=False)
    submitter: ChatSubmitter = field(repr=False)

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

    async def execute(self, iq: Element, command: Element, who: str) -> Element:
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
        result = answer.addElement((stanzas.COMMANDS, "command"))
        result["node"], result["sessionid"], result["status"] = node, session, "completed"
        form = stanzas.child(command, "x", stanzas.FORMS)
        if action == "cancel":
            result["status"] = "canceled"
        elif node == LINES:
            shown = self.settings.show_lines
            _note(
                result,
                lines_text(self.gateway.lines.statuses()) if shown else "That is not shown here.",
            )
        elif node == FAILURES:
            origin = self.submitter.origin(who)
            failed = await self.gateway.messages.recent(origin, FAILED, FAILURES_SHOWN)
            _note(result, failures_text(failed))
        elif form is None:
            result["status"] = "executing"
            self._add_form(result)
        else:
            await self._send(iq, session, who, _values(form))
            _note(result, "The SMS is on its way.")
        return answer

    def _add_form(self, result: Element) -> None:
        actions = result.addElement("actions")
        actions["execute"] = "complete"
        actions.addElement("complete")
        form = result.addElement((stanzas.FORMS, "x"))
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
        stanza = ChatMessage(
            sender=iq["from"],
            to=iq.getAttribute("to", ""),
            ids=(session,),
            body=values.get("text", ""),
        )
        context = ReplyContext(to=iq["from"], id=session, ours=stanza.to if component else "")
        to = Correspondent(values.get("to", ""), values.get("line", ""))
        try:
            await self.submitter.submit(who, stanza, to, stanza.body, context)
        except GoipTwistError as error:
            raise error_reply(error).as_error() from None


def _note(result: Element, text: str) -> None:
    """XEP-0050 section 4.3."""
    result.addElement("note", content=stanzas.clean(text))["type"] = "info"


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
