"""Skewed traffic that is the same for equal seeds."""

import functools
import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from examples.places.database import Database

T = TypeVar("T")

PLACES = 500
COUNTRIES = 30
USERS = range(1, 101)
FRAGMENTS = ("san", "new", "port", "burg")
SKEW = 1.2
"""The n-th most popular is asked for 1 / n ** SKEW times as often as the first."""


@dataclass(frozen=True)
class Ask:
    """One request."""

    method: str
    path: str
    query: dict[str, str | int] = field(default_factory=dict[str, str | int])
    body: dict[str, Any] | None = None


@dataclass(frozen=True)
class World:
    """What can be asked for, most popular first; nobody but the stampede asks for `calm`."""

    places: Sequence[int]
    countries: Sequence[str]
    calm: str

    @classmethod
    def of(cls, database: Database) -> "World":
        """The largest places, and the countries that have most of them."""
        with database.read() as transaction:
            places = transaction.rows(
                "SELECT id FROM places ORDER BY population DESC, id LIMIT ?", [PLACES]
            )
            countries = transaction.rows(
                "SELECT country FROM places GROUP BY country ORDER BY COUNT(*) DESC, country"
                " LIMIT ?",
                [COUNTRIES + 1],
            )
        *busy, calm = [row["country"] for row in countries]
        return cls([row["id"] for row in places], busy, calm)


@dataclass(frozen=True)
class Mix:
    """How often each kind is asked for, in percent, and how many pages are of which search."""

    place: int = 60
    page: int = 20
    settings: int = 9
    statistics: int = 6
    update: int = 3
    save: int = 2
    by_country: float = 0.8
    by_name: float = 0.2


ORDINARY = Mix()


class Traffic:
    """What one client asks for."""

    def __init__(self, world: World, seed: str, mix: Mix = ORDINARY) -> None:
        self._world = world
        self._mix = mix
        self._random = random.Random(seed)
        self._kinds = {
            self._place: mix.place,
            self._page: mix.page,
            self._settings: mix.settings,
            self._statistics: mix.statistics,
            self._update: mix.update,
            self._save: mix.save,
        }

    def asks(self, count: int) -> Iterator[Ask]:
        """So many requests."""
        kinds = self._random.choices(list(self._kinds), list(self._kinds.values()), k=count)
        return (kind() for kind in kinds)

    def _place(self) -> Ask:
        return Ask("GET", f"/places/{self._popular(self._world.places)}")

    def _page(self) -> Ask:
        query: dict[str, str | int] = {"page": self._popular(range(1, 4))}
        if self._random.random() < self._mix.by_country:
            query["country"] = self._popular(self._world.countries)
        if self._random.random() < self._mix.by_name:
            query["q"] = self._popular(FRAGMENTS)
        return Ask("GET", "/places", query)

    def _statistics(self) -> Ask:
        return Ask("GET", f"/countries/{self._popular(self._world.countries)}/statistics")

    def _settings(self) -> Ask:
        return Ask("GET", f"/users/{self._popular(USERS)}/settings")

    def _update(self) -> Ask:
        place = self._popular(self._world.places)
        return Ask("PATCH", f"/places/{place}", body={"population": self._random.randrange(10**7)})

    def _save(self) -> Ask:
        body = {"page_size": self._random.randint(1, 100), "language": "fr"}
        return Ask("PUT", f"/users/{self._popular(USERS)}/settings", body=body)

    def _popular(self, ranked: Sequence[T]) -> T:
        [chosen] = self._random.choices(ranked, cum_weights=shares(len(ranked)))
        return chosen


@functools.cache
def shares(count: int) -> Sequence[float]:
    """The cumulative popularity of the first, the first two, ..., all `count`."""
    return list(itertools.accumulate(1 / rank**SKEW for rank in range(1, count + 1)))
