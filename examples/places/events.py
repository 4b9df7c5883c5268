"""What can happen, and what must be forgotten when it does."""

from dataclasses import dataclass

from cachekit import EventMap, Key, Tag
from examples.places.models import EVERYWHERE


@dataclass(frozen=True)
class PlaceUpdated:
    """The name or the population of a place was changed, and that is committed."""

    id: int
    country: str


events = EventMap()


@events.on(PlaceUpdated)
def forget_place(event: PlaceUpdated) -> list[Key | Tag]:
    """The place itself, and whatever counts or lists the places of its country."""
    return [
        Key("place:{}", event.id),
        Tag(f"country:{event.country}"),
        Tag(f"country:{EVERYWHERE}"),
    ]
