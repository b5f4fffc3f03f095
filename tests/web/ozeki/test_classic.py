"""The classic language: what old programs send, and what they look for in the answer."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

import pytest

from goiptwist.errors import Busy, Forbidden, StoreUnavailable
from goiptwist.model.messages import Submission
from goiptwist.model.subscriptions import Subscription
from goiptwist.web.ozeki.message import MAX_MESSAGES
from tests.conftest import FailureLog
from tests.web.ozeki.client import LOGIN, TEXT, Asking, arrived

#: The answer in the log of the seed, byte for byte.
SEED = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n'
    b'<!DOCTYPE smsapi PUBLIC "-//OZEKI//DTD XML 1.0//EN" "http://www.ozekisms.com/DTD/smsapi.xml">\n'
    b"<response>\n"
    b"   <action>sendmessage</action>\n"
    b"   <data>\n"
    b"\t\t<acceptreport>\n"
    b"\t\t\t<statuscode>0</statuscode>\n"
    b"\t\t\t<statusmessage>Message accepted for delivery</statusmessage>\n"
    b"\t\t\t<messageid>m0</messageid>\n"
    b"\t\t\t<recipient>06201234567</recipient>\n"
    b"\t\t\t<messagetype>SMS:TEXT</messagetype>\n"
    b"\t\t\t<messagedata>1113,18,1,123,03,003</messagedata>\n"
    b"\t\t</acceptreport>\n"
    b"   </data>\n"
    b"</response>\n"
)


@pytest.fixture
def asking() -> Asking:
    return Asking()


def test_the_seed(asking: Asking) -> None:
    """The URL of Ozeki's page gets the answer of Ozeki's log, but for the id."""
    reply = asking.get(
        "action=sendmessage&username=httptest&password=abc123"
        "&recipient=06201234567&messagedata=1113,18,1,123,03,003"
    )
    assert (reply.status, reply.body) == (200, SEED)
    assert reply.headers["Content-Type"] == "application/xml"
    assert "Server" not in reply.headers
    assert asking.gateway.messages.submissions == [
        Submission(origin="user:httptest", recipients=("06201234567",), text="1113,18,1,123,03,003")
    ]


@pytest.mark.parametrize(
    "way",
    [
        lambda a, p: a.get(p),
        lambda a, p: a.post(p),
        lambda a, p: a.post(b"", "?" + urlencode(p)),
        lambda a, p: a.post({"messagedata": p.pop("messagedata")}, "?" + urlencode(p)),
        lambda a, p: a.get({name.upper(): value for name, value in p.items()}),
        lambda a, p: a.get({name.title(): value for name, value in p.items()}),
        lambda a, p: a.post(urlencode(p).encode() + b"\r\n"),
        lambda a, p: a.ask("POST", "/api", urlencode(p).encode()),
        lambda a, p: a.ask("GET", "/api/?" + urlencode(p)),
        lambda a, p: a.get({**p, "action": "SendMessage"}),
        lambda a, p: a.post(p, "?" + urlencode(p)),
    ],
    ids=[
        *("query", "form", "query of a POST", "both", "capitals", "title case", "end of line"),
        *("no content type", "slash", "action in capitals", "the same in both"),
    ],
)
def test_every_way_to_ask(asking: Asking, way: Any) -> None:
    """Old programs do it in all these ways, and each sends one SMS."""
    assert way(asking, {"action": "sendmessage", **LOGIN, **TEXT}).body == SEED
    assert asking.texts == [("06201234567", "1113,18,1,123,03,003")]


@pytest.mark.parametrize(
    ("typed", "recipients"),
    [
        ("+36201234567", ["+36201234567"]),
        (" 36201234567", ["+36201234567"]),
        (" 36 20 123-4567", ["+36 20 123-4567"]),
        ("06201234567", ["06201234567"]),
        ("06201,06202", ["06201", "06202"]),
        ("06201;06202,06203", ["06201", "06202", "06203"]),
        ("06201, 06202 ;", ["06201", "06202"]),
        (" 36201234567, 36207654321", ["+36201234567", "+36207654321"]),
        ("06201234567, 1749", ["06201234567", "1749"]),
        (",,06201,,", ["06201"]),
    ],
)
def test_recipients(asking: Asking, typed: str, recipients: list[str]) -> None:
    """
    Lists with comma or semicolon; and a plus sign that nobody encoded arrives
    as a blank. Each recipient has a report and an id of its own.
    """
    reply = asking.send(recipient=typed)
    assert [who for who, _ in asking.texts] == recipients
    reports = reply.xml.findall("data/acceptreport")
    assert [report.findtext("recipient") for report in reports] == recipients
    assert [report.findtext("messageid") for report in reports] == [
        f"m{n}" for n in range(len(recipients))
    ]


def test_a_raw_plus(asking: Asking) -> None:
    """As it comes over the wire."""
    query = urlencode({"action": "sendmessage", **LOGIN, "messagedata": "a b"})
    asking.get(f"{query}&recipient=+36201234567&recipient=06201")
    assert [who for who, _ in asking.texts] == ["+36201234567", "06201"]


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("messagedata=a+b%20c", "a b c"),
        ("messagedata=" + quote("árvíztűrő 😀"), "árvíztűrő 😀"),
        ("messagedata=%E1rv%EDzt%FBr%F5&_charset_=iso-8859-2", "árvíztűrő"),
        ("messagedata=%80&_charset_=Windows-1252", "€"),
        ("messagedata=a%0D%0Ab%0Dc", "a\nb\nc"),
        ("messagedata=a=b%26c", "a=b&c"),
    ],
)
def test_texts(asking: Asking, raw: str, text: str) -> None:
    """Percent-encoded UTF-8, unless it is said otherwise."""
    query = urlencode({"action": "sendmessage", **LOGIN, "recipient": "06201"})
    assert asking.get(f"{query}&{raw}").codes == ["0"]
    assert asking.texts == [("06201", text)]


def test_a_query_that_nobody_encoded(asking: Asking) -> None:
    """Not allowed in a URL, and sent all the same."""
    query = urlencode({"action": "sendmessage", **LOGIN, "recipient": "06201"})
    end = "&messagedata=Jó reggelt HTTP/1.1 HTTP/1.1\r\nHost: x\r\n\r\n"
    assert b"accepted for delivery" in asking.raw(f"GET /api?{query}{end}".encode())
    assert asking.texts == [("06201", "Jó reggelt HTTP/1.1")]


def test_other_paths_are_not_mended(asking: Asking) -> None:
    """Whoever writes a client today can do it right."""
    said = asking.raw(b"GET /api/v1/messages?after=a b HTTP/1.1\r\nHost: x\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 400 ")


def test_urlencoded(asking: Asking) -> None:
    """What the C# client reads; of several messages each has the same keys again."""
    reply = asking.send(responseformat="UrlEncoded", recipient="06201,06202", messagedata="a&b=ő\n")
    assert reply.pairs == [
        ("action", "sendmessage"),
        ("acceptreport.statuscode", "0"),
        ("acceptreport.statusmessage", "Message accepted for delivery"),
        ("acceptreport.messageid", "m0"),
        ("acceptreport.recipient", "06201"),
        ("acceptreport.messagetype", "SMS:TEXT"),
        ("acceptreport.messagedata", "a&b=ő\n"),
        ("acceptreport.statuscode", "0"),
        ("acceptreport.statusmessage", "Message accepted for delivery"),
        ("acceptreport.messageid", "m1"),
        ("acceptreport.recipient", "06202"),
        ("acceptreport.messagetype", "SMS:TEXT"),
        ("acceptreport.messagedata", "a&b=ő\n"),
    ]


