"""Keys and tags: `kind:identity`, each template in one place.

The cache's namespace is in front of all of them, `places:place:17`. A function that is given such
a template and a `Key` that is filled here name the same value, whatever characters an identity has.
"""

from cachekit import Key, Tag
from examples.places.models import EVERYWHERE

NEARBY = "nearby:{place_id}"
STATISTICS = "statistics:{code}"
FEATURED = "featured"
SETTINGS = "settings:{user}"
COUNTRY = "country:{code}"

PAGE = "page"
"""The name of a function without a template: its keys have all its arguments, `page(…)`."""


def place(place_id: int) -> Key:
    """One place, or that there is none."""
    return Key("place:{}", place_id)


def rate(currency: str) -> Key:
    """What a euro is in one currency."""
    return Key("rate:{}", currency)


def places_of(country: str) -> Tag:
    """What counts or lists the places of a country, or of `EVERYWHERE`."""
    return Tag(f"places:{country}")


ALL_PLACES = places_of(EVERYWHERE)
FEATURE = Tag("feature")
"""What shows the featured places."""
