"""One stream: whatever a server says, it ends in one way and with a sentence."""

from base64 import b64encode

import pytest
from twisted.internet.defer import ensureDeferred

from goiptwist.bridges.xmpp.connection.credentials import XmppCredentials
from goiptwist.bridges.xmpp.connection.failures import ConnectionFailure
from goiptwist.bridges.xmpp.connection.login import login_account, login_component
from goiptwist.bridges.xmpp.connection.stream import CLOSE_TIMEOUT, DEEPEST, LARGEST
from tests.bridges.xmpp.connection.wires import Standing

ACCESS = XmppCredentials(jid="bot@example.org", password="opensesame")
STARTTLS = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
SASL = "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"


def features(*offered):
    return f"<stream:features>{''.join(offered)}</stream:features>"


def mechanisms(*names):
    offered = "".join(f"<mechanism>{name}</mechanism>" for name in names)
    return f"<mechanisms {SASL}>{offered}</mechanisms>"


class Login:
    """A login under way, over TLS from the first byte on or not."""

    def __init__(self, monkeypatch, *, direct=True):
        # A string is no TLS connection.
        monkeypatch.setattr("goiptwist.bridges.xmpp.connection.tls.binding_of", lambda *_: None)
        monkeypatch.setattr(
            "goiptwist.bridges.xmpp.connection.tls.protection_text", lambda _: "TLS"
        )
        self.there = Standing()
        self.done = ensureDeferred(login_account(self.there.stream, ACCESS, None, direct=direct))
        self.troubles = []
        self.done.addErrback(lambda failure: self.troubles.append(failure.value))

    def offer(self, *offered):
        self.there.says(self.there.header + features(*offered))

    @property
    def trouble(self):
        assert self.troubles, "the login goes on"
        return self.troubles[0]


def test_no_login_without_tls(monkeypatch):
    """Somebody in between may take STARTTLS away; then the password stays here."""
    login = Login(monkeypatch, direct=False)
    login.offer(mechanisms("PLAIN"))
    assert "offers no STARTTLS" in str(login.trouble)
    assert login.trouble.slow
    assert "<auth" not in login.there.wire.said()


def test_nothing_said_in_clear_counts_within_tls(monkeypatch):
    """What stands behind the yes to STARTTLS was said by whoever is in between."""
    login = Login(monkeypatch, direct=False)
    login.offer(STARTTLS)
    login.there.wire.said()
    login.there.says(
        "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>" + features(mechanisms("PLAIN"))
    )
    assert login.there.wire.tls == 1
    assert "in front of a new beginning" in login.there.trouble
    assert "<auth" not in login.there.wire.said()


def test_plain(monkeypatch):
    """RFC 4616."""
    login = Login(monkeypatch)
    login.offer(mechanisms("PLAIN", "X-OAUTH2"))
    secret = b64encode(b"\0bot\0opensesame").decode()
    assert f"mechanism='PLAIN'>{secret}</auth>" in login.there.wire.said()
    login.there.says(f"<success {SASL}/>")
    login.offer()
    assert not login.troubles
    assert "with PLAIN" in login.done.result.found


def test_no_mechanism_in_common(monkeypatch):
    """The sentence says what there was."""
    login = Login(monkeypatch)
    login.offer(mechanisms("GSSAPI", "X-OAUTH2"))
    assert "offers no login that we know, but GSSAPI and X-OAUTH2" in str(login.trouble)


@pytest.mark.parametrize(
    "challenge",
    [
        "%%% this is not base64 %%%",
        "",
        "=",
        b64encode(b"\xff\xfe").decode(),
        b64encode(b"r=somebody else's,s=c2FsdA==,i=4096").decode(),
        b64encode(b"r=,s=,i=").decode(),
        b64encode(b"x" * 3000).decode(),
    ],
)
def test_a_hostile_challenge_ends_the_login(monkeypatch, challenge):
    """The stock login would wait for ever, and the bridge with it."""
    login = Login(monkeypatch)
    login.offer(mechanisms("SCRAM-SHA-256"))
    login.there.says(f"<challenge {SASL}>{challenge}</challenge>")
    assert "talks nonsense: it sen" in str(login.trouble)


@pytest.mark.parametrize("rounds", [1, 4095, 500_001, 10**12])
def test_rounds_of_hashing(monkeypatch, rounds):
    """So many would keep us counting for ever; so few would give the password away."""
    login = Login(monkeypatch)
    login.offer(mechanisms("SCRAM-SHA-1"))
    first = login.there.wire.said().rpartition("'SCRAM-SHA-1'>")[2].partition("<")[0]
    from base64 import b64decode

    nonce = b64decode(first).decode().partition("r=")[2]
    challenge = b64encode(f"r={nonce}x,s=c2FsdA==,i={rounds}".encode()).decode()
    login.there.says(f"<challenge {SASL}>{challenge}</challenge>")
    assert f"wants {rounds} rounds of hashing" in str(login.trouble)


