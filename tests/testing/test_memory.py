"""The memory backend passes the suite, whatever its eviction policy."""

import pytest

from cachekit.backend import FORGET_PREFIX, LOCAL, PEEK
from cachekit.testing import FakeClock
from cachekit.testing.backends import BackDoor, BackendSuite
from cachekit_memory import MemoryBackend
from cachekit_memory.backend import Eviction
from tests.memory.by_hand import POLICIES


class MemoryDoor(BackDoor):
    """Into the tables of a `MemoryBackend`."""

    def __init__(self, backend: MemoryBackend) -> None:
        self._backend = backend

    def has(self, key: str) -> bool:
        return key in self._backend._entries or key in list(self._backend._tags)

    def drop(self, key: str) -> None:
        self._backend._drop(key)


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
