"""Rings keep the order in which keys came, and reuse the places of those that went."""

from hypothesis import given
from hypothesis import strategies as st

from cachekit_memory.rings import Rings
from tests.memory.rings import keys_in

STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "move", "remove"]), st.integers(0, 2), st.integers(0, 9)),
    max_size=60,
)


@given(STEPS)
def test_they_are_as_lists_would_be(steps: list[tuple[str, int, int]]) -> None:
    rings: Rings[int] = Rings()
    ids = [rings.new() for _ in range(3)]
    model: list[list[int]] = [[], [], []]
    places: dict[int, int] = {}
    for what, to, key in steps:
        if what != "add" and key in places:
            next(keys for keys in model if key in keys).remove(key)
            if what == "move":
                rings.move(ids[to], places[key])
                model[to].append(key)
            else:
                rings.remove(places.pop(key))
        elif what == "add" and key not in places:
            places[key] = rings.add(ids[to], key)
            model[to].append(key)
        assert [keys_in(rings, ring) for ring in ids] == model
        firsts = [rings.key(rings.first(ring)) for ring in ids]
        assert firsts == [keys[0] if keys else None for keys in model]
    assert len(rings) <= 3 + 10


def test_places_are_used_again() -> None:
    rings: Rings[str] = Rings()
    for _ in range(100):
        ring = rings.new()
        rings.remove(rings.add(ring, "a"))
        rings.remove(ring)
    assert len(rings) == 2


def test_what_was_removed_is_not_held() -> None:
    rings: Rings[str] = Rings()
    ring = rings.new()
    rings.remove(rings.add(ring, "a"))
    assert "a" not in rings._keys
