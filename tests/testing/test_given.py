"""What an author has to give to the suite for backends, and what happens without."""

import inspect
import subprocess
import sys
from typing import Any

import pytest

from cachekit.backend import FORGET_PREFIX, LOCAL
from cachekit.testing.backends import BackDoor, BackendSuite, contents
from cachekit.testing.reference import Records, ReferenceBackend
from tests.testing.doors import RecordsDoor

BARE = """
import sys
sys.modules.update(pytest=None, hypothesis=None)
from cachekit.testing import Fault, FakeClock, FaultyBackend, ReferenceBackend
"""


class Bare(BackendSuite):
    pass


class BareAndLocal(BackendSuite):
    capabilities = frozenset({LOCAL})


class PeepHole(BackDoor):
    def has(self, key: str) -> bool:
        return False

    def drop(self, key: str) -> None:
        pass


def given(name: str, suite: BackendSuite) -> Any:
    """What a fixture of `suite` gives."""
    return inspect.unwrap(getattr(type(suite), name))(suite)


@pytest.mark.parametrize("name", ["backend", "another_backend", "back_door"])
def test_a_suite_that_lacks_a_fixture_says_what_to_write(name: str) -> None:
    with pytest.raises(pytest.fail.Exception, match=f"Bare needs a fixture `{name}` that returns"):
        given(name, Bare())


def test_what_may_be_left_out() -> None:
    assert given("clock", Bare()) is None
    assert given("another_backend", BareAndLocal()) is None


def test_a_back_door_without_bytes_says_what_to_write() -> None:
    with pytest.raises(NotImplementedError, match=r"set keeps_bytes = False"):
        PeepHole().damage("v:k", bytes)


def test_a_test_that_fails_says_what_it_saw() -> None:
    """pytest rewrites the assertions of a module only if it was told to before the import."""
    assert type(contents.__loader__).__name__ == "AssertionRewritingHook"


def test_the_other_tools_need_neither_pytest_nor_hypothesis() -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", BARE], check=True)


@pytest.mark.long
class TestInRealTime(BackendSuite):
    """A store that has its own time is waited for."""

    capabilities = frozenset({FORGET_PREFIX})
    short = 0.1
    slack = 0.01

    @pytest.fixture
    def records(self) -> Records:
        return {}

    @pytest.fixture
    def backend(self, records: Records) -> ReferenceBackend:
        return ReferenceBackend(records=records)

    @pytest.fixture
    def another_backend(self, records: Records) -> ReferenceBackend:
        return ReferenceBackend(records=records)

    @pytest.fixture
    def back_door(self, records: Records) -> BackDoor:
        return RecordsDoor(records)
