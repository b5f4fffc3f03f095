"""
What fails in a session with a smarthost, as a sentence for a person.
"""

from __future__ import annotations

from OpenSSL import SSL
from service_identity import VerificationError
from twisted.mail import smtp

from goiptwist.bridges.mail.reading.printable import readable

#: The errors of the stock client, as sentences, and whether the code
#: and text in the exception are the smarthost's own. The first that fits.
_ERRORS: tuple[tuple[type[smtp.SMTPClientError], str, bool], ...] = (
    (smtp.AUTHDeclinedError, "did not accept the user name and password", True),
    (smtp.AUTHRequiredError, "offers no way to log in that we know", False),
    (smtp.AuthenticationError, "broke off the login", True),
    (smtp.TLSRequiredError, "does not offer STARTTLS, and the settings ask for it", False),
    (smtp.TLSError, "offered STARTTLS and then did not begin it", True),
    (smtp.EHLORequiredError, "does not speak ESMTP, which TLS and logging in need", False),
    (smtp.SMTPConnectError, "does not want to talk to us", True),
)


def describe_error(exc: smtp.SMTPClientError, secrets: tuple[str, ...]) -> str:
    """Say what stopped the stock client, without its record of the conversation."""
    for kind, sentence, own in _ERRORS:
        if isinstance(exc, kind):
            answer = f": {exc.code} {readable(exc.resp, secrets)}" if own and exc.code > 0 else ""
            return f"the smarthost {sentence}{answer}"
    return "the session with the smarthost failed"


def describe_lost_connection(error: BaseException | None, in_hand: bool) -> str:
    """Say what it means that the connection is gone."""
    if isinstance(error, VerificationError):
        return "the smarthost's certificate is for another name than ours for it"
    if isinstance(error, SSL.Error):
        details = ", ".join(str(part[-1]) for part in (error.args[0] if error.args else ()) if part)
        return f"TLS with the smarthost failed: {details or 'no reason given'}"
    if in_hand:
        return "the connection was lost before the smarthost answered"
    return "the smarthost hung up before it was given the mail"
