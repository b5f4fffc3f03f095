"""
The device's side of the send dialogue (seed, section "Process for Bulk SMS").

The server drives it and may say anything at any time, twice or out of order,
so it is no machine with a next step but one answer for each kind of frame,
given from what is known of the session.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from attrs import define, field
from twisted.internet.interfaces import IReactorTime

from goiptwist.goip.frames import (
    DeviceAnswer,
    SessionDone,
    SessionOffer,
    SessionPassword,
    SessionSend,
)
from goiptwist.simulator.keepalives import SimCard
from goiptwist.simulator.module import GsmModule
from goiptwist.simulator.sessions import (
    SESSION_LIFE,
    SESSIONS,
    AcceptedByNetwork,
    RefusedByNetwork,
    SessionNumber,
    SimulatedSession,
)
from goiptwist.simulator.settings import Personality, SimulatorSettings

FromDialogue = SessionOffer | SessionPassword | SessionSend | SessionDone


@define
class DeviceDialogue:
    """
    @ivar _say: sends an answer.
    @ivar _transmit: gives an SMS to the mobile network, and returns what it
        said.
    """

    _clock: IReactorTime
    _settings: SimulatorSettings
    _password: str
    _sim: SimCard
    _module: GsmModule
    _say: Callable[[DeviceAnswer], None]
    _transmit: Callable[[SimulatedSession, SessionNumber], AcceptedByNetwork | RefusedByNetwork]
    _sessions: dict[int, SimulatedSession] = field(factory=dict, init=False)

    @property
    def open_sessions(self) -> int:
        """How many sessions there are."""
        return len(self._sessions)

    def receive(self, frame: FromDialogue) -> None:
        """Answer one frame of the server."""
        if isinstance(frame, SessionOffer):
            self._offered(frame)
        elif isinstance(frame, SessionDone):
            self._drop(frame.session)
            self._say(DeviceAnswer("DONE", frame.session))  # also for one that is long gone
        else:
            self._continued(frame)

    def forget(self) -> None:
        """The power is gone."""
        for session in list(self._sessions):
            self._drop(session)

    def _offered(self, offer: SessionOffer) -> None:
        session = self._sessions.get(offer.session)
        if session is not None and session.text != offer.text:
            # Another text under an old id: no repetition but a new session.
            self._drop(session.id)
            session = None
        if session is None:
            if len(self._sessions) >= SESSIONS:
                self._refuse(offer.session, "too_many_sends_in_server")
                return
            life = self._clock.callLater(SESSION_LIFE, self._sessions.pop, offer.session)
            session = self._sessions[offer.session] = SimulatedSession(
                offer.session, offer.text, life
            )
        session.touch()
        self._say(session.state())

    def _continued(self, frame: SessionPassword | SessionSend) -> None:
        session = self._sessions.get(frame.session)
        if session is None:
            if self._settings.names_unknown:
                self._refuse(frame.session, "SENDID")
            return
        session.touch()
        if isinstance(frame, SessionPassword):
            self._authenticated(session, frame.password)
        elif session.authorised:
            self._submitted(session, frame)
        else:
            self._say(session.state())

    def _authenticated(self, session: SimulatedSession, password: str) -> None:
        if password != self._password:
            self._refuse(session.id, "PASSWORD")
        elif not self._sim.logged_in:
            self._refuse(session.id, "GSM_LOGOUT")
        else:
            session.authorised = True
            self._say(session.state())

    def _submitted(self, session: SimulatedSession, frame: SessionSend) -> None:
        known = session.remembered(frame.telid)
        if known is not None and self._settings.personality is Personality.REMEMBERS:
            self._say(known.status(session.id))
        elif not self._sim.logged_in:
            self._refuse(session.id, "GSM_LOGOUT")
        else:
            submission = SessionNumber(frame.telid, frame.recipient)
            session.remember(submission)
            self._module.transmit(partial(self._finished, session, submission))
            submission.waited = submission.verdict is None
            self._say(submission.status(session.id))

    def _finished(self, session: SimulatedSession, submission: SessionNumber) -> None:
        submission.verdict = self._transmit(session, submission)
        alive = self._sessions.get(session.id) is session
        if submission.waited and alive and self._settings.unsolicited:
            self._say(submission.status(session.id))

    def _refuse(self, session: int, reason: str) -> None:
        self._say(DeviceAnswer("ERROR", session, (reason,)))

    def _drop(self, id: int) -> None:
        session = self._sessions.pop(id, None)
        if session is not None:
            session.life.cancel()
