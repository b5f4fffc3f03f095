"""Secrets that are only checked: clear, hashed, compared, remembered."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goiptwist.accounts.secrets import CredentialCache, Secret, hashed

#: A hash that costs next to nothing, of the secret "open sesame".
CHEAP = "scrypt:2:1:1:MDEyMzQ1Njc4OWFiY2RlZg==:+rEFM7Vuipu24+s9kGIimnXbF94pWqb6vn9+8fSE9BI="


def test_a_clear_secret_matches_itself_only() -> None:
    """The plain case: right is right, and nothing near it is."""
    secret = Secret.from_setting("open sesame")
    assert secret.matches("open sesame")
    for wrong in ["", "open sesam", "open sesame ", "Open sesame"]:
        assert not secret.matches(wrong), wrong


def test_a_hash_matches_what_it_was_made_of() -> None:
    """What the command prints is what the configuration takes."""
    secret = Secret.from_setting(hashed("kígyó"))
    assert secret.is_slow
    assert secret.matches("kígyó")
    assert not secret.matches("kigyo")


def test_two_hashes_of_one_secret_differ() -> None:
    """Equal hashes would tell that two users have one password."""
    assert hashed("open sesame") != hashed("open sesame")


def test_a_known_hash() -> None:
    """The form never changes silently: this one was made by another program."""
    assert Secret.from_setting(CHEAP).matches("open sesame")


def test_no_repr_shows_the_secret() -> None:
    """Settings end up in logs and tracebacks; secrets must not."""
    for value in ["open sesame", CHEAP]:
        assert repr(Secret.from_setting(value)) == "<a secret>"
    memory: CredentialCache[str] = CredentialCache()
    memory.put("ops", "open sesame")
    assert "sesame" not in repr(memory)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("", "still the placeholder"),
        ("  ", "still the placeholder"),
        ("ChangeMe", "still the placeholder"),
        (7, "must be a text"),
        ("scrypt:", "is not of the form"),
        ("scrypt:32768:8:1:c2FsdA==", "is not of the form"),
        ("scrypt:32767:8:1:MDEyMzQ1Njc4OWFiY2RlZg==:MDEyMzQ1Njc4OWFiY2RlZg==", "power of two"),
        ("scrypt:32768:8:1:c2FsdA==:MDEyMzQ1Njc4OWFiY2RlZg==", "less than 16 bytes"),
        ("scrypt:32768:8:1:MDEyMzQ1Njc4OWFiY2RlZg==:c2FsdA==", "less than 16 bytes"),
        ("scrypt:32768:8:1:MDEyMzQ1Njc4OWFiY2RlZg:MDEyMzQ1Njc4OWFiY2RlZg==", "make it again"),
        ("scrypt:0:8:1:MDEyMzQ1Njc4OWFiY2RlZg==:MDEyMzQ1Njc4OWFiY2RlZg==", "power of two"),
        ("scrypt:32768:0:1:MDEyMzQ1Njc4OWFiY2RlZg==:MDEyMzQ1Njc4OWFiY2RlZg==", "no work"),
        ("scrypt:33554432:8:1:MDEyMzQ1Njc4OWFiY2RlZg==:MDEyMzQ1Njc4OWFiY2RlZg==", "memory"),
        ("scrypt:32768:8:999:MDEyMzQ1Njc4OWFiY2RlZg==:MDEyMzQ1Njc4OWFiY2RlZg==", "more work"),
    ],
)
def test_what_cannot_be_a_secret_is_refused_with_a_sentence(value: object, said: str) -> None:
    """A start with a placeholder, or with a hash that can never match, helps nobody."""
    with pytest.raises(ValueError, match=said):
        Secret.from_setting(value)


@settings(deadline=None)
@given(st.text(alphabet=st.characters(), max_size=30))
def test_whatever_is_said_the_answer_is_yes_or_no(candidate: str) -> None:
    """Candidates come from strangers: non-ASCII, NUL and half surrogates are a no."""
    for value in ["open sesame", CHEAP]:
        assert Secret.from_setting(value).matches(candidate) is (candidate == "open sesame")


def test_an_endless_candidate_is_not_hashed() -> None:
    """The work of a check must not grow with what a stranger sends."""
    assert not Secret.from_setting("x" * 5000).matches("x" * 5000)


def test_nothing_matches_a_decoy() -> None:
    """It only stands in for the time that a check takes."""
    decoy = Secret.from_setting(CHEAP).decoy()
    assert decoy.is_slow
    assert not decoy.matches("open sesame")


def test_the_memory_tells_apart_what_was_said_together() -> None:
    """Name and secret run into one another must not make another pair."""
    memory: CredentialCache[str] = CredentialCache()
    memory.put("ops", "ab", "c")
    assert memory.get("ab", "c") == "ops"
    assert memory.get("a", "bc") is None
    assert memory.get("abc") is None


def test_the_memory_is_bounded_and_forgets_the_longest_unused() -> None:
    """Many users over a long life must not fill the process."""
    memory: CredentialCache[int] = CredentialCache(limit=2)
    memory.put(1, "one")
    memory.put(2, "two")
    assert memory.get("one") == 1
    memory.put(3, "three")
    assert (memory.get("one"), memory.get("two"), memory.get("three")) == (1, None, 3)
