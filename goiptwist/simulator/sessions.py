"""What a device keeps of one bulk session."""

from __future__ import annotations

from attrs import define, field, frozen
from twisted.internet.interfaces import IDelayedCall

from goiptwist.goip.frames import DeviceAnswer

#: Seconds without traffic after which a session is dropped (seed, step 2).
SESSION_LIFE = 90.0
#: How many sessions there may be at once (seed, step 2). Whether a device
#: counts them by line is not said; each line is an endpoint of its own.
SESSIONS = 5
#: Of how many telids a session remembers the state (seed, step 5).
REMEMBERED = 10


@frozen
class AcceptedByNetwork:
    """The mobile network has the SMS. C{sms_no} may be C{None}: not numbered."""

    sms_no: int | None


@frozen
class RefusedByNetwork:
    """The SMS was not sent. C{code} is the C{errorstatus}, as of +CMS ERROR."""

    code: int


@define
class SessionNumber:
    """
    One number of a session.

    @ivar verdict: what became of it; C{None} while it waits or is sent.
    @ivar waited: whether the server was answered WAIT.
    """

    telid: int
    recipient: str
    verdict: AcceptedByNetwork | RefusedByNetwork | None = None
    waited: bool = False

    def status(self, session: int) -> DeviceAnswer:
        """The SubmitNumberStatus of the seed, step 6."""
        telid = str(self.telid)
        match self.verdict:
            case AcceptedByNetwork(None):
                return DeviceAnswer("OK", session, (telid,))
            case AcceptedByNetwork(sms_no):
                return DeviceAnswer("OK", session, (telid, str(sms_no)))
            case RefusedByNetwork(code):
                return DeviceAnswer("ERROR", session, (telid, f"errorstatus:{code}"))
        return DeviceAnswer("WAIT", session, (telid,))


@define
class SimulatedSession:
    """
    @ivar authorised: whether the password was right.
    @ivar life: ends the session when nobody speaks of it.
    """

    id: int
    text: str
    life: IDelayedCall
    authorised: bool = False
    _submissions: dict[int, SessionNumber] = field(factory=dict)

    def touch(self) -> None:
        """There was traffic."""
        self.life.reset(SESSION_LIFE)

    def remembered(self, telid: int) -> SessionNumber | None:
        """@return: what is known of a telid, if it is one of the last ten."""
        return self._submissions.get(telid)

    def remember(self, submission: SessionNumber) -> None:
        """Keep this one, and forget the oldest if there are too many."""
        self._submissions[submission.telid] = submission
        if len(self._submissions) > REMEMBERED:
            del self._submissions[next(iter(self._submissions))]

    def state(self) -> DeviceAnswer:
        """What a repeated MSG or PASSWORD is answered with."""
        return DeviceAnswer("SEND" if self.authorised else "PASSWORD", self.id)
