"""Servers that all tests of this folder share; each starts with the first that wants it."""

import pytest

from tests.bridges.xmpp import ejabberd as ejabberds
from tests.bridges.xmpp import prosody as prosodies


@pytest.fixture(scope="session")
def one_prosody():
    """One for all; take C{prosody} instead."""
    with prosodies.running() as prosody:
        yield prosody


@pytest.fixture
def prosody(one_prosody):
    """A real Prosody that runs, even if the test before has stopped it."""
    if not one_prosody.runs:
        one_prosody.start()
    return one_prosody


@pytest.fixture(scope="session")
def one_ejabberd():
    """One for all; take C{ejabberd} instead."""
    with ejabberds.running() as ejabberd:
        yield ejabberd


@pytest.fixture
def ejabberd(one_ejabberd):
    """A real ejabberd that runs, even if the test before has stopped it."""
    if not one_ejabberd.runs:
        one_ejabberd.start()
    return one_ejabberd
