"""What goes over the wire.

Every answer has a `version`: the number of the newest update it can know of. Updates are numbered
across the whole database, so an answer to a question asked after update 7 of what it shows is
out of date if its version is below 7.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Id = Annotated[int, Field(ge=1, lt=2**63)]
CountryCode = Annotated[
    str, StringConstraints(min_length=2, max_length=2, pattern="^[A-Za-z]+$", to_upper=True)
]
Currency = Annotated[
    str, StringConstraints(min_length=3, max_length=3, pattern="^[A-Za-z]+$", to_upper=True)
]
PlaceName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
ArticleText = Annotated[str, StringConstraints(max_length=20_000)]
Order = Literal["population", "name"]

EVERYWHERE = "*"
"""Stands where the code of a country would, for all of them."""


class Model(BaseModel):
    """Frozen: an answer is not changed once it is made."""

    model_config = ConfigDict(frozen=True)


class Place(Model):
    id: int
    name: str
    country: str
    population: int
    latitude: float
    longitude: float
    timezone: str
    version: int


class PlaceChange(Model):
    """What to change of a place: one field at least."""

    name: PlaceName | None = None
    population: Annotated[int, Field(ge=0, le=10**9)] | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> "PlaceChange":
        if self.name is None and self.population is None:
            raise ValueError("give a name, a population, or both")
        return self


class PlaceQuery(Model):
    """Which places, in which order, and which page of them."""

    country: CountryCode | None = None
    min_population: Annotated[int, Field(ge=0, le=10**10)] = 0
    q: Annotated[str, Field(max_length=100, description="part of the name")] = ""
    order: Order = "population"
    page: Annotated[int, Field(ge=1, le=10_000)] = 1
    size: Annotated[int, Field(ge=1, le=100)] = 20

    @property
    def area(self) -> str:
        """The country, or `EVERYWHERE`."""
        return self.country or EVERYWHERE


class PlacePage(Model):
    """One page of a search."""

    places: tuple[Place, ...]
    total: int
    page: int
    size: int
    version: int


class Neighbour(Model):
    """A place, and how far it is, in kilometres."""

    id: int
    distance: float


class Country(Model):
    code: str
    name: str
    currency: str


class Rate(Model):
    """What one euro is in `currency`."""

    currency: str
    per_euro: float


class FeaturedChange(Model):
    """What the front page is to show, in this order."""

    places: Annotated[tuple[Id, ...], Field(max_length=10)]

    @model_validator(mode="after")
    def _names_each_once(self) -> "FeaturedChange":
        if len(set(self.places)) < len(self.places):
            raise ValueError("name each place once")
        return self


class Featured(Model):
    places: tuple[int, ...]


class Article(Model):
    """What was written of a place; `version` counts how often."""

    place: int
    text: str
    version: int


class Statistics(Model):
    """Figures of one country; distances are kilometres, between its largest places."""

    country: str
    places: int
    population: int
    median_population: int
    largest_tenth_share: float
    mean_nearest_distance: float | None
    most_remote: str | None
    version: int


class SettingsChange(Model):
    """What a user may set."""

    language: Annotated[str, StringConstraints(pattern="^[a-z]{2}$")] = "en"
    units: Literal["metric", "imperial"] = "metric"
    page_size: Annotated[int, Field(ge=1, le=100)] = 20


class UserSettings(SettingsChange):
    """The settings of one user; version 0 if they were never saved."""

    user: int
    version: int = 0


class Health(Model):
    status: Literal["ok"] = "ok"


class HitRate(Model):
    """Counts of one kind of key."""

    hits: int = 0
    misses: int = 0
    loads: int = 0
    hit_ratio: float = 0.0


class ServiceStats(Model):
    """Counts since the start of the process."""

    hits: int
    misses: int
    loads: int
    hit_ratio: float
    by_kind: dict[str, HitRate]
    database_queries: int