def test_html(asking: Asking) -> None:
    """One block for each recipient, and then a link."""
    reply = asking.send(
        responseformat="html", recipient="06201,06202", continueurl="http://x/?a=1&b=2"
    )
    assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
    page = reply.body.decode()
    assert page.count("Status code: 0<br>\nStatus message: Message accepted for delivery<br>") == 2
    assert "Message ID: m1<br>\nRecipient: 06202<br>" in page
    assert '<a href="http://x/?a=1&amp;b=2">Continue</a>' in page


@pytest.mark.parametrize("style", ["xml", "html", "urlencoded"])
def test_hostile_text_stays_text(asking: Asking, style: str) -> None:
    """Markup of a stranger is nobody's markup, and what XML cannot hold is not in it."""
    hostile = "</data><script>alert('1')</script>&\"]]>\ufffe\x01\r\x7f"
    reply = asking.send(responseformat=style, messagedata=hostile, recipient="<b>&'\"")
    assert b"<script>" not in reply.body
    assert b"<b>" not in reply.body
    assert b"\x01" not in reply.body
    if style == "xml":
        assert reply.xml.findtext("data/acceptreport/messagedata") == hostile.replace(
            "\ufffe", "\ufffd"
        ).replace("\x01", "\ufffd")
        assert reply.xml.findtext("data/acceptreport/recipient") == "<b>&'\""
        assert reply.codes == ["302"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"recipient": "12"}, "is no telephone number"),
        ({"messagedata": "x" * 3001}, "a device takes 3000"),
        ({"messagedata": "a\x00b"}, "U+0000"),
        ({"messagedata": ""}, "messagedata is missing"),
        ({"messagetype": "SMS:WAPPUSH"}, "messagetype must be SMS:TEXT"),
        ({"serviceprovider": "nowhere"}, "there is no line and no pool 'nowhere'"),
        ({"recipient": "1" * 65}, "longer than 64"),
    ],
)
def test_one_bad_message_is_a_report(asking: Asking, more: dict[str, str], said: str) -> None:
    """The others are not to suffer; the code is that of a wrong parameter."""
    reply = asking.send(**more)
    assert (reply.status, reply.codes) == (200, ["302"])
    assert said in (reply.xml.findtext("data/acceptreport/statusmessage") or "")
    assert reply.xml.findtext("data/acceptreport/messageid") == ""
    assert asking.gateway.archive.kept == []


