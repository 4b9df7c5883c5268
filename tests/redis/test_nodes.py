"""Which server of a Cluster has a key, by the map that there is."""

from cachekit.backend import NODES, Nodes
from cachekit_redis import RedisBackend
from tests.redis.place import PATIENCE
from tests.servers.cluster import RedisCluster
from tests.servers.server import RedisServer

KEYS = [f"v:{n}" for n in range(30)]


def nodes_of(backend: RedisBackend) -> Nodes:
    nodes = backend.capability(NODES)
    assert nodes is not None
    return nodes


def test_who_asks_before_there_is_a_map_needs_no_server_and_no_loop() -> None:
    """Where nothing is known, nothing is asked either."""
    nodes = nodes_of(RedisBackend("redis://127.0.0.1:1?cluster=true"))
    assert {nodes.node_of(key) for key in KEYS} == {""}


async def test_a_node_is_where_the_key_is(redis_cluster: RedisCluster, prefix: str) -> None:
    backend = RedisBackend(redis_cluster.url, prefix=prefix, timeout=PATIENCE)
    nodes = nodes_of(backend)
    for _ in range(2):
        await backend.open()
        await backend.read(KEYS)
        owners = [redis_cluster.owner_of(prefix + key).address for key in KEYS]
        assert [nodes.node_of(key) for key in KEYS] == owners
        assert len(set(owners)) == 3
        await backend.close()


def test_one_server_has_no_nodes(redis_server: RedisServer) -> None:
    assert RedisBackend(redis_server.url).capability(NODES) is None
