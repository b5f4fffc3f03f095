"""
What a person may write to the gateway itself. Pure.
"""

from __future__ import annotations

import re

from attrs import field, frozen

COMMANDS = ("lines", "status", "help")

_NUMBER = r"(?P<to>\+?[0-9][0-9 ().\-/]*?)"
_AT = re.compile(rf"@\s*{_NUMBER}\s*:\s*(?P<text>.*)", re.DOTALL)
_SMS = re.compile(r"/sms\s+(?P<to>\+?[0-9][0-9().\-/]*)\s+(?P<text>.*)", re.DOTALL | re.IGNORECASE)
_COMMAND = re.compile(r"/(?P<word>[a-z]+)\s*", re.IGNORECASE)

HELP = """\
Answer an SMS with the reply function of your program, and it goes to its sender.
@+36301234567: text - sends text to that number; so does
/sms +36301234567 text
/lines - how the lines stand
/status - whether all is well
/help - this"""


@frozen
class TextToNumber:
    """A text to a number that stands beside it."""

    number: str = field(repr=False)
    text: str = field(repr=False)


@frozen
class ChatCommand:
    """@ivar word: one of L{COMMANDS}."""

    word: str


@frozen
class InvalidCommand:
    """@ivar sentence: what was meant, and is not written so."""

    sentence: str


@frozen
class PlainText:
    """It says of itself neither to whom nor what for."""


def parse_command(body: str) -> TextToNumber | ChatCommand | InvalidCommand | PlainText:
    """What a line means that somebody has written."""
    written = body.strip()
    found = _AT.fullmatch(written) or _SMS.fullmatch(written)
    if found:
        text = found["text"].strip()
        return (
            TextToNumber(found["to"].strip(), text)
            if text
            else InvalidCommand("there is no text behind the number")
        )
    if written.startswith("@"):
        return InvalidCommand("write the number so: @+36301234567: text")
    if written.lower() == "/sms" or written.lower().startswith("/sms "):
        return InvalidCommand("write it so: /sms +36301234567 text")
    command = _COMMAND.fullmatch(written)
    if command and command["word"].lower() in COMMANDS:
        return ChatCommand(command["word"].lower())
    if command:
        return InvalidCommand(f"there is no /{command['word'][:20]}; /help says what there is")
    return PlainText()