def test_a_bad_one_among_good_ones(asking: Asking) -> None:
    """In their order, each with its own word."""
    assert asking.send(recipient="06201,x,06202").codes == ["0", "302", "0"]
    assert [who for who, _ in asking.texts] == ["06201", "06202"]


@pytest.mark.parametrize(
    ("provider", "line", "pool"), [("goip2", "goip2", ""), ("alarms", "", "alarms"), ("", "", "")]
)
def test_a_route(asking: Asking, provider: str, line: str, pool: str) -> None:
    """A service provider of Ozeki's is a line or a pool of ours, whichever has that name."""
    asking.send(serviceprovider=provider)
    [submission] = asking.gateway.messages.submissions
    assert (submission.line, submission.pool) == (line, pool)


def test_the_client_s_own_id(asking: Asking) -> None:
    """A repeat must not send again, so each message of a request has a name of its own."""
    asking.send(messageid="a", recipient="06201")
    asking.send(messageid="b", recipient="06201,06202")
    assert [s.client_id for s in asking.gateway.messages.submissions] == ["a", "b/1", "b/2"]


def test_a_report_url(asking: Asking) -> None:
    """It is kept with each message, for whoever tells what became of it."""
    asking.send(reporturl="http://x.example/?id=$messageid", recipient="06201,06202")
    contexts = [s.context for s in asking.gateway.messages.submissions]
    assert contexts == ['{"kind": "reporturl", "url": "http://x.example/?id=$messageid"}'] * 2


def test_who_calls_it() -> None:
    """A webhook bridge that may; without one the SMS goes all the same."""
    for name, told in (("hook", [Subscription("bridge:hook")]), ("", [])):
        asking = Asking(reports_by=name)
        assert asking.send(reporturl="http://x.example/?id=$messageid").codes == ["0"]
        assert [list(s.subscriptions) for s in asking.gateway.messages.submissions] == [told]


def test_nobody_is_told_unasked() -> None:
    """Without a report URL there is nothing to call."""
    asking = Asking(reports_by="hook")
    asking.send()
    assert [s.subscriptions for s in asking.gateway.messages.submissions] == [()]


def test_forbidden(asking: Asking) -> None:
    """Limits of the user: the message is refused, not the login."""
    asking.gateway.archive.fault = Forbidden("you may not write to 06201")
    assert asking.send().error == ("306", "you may not write to 06201")


def test_a_batch(asking: Asking) -> None:
    """Numbered parameters; what all share needs no number."""
    reply = asking.post(
        {
            "action": "sendmessage",
            **LOGIN,
            "messagecount": "3",
            "messagetype": "SMS:TEXT",
            "messageid": "x",
            "recipient0": "06200",
            "messagedata0": "null",
            "recipient1": " 36201234567",
            "messagedata1": "eins",
            "messagetype1": "SMS:TEXT",
            "recipient2": "06202,06203",
            "messagedata2": "zwei",
            "messageid2": "y",
        }
    )
    assert reply.codes == ["0"] * 4
    assert [
        (s.recipients[0], s.text, s.client_id) for s in asking.gateway.messages.submissions
    ] == [
        ("06200", "null", "x/0"),
        ("+36201234567", "eins", "x/1"),
        ("06202", "zwei", "y/1"),
        ("06203", "zwei", "y/2"),
    ]


