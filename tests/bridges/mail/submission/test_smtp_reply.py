"""One answer out of many."""

from goiptwist.bridges.mail.submission.smtp_reply import SmtpReply, in_one, reply_to
from goiptwist.errors import Busy, Forbidden, OverQuota, StoreUnavailable

YES = SmtpReply(250, "2.0.0", "Queued")
NO = SmtpReply(550, "5.7.1", "Not allowed")
LATER = SmtpReply(452, "4.2.2", "Quota is used up")


def test_one_answer():
    """Yes is said only if all were taken, later if it may help, and who has it is named."""
    for fates, codes, text in [
        ({"a": YES, "b": YES}, "250 2.0.0", "Queued"),
        ({"a": YES, "b": SmtpReply(250, "2.0.0", "Queued too")}, "250 2.0.0", "Queued"),
        ({"a": NO, "b": NO}, "550 5.7.1", "Not allowed"),
        ({"a": YES, "b": NO}, "550 5.7.1", "NOT taken for b: Not allowed; taken for a"),
        ({"a": YES, "b": LATER}, "452 4.2.2", "NOT taken for b: Quota is used up; taken for a"),
        (
            {"a": NO, "b": LATER},
            "452 4.2.2",
            "NOT taken for a: Not allowed; NOT taken for b: Quota is used up",
        ),
    ]:
        reply = in_one(fates)
        assert (reply.codes, reply.text) == (codes, text), f"{fates}"


def test_many_are_counted():
    """A hundred addresses do not fit into an answer."""
    fates = {f"{n}": NO for n in range(7)} | {"x": YES}
    assert in_one(fates).text == (
        "NOT taken for 0, 1, 2, 3, 4 and 2 more: Not allowed; taken for x"
    )


def test_errors():
    """What may never go is told apart from what may go later."""
    for error, codes in [
        (Forbidden("no"), "550 5.7.1"),
        (OverQuota("enough", after=60), "452 4.7.1"),
        (Busy("full", after=60), "451 4.3.2"),
        (StoreUnavailable("disk"), "451 4.3.0"),
    ]:
        reply = reply_to(error)
        assert (reply.codes, reply.text) == (codes, str(error))
    assert reply_to(ValueError("a bug")) is None
