"""
Digest authentication (RFC 3261 section 22, RFC 7616, RFC 8760). Pure.
"""

from __future__ import annotations

import hashlib
from urllib.request import parse_http_list, parse_keqv_list

from attrs import field, frozen
from sipmessage import AuthCredentials, AuthParameters, Request, Response

from goiptwist.bridges.call.sip.messages import token

#: What we can do, the better first.
_HASHES = {"SHA-256": hashlib.sha256, "MD5": hashlib.md5}
#: Which header asks, and which answers.
HEADERS = {
    401: ("WWW-Authenticate", "Authorization"),
    407: ("Proxy-Authenticate", "Proxy-Authorization"),
}


@frozen
class SipAccount:
    """Who we say we are."""

    username: str
    password: str = field(repr=False)


def challenges(answer: Response) -> list[dict[str, str]]:
    """
    What is asked for. The library cannot read the list in C{qop="auth,auth-int"}
    (sipmessage 0.7.1); the standard library's reader of the same syntax can.
    """
    found = []
    for value in answer.headers.getlist(HEADERS[answer.code][0]):
        scheme, _, rest = value.partition(" ")
        if scheme.lower() == "digest":
            pairs = [part for part in parse_http_list(rest) if "=" in part]
            found.append({key.lower(): text for key, text in parse_keqv_list(pairs).items()})
    return found


def authorize(request: Request, answer: Response, account: SipAccount, cnonce: str = "") -> bool:
    """
    Put into a request what an answer asks for.

    @return: whether there is a challenge that we can meet.
    """
    usable = [c for c in challenges(answer) if c.get("algorithm", "MD5").upper() in _HASHES]
    if not usable:
        return False
    order = list(_HASHES)
    best = min(usable, key=lambda c: order.index(c.get("algorithm", "MD5").upper()))
    values = _response(request, best, account, cnonce or token())
    if values is None:
        return False
    credentials = AuthCredentials("Digest", AuthParameters(**values))
    # The library puts quotation marks around qop, which here must have none
    # (RFC 7616 section 3.4).
    written = str(credentials).replace('qop="auth"', "qop=auth")
    request.headers.set(HEADERS[answer.code][1], written)
    return True


def _response(
    request: Request, challenge: dict[str, str], account: SipAccount, cnonce: str
) -> dict[str, str] | None:
    algorithm = challenge.get("algorithm", "MD5")

    def digest(*parts: str) -> str:
        return _HASHES[algorithm.upper()](":".join(parts).encode()).hexdigest()

    realm, nonce, uri = challenge.get("realm", ""), challenge.get("nonce", ""), str(request.uri)
    secret = digest(account.username, realm, account.password)
    what = digest(request.method, uri)
    values = {"username": account.username, "realm": realm, "nonce": nonce, "uri": uri}
    offered = [word.strip() for word in challenge.get("qop", "").split(",") if word.strip()]
    if not offered:
        values["response"] = digest(secret, nonce, what)
    elif "auth" in offered:
        values |= {"qop": "auth", "nc": "00000001", "cnonce": cnonce}
        values["response"] = digest(secret, nonce, "00000001", cnonce, "auth", what)
    else:
        return None
    if "algorithm" in challenge:
        values["algorithm"] = algorithm
    if "opaque" in challenge:
        values["opaque"] = challenge["opaque"]
    return values
