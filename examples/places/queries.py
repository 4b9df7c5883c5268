"""The SQL. Each function is one transaction and blocks: call it from a thread."""

import sqlite3

from examples.places.database import Database, Parameters, Transaction
from examples.places.models import (
    EVERYWHERE,
    Article,
    Country,
    Featured,
    FeaturedChange,
    Neighbour,
    Order,
    Place,
    PlaceChange,
    PlacePage,
    PlaceQuery,
    SettingsChange,
    UserSettings,
)
from examples.places.statistics import Town, distance

NEARBY = 10
"""So many places are the nearest."""

ORDERS: dict[Order, str] = {"population": "population DESC, id", "name": "name, id"}


def select_place(database: Database, place_id: int) -> Place | None:
    with database.read() as transaction:
        row = transaction.row("SELECT * FROM places WHERE id = ?", [place_id])
    return _place(row) if row else None


def search_places(database: Database, query: PlaceQuery) -> PlacePage:
    where, parameters = _condition(query)
    with database.read() as transaction:
        version = _version(transaction, query.area)
        total = transaction.number(f"SELECT COUNT(*) FROM places {where}", parameters)
        rows = transaction.rows(
            f"SELECT * FROM places {where} ORDER BY {ORDERS[query.order]} LIMIT ? OFFSET ?",
            [*parameters, query.size, (query.page - 1) * query.size],
        )
    places = tuple(map(_place, rows))
    return PlacePage(places=places, total=total, page=query.page, size=query.size, version=version)


def select_neighbours(database: Database, place_id: int) -> list[Neighbour] | None:
    """The nearest of what is within a degree, nearest first; `None` if there is no such place."""
    with database.read() as transaction:
        here = transaction.row("SELECT latitude, longitude FROM places WHERE id = ?", [place_id])
        if here is None:
            return None
        north, east = here
        rows = transaction.rows(
            "SELECT id, latitude, longitude FROM places WHERE id != ?"
            " AND abs(latitude - ?) < 1 AND abs(longitude - ?) < 1",
            [place_id, north, east],
        )
    around = [(distance((north, east), (y, x)), place) for place, y, x in rows]
    return [Neighbour(id=place, distance=away) for away, place in sorted(around)[:NEARBY]]


def select_country(database: Database, code: str) -> Country | None:
    with database.read() as transaction:
        row = transaction.row("SELECT code, name, currency FROM countries WHERE code = ?", [code])
    return Country.model_validate(dict(row)) if row else None


def select_towns(database: Database, country: str) -> tuple[list[Town], int]:
    """The towns of a country, largest first, and the country's version."""
    with database.read() as transaction:
        rows = transaction.rows(
            "SELECT name, population, latitude, longitude FROM places WHERE country = ?"
            " ORDER BY population DESC, id",
            [country],
        )
        return [Town(*row) for row in rows], _version(transaction, country)


def update_place(database: Database, place_id: int, change: PlaceChange) -> Place | None:
    """The place as it is after `change`, which is committed; `None` if there is none."""
    with database.write() as transaction:
        version = _version(transaction, EVERYWHERE) + 1
        row = transaction.row(
            "UPDATE places SET name = COALESCE(?, name),"
            " population = COALESCE(?, population), version = ? WHERE id = ? RETURNING *",
            [change.name, change.population, version, place_id],
        )
        if row is None:
            return None
        country = row["country"]
        transaction.rows("UPDATE countries SET version = ? WHERE code = ?", [version, country])
    return _place(row)


def select_settings(database: Database, user: int) -> UserSettings:
    """What the user saved last, or the defaults."""
    with database.read() as transaction:
        row = transaction.row("SELECT * FROM user_settings WHERE user = ?", [user])
    return UserSettings.model_validate(dict(row) if row else {"user": user})


def save_settings(database: Database, user: int, change: SettingsChange) -> UserSettings:
    """The settings as they are after `change`, which is committed."""
    with database.write() as transaction:
        [row] = transaction.rows(
            "INSERT INTO user_settings VALUES (?, ?, ?, ?, 1) ON CONFLICT (user) DO UPDATE"
            " SET language = excluded.language, units = excluded.units,"
            " page_size = excluded.page_size, version = version + 1 RETURNING *",
            [user, change.language, change.units, change.page_size],
        )
    return UserSettings.model_validate(dict(row))


def select_featured(database: Database) -> Featured:
    with database.read() as transaction:
        return _featured(transaction)


def save_featured(database: Database, change: FeaturedChange) -> Featured | None:
    """What is featured from now on; `None`, and no change, if one of the places is not there."""
    with database.write() as transaction:
        known = [_is_there(transaction, place) for place in change.places]
        if not all(known):
            return None
        transaction.rows("DELETE FROM featured")
        for position, place in enumerate(change.places):
            transaction.rows("INSERT INTO featured VALUES (?, ?)", [position, place])
        return _featured(transaction)


def select_front_page(database: Database) -> tuple[list[Place], list[Place]]:
    """The featured places, and the largest ones."""
    with database.read() as transaction:
        featured = transaction.rows(
            "SELECT places.* FROM featured JOIN places ON places.id = place ORDER BY position"
        )
        largest = transaction.rows("SELECT * FROM places ORDER BY population DESC, id LIMIT 20")
    return list(map(_place, featured)), list(map(_place, largest))


def article_version(database: Database, place_id: int) -> int | None:
    """0 if nothing was written of the place; `None` if there is no such place."""
    with database.read() as transaction:
        if not _is_there(transaction, place_id):
            return None
        return transaction.number("SELECT version FROM articles WHERE place = ?", [place_id])


def select_article(database: Database, place_id: int) -> Article:
    """Of a place that has one."""
    with database.read() as transaction:
        [row] = transaction.rows("SELECT * FROM articles WHERE place = ?", [place_id])
    return Article.model_validate(dict(row))


def save_article(database: Database, place_id: int, text: str, version: int) -> Article | None:
    """The article after this one has replaced `version`; `None` if that is not the newest."""
    with database.write() as transaction:
        if transaction.number("SELECT version FROM articles WHERE place = ?", [place_id]) > version:
            return None
        [row] = transaction.rows(
            "INSERT OR REPLACE INTO articles VALUES (?, ?, ?) RETURNING *",
            [place_id, text, version + 1],
        )
    return Article.model_validate(dict(row))


def _is_there(transaction: Transaction, place_id: int) -> bool:
    return transaction.row("SELECT 1 FROM places WHERE id = ?", [place_id]) is not None


def _featured(transaction: Transaction) -> Featured:
    rows = transaction.rows("SELECT place FROM featured ORDER BY position")
    return Featured(places=tuple(place for (place,) in rows))


def _place(row: sqlite3.Row) -> Place:
    return Place.model_validate(dict(row))


def _version(transaction: Transaction, country: str) -> int:
    """The number of the last update in `country`."""
    if country == EVERYWHERE:
        return transaction.number("SELECT MAX(version) FROM countries")
    return transaction.number("SELECT version FROM countries WHERE code = ?", [country])


def _condition(query: PlaceQuery) -> tuple[str, Parameters]:
    conditions = {
        "country = ?": query.country,
        "population >= ?": query.min_population,
        "instr(lower(name), lower(?))": query.q,
    }
    wanted = {condition: value for condition, value in conditions.items() if value}
    where = f"WHERE {' AND '.join(wanted)}" if wanted else ""
    return where, list(wanted.values())
