"""What the operations router takes and answers."""

from collections.abc import Iterable
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, computed_field, model_validator
from pydantic.dataclasses import dataclass

from cachekit import EntryMetadata, Key, Prefix, Stats, Tag, Target

Name = Annotated[str, Field(min_length=1)]


@dataclass(frozen=True)
class CacheStats(Stats):
    """What one cache did in this process since its start."""

    @computed_field(description="Hits per lookup, 0 if there was none.")  # type: ignore[prop-decorator]
    @property
    def hit_ratio(self) -> float:
        return self.hits / max(1, self.hits + self.misses)


class CacheHealth(BaseModel):
    """Whether the store of one cache answers."""

    answers: bool = Field(description="Whether it answered a read within the cache's deadline.")
    seconds: float = Field(description="How long that took.")


class HealthReport(BaseModel):
    """`degraded`: a store does not answer. The service works without it, and slower."""

    status: Literal["ok", "degraded"]
    caches: dict[str, CacheHealth]


class EntryReport(BaseModel):
    """What is known of the value under a key; not the value."""

    key: str
    age: float = Field(description="Seconds since its load ended.")
    ttl: float | None = Field(description="Seconds that it is fresh; null: for good.")
    fresh: bool = Field(description="Whether its ttl has not passed. If it has, it is there stale.")
    tags: list[str]
    version: str = Field(description="Another one each time a value is stored.")
    load_time: float = Field(description="Seconds its load took, 0 if it was set.")

    @classmethod
    def of(cls, known: EntryMetadata) -> Self:
        """`known` as JSON can carry it: a number of 63 bits is one that browsers round."""
        return cls(
            key=known.key,
            age=known.age,
            ttl=known.ttl,
            fresh=known.fresh,
            tags=list(known.tags),
            version=f"{known.version:x}",
            load_time=known.load_time,
        )


class Targets(BaseModel):
    """What to forget, or what was forgotten."""

    model_config = ConfigDict(extra="forbid")

    keys: list[Name] = Field(default=[], description="Each value under one of these keys.")
    tags: list[Name] = Field(default=[], description="Each value with one of these tags.")
    prefixes: list[Name] = Field(default=[], description="Each value whose key begins so.")

    @classmethod
    def of(cls, targets: Iterable[Target]) -> Self:
        """What an event came to."""
        targets = list(targets)
        return cls(
            keys=[target.text for target in targets if isinstance(target, Key)],
            tags=[target.name for target in targets if isinstance(target, Tag)],
            prefixes=[target.text for target in targets if isinstance(target, Prefix)],
        )

    def all(self) -> list[Target]:
        """As `cache.invalidate` takes them."""
        return [*map(Key, self.keys), *map(Tag, self.tags), *map(Prefix, self.prefixes)]


class ToForget(Targets):
    """What to forget: at least one key, tag or prefix."""

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if not self.all():
            raise ValueError("name at least one of keys, tags and prefixes")
        return self


class Unreached(BaseModel):
    """What was not forgotten, since the store did not acknowledge it."""

    message: str
    unreached: list[str] = Field(description="What may still be served until it expires.")


class NotForgotten(BaseModel):
    """The body of a 503."""

    detail: Unreached | str


class Refused(BaseModel):
    """The body of an error that says in a sentence what is wrong."""

    detail: str
