"""Stampede protection: however many ask for figures that nobody has, they are worked out once.

That needs nothing: callers share a load, in one process by waiting for it, across processes by a
lease in the store. A load that hangs is given up after `load_timeout`.
"""

from fastapi import APIRouter

from cachekit.fastapi import cached
from examples.places.caching import cache
from examples.places.dependencies import UseDatabase, found
from examples.places.models import CountryCode, Statistics
from examples.places.patterns import key_naming
from examples.places.queries import select_towns
from examples.places.statistics import compute

router = APIRouter()


@router.get("/countries/{code}/statistics")
@cached(
    cache,
    ttl=600,
    load_timeout=10,
    key=key_naming.STATISTICS,
    tags=[key_naming.places_of("{code}").name],
    ignore=["database"],
)
def read_statistics(code: CountryCode, database: UseDatabase) -> Statistics:
    """Figures of a country that take a while to work out, in a thread."""
    towns, version = select_towns(database, code)
    return compute(code, found(towns or None, f"no country {code}"), version)