def test_a_batch_with_holes(asking: Asking) -> None:
    """What is missing is said where it is missing."""
    given = {"action": "sendmessage", **LOGIN, "messagecount": "3", "messagedata": "all"}
    reply = asking.post({**given, "recipient0": "06200", "recipient2": "06202"})
    assert reply.codes == ["0", "302", "0"]
    words = [e.text for e in reply.xml.iterfind("data/acceptreport/statusmessage")]
    assert words[1] == "recipient1 is missing"


def test_a_batch_that_is_not_counted(asking: Asking) -> None:
    """Up to the first number that is not there."""
    given = {"action": "sendmessage", **LOGIN, "messagedata": "all"}
    more = {f"recipient{n}": f"0620{n}" for n in (0, 1, 3)}
    assert asking.post({**given, **more}).codes == ["0", "0"]


def test_the_largest_batch(asking: Asking) -> None:
    """20,000 are taken, and not one more; a long answer is as short as that of NG."""
    given = {"action": "sendmessage", **LOGIN, "messagedata": "x", "messagecount": "20000"}
    given.update({f"recipient{n}": f"0620{n:05}" for n in range(MAX_MESSAGES)})
    reply = asking.post(given)
    assert reply.codes == ["0"] * MAX_MESSAGES
    assert reply.xml.find("data/acceptreport/messagedata") is None
    refused = asking.post({**given, "messagecount": "20001"})
    assert refused.error == ("302", "messagecount must be a number from 1 to 20000")
    many = asking.post({**given, "recipient0": "1749,1750"})
    assert many.error == ("302", "there are more than 20000 messages")
    assert len(asking.texts) == MAX_MESSAGES


def test_fewer_reports(asking: Asking) -> None:
    """All are sent, however few are answered for."""
    reply = asking.send(recipient="06201,06202,06203", maxresponse="2")
    assert (reply.codes, len(asking.texts)) == (["0", "0"], 3)


def test_redirect(asking: Asking) -> None:
    """The browser that sent the form goes where it is told, with what became of it."""
    reply = asking.send(
        redirecturl="https://x.example/done?id=$messageid&to=$recipient&s=$statuscode"
    )
    assert reply.status == 302
    assert reply.headers["Location"] == "https://x.example/done?id=m0&to=06201234567&s=0"


@pytest.mark.parametrize(
    ("more", "number", "said"),
    [
        ({"action": ""}, "301", "action must be one of sendmessage, receivemessage"),
        ({"action": "getcredits"}, "301", "action must be one of sendmessage, receivemessage"),
        ({"recipient": None}, "302", "recipient is missing"),
        ({"recipient": " , "}, "302", "recipient is empty"),
        ({"messagedata": None}, "302", "messagedata is missing"),
        ({"responseformat": "yaml"}, "302", "responseformat must be xml, html or urlencoded"),
        ({"maxresponse": "many"}, "302", "maxresponse must be a number from 0 to 20000"),
        ({"recipient": None, "messagecount": "-1"}, "302", "messagecount must be a number"),
        ({"recipient": None, "messagecount": "9" * 5000}, "302", "messagecount must be a number"),
        ({"recipient": None, "messagecount": "²"}, "302", "messagecount must be a number"),
        ({"reporturl": "ftp://x/"}, "302", "reporturl must be a URL"),
        ({"reporturl": "javascript:x"}, "302", "reporturl must be a URL"),
        ({"redirecturl": "//x/"}, "302", "redirecturl must be a URL"),
        ({"continueurl": "javascript:alert(1)"}, "302", "continueurl must be a URL"),
        ({"continueurl": "java\nscript:alert(1)"}, "302", "continueurl must be a URL"),
        ({"_charset_": "rot13"}, "302", "_charset_ is not known"),
        ({"_charset_": "iso-8859-99"}, "302", "is not iso-8859-99"),
        ({"_charset_": "us-ascii", "messagedata": "ő"}, "302", "messagedata is not us-ascii"),
        ({"username": None}, "304", "username and password are needed"),
        ({"username": ""}, "304", "username and password are needed"),
        ({"password": None}, "305", "no user has this name and password"),
        ({"password": "abc124"}, "305", "no user has this name and password"),
        ({"username": "nobody"}, "305", "no user has this name and password"),
        ({"username": "tokens", "password": "a-token"}, "305", "no user has this"),
        ({"username": "reader", "password": "only looks"}, "306", "a user who may send"),
        (
            {"action": "receivemessage", "username": "sender", "password": "only sends"},
            *("306", "a user who may read"),
        ),
        ({"action": "receivemessage", "folder": "spam"}, "302", "folder must be one of inbox"),
        ({"action": "receivemessage", "limit": "0"}, "302", "limit must be a number"),
        ({"action": "receivemessage", "afterdownload": "burn"}, "302", "delete, mark or leave"),
    ],
)
def test_what_is_refused(
    asking: Asking, more: dict[str, str | None], number: str, said: str
) -> None:
    """Number and sentence, and HTTP is content; in the strict mode it is not."""
    given = {"action": "sendmessage", **LOGIN, **TEXT, **more}
    query = {name: value for name, value in given.items() if value is not None}
    reply = asking.get(query)
    assert reply.status == 200
    assert reply.error[0] == number
    assert said in reply.error[1]
    assert asking.gateway.messages.submissions == []
    strict = Asking(strict=True).get(query)
    statuses = {"301": 400, "302": 400, "304": 401, "305": 401, "306": 403}
    assert (strict.status, strict.body) == (statuses[number], reply.body)


