"""A backend that keeps each entry in a file, written from docs/write-a-backend.md alone."""

import fcntl
import struct
from collections.abc import Mapping, Sequence
from hashlib import sha256
from math import inf
from pathlib import Path

from cachekit.bytes_backend import Put
from cachekit.clock import SYSTEM, Clock
from cachekit.threaded import ThreadedBackend

ENDS = struct.Struct(">d")


def file_of(folder: Path, key: str) -> Path:
    """Where what is under `key` lies; a key may have slashes."""
    return folder / sha256(key.encode()).hexdigest()


class DirectoryStore:
    """Who writes holds the lock; who reads finds a whole file, the one before or the one after."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._lock = (folder / "lock").open("w")

    def close(self) -> None:
        self._lock.close()

    def get_many(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        found = ((key, self._find(key)) for key in keys)
        return {key: data for key, data in found if data is not None}

    def put_many(self, puts: Sequence[Put]) -> Sequence[bool]:
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        try:
            return [self._put(put) for put in puts]
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    def _put(self, put: Put) -> bool:
        file, new = file_of(self._folder, put.key), self._folder / "new"
        if not put.replaces(self._find(put.key)):
            return False
        if put.data is None:
            file.unlink(missing_ok=True)
        else:
            ends = inf if put.keep is None else self._clock.time() + put.keep
            new.write_bytes(ENDS.pack(ends) + put.data)
            new.rename(file)
        return True

    def _find(self, key: str) -> bytes | None:
        try:
            content = file_of(self._folder, key).read_bytes()
        except FileNotFoundError:
            return None
        return content[ENDS.size :] if self._clock.time() < ENDS.unpack_from(content)[0] else None


class DirectoryBackend(ThreadedBackend[DirectoryStore]):
    """Entries in `folder`, which exists, and which a restart of the machine had better empty."""

    def __init__(self, folder: Path, clock: Clock = SYSTEM) -> None:
        super().__init__(lambda: DirectoryStore(folder, clock), clock=clock)
