"""The memory backend passes the suite, whatever its eviction policy."""

import pytest

from cachekit.backend import FORGET_PREFIX, LOCAL, PEEK
from cachekit.testing import FakeClock
from cachekit.testing.backends import BackDoor, BackendSuite
from cachekit_memory import MemoryBackend
from cachekit_memory.backend import Eviction
from tests.memory.by_hand import POLICIES
from tests.testing.doors import MemoryDoor


@pytest.mark.parametrize("policy", POLICIES)
class TestMemory(BackendSuite):
    capabilities = frozenset({LOCAL, PEEK, FORGET_PREFIX})
    keeps_bytes = False

    @pytest.fixture
    def clock(self) -> FakeClock:
        return FakeClock(monotonic=1000.0)

    @pytest.fixture
    def backend(self, policy: Eviction, clock: FakeClock) -> MemoryBackend:
        return MemoryBackend(policy=policy, clock=clock)

    @pytest.fixture
    def back_door(self, backend: MemoryBackend) -> BackDoor:
        return MemoryDoor(backend)
