"""Several real processes on one memcached, and on three."""

import pytest

from tests.races.store import DEADLINE, Store
from tests.races.verdicts import (
    LONG,
    SHORT,
    check_loads,
    check_one_load,
    check_right,
    check_seen_wrong,
)
from tests.servers.fixtures import ThreeMemcacheds

BOTH = pytest.mark.parametrize("nodes", [1, 3])


@pytest.fixture
def nodes() -> int:
    return 3


@pytest.fixture
def store(three_memcacheds: ThreeMemcacheds, nodes: int, prefix: str) -> Store:
    addresses = ",".join(server.address for server in three_memcacheds[:nodes])
    options = f"prefix={prefix}&timeout={DEADLINE}&connect_timeout={DEADLINE}"
    return Store(f"memcached://{addresses}?{options}")


def test_a_cold_key_is_loaded_once(store: Store) -> None:
    check_one_load(store)


def test_a_leader_who_is_killed_costs_one_more_load(store: Store) -> None:
    check_one_load(store, fatal=True)


def test_many_cold_keys_are_loaded_once_each(store: Store) -> None:
    check_loads(store, 300)


@BOTH
def test_nobody_gets_what_was_forgotten_before(store: Store) -> None:
    check_right(store, SHORT)


@BOTH
@pytest.mark.long
@pytest.mark.timeout(400)
def test_nobody_ever_gets_what_was_forgotten_before(store: Store) -> None:
    check_right(store, LONG, patience=300)


def test_values_that_are_simply_stored_are_seen_to_be_wrong(store: Store) -> None:
    check_seen_wrong(store)
