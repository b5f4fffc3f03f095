"""
The program of a person: slixmpp, which is not ours, in a thread with a loop of
its own.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import slixmpp

from tests.test_twistd import until

PLUGINS = (
    "xep_0030",
    "xep_0045",
    "xep_0050",
    "xep_0054",
    "xep_0184",
    "xep_0199",
    "xep_0359",
    "xep_0461",
)


class Person:
    """
    @ivar messages: what came, as stanzas of slixmpp.
    @ivar receipts: the ids of messages whose receipt came.
    """

    def __init__(self, prosody: Any, jid: str) -> None:
        self.jid = jid
        self.messages: list[Any] = []
        self.presences: list[Any] = []
        self.receipts: list[str] = []
        self._loop = asyncio.new_event_loop()
        self._leaving = False
        self._online = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(prosody,), daemon=True)
        self._thread.start()
        assert self._online.wait(60), f"{jid} cannot log in"

    def _run(self, prosody: Any) -> None:
        asyncio.set_event_loop(self._loop)
        client = self.client = slixmpp.ClientXMPP(f"{self.jid}/phone", prosody.password)
        client.ca_certs = prosody.ca
        for plugin in PLUGINS:
            client.register_plugin(plugin)
        client.plugin["xep_0184"].auto_request = True
        client.add_event_handler("session_start", self._started)
        client.add_event_handler("message", self.messages.append)
        client.add_event_handler("groupchat_message", self.messages.append)
        client.add_event_handler("message_error", self.messages.append)
        client.add_event_handler("presence", self.presences.append)
        client.add_event_handler("receipt_received", self._receipted)
        client.add_event_handler("disconnected", lambda _: self._again(prosody))
        client.connect("127.0.0.1", prosody.port)
        self._loop.run_forever()

    def _again(self, prosody: Any) -> None:
        if not self._leaving:
            self.client.connect("127.0.0.1", prosody.port)

    def _started(self, _: object) -> None:
        self.client.send_presence()
        self._online.set()

    def _receipted(self, stanza: Any) -> None:
        self.receipts.append(stanza["receipt"])

    def do(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Something that is answered."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(60)

    def call(self, what: Callable[[], Any]) -> Any:
        """Something in the loop."""

        async def called() -> Any:
            return what()

        return self.do(called())

    def ask(self, what: Callable[[], Any]) -> Any:
        """Something that is begun in the loop, and answered later."""

        async def asked() -> Any:
            return await what()

        return self.do(asked())

    def say(self, to: str, text: str, answers: str = "", kind: str = "chat") -> str:
        """
        Write a message.

        @param answers: the id of what it is a reply to.
        @return: its id.
        """

        def write() -> str:
            message = self.client.make_message(mto=to, mbody=text, mtype=kind)
            message["id"] = self.client.new_id()
            message["origin_id"]["id"] = message["id"]
            if answers:
                message["reply"]["id"] = answers
                message["reply"]["to"] = to
                message["reply"].add_quoted_fallback("quoted text")
            message.send()
            return str(message["id"])

        return str(self.call(write))

    def read(self, text: str) -> Any:
        """Wait for a message whose text contains this."""
        found = until(
            lambda: [m for m in self.messages if text in m["body"]], f"{self.jid} reads {text!r}"
        )
        return found[0]

    def error_of(self, stanza_id: str) -> Any:
        """Wait for the error of a message."""
        return until(
            lambda: [m for m in self.messages if m["type"] == "error" and m["id"] == stanza_id],
            f"an error of {stanza_id}",
        )[0]["error"]

    def leave(self) -> None:
        """Log out, and end the loop."""

        async def gone() -> None:
            self._leaving = True
            await self.client.disconnect()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        self.do(gone())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
