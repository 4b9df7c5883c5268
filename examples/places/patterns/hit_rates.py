"""Hit rates: by what was asked for, not over all.

One figure for a whole service hides the function that never hits behind the one that always does.
"""

import re
from collections import Counter
from contextlib import AbstractContextManager, nullcontext

from fastapi import APIRouter

from cachekit import Listener
from cachekit.fastapi import CacheDep
from examples.places.dependencies import UseDatabase
from examples.places.models import HitRate, ServiceStats

router = APIRouter()


class HitRates(Listener):
    """Counts by kind, which is what a key begins with: there are too many keys."""

    def __init__(self) -> None:
        self.hits = Counter[str]()
        self.misses = Counter[str]()
        self.loads = Counter[str]()

    def hit(self, name: str, key: str) -> None:
        self.hits[kind_of(key)] += 1

    def miss(self, name: str, key: str) -> None:
        self.misses[kind_of(key)] += 1

    def load(self, name: str, key: str) -> AbstractContextManager[object]:
        self.loads[kind_of(key)] += 1
        return nullcontext()

    def by_kind(self) -> dict[str, HitRate]:
        """What was counted until now."""
        kinds = sorted({*self.hits, *self.misses, *self.loads})
        return {kind: self._of(kind) for kind in kinds}

    def _of(self, kind: str) -> HitRate:
        hits, misses, loads = self.hits[kind], self.misses[kind], self.loads[kind]
        ratio = hits / max(1, hits + misses)
        return HitRate(hits=hits, misses=misses, loads=loads, hit_ratio=ratio)


def kind_of(key: str) -> str:
    """`place` of `place:17`, `page` of `page(…)`."""
    return re.split("[:(]", key, maxsplit=1)[0]


hit_rates = HitRates()


@router.get("/stats")
async def read_stats(cache: CacheDep, database: UseDatabase) -> ServiceStats:
    """What the cache and the database did since the start, in this process."""
    seen = cache.stats()
    return ServiceStats(
        hits=seen.hits,
        misses=seen.misses,
        loads=seen.loads,
        hit_ratio=seen.hit_ratio,
        by_kind=hit_rates.by_kind(),
        database_queries=database.queries,
    )
