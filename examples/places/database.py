"""A SQLite file and a few connections to it."""

import queue
import sqlite3
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

SCHEMA = """
CREATE TABLE countries (
    code TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    currency TEXT NOT NULL,
    version INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE TABLE places (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    country TEXT NOT NULL REFERENCES countries (code),
    population INTEGER NOT NULL,
    latitude REAL NOT NULL,
    longitude REAL NOT NULL,
    timezone TEXT NOT NULL,
    version INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX places_by_name ON places (name, id);
CREATE INDEX places_by_population ON places (population DESC, id, name);
CREATE INDEX places_by_country_and_name ON places (country, name, id);
CREATE INDEX places_by_country_and_population ON places (country, population DESC, id, name);

CREATE TABLE user_settings (
    user INTEGER PRIMARY KEY,
    language TEXT NOT NULL,
    units TEXT NOT NULL,
    page_size INTEGER NOT NULL,
    version INTEGER NOT NULL
);

CREATE TABLE featured (
    position INTEGER PRIMARY KEY,
    place INTEGER NOT NULL REFERENCES places (id)
);

CREATE TABLE articles (
    place INTEGER PRIMARY KEY REFERENCES places (id),
    text TEXT NOT NULL,
    version INTEGER NOT NULL
);
"""

RELEASE = 2
"""Goes up with each change of `SCHEMA`; it is the `user_version` of a file."""

Parameters = Sequence[str | int | float | None]


class Transaction:
    """Runs statements within one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.queries = 0

    def rows(self, statement: str, parameters: Parameters = ()) -> list[sqlite3.Row]:
        """All rows that `statement` gives."""
        self.queries += 1
        return self._connection.execute(statement, parameters).fetchall()

    def row(self, statement: str, parameters: Parameters = ()) -> sqlite3.Row | None:
        """The first row, if there is one."""
        return next(iter(self.rows(statement, parameters)), None)

    def number(self, statement: str, parameters: Parameters = ()) -> int:
        """The first column of the first row; 0 if there is none or it is NULL."""
        row = self.row(statement, parameters)
        return int(row[0] or 0) if row else 0


class Database:
    """A pool of connections to one SQLite file; `queries` counts the statements they ran.

    Its methods block: call them from a thread.
    """

    def __init__(self, path: Path, connections: int = 8) -> None:
        self.path = path
        self.queries = 0
        self._counting = threading.Lock()
        self._writing = threading.Lock()
        self._idle: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue()
        self._all = [_connect(path) for _ in range(connections)]
        for connection in self._all:
            self._idle.put(connection)

    @contextmanager
    def read(self) -> Generator[Transaction]:
        """Several statements that see the same moment."""
        with self._transaction("BEGIN") as transaction:
            yield transaction

    @contextmanager
    def write(self) -> Generator[Transaction]:
        """Committed when the block ends, rolled back if it raises."""
        with self._writing, self._transaction("BEGIN IMMEDIATE") as transaction:
            yield transaction

    def close(self) -> None:
        """Close all connections; nothing may be running."""
        for connection in self._all:
            connection.close()

    @contextmanager
    def _transaction(self, begin: str) -> Generator[Transaction]:
        connection = self._idle.get()
        try:
            with connection:
                connection.execute(begin)
                transaction = Transaction(connection)
                yield transaction
            self._count(transaction.queries)
        finally:
            self._idle.put(connection)

    def _count(self, queries: int) -> None:
        with self._counting:
            self.queries += queries


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection
