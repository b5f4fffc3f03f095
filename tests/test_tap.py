"""The options of twistd goip: what is typed, what is meant, and what is wrong with it."""

from __future__ import annotations

import io
import tomllib
from pathlib import Path
from typing import Any

import pytest
from twisted.python.usage import UsageError

from goiptwist.accounts.secrets import Secret
from goiptwist.gateway.settings import read_settings
from goiptwist.tap import TOKEN_FILE, Options, makeService

SMALL = [
    *("--line", "goipid1:password1", "--listen", "0.0.0.0:44444", "--mail-to", "ops@example.org"),
    *("--mail-from", "sms@example.org", "--smarthost", "127.0.0.1:25", "--http", "127.0.0.1:8080"),
]


def parsed(*options: str) -> Options:
    """Options as twistd gives them to us."""
    read = Options()
    read.parseOptions([*options])
    return read


def test_small_set_up() -> None:
    """A small set-up needs options only; they mean what a file would say."""
    settings = read_settings(parsed(*SMALL, "--state", "S").tables, "options")
    assert [line.id for line in settings.rows("line")] == ["goipid1"]
    assert settings.rows("line")[0].password.matches("password1")
    assert str(settings.single("goip").listen) == "0.0.0.0:44444"
    assert str(settings.single("http").listen) == "127.0.0.1:8080"
    assert settings.top.state == "S"
    ((kind, mail),) = settings.bridges.values()
    assert (kind, mail.to, mail.sender) == ("mail", ("ops@example.org",), "sms@example.org")
    assert str(mail.smarthost) == "127.0.0.1:25"


def test_password_with_colon() -> None:
    """Only the first colon divides: passwords may hold more."""
    tables = parsed("--line", "a:b:c", "--line", "+36301:d").tables
    assert [(line["id"], line["password"]) for line in tables["line"]] == [
        ("a", "b:c"),
        ("+36301", "d"),
    ]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "name a line with --line ID:PASSWORD"),
        (["--line", "goipid1"], "--line: write it as ID:PASSWORD"),
        (["--line", "a:b", "--mail-to", "x@example.org"], "--mail-from is missing"),
        (["--line", "a:b", "--mail-from", "x@example.org"], "--mail-to is missing"),
        (["--config", "f", "--line", "a:b"], "--line: not together with --config"),
        (["--config", "f", "--http", "x:1"], "--http: not together with --config"),
    ],
)
def test_what_does_not_go_together(options: list[str], said: str) -> None:
    """The sentence names the option, and the cure."""
    with pytest.raises(UsageError, match=said):
        parsed(*options)


def test_wrong_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong file ends the start with status 1, and every problem at once."""
    file = tmp_path / "goip.toml"
    file.write_text('[goip]\nlisten = 5\n[[line]]\nid = "a"\npasword = "b"\n')
    with pytest.raises(SystemExit) as end:
        makeService(parsed("--config", str(file)))
    assert end.value.code == 1
    assert capsys.readouterr().err.splitlines() == [
        f"{file} [goip]: listen must be host:port, such as 127.0.0.1:8080",
        f"{file} [[line]] 1: unknown key 'pasword'; did you mean 'password'?",
        f"{file} [[line]] 1: password is missing",
    ]
    assert list(tmp_path.iterdir()) == [file], "nothing may be made before all is right"


def test_token_is_made_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a token nobody could send; it lies where only the owner can read it."""
    state = tmp_path / "state"
    options = ["--line", "a:b", "--state", str(state), "--http", "127.0.0.1:0"]
    service: Any = makeService(parsed(*options))
    kept = state / TOKEN_FILE
    token = kept.read_text().strip()
    assert len(token) >= 24
    assert kept.stat().st_mode & 0o077 == 0
    assert str(kept) in capsys.readouterr().out
    assert service.settings.users[0].token.matches(token)
    service._held.close()
    again: Any = makeService(parsed(*options))
    assert kept.read_text().strip() == token
    again._held.close()


def test_two_gateways_on_one_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The second says so and stops: two would send everything twice."""
    options = ["--line", "a:b", "--token", "t1234567", "--state", str(tmp_path)]
    first: Any = makeService(parsed(*options))
    with pytest.raises(SystemExit) as end:
        makeService(parsed(*options))
    assert end.value.code == 1
    assert f"folder {tmp_path} is in use by another gateway" in capsys.readouterr().err
    first._held.close()


@pytest.mark.parametrize("option", ["--hash", "--hash-token"])
def test_hash(
    option: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both turn a secret into what may stand in a file that others read."""
    monkeypatch.setattr("sys.stdin", io.StringIO("tell nobody\n"))
    with pytest.raises(SystemExit) as end:
        makeService(parsed(option))
    assert end.value.code == 0
    printed = capsys.readouterr().out.strip()
    assert "nobody" not in printed
    assert Secret.from_setting(printed).matches("tell nobody")


def test_new_key(capsys: pytest.CaptureFixture[str]) -> None:
    """--new-key prints a key once, and a section to paste that does not hold it in clear."""
    with pytest.raises(SystemExit) as end:
        makeService(parsed("--new-key", 'the "crm"'))
    assert end.value.code == 0
    printed, section = capsys.readouterr().out.split("For the configuration file:")
    key = printed.splitlines()[2]
    assert len(key) >= 32
    assert key not in section
    tables = {**parsed(*SMALL).tables, **tomllib.loads(section)}
    [user] = read_settings(tables, "pasted").users
    assert (user.name, user.may) == ('the "crm"', ("send",))
    assert user.token is not None
    assert user.token.matches(key)


def test_new_key_needs_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody could tell later whose key it is."""
    with pytest.raises(SystemExit) as end:
        makeService(parsed("--new-key", ""))
    assert end.value.code == 1
    assert "--new-key: a user's name" in capsys.readouterr().err


def test_no_secret_is_shown() -> None:
    """Settings can be logged: no password is in their repr."""
    settings = read_settings(parsed(*SMALL, "--token", "tok-123456").tables, "options")
    assert "password1" not in repr(settings)
    assert "tok-123456" not in repr(settings)
