"""Back doors into the stores that the tests of the kit use."""

from collections.abc import Callable

from cachekit.testing.backends import BackDoor
from cachekit.testing.reference import Records
from cachekit_memory import MemoryBackend


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


class MemoryDoor(BackDoor):
    """Into the tables of a `MemoryBackend`."""

    def __init__(self, backend: MemoryBackend) -> None:
        self._backend = backend

    def has(self, key: str) -> bool:
        return self._backend._look(key) is not None or key in list(self._backend._tags)

    def drop(self, key: str) -> None:
        self._backend._drop(key)
