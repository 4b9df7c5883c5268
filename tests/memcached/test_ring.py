"""Which node has which key: always the same one, and as few as can be move."""

from collections import Counter
from itertools import permutations
from typing import Final

import pytest

from cachekit.keys import claim_of, home_in, record_key, tag_key, value_key
from cachekit_memcached import MemcachedBackend
from cachekit_memcached.ring import Ring

NODES: Final = ["cache1:11211", "cache2:11211", "cache3:11211"]
MORE: Final = "cache4:11211"
KEYS: Final = [value_key("shop", f"product:{number}") for number in range(4000)]

GOLDEN: Final = {
    "v:shop:product:1": "cache2:11211",
    "v:shop:product:2": "cache2:11211",
    "v:shop:product:3": "cache1:11211",
    "v:shop:product:4": "cache3:11211",
    "v::k": "cache3:11211",
    "v:shop:\xfc": "cache3:11211",
    "v:shop:\ud800": "cache2:11211",
    "t:shop:products": "cache3:11211",
    "c:shop:product:1": "cache2:11211",
    "t:shop~@cache1:11211~home": "cache1:11211",
}
"""On other releases, too, and in other languages: else all processes that share a store would have
to be brought up to date at once, and would lose all keys."""


def where(nodes: list[str]) -> list[str]:
    """The node of each of `KEYS`."""
    ring = Ring(nodes)
    return [nodes[ring.place(key)] for key in KEYS]


@pytest.mark.parametrize("key", GOLDEN, ids=ascii)
def test_a_key_is_where_it_was_in_each_release(key: str) -> None:
    assert NODES[Ring(NODES).place(key)] == GOLDEN[key]


def test_all_have_about_as_much() -> None:
    assert all(1200 < count < 1470 for count in Counter(where(NODES)).values())


@pytest.mark.parametrize("nodes", [*permutations(NODES)], ids=str)
def test_the_order_in_which_they_are_named_is_all_the_same(nodes: tuple[str, ...]) -> None:
    assert where(list(nodes)) == where(NODES)


def test_one_more_takes_its_share_and_nothing_moves_between_the_others() -> None:
    before, after = where(NODES), where([*NODES, MORE])
    moved = [now for was, now in zip(before, after, strict=True) if now != was]
    assert set(moved) == {MORE}
    assert 0.23 < len(moved) / len(KEYS) < 0.27


def test_of_one_less_only_its_own_keys_move_to_all_others() -> None:
    before, after = where([*NODES, MORE]), where(NODES)
    moved = [(was, now) for was, now in zip(before, after, strict=True) if now != was]
    assert {was for was, _ in moved} == {MORE}
    assert {now for _, now in moved} == set(NODES)


def test_a_claim_is_where_its_value_is() -> None:
    ring = Ring(NODES)
    assert all(ring.place(claim_of(key)) == ring.place(key) for key in KEYS)


LONG: Final = [f"{'x' * 240}{number}.example:11211" for number in range(3)]
"""Names of more characters than a home may have."""


@pytest.mark.parametrize("nodes", [NODES, LONG, ["[::1]:1", "[::1]:2", "a~b@c:1"]], ids=len)
@pytest.mark.parametrize("name", ["home", "fn:shop.products.f", f"fn:{'f' * 200}", "fn:ü ~@~"])
@pytest.mark.parametrize("namespace", ["", "shop", "n" * 40])
def test_a_record_that_is_made_for_a_home_lives_there(
    nodes: list[str], name: str, namespace: str
) -> None:
    ring = Ring(nodes)
    records = [record_key(namespace, name, home) for home in ring.homes]
    assert [home_in(record) for record in records] == ring.homes
    assert [ring.place(record) for record in records] == [0, 1, 2]


def test_a_home_is_the_same_wherever_its_node_is_named() -> None:
    assert Ring(LONG).homes == Ring(LONG[::-1]).homes[::-1]
    assert Ring(LONG).homes[0] == "7635492fba70be391e190388cf3b727c"
    assert Ring(NODES).homes == NODES


def test_no_tag_of_a_user_is_taken_for_such_a_record() -> None:
    assert home_in(tag_key("shop", f"@{NODES[0]}~home")) == ""


def test_the_backend_says_so() -> None:
    backend = MemcachedBackend(f"memcached://{','.join(NODES)}")
    assert [backend.node_of(key) for key in KEYS] == where(NODES)
    assert [backend.home(key) for key in KEYS] == where(NODES)
    assert list(backend.homes()) == NODES
    assert {backend.home(key) for key in KEYS} == set(NODES)
