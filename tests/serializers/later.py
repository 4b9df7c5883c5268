"""Functions whose annotations are text, and name what is defined later or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cachekit import Cache

if TYPE_CHECKING:
    from tests.serializers.things import Product as OnlyForCheckers


def functions(cache: Cache) -> dict[str, Any]:
    """One that names what is there, and one that names what no running program has."""

    @cache.cached(key="late:{n}")
    async def late(n: int) -> list[Late]:
        return [Late(n)]

    @cache.cached(key="checked:{n}")
    async def checked(n: int) -> OnlyForCheckers | None:
        return None

    return {"late": late, "checked": checked}


EARLY = Cache(namespace="test")


@EARLY.cached(key="early:{n}")
def early(n: int) -> Late:
    return Late(n)


@EARLY.cached_many(key="many:{ids}")
def many(ids: list[int]) -> dict[int, Late]:
    return {n: Late(n) for n in ids}


@dataclass
class Late:
    """Defined below the functions that return it."""

    n: int
    next: Late | None = None
