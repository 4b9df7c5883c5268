"""One process of one of two releases: reads hot keys of a SQLite file, and reports as JSON."""

import asyncio
import sys
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, create_model

from cachekit import Cache
from examples.sqlite_backend import SqliteBackend

ROOT: Final = Path(__file__).parents[2]
PRODUCTS: Final = 4
SHAPES: Final = {"old": ["by", "id"], "new": ["by", "id", "price"]}

MODELS: Final[dict[str, type[BaseModel]]] = {
    "old": create_model("Product", id=int, by=str),
    "new": create_model("Product", id=int, by=str, price=(int, 0)),
}


async def play(path: Path, name: str, rounds: int = 40) -> dict[str, Any]:
    """What it saw: the fields of all that it was given, and the figures of its cache."""
    model = MODELS[name]
    async with Cache(SqliteBackend(path), namespace="shop", deadline=5) as cache:

        async def product(n: int) -> Any:
            await asyncio.sleep(0)
            return model(id=n, by=name)

        product.__annotations__["return"] = model
        cached = cache.cached(key="product:{n}", name="product")(product)
        shapes: set[tuple[str, ...]] = set()
        for _ in range(rounds):
            found = await asyncio.gather(*(cached(n) for n in range(PRODUCTS) for _ in range(3)))
            shapes |= {tuple(sorted(vars(each))) for each in found if each.by == name}
            assert {type(each) for each in found} == {model}
        stats = cache.stats()
    figures = ("load_errors", "unreadable", "unreached", "foreign", "loads")
    return {"shapes": list(map(list, shapes)), **{key: getattr(stats, key) for key in figures}}


if __name__ == "__main__":
    import json

    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(asyncio.run(play(Path(sys.argv[1]), sys.argv[2]))))
