"""Rates: somebody else changes them and tells nobody, so their age is all that there is to go by.

A minute is new enough. A bank that is slow or down does no harm for an hour.
"""

from typing import Annotated

from fastapi import APIRouter, Depends

from cachekit.fastapi import CacheControl, CacheDep, cache_policy
from examples.places.bank import Bank
from examples.places.dependencies import found
from examples.places.models import Currency, Rate
from examples.places.patterns import key_naming

router = APIRouter()


@router.get("/rates/{currency}")
@cache_policy(browser=CacheControl(public=True, max_age=60))
async def read_rate(currency: Currency, cache: CacheDep, bank: Annotated[Bank, Depends()]) -> Rate:
    """What a euro is in another currency."""
    rate = await cache.get_or_set(
        key_naming.rate(currency).text,
        lambda: bank.rate(currency),
        ttl=60,
        stale_if_error=3600,
        soft_timeout=0.5,  # seconds that anyone waits for a bank that is slow, if there is a rate
        type=Rate | None,
    )
    return found(rate, f"no rate for {currency}")
