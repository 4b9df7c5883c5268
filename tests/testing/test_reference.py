"""The reference backend passes the suite, by itself and behind what wraps it."""

import pytest

from cachekit.backend import FORGET_PREFIX
from cachekit.testing import FakeClock
from cachekit.testing.backends import BackDoor, BackendSuite
from cachekit.testing.reference import Records, ReferenceBackend
from tests.testing.doors import RecordsDoor


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