def test_a_server_that_does_not_know_the_password(monkeypatch):
    """Its yes to a SCRAM login must prove that it does (RFC 5802 section 3)."""
    login = Login(monkeypatch)
    login.offer(mechanisms("SCRAM-SHA-256"))
    login.there.says(f"<success {SASL}/>")
    assert "does not know the password itself" in str(login.trouble)


def test_endless_challenges(monkeypatch):
    """A login has an end."""
    login = Login(monkeypatch)
    login.offer(mechanisms("PLAIN"))
    login.there.says(f"<challenge {SASL}/>")
    assert "asks for more than the password" in str(login.trouble)


def test_wrong_secret_of_a_component():
    """
    A server says no to a component by an error of the stream alone; the stock
    login would not tell anybody.
    """
    there = Standing(component=True)
    troubles = []
    done = ensureDeferred(
        login_component(there.stream, XmppCredentials(jid="sms.example.org", password="x"))
    )
    done.addErrback(lambda failure: troubles.append(failure.value))
    there.says(there.header)
    assert "<handshake>" in there.wire.said()
    there.says(
        "<stream:error><not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"
    )
    assert "refuses the login: the password or secret is wrong" in str(troubles[0])
    assert troubles[0].slow


@pytest.mark.parametrize(
    ("nonsense", "sentence"),
    [
        ("HTTP/1.1 400 Bad Request\r\n", "does not send XML"),
        ("<html><body/></html>", "does not speak XMPP on that port"),
        ("<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'b'>]><x/>", "sends a document type"),
        ("\x80\xff", "does not send XML"),
    ],
)
def test_nonsense_instead_of_a_header(nonsense, sentence):
    """Another service may listen on that port."""
    there = Standing()
    waiting = ensureDeferred(there.stream.begin())
    failed = []
    waiting.addErrback(failed.append)
    there.says(nonsense)
    assert sentence in str(failed[0].value)
    assert sentence in there.trouble


@pytest.mark.parametrize(
    ("nonsense", "sentence"),
    [
        ("<message><body></message>", "does not send XML"),
        ("<message><body>&nbsp;</body></message>", "does not send XML"),
        ("<message><body>\x01</body></message>", "does not send XML"),
        ("<message><body>" + "x" * LARGEST, "a stanza of more than"),
        ("<a>" * (LARGEST // 3 + 1), "a stanza of more than"),
        ("<a xmlns='urn:xmpp:sm:3'/>", "acknowledges without a number"),
        ("<a xmlns='urn:xmpp:sm:3' h='-1'/>", "acknowledges without a number"),
        ("<a xmlns='urn:xmpp:sm:3' h='7'/>", "acknowledges more than it was given"),
        ("</stream:stream>", "has closed the stream"),
        ("<stream:error/>", "is not content (undefined-condition)"),
        (
            "<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
            "is there a second gateway?",
        ),
    ],
)
def test_nonsense_later(nonsense, sentence):
    """Whatever comes, the connection ends, with the reason, and nothing is left ticking."""
    there = Standing().log_in()
    there.says(nonsense)
    assert sentence in there.trouble
    there.session.closed(there.lost[0])
    assert there.clock.getDelayedCalls() == []


def test_nonsense_that_is_none():
    """What we do not know is passed over."""
    there = Standing().log_in()
    there.says("<x/><message/><y xmlns='urn:xmpp:sm:3'/><iq/><iq type='result'/> \n <presence/>")
    assert [one.name for one in there.ear.stanzas] == ["message", "presence"]
    assert not there.trouble


def test_goodbye():
    """We wait for the far side's goodbye, and not for ever (RFC 6120 section 4.4)."""
    there = Standing().log_in()
    there.session.close()
    assert there.wire.said().endswith("</stream:stream>")
    assert not there.trouble
    there.says("</stream:stream>")
    assert there.trouble
    silent = Standing().log_in()
    silent.session.close()
    silent.clock.advance(CLOSE_TIMEOUT)
    assert silent.trouble


def test_a_trouble_is_a_sentence():
    """C{str} of it goes to the log and to /healthz as it is."""
    assert str(ConnectionFailure("it rains", slow=False)) == "it rains"


def test_what_lies_too_deep():
    """
    Elements in one another, thousands of them: the stanza is taken without what
    lies too deep, as whatever answers or logs it would walk down there.
    """
    there = Standing().log_in()
    heard = []
    there.stream.listen(heard.append)
    there.says("<iq id='1' type='get'>" + "<a>" * 3000 + "x" + "</a>" * 3000 + "</iq><presence/>")
    deepest, depth = heard[0], 1
    while (inner := deepest.firstChildElement()) is not None:
        deepest, depth = inner, depth + 1
    assert depth == DEEPEST - 1
    assert str(deepest) == ""
    assert [element.name for element in heard] == ["iq", "presence"]
