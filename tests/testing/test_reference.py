"""The reference backend passes the suite, by itself and behind what wraps it."""

from collections.abc import Callable

import pytest

from cachekit.backend import FORGET_PREFIX
from cachekit.testing import FakeClock
from cachekit.testing.backends import BackDoor, BackendSuite
from cachekit.testing.reference import Records, ReferenceBackend


class RecordsDoor(BackDoor):
    """Into the records of a `ReferenceBackend`."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def has(self, key: str) -> bool:
        return key in self._records

    def drop(self, key: str) -> None:
        del self._records[key]

    def damage(self, key: str, change: Callable[[bytes], bytes]) -> None:
        data, ends = self._records[key]
        self._records[key] = change(data), ends


class TestReference(BackendSuite):
    capabilities = frozenset({FORGET_PREFIX})

    @pytest.fixture
    def clock(self) -> FakeClock:
        return FakeClock()

    @pytest.fixture
    def records(self) -> Records:
        return {}

    @pytest.fixture
    def backend(self, clock: FakeClock, records: Records) -> ReferenceBackend:
        return ReferenceBackend(clock, records)

    @pytest.fixture
    def another_backend(self, clock: FakeClock, records: Records) -> ReferenceBackend:
        return ReferenceBackend(clock, records)

    @pytest.fixture
    def back_door(self, records: Records) -> BackDoor:
        return RecordsDoor(records)
