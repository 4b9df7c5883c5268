"""What answers to reads are: entries, nothing, or something that cannot be read."""

from collections.abc import Iterable

from hiredis import ReplyError

from cachekit.backend import Unreached
from cachekit.clock import Clock
from cachekit.decoding import Decoding
from cachekit.entry import Entry
from cachekit_redis.life import SIZE
from cachekit_redis.servers import Answer


class Reading:
    """Entries out of answers, each of which begins with the life of its server."""

    def __init__(self, clock: Clock) -> None:
        self._decoding = Decoding(clock, SIZE)

    @property
    def unreadable(self) -> int:
        """How often bytes were found that are no entry of their key."""
        return self._decoding.unreadable

    def entries(
        self, keys: Iterable[str], answers: Iterable[Answer]
    ) -> tuple[dict[str, Entry | Unreached], list[str]]:
        """What was found under `keys`, and under which of them are bytes that cannot be read."""
        found: dict[str, Entry | Unreached] = {}
        broken: list[str] = []
        ours: list[tuple[str, bytes | None]] = []
        for key, (data, life) in zip(keys, answers, strict=True):
            if isinstance(data, Exception):
                if not _is_no_string(data):
                    found[key] = Unreached(data)
            elif data is not None and data[:SIZE] == life:
                ours.append((key, data))
        self._decoding.take(ours, found, broken)
        return found, broken

    def forget(self) -> None:
        """Remember nothing."""
        self._decoding.forget()

    def reads(self, key: str, data: bytes, life: bytes) -> bool:
        """Whether `data` is an entry of `key`."""
        return data[:SIZE] == life and self._decoding.version(key, data) is not None


def _is_no_string(error: Exception) -> bool:
    """Somebody keeps something else under our name: as absent as what cannot be read."""
    return isinstance(error, ReplyError) and str(error).startswith("WRONGTYPE")
