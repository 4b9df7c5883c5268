"""What a store refuses to do, in the log."""

import logging
from typing import Final

log: Final = logging.getLogger("cachekit")

_MOST: Final = 20


class Complaints:
    """Logs what `store` refuses, and fails nothing else; once of each kind."""

    def __init__(self, store: str) -> None:
        self._store = store
        self._told: set[str] = set()

    def add(self, error: Exception) -> None:
        kind = str(error).partition(" ")[0]
        if kind not in self._told and len(self._told) < _MOST:
            self._told.add(kind)
            log.warning("%s does not do all that it is asked for: %s", self._store, error)
