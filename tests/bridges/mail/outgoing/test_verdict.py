"""What the smarthost says to each recipient, and what follows for the message."""

import pytest

from goiptwist.bridges.mail.outgoing.verdict import SmarthostReply, judge
from goiptwist.bridges.mail.reading.printable import readable
from goiptwist.errors import Refused, TryLater
from goiptwist.model.delivery import Delivered

OK, BUSY, NOBODY = (
    SmarthostReply(250, "queued as 7"),
    SmarthostReply(450, "busy"),
    SmarthostReply(550, "nobody"),
)
LOG_IN = SmarthostReply(530, "authentication required")


@pytest.mark.parametrize(
    ("fates", "outcome"),
    [
        ({"a": OK}, Delivered("250 queued as 7")),
        ({"a": OK, "b": OK}, Delivered("250 queued as 7")),
        ({"a": OK, "b": NOBODY}, Delivered("250 queued as 7; refused for b: 550 nobody")),
        ({"a": NOBODY}, Refused("the smarthost refused it: a: 550 nobody")),
        ({"a": NOBODY, "b": NOBODY}, Refused("the smarthost refused it: a, b: 550 nobody")),
        ({"a": BUSY}, TryLater("the smarthost put it off: a: 450 busy")),
        ({"a": OK, "b": BUSY}, TryLater("the smarthost put it off: b: 450 busy")),
        ({"a": NOBODY, "b": BUSY}, TryLater("the smarthost put it off: b: 450 busy")),
        ({"a": LOG_IN}, TryLater("the smarthost put it off: a: 530 authentication required")),
    ],
)
def test_verdict(fates, outcome):
    """One yes is enough, but nobody is given up while he is only put off."""
    if isinstance(outcome, Delivered):
        assert judge(fates) == outcome
        return
    with pytest.raises(type(outcome)) as error:
        judge(fates)
    assert str(error.value) == str(outcome)


def test_an_answer_is_made_readable():
    """One line, no control characters, no echo of a secret, not endless."""
    assert readable(b"5.1.1 no\r\n\x1b[2J \xff user") == "5.1.1 no [2J \ufffd user"
    assert readable(b"wrong password 'right horse'", ("right horse",)) == "wrong password '***'"
    assert len(readable(b"x" * 10_000)) == 500
