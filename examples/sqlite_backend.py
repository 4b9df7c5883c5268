"""A backend that keeps entries in a SQLite file, which several processes may share."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import suppress
from math import inf
from pathlib import Path

from cachekit.backend import DONE, FORGET_PREFIX, C, Capability, Outcome, offer
from cachekit.bytes_backend import Put
from cachekit.clock import SYSTEM, Clock
from cachekit.threaded import ThreadedBackend

TABLE = """
CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, data BLOB NOT NULL, ends REAL NOT NULL);
CREATE INDEX IF NOT EXISTS by_end ON entries (ends);
"""
SELECT = "SELECT key, data FROM entries WHERE key IN (SELECT value FROM json_each(?)) AND ends > ?"
SWEEP = "DELETE FROM entries WHERE key IN (SELECT key FROM entries WHERE ends <= ? LIMIT 32)"


class SqliteStore:
    """One connection, used by one thread."""

    def __init__(self, path: str | Path, clock: Clock) -> None:
        self._clock = clock
        self._db = sqlite3.connect(path)
        with suppress(sqlite3.OperationalError):  # another process is just doing the same
            self._db.execute("PRAGMA journal_mode = WAL")
        self._db.executescript(TABLE)

    def close(self) -> None:
        self._db.close()

    def get_many(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        return dict(self._db.execute(SELECT, (json.dumps(keys), self._clock.time())))

    def put_many(self, puts: Sequence[Put]) -> Sequence[bool]:
        with self._db:  # one transaction, in which nobody else writes from the first DELETE on
            self._db.execute(SWEEP, (self._clock.time(),))
            return [self._put(put) for put in puts]

    def _put(self, put: Put) -> bool:
        if not put.replaces(self.get_many([put.key]).get(put.key)):
            return False
        self._db.execute("DELETE FROM entries WHERE key = ?", (put.key,))
        if put.data is not None:
            ends = inf if put.keep is None else self._clock.time() + put.keep
            self._db.execute("INSERT INTO entries VALUES (?, ?, ?)", (put.key, put.data, ends))
        return True

    def forget_prefixes(self, prefixes: Sequence[str]) -> None:
        ranges = [(prefix, prefix + "\U0010ffff") for prefix in prefixes]
        with self._db:
            self._db.executemany("DELETE FROM entries WHERE key BETWEEN ? AND ?", ranges)


class SqliteBackend(ThreadedBackend[SqliteStore]):
    """Entries in the file at `path`; `sqlite:///cache.db` and `sqlite:////var/cache.db` as URLs."""

    def __init__(self, path: str | Path, *, clock: Clock = SYSTEM) -> None:
        super().__init__(lambda: SqliteStore(path, clock), clock=clock)

    @classmethod
    def from_url(cls, url: str) -> "SqliteBackend":
        return cls(url.removeprefix("sqlite:///"))

    async def forget_prefix(self, prefixes: Sequence[str]) -> Outcome:
        await self.run(lambda store: store.forget_prefixes(prefixes))
        return DONE

    def capability(self, wanted: Capability[C]) -> C | None:
        return offer(wanted, {FORGET_PREFIX: self}) or super().capability(wanted)
