"""The cached functions of a process. What loads for a caller is in that caller's context."""

from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final

from cachekit.testing.simulation.loads import Loader

NAMESPACE: Final = "sim"

PREFIX: Final = "k"
"""What all keys begin with; a number follows."""

LOADER: Final[ContextVar[Loader]] = ContextVar("LOADER")


@dataclass(frozen=True)
class Functions:
    """By key a function that loads it, and one that loads several."""

    one: Mapping[str, Any]
    many: Any


def one(cache: Any, key: str, tags: Iterable[str], *, session: bool, **options: Any) -> Any:
    """A cached function without arguments, or with one that its key leaves out."""
    function = with_session if session else plain
    return cache.cached(key=key, name=f"f{key}", tags=tags, **options)(function)


def many(cache: Any, **options: Any) -> Any:
    """A cached function of numbers, under the same keys."""
    return cache.cached_many(key=f"{PREFIX}{{numbers}}", name="many", **options)(several)


async def plain() -> str:
    return await LOADER.get()()


async def with_session(session: object) -> str:
    return await LOADER.get()()


async def several(numbers: list[int]) -> Mapping[int, str]:
    found = await LOADER.get().several([f"{PREFIX}{number}" for number in numbers])
    return {int(key.removeprefix(PREFIX)): value for key, value in found.items()}
