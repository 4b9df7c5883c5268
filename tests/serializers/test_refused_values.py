"""Values that a serializer does not carry: an error where one is set, one warning at a fill."""

import logging
from typing import Any

import pytest

from cachekit import Cache, EncodeError
from cachekit_pickle import PickleSerializer
from tests.serializers.conftest import Plain
from tests.serializers.lab import KEYS
from tests.serializers.looking import values
from tests.serializers.test_typed_functions import returning
from tests.serializers.things import Point, Product, Strange, product

pytestmark = pytest.mark.virtual

POINT = Point(1, ())


class NoStock(Exception):
    """The classic that is pickled, but not unpickled: it is made anew of its message alone."""

    def __init__(self, sku: str, wanted: int) -> None:
        super().__init__(f"no {wanted} of {sku}")


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Any:
    """What was logged of refused values, as text."""
    caplog.set_level(logging.WARNING, "cachekit")
    return lambda: [record.getMessage() for record in caplog.records]


# -- pickle


async def test_what_cannot_be_unpickled_is_no_value(caches: Plain, said: Any) -> None:
    cache = caches(caches.slow(), serializer=PickleSerializer(KEYS))

    @cache.cached(key="k")
    async def function() -> Exception:
        return NoStock("tea", 3)

    with pytest.raises(EncodeError, match=r"NoStock cannot be pickled: TypeError"):
        await cache.set("set", NoStock("tea", 3))
    for _ in range(3):
        assert str(await function()) == "no 3 of tea"
    (message,) = said()
    assert "NoStock cannot be pickled: TypeError" in message
    stats = cache.stats()
    assert (stats.not_encoded, stats.unreadable, values(cache)) == (3, 0, {})


# -- who is told, and of what


async def test_each_function_is_told_of_once_for_each_type(slow: Cache, said: Any) -> None:
    def failing(name: str, value: Any) -> Any:
        return slow.cached(key=f"{name}:{{n}}", name=name)(returning(Product, value))

    for function in (failing("first", POINT), failing("second", POINT), failing("third", 5)):
        for n in (1, 2, 1):
            await function(n)
    told = [message.partition(" was served")[0] for message in said()]
    assert told == [f"a value for v:test:{name}:1" for name in ("first", "second", "third")]
    assert slow.stats().not_encoded == 9


# -- why an annotation was of no use


async def test_a_type_that_is_not_known_is_named(slow: Cache, said: Any) -> None:
    annotation = tuple[Point, Strange | None]
    function = slow.cached(key="k")(returning(annotation, (POINT, None)))
    await function(1)
    (message,) = said()
    assert "its annotation was of no use: " in message
    assert "Strange" in message.partition("of no use: ")[2]
    with pytest.raises(EncodeError) as refused:
        await function.set((POINT, None), 1)
    assert "Strange" in "".join(refused.value.__notes__)


async def test_a_name_that_is_not_found_is_named(slow: Cache, said: Any) -> None:
    """It is looked for when the function is first called, and not again."""

    class Inner(Product):
        """A class that only the body of a function knows."""

    @slow.cached(key="k")
    async def function() -> "Inner":
        return Inner(id=1)

    for _ in range(2):
        await function()
    (message,) = said()
    assert message.endswith("its annotation was of no use: name 'Inner' is not defined")


async def test_where_nothing_is_annotated_nothing_is_said_of_it(slow: Cache, said: Any) -> None:
    @slow.cached(key="k")
    async def function():  # type: ignore[no-untyped-def]
        return product()

    await function()
    await slow.cached(key="l")(returning(Product, POINT))(1)
    assert ["of no use" in message for message in said()] == [False, False]
