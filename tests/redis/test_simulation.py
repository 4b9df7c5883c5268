"""The readers and writers of the simulation, on one server and on a Cluster.

In virtual time with all that can go wrong on the way there, and in real time with nothing between.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import pytest

from cachekit.backend import Backend
from cachekit.clock import Clock
from cachekit.testing.simulation import Connect
from cachekit.testing.simulation.suite import SimulationSuite
from cachekit_redis import RedisBackend
from tests.races.live import live
from tests.races.store import DEADLINE, PlainFills
from tests.redis.back_door import RedisDoor
from tests.servers.cluster import RedisCluster
from tests.servers.server import RedisServer

ConnectTo: TypeAlias = Callable[[str], Connect]
"""Names what keys are to begin with, and gives what makes backends."""

COVERED: Final = ("hits", "refused_fills", "waits", "takeovers", "shared loads")


@pytest.fixture(params=["redis_server", "redis_cluster"])
def connect_to(request: pytest.FixtureRequest, prefix: str) -> ConnectTo:
    server: RedisServer | RedisCluster = request.getfixturevalue(request.param)
    return lambda more: connecting(server.url, prefix + more)


def connecting(url: str, prefix: str) -> Connect:
    def connect(clock: Clock) -> Backend:
        return RedisBackend(
            url, prefix=prefix, timeout=DEADLINE, connect_timeout=DEADLINE, clock=clock
        )

    return connect


def check_live(connect_to: ConnectTo, seeds: Sequence[int], enough: int) -> None:
    """Goes on until `enough` seeds have covered all: in real time no two runs are alike."""
    covered: Counter[str] = Counter()
    for done, seed in enumerate(seeds):
        if done >= enough and not few(covered, enough):
            break
        result = live(seed, connect_to(f"{seed}:"))
        if result.violation is not None:
            pytest.fail(f"seed {seed}: {result.violation}", pytrace=False)
        covered += result.covered
    print(covered)
    assert covered["unreached"] == covered["unacknowledged"] == 0
    assert few(covered, enough) == []


def few(covered: Counter[str], seeds: int) -> list[str]:
    """What has happened less than five times a seed."""
    return [name for name in COVERED if covered[name] < 5 * seeds]


def test_no_answer_is_wrong_in_real_time(connect_to: ConnectTo) -> None:
    check_live(connect_to, range(10), enough=1)


@pytest.mark.long
@pytest.mark.timeout(1000)
def test_no_answer_is_wrong_in_real_time_whatever_the_seed(connect_to: ConnectTo) -> None:
    check_live(connect_to, range(100, 150), enough=50)


def test_fills_without_a_condition_are_seen_to_be_wrong(connect_to: ConnectTo) -> None:
    def plain(seed: int) -> Connect:
        connect = connect_to(f"plain:{seed}:")
        return lambda clock: PlainFills(connect(clock))

    results = (live(seed, plain(seed)) for seed in range(20))
    violation = next((r.violation for r in results if r.violation is not None), None)
    assert violation is not None
    assert "was acknowledged before" in violation.what


class VirtualTime(SimulationSuite):
    __test__ = False
    expires = "world"


class TestOneServer(VirtualTime):
    __test__ = True
    seeds = range(2)

    @pytest.fixture
    def connect(self, redis_server: RedisServer, prefix: str) -> Connect:
        return connecting(redis_server.url, prefix)

    @pytest.fixture
    def back_door(self, redis_server: RedisServer, prefix: str) -> RedisDoor:
        return RedisDoor(redis_server.command, prefix)


@pytest.mark.long
class TestCluster(VirtualTime):
    __test__ = True
    seeds = range(2, 4)

    @pytest.fixture
    def connect(self, redis_cluster: RedisCluster, prefix: str) -> Connect:
        return connecting(redis_cluster.url, prefix)

    @pytest.fixture
    def back_door(self, redis_cluster: RedisCluster, prefix: str) -> RedisDoor:
        def command(name: str, key: bytes, *rest: Any) -> Any:
            return redis_cluster.owner_of(key).command(name, key, *rest)

        return RedisDoor(command, prefix)


@pytest.mark.long
class TestOneServerInAllWeathers(TestOneServer):
    seeds = range(100, 130)


@pytest.mark.long
class TestClusterInAllWeathers(TestCluster):
    seeds = range(200, 230)
