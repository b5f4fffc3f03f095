"""
The send dialogue: one bulk session, one text, one or more numbers.

We drive the order, so it is written as a coroutine: MSG, PASSWORD, SEND for
each number, DONE (seed, section "Process for Bulk SMS").
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from goiptwist.errors import GoipTwistError, Refused, StoreUnavailable, TryLater, Unsure
from goiptwist.goip import cms
from goiptwist.goip.exchange import AnswerMeaning, DeviceChannel, Exchange, NoAnswer
from goiptwist.goip.frames import (
    DeviceAnswer,
    SessionDone,
    SessionOffer,
    SessionPassword,
    SessionSend,
)
from goiptwist.goip.settings import LineSettings
from goiptwist.model.delivery import Delivered
from goiptwist.model.messages import Message
from goiptwist.model.transmissions import Transmission

#: Seconds of silence after each MSG and each PASSWORD. The vendor's server
#: repeats every 5 s, three times; a quick first repeat costs nothing, since
#: the device answers a repeat with where it stands.
OPENING = (1.0, 2.0, 4.0, 5.0, 5.0, 5.0, 5.0)
#: The same for DONE. The device frees the session by itself after 90 s.
CLOSING = (1.0, 2.0, 3.0)
#: Seconds of silence after SEND for which a polled device is asked again
#: before nobody knows. Below the 90 s after which it forgets the session.
POLLED = 60.0
#: Seconds of silence after SEND for a device that is never asked again.
#: An SMS takes 2 to 5 s, but others of the same SIM may stand before it.
UNPOLLED = 90.0
#: Seconds after SEND when "not yet" is believed no more.
VERDICT = 300.0
#: The device drops a session 90 s after MSG (seed); no number is given to it
#: later than this many seconds after the first MSG.
SESSION_AGE = 70.0
#: The device remembers the last 10 numbers of a session (seed).
SESSION_NUMBERS = 10

#: What the device says when it has five sessions already (the vendor's Chinese
#: paper), and when the password is wrong (seed).
TOO_MANY = "too_many_sends_in_server"
WRONG_PASSWORD = "PASSWORD"  # noqa: S105

#: Seconds for which a line is left alone ...
PAUSE_WHEN_SILENT = 10.0  # ... that did not answer
PAUSE_WHEN_FULL = 5.0  # ... that has too many sessions
PAUSE_WHEN_STRANGE = 5.0  # ... that does not know our session, or says what is not known
PAUSE_WHEN_LOGGED_OUT = 100.0  # ... without a network; the vendor's server waits as long


class SendingLine(DeviceChannel, Protocol):
    """What a session needs of its line."""

    settings: LineSettings
    clock: IReactorTime

    def record(self, transmission: Transmission) -> Deferred[None]:
        """Commit what is about to leave."""

    def pause(self, seconds: float, reason: str) -> None:
        """Send nothing new by this line for a while."""

    def stop(self, reason: str) -> None:
        """Send nothing by this line until an operator acts."""

    def late_answer(self, answer: DeviceAnswer) -> None:
        """A verdict that nobody waits for."""

    @property
    def close_delay(self) -> float:
        """Seconds to wait before DONE."""


@define(eq=False, repr=False)
class BulkSession:
    """
    One session. Several recipients of one text share it.

    @ivar number: the C{sendid}.
    @ivar batch: of the messages that may join.
    @ivar _opened_at: when the session that the device has was first offered;
        C{None} while it has none, and so needs no DONE.
    """

    number: int
    text: str = field(repr=False)
    batch: str
    line: SendingLine
    exchange: Exchange = field(init=False)
    _pending: deque[tuple[Message, Deferred[Delivered]]] = field(factory=deque, init=False)
    _given: int = field(default=0, init=False)
    _telid: int = field(default=0, init=False)
    _opened_at: float | None = field(default=None, init=False)
    _ended: bool = field(default=False, init=False)
    log = Logger()

    def __attrs_post_init__(self) -> None:
        self.exchange = Exchange(self.line.clock, self.line)

    # -- the messages of the session --

    @property
    def pending(self) -> int:
        """How many numbers have not been given to the device."""
        return len(self._pending)

    def can_join(self, message: Message) -> bool:
        """Whether this message can be one more number of this session."""
        return (
            not self._ended
            and self._given < SESSION_NUMBERS
            and message.batch == self.batch != ""
            and message.text == self.text
            and not self._too_old()
        )

    def join(self, message: Message) -> Deferred[Delivered]:
        """
        Send to the recipient of this message too.

        @return: fires with what the device said, or fails with L{TryLater},
            L{Refused} or L{Unsure}.
        """
        pending = message, Deferred[Delivered]()
        self._pending.append(pending)
        self._given += 1
        return pending[1]

    def _too_old(self) -> bool:
        if self._opened_at is None:
            return False
        return self.line.clock.seconds() >= self._opened_at + SESSION_AGE

    # -- what the device says --

    def received(self, answer: DeviceAnswer) -> None:
        """The device said something in this session."""
        if not self.exchange.received(answer) and telid_of(answer) is not None:
            self.line.late_answer(answer)

    # -- the dialogue --

    async def run(self) -> None:
        """Go through the whole dialogue; every message gets its result."""
        try:
            await self._open()
            while self._pending and not self._too_old():
                await self._send_next()
        except (TryLater, Refused) as error:
            self._give_up(error)
        except Unsure:
            # The message in question has its result. The rest was never given.
            self._give_up(TryLater("the device went silent", attempted=False))
        except CancelledError:  # the gateway stops
            raise
        except Exception:
            self.log.failure("Session {session} broke", session=self.number)
            self._give_up(TryLater("internal error, see the log"))
        self._give_up(TryLater("the session grew too old", attempted=False))
        if self._opened_at is not None:
            await self._close()

    def _give_up(self, error: GoipTwistError) -> None:
        self._ended = True
        while self._pending:
            self._pending.popleft()[1].errback(error)

    async def _open(self) -> None:
        line = self.line
        began = line.clock.seconds()
        answer = await self._ask(SessionOffer(self.number, self.text).format(), _to_offer)
        if answer.verb != "ERROR":
            self._opened_at = began
        if answer.verb == "PASSWORD":
            secret = line.settings.password.clear
            answer = await self._ask(SessionPassword(self.number, secret).format(), _to_password)
        if answer.verb != "SEND":
            raise self._refusal(answer.text)

    async def _ask(
        self, question: bytes, meaning: Callable[[DeviceAnswer], AnswerMeaning]
    ) -> DeviceAnswer:
        try:
            return await self.exchange.ask(question, meaning, OPENING)
        except NoAnswer as silence:
            self.line.pause(PAUSE_WHEN_SILENT, str(silence))
            raise TryLater(str(silence), attempted=False) from None

    def _refusal(self, text: str) -> GoipTwistError:
        """What the device says about a session as a whole, before any SEND."""
        if text == WRONG_PASSWORD:
            self.line.stop("the device says that the password is wrong")
            return TryLater("the device says that the password is wrong", attempted=False)
        if text == TOO_MANY:
            self.line.pause(PAUSE_WHEN_FULL, "the device has too many sessions")
            return TryLater(
                "the device has too many sessions", after=PAUSE_WHEN_FULL, attempted=False
            )
        return self._unknown_session(text)

    def _unknown_session(self, text: str) -> TryLater:
        if text == "GSM_LOGOUT":
            self.line.pause(PAUSE_WHEN_LOGGED_OUT, "the line lost its network")
            return TryLater("the line lost its network", attempted=False)
        reason = (
            "the device does not know the session"
            if text == "SENDID"
            else f"the device said {text[:100]!r}"
        )
        self.line.pause(PAUSE_WHEN_STRANGE, reason)
        return TryLater(reason, after=PAUSE_WHEN_STRANGE, attempted=text != "SENDID")

    async def _send_next(self) -> None:
        message, done = self._pending[0]
        self._telid += 1
        try:
            await self._record(message)
        except StoreUnavailable as error:
            raise TryLater(str(error), after=1.0, attempted=False) from None
        self._pending.popleft()
        try:
            delivered = await self._submit(message.recipient)
        except (TryLater, Refused, Unsure) as verdict:
            done.errback(verdict)
            if isinstance(verdict, Unsure) or self._ended:
                raise
        except CancelledError:  # the gateway stops; the restart finds it open
            raise
        except Exception:  # a bug of ours: what the device did is not known
            done.errback(Unsure("internal error, see the log"))
            raise
        else:
            done.callback(delivered)

    async def _record(self, message: Message) -> None:
        line = self.line
        await line.record(
            Transmission(
                message_id=message.id,
                line=line.settings.id,
                session=self.number,
                telid=self._telid,
                at=line.clock.seconds(),
            )
        )

    async def _submit(self, recipient: str) -> Delivered:
        question = SessionSend(self.number, self._telid, recipient).format()
        poll = self.line.settings.poll.seconds
        patience = (poll,) * max(1, round(POLLED / poll)) if poll else (UNPOLLED,)
        until = self.line.clock.seconds() + VERDICT

        def to_submit(answer: DeviceAnswer) -> AnswerMeaning:
            meaning = _to_submit(answer, self._telid)
            if meaning is AnswerMeaning.PATIENCE and self.line.clock.seconds() > until:
                return AnswerMeaning.OTHER
            return meaning

        try:
            answer = await self.exchange.ask(question, to_submit, patience)
        except NoAnswer as silence:
            self.line.pause(PAUSE_WHEN_SILENT, str(silence))
            raise Unsure(f"the device was given the number, then: {silence}") from None
        if telid_of(answer) is None:
            return self._broken_off(answer.text)
        return verdict_of(answer, self.line.settings.id)

    def _broken_off(self, text: str) -> Delivered:
        self._ended = True
        error = self._unknown_session(text)
        asked_once = self.exchange.transmissions == 1 and not self.exchange.alive
        if asked_once and not self.line.close_delay:
            raise error
        # It may have taken the first SEND and then forgotten the session; and
        # where datagrams are late, this may be the answer to something older.
        raise Unsure(f"the device was given the number, then: {error}")

    async def _close(self) -> None:
        done_frame = SessionDone(self.number).format()
        # Copies of our MSG, PASSWORD and SEND may still be on their way. After
        # DONE they would open the session anew and send the text again; while
        # it is open the device knows them for what they are.
        if self.line.close_delay:
            await deferLater(self.line.clock, self.line.close_delay)
        try:
            await self.exchange.ask(done_frame, _to_done, CLOSING)
        except NoAnswer:
            # The texts are settled; the device frees the session by itself.
            self.log.debug("No answer to DONE of session {session}", session=self.number)


def telid_of(answer: DeviceAnswer) -> int | None:
    """The number within the session that a verdict is about."""
    if answer.verb not in ("OK", "ERROR", "WAIT") or not answer.details:
        return None
    first = answer.details[0]
    return int(first) if first.isascii() and first.isdigit() and len(first) < 10 else None


def _to_offer(answer: DeviceAnswer) -> AnswerMeaning:
    if answer.verb in ("PASSWORD", "SEND"):
        return AnswerMeaning.ANSWER
    about_session = answer.verb == "ERROR" and telid_of(answer) is None
    return AnswerMeaning.ANSWER if about_session else AnswerMeaning.OTHER


def _to_password(answer: DeviceAnswer) -> AnswerMeaning:
    # A PASSWORD here is the late repeat of the one that we are answering.
    return AnswerMeaning.OTHER if answer.verb == "PASSWORD" else _to_offer(answer)


def _to_submit(answer: DeviceAnswer, telid: int) -> AnswerMeaning:
    about = telid_of(answer)
    if answer.verb == "WAIT":
        return AnswerMeaning.PATIENCE if about == telid else AnswerMeaning.OTHER
    if about == telid:
        return AnswerMeaning.ANSWER
    about_session = answer.verb == "ERROR" and about is None
    # The session was opened, so these are late answers to what opened it.
    late = answer.text in (TOO_MANY, WRONG_PASSWORD)
    return AnswerMeaning.ANSWER if about_session and not late else AnswerMeaning.OTHER


def _to_done(answer: DeviceAnswer) -> AnswerMeaning:
    # SENDID: the session is gone already, which is what we want.
    gone = answer.verb == "ERROR" and telid_of(answer) is None
    return AnswerMeaning.ANSWER if answer.verb == "DONE" or gone else AnswerMeaning.OTHER


def verdict_of(answer: DeviceAnswer, line: str) -> Delivered:
    """
    What the device says about one number.

    @param answer: OK or ERROR with the number's telid.
    @raise Refused: no line and no time will change it.
    @raise TryLater: another line, or a later time, may.
    """
    if answer.verb == "OK":
        sms_no = answer.details[1] if len(answer.details) > 1 else ""
        return Delivered("OK", line, sms_no)
    reason = " ".join(answer.details[1:])
    code = reason.removeprefix("errorstatus:").strip()
    if not (code.isascii() and code.isdigit() and len(code) < 10):
        raise TryLater(f"the device said {reason[:100]!r}")
    if cms.is_permanent(int(code)):
        raise Refused(cms.in_words(int(code)))
    raise TryLater(cms.in_words(int(code)))
