"""Who a user is, and what it may do."""

from __future__ import annotations

import pytest

from goiptwist.accounts.secrets import Secret
from goiptwist.accounts.users import User, shared_addresses
from goiptwist.config.values import Network

CLEAR = User(name="clear", token=Secret.of("clear-token"), password=Secret.of("clear-word"))
BARE = User(name="bare")


def test_what_a_user_may() -> None:
    """Scopes are what is written; admin includes the others; nothing by accident."""
    assert [BARE.allowed(scope) for scope in ("send", "read", "admin")] == [True, True, False]
    admin = User(name="a", may=("admin",))
    assert all(admin.allowed(scope) for scope in ("send", "read", "admin"))
    assert not User(name="n", may=()).allowed("read")


def test_an_unknown_scope_is_named() -> None:
    """A slip such as 'sned' must stop the start, not the first message."""
    with pytest.raises(ValueError, match="'sned' is none of send, read, admin"):
        User(name="a", may=("sned",))
    with pytest.raises(ValueError, match="printable"):
        User(name="a\nb")


def test_addresses_of_mails() -> None:
    """An address or a whole domain; a slip is named, and not taken for a domain of its own."""
    User(name="a", mail=("ops@example.org", "@Sub.example.org"))
    for wrong in ("", "ops", "example.org", "@", "a@b", "Ops <ops@example.org>", "a@b.c\r\n"):
        with pytest.raises(ValueError, match=r"mail: .* neither an address") as error:
            User(name="a", mail=(wrong,))
        assert repr(wrong) in str(error.value)


def test_a_repr_shows_no_secret() -> None:
    assert "clear-" not in repr(CLEAR)


@pytest.mark.parametrize(
    ("networks", "host", "may"),
    [
        ((), "anything", True),
        (("192.0.2.0/24",), "192.0.2.9", True),
        (("192.0.2.0/24",), "::ffff:192.0.2.9", True),
        (("192.0.2.0/24", "2001:db8::/32"), "2001:db8::1", True),
        (("192.0.2.0/24",), "192.0.3.9", False),
        (("192.0.2.0/24",), "2001:db8::1", False),
        (("192.0.2.0/24",), "", False),
        (("192.0.2.0/24",), "localhost", False),
    ],
)
def test_where_a_user_may_come_from(networks: tuple[str, ...], host: str, may: bool) -> None:
    """Without networks from anywhere; with them, only what is known to lie in one."""
    held = tuple(Network.from_setting(network) for network in networks)
    assert User(name="a", networks=held).may_come_from(host) is may


def test_an_address_of_two() -> None:
    """Nobody could say on whose account its mails are sent."""
    users = [
        User(name="ann", mail=("Ann@example.org", "@example.org")),
        User(name="bob", mail=("ann@EXAMPLE.org", "bob@example.org")),
    ]
    assert shared_addresses(users) == [
        "mail: ann@example.org is of 'ann' and 'bob'; its mails can be of one only"
    ]
    assert shared_addresses(users[:1]) == []
