"""Constants: a small LRU in this process, without an end.

What never changes is forgotten by nothing, so no process needs to hear of another, and Redis would
only be a way to go. There is a bound, `max_entries` of `caching.constants`: what was used longest
ago goes first.
"""

import asyncio

from fastapi import APIRouter

from cachekit.fastapi import CacheControl, cache_policy, cached
from examples.places.caching import constants
from examples.places.dependencies import UseDatabase, found
from examples.places.models import Country, CountryCode
from examples.places.patterns import key_naming
from examples.places.queries import select_country

router = APIRouter()


@router.get("/countries/{code}")
@cache_policy(browser=CacheControl(public=True, max_age=86400))
@cached(constants, key=key_naming.COUNTRY, ignore=["database"])
async def read_country(code: CountryCode, database: UseDatabase) -> Country:
    """The name and the currency of a country."""
    country = await asyncio.to_thread(select_country, database, code)
    return found(country, f"no country {code}")
