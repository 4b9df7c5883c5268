"""Where pydantic is not installed, annotations change nothing."""

import subprocess
import sys
from typing import Final

WITHOUT: Final = """
import asyncio, sys
from dataclasses import dataclass
from enum import Enum

sys.modules["pydantic"] = None  # whoever imports it gets an ImportError

from cachekit import Cache, ConfigurationError
from cachekit.testing import ReferenceBackend
from cachekit_msgpack import MsgpackSerializer


@dataclass
class Point:
    x: int


Color = Enum("Color", "RED")


async def use(**options):
    async with Cache(ReferenceBackend(), namespace="test", **options) as cache:

        @cache.cached(key="points")
        async def points() -> list[Point]:
            return [Point(1)]

        @cache.cached(key="colour")
        async def colour() -> "Color | None":
            return None

        assert await points() == await points() == [Point(1)]
        assert await colour() is await colour() is None
        assert await cache.get("colour", "none", type=Color | None) is None
        await cache.set("k", 1, type=Point)
        assert await cache.get("k") == 1
        return points.info.loads, colour.info.loads, await cache.get("points")


async def main():
    print(await use())
    print(await use(serializer=MsgpackSerializer(types=[Point])))
    try:
        Cache(serializer="pydantic")
    except ConfigurationError as error:
        print(error)


asyncio.run(main())
"""


def test_functions_go_on_with_the_serializer_of_the_cache() -> None:
    """What that does not carry is served and not stored."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    first, second, third = done.stdout.splitlines()
    assert first == "(2, 1, None)"
    assert second == "(1, 1, [Point(x=1)])"
    assert third.startswith("the plug-in for 'pydantic' lacks something: ")
    assert third.endswith("; pip install 'cachekit-framework[pydantic]' brings it")
    (warning,) = done.stderr.splitlines()
    assert "a value for v:test:points was served but not stored" in warning
    assert "is carried only if registered: MsgpackSerializer(types=[Point])" in warning
