"""What is in a ring."""

from typing import TypeVar

from cachekit_memory.rings import Rings
from cachekit_memory.slotted import Slotted

K = TypeVar("K")


def keys_in(rings: Rings[K], ring: int) -> list[K]:
    """From the first to the last, found as well from the last to the first."""
    ahead, back = list[K](), list[K]()
    for column, found in ((rings._after, ahead), (rings._before, back)):
        place = column[ring]
        while place != ring:
            key = rings._keys[place]
            assert key is not None
            found.append(key)
            place = column[place]
    assert ahead == back[::-1]
    return ahead


def agree(cache: Slotted[int, str], *rings: int) -> None:
    """Each key of the cache is in one of its rings, once, and knows where."""
    found = [key for ring in rings for key in keys_in(cache._rings, ring)]
    assert sorted(found) == sorted(cache)
    for key, slot in cache._slots.items():
        assert cache._rings._keys[slot.place] == key
        assert key in keys_in(cache._rings, slot.ring)
