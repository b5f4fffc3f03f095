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
class Text:
    """A text to a number that stands beside it."""

    number: str = field(repr=False)
    text: str = field(repr=False)


@frozen
class Command:
    """@ivar word: one of L{COMMANDS}."""

    word: str


@frozen
class Wrong:
    """@ivar sentence: what was meant, and is not written so."""

    sentence: str


@frozen
class Plain:
    """It says of itself neither to whom nor what for."""


def understood(body: str) -> Text | Command | Wrong | Plain:
    """What a line means that somebody has written."""
    written = body.strip()
    found = _AT.fullmatch(written) or _SMS.fullmatch(written)
    if found:
        text = found["text"].strip()
        return (
            Text(found["to"].strip(), text) if text else Wrong("there is no text behind the number")
        )
    if written.startswith("@"):
        return Wrong("write the number so: @+36301234567: text")
    if written.lower() == "/sms" or written.lower().startswith("/sms "):
        return Wrong("write it so: /sms +36301234567 text")
    command = _COMMAND.fullmatch(written)
    if command and command["word"].lower() in COMMANDS:
        return Command(command["word"].lower())
    if command:
        return Wrong(f"there is no /{command['word'][:20]}; /help says what there is")
    return Plain()