@pytest.mark.parametrize("style", ["html", "urlencoded"])
def test_refused_in_its_own_format(asking: Asking, style: str) -> None:
    """The C# client looks for action=error."""
    reply = asking.send(responseformat=style, password="wrong")
    if style == "urlencoded":
        assert reply.pairs == [
            ("action", "error"),
            ("errorcode", "305"),
            ("errormessage", "no user has this name and password"),
        ]
    else:
        assert b"Error code: 305<br>" in reply.body


@pytest.mark.parametrize(
    ("fault", "number", "wait"),
    [(Busy("too much waits", after=2.0), "429", "2"), (StoreUnavailable("disk full"), "503", "5")],
)
def test_not_now(fault: Exception, number: str, wait: str) -> None:
    """Nothing was kept, and the client is told when to come again."""
    for strict in (False, True):
        asking = Asking(strict=strict)
        asking.gateway.archive.fault = fault
        reply = asking.send()
        assert reply.status == (int(number) if strict else 200)
        assert (reply.error, reply.headers["Retry-After"]) == ((number, str(fault)), wait)


def test_a_bug_is_logged_without_the_password(asking: Asking, logged_failures: FailureLog) -> None:
    """The client is told no more than that; the query is in no traceback."""
    asking.gateway.archive.fault = KeyError("a bug")
    reply = asking.send()
    assert (reply.status, reply.error[0]) == (500, "500")
    said = "".join(
        str(event) + event["log_failure"].getTraceback() for event in logged_failures.flush()
    )
    assert "a bug" in said
    assert "abc123" not in said


def test_guessing_is_slowed(asking: Asking) -> None:
    """After ten wrong passwords from one address the right one has to wait; elsewhere not."""
    for n in range(10):
        assert asking.send(password=str(n)).error[0] == "305"
    slowed = asking.send(password="abc123")
    assert slowed.error == (
        "429",
        "too many wrong tokens or passwords from your address, or for this user",
    )
    assert slowed.headers["Retry-After"] == "60"
    given = {"action": "sendmessage", **LOGIN, **TEXT}
    assert asking.get(given, host="192.0.2.9").codes == ["0"]
    asking.clock.advance(60)
    assert asking.send().codes == ["0"]


def test_from_another_network() -> None:
    """The right password from the wrong place is no wrong password, and the sentence says so."""
    given = {"action": "sendmessage", **LOGIN, **TEXT, "username": "near"}
    assert Asking().get(given, host="192.0.2.9").codes == ["0"]
    for strict, status in ((False, 200), (True, 403)):
        reply = Asking(strict=strict).get(given, host="198.51.100.9")
        assert reply.status == status
        assert reply.error == ("307", "user near may not come from 198.51.100.9")


def test_strict_where_nothing_was_accepted() -> None:
    """One yes among many is a yes; none at all is a no."""
    asking = Asking(strict=True)
    assert asking.send(recipient="06201,x").status == 200
    assert asking.send(recipient="x").status == 400


def test_other_methods(asking: Asking) -> None:
    """HEAD must not send an SMS."""
    query = urlencode({"action": "sendmessage", **LOGIN, **TEXT})
    for method in ("PUT", "DELETE"):
        assert asking.ask(method, f"/api?{query}").status == 405
    assert asking.raw(f"HEAD /api?{query} HTTP/1.1\r\nHost: x\r\n\r\n".encode()).startswith(
        b"HTTP/1.1 405 "
    )
    assert asking.gateway.messages.submissions == []


