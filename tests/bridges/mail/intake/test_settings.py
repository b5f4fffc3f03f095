"""[mail]: all that is wrong is said at once, each in a sentence."""

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from goiptwist.bridges.mail.intake.settings import MailIntakeSettings
from goiptwist.config import loader
from goiptwist.config.values import HostPort, Network
from tests.bridges.mail.outgoing.smarthosts import Authority


def read(table):
    """@return: the settings, and the problems."""
    problems = loader.Problems("goip.toml")
    return loader.section(MailIntakeSettings, table, "[mail]", problems), problems.found


@pytest.fixture
def pem(tmp_path):
    """A file with a certificate and its key."""
    Authority(tmp_path).server("localhost")
    return str(tmp_path / "Test CA localhost.key")


def test_nothing_is_open_by_default():
    """Whoever wants mail in says so; and nobody is trusted for being near."""
    settings, problems = read({})
    assert problems == []
    assert (settings.listen, settings.listen_tls, settings.lmtp) == ((), (), ())
    assert (settings.trusted, settings.clear_login) == ((), False)


def test_all_keys(pem):
    """As an operator writes them."""
    settings, problems = read(
        {
            "listen": ["0.0.0.0:25", "[::]:25"],
            "listen_tls": ["0.0.0.0:465"],
            "lmtp": ["127.0.0.1:24"],
            "domain": "sms.example.org",
            "certificate": pem,
            "private_key": pem,
            "trusted": ["192.0.2.0/24", "2001:db8::/32"],
            "clear_login": True,
            "max_size": 100000,
            "recipients": 10,
            "connections": 50,
            "connections_per_peer": 5,
            "timeout": 60,
        }
    )
    assert problems == []
    assert settings.listen == (HostPort("0.0.0.0", 25), HostPort("::", 25))
    assert settings.trusted[0] == Network.from_setting("192.0.2.0/24")


def test_everything_wrong_at_once():
    """One line each, with the key and what was meant."""
    _, problems = read(
        {
            "listen": ["25"],
            "listen_tls": ["127.0.0.1:465"],
            "domain": "not a name",
            "private_key": "/there/is/none",
            "trusted": ["everybody"],
            "max_size": 10,
            "recipients": 0,
            "timeout": 0.5,
            "sizes": 1,
        }
    )
    assert sorted(line.removeprefix("goip.toml [mail]: ") for line in problems) == [
        "domain must be a host name, such as sms.example.org, or empty",
        "listen must be host:port, such as 127.0.0.1:8080",
        "listen_tls needs a certificate; set certificate and private_key",
        "max_size must be 1024 to 67108864",
        "private_key needs its certificate",
        "recipients must be 1 to 1000",
        "timeout must be 1 to 3600",
        "trusted must be an address or a network, such as 192.0.2.7 or 192.0.2.0/24",
        "unknown key 'sizes'; did you mean 'max_size'?",
    ]


def test_a_certificate_that_cannot_be_used(pem, tmp_path):
    """It is found before anything starts, and never asked for on the terminal."""
    nothing = tmp_path / "nothing.pem"
    nothing.write_text("nothing")
    other = ec.generate_private_key(ec.SECP256R1())
    keys = {}
    for name, encryption in (
        ("other", serialization.NoEncryption()),
        ("locked", serialization.BestAvailableEncryption(b"x")),
    ):
        keys[name] = tmp_path / f"{name}.pem"
        keys[name].write_bytes(
            other.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
            )
        )
    gone = tmp_path / "gone"
    locked = "is protected by a passphrase; store the key without one"
    for certificate, key, problem in [
        (pem, "", "needs its private_key"),
        (nothing, pem, f": {nothing} holds no good certificate in PEM form"),
        (pem, nothing, f": {nothing} holds no private key in PEM form"),
        (pem, keys["locked"], f": {keys['locked']} {locked}"),
        (pem, keys["other"], f": {keys['other']} is not the key of {pem}"),
        (gone, pem, f": cannot read {gone}: No such file or directory"),
        (pem, gone, f": cannot read {gone}: No such file or directory"),
    ]:
        _, problems = read({"certificate": str(certificate), "private_key": str(key)})
        found = [line.removeprefix("goip.toml [mail]: certificate").strip() for line in problems]
        assert found == [problem.strip()]
