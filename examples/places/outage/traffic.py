"""What is asked for: much of it of few places, and nothing that takes the database long.

Without the cache the service has to keep up, or its figures would only tell of its queue.
"""

from collections.abc import Iterator

from examples.places.demo.traffic import Ask, Mix, Traffic, World

LIGHT = Mix(place=78, page=8, settings=10, statistics=0, update=2, save=2, by_country=1, by_name=0)
MANY = 1000


def asks(world: World, seed: str, mix: Mix = LIGHT) -> Iterator[Ask]:
    """Requests without an end; the same for equal seeds."""
    traffic = Traffic(world, seed, mix)
    while True:
        yield from traffic.asks(MANY)