def test_a_body_that_is_no_form(asking: Asking) -> None:
    """It is not read as what it does not claim to be."""
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    reply = asking.ask("POST", "/api?action=sendmessage", b"--x--", kind)
    assert reply.error == ("302", "the body must be application/x-www-form-urlencoded")


def test_recipients_by_the_million(asking: Asking) -> None:
    """A few bytes each, and twenty thousand lists of twenty thousand."""
    many = "1," * 30_000
    given = {"action": "sendmessage", **LOGIN, "messagedata": "x"}
    refused = ("302", "there are more than 20000 messages")
    assert asking.post({**given, "recipient": many}).error == refused
    assert (
        asking.post({**given, "recipient0": many[:30_000], "recipient1": many[:30_000]}).error
        == refused
    )
    assert asking.post({**given, "messagecount": "20000", "recipient": "06201"}).codes == ["0"]


def test_a_text_of_megabytes_for_thousands(asking: Asking) -> None:
    """It is looked at once for each, and comes back with none."""
    given = {"action": "sendmessage", **LOGIN, "messagedata": "x" * 900_000}
    reply = asking.post({**given, "recipient": "06201," * 15_000})
    assert set(reply.codes) == {"302"}
    assert len(reply.body) < 5_000_000


def test_a_large_answer_waits_for_room(asking: Asking) -> None:
    """But what is to be sent is sent."""
    asking.site.room.most = 0
    assert asking.receive().error[0] == "503"
    assert asking.send().codes == ["0"]


def test_too_many_parameters(asking: Asking) -> None:
    """A few bytes each, and a list of millions."""
    assert "parameters" in asking.post(urlencode(LOGIN).encode() + b"&" * 130_000).error[1]


def test_the_own_interface_is_still_there(asking: Asking) -> None:
    """Behind every other path."""
    assert asking.ask("GET", "/healthz").json["status"] == "ok"
    assert asking.ask("GET", "/api/v1/lines").status == 401


def test_receive(asking: Asking) -> None:
    """As on Ozeki's page, with its own DOCTYPE; the recipient is the line."""
    asking.gateway.archive.kept = [arrived(0, "first"), arrived(1, "second <&>")]
    reply = asking.receive(folder="inbox", limit="2", afterdownload="delete")
    assert (
        b'<!DOCTYPE response PUBLIC "-//OZEKI//DTD XML 1.0//EN" '
        b'"http://www.ozekisms.com/DTD/response.xml">'
    ) in reply.body
    assert reply.xml.findtext("action") == "receivemessage"
    [first, second] = reply.xml.findall("data/message")
    assert [(each.tag, each.text) for each in first] == [
        ("messageid", "in0"),
        ("originator", "+36301234567"),
        ("recipient", "goip1"),
        ("messagetype", "SMS:TEXT"),
        ("messagedata", "first"),
        ("senttime", "2024-02-29 12:00:00"),
        ("receivedtime", "2024-02-29 12:00:00"),
    ]
    assert second.findtext("messagedata") == "second <&>"
    assert asking.receive().xml.findall("data/message") == []


@pytest.mark.parametrize(
    ("word", "marks"),
    [
        ("delete", [("user:httptest", "deleted", "in0")]),
        ("mark", [("user:httptest", "downloaded", "in0")]),
        ("leave", []),
        ("untouch", []),
        ("", []),
    ],
)
def test_after_the_download(asking: Asking, word: str, marks: list[Any]) -> None:
    """Who says nothing loses nothing."""
    asking.gateway.archive.kept = [arrived(0), arrived(1)]
    asking.receive(limit="1", afterdownload=word)
    assert asking.gateway.folders.flags == marks


@pytest.mark.parametrize("style", ["html", "urlencoded"])
def test_receive_in_other_formats(asking: Asking, style: str) -> None:
    """The same fields."""
    asking.gateway.archive.kept = [arrived(0)]
    reply = asking.receive(responseformat=style)
    if style == "urlencoded":
        assert ("message.messagedata", "Door open") in reply.pairs
    else:
        assert b"originator: +36301234567<br>" in reply.body


def test_what_was_sent(asking: Asking) -> None:
    """The id that was given back leads to the state: by the folder that it lies in."""
    asking.send()
    [message] = asking.receive(folder="outbox").xml.findall("data/message")
    assert message.findtext("messageid") == "m0"
    assert message.findtext("recipient") == "06201234567"
    assert asking.receive(folder="sent").xml.findall("data/message") == []
