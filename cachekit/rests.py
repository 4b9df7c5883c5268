"""Which refreshes are not to be tried again just yet (R5)."""

import threading
from typing import Final

REMEMBERED: Final = 10_000


class Rests:
    """By key: the version whose refresh was tried in vain, and until when it is left alone."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._until: dict[str, tuple[int, float, bool]] = {}

    def begin(self, key: str, version: int, until: float, *, failed: bool) -> None:
        with self._lock:
            self._until.pop(key, None)
            self._until[key] = (version, until, failed)
            if len(self._until) > REMEMBERED:
                del self._until[next(iter(self._until))]

    def hold(self, key: str, version: int, now: float) -> bool:
        """Whether nothing is to be tried now."""
        rest = self._until.get(key)
        return rest is not None and rest[0] == version and now < rest[1]

    def failed(self, key: str, version: int, now: float) -> bool:
        """Whether that is because an attempt has failed, not because somebody is at it."""
        rest = self._until.get(key)
        return rest is not None and rest[0] == version and now < rest[1] and rest[2]
