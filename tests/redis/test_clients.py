"""A ready client of redis-py, whose settings are used and which stays the caller's."""
# pyright: reportUnknownMemberType=false

import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import redis
from redis.asyncio import BlockingConnectionPool, ConnectionPool, Redis, RedisCluster
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.exceptions import TimeoutError as RedisTimeout

from cachekit import Cache
from cachekit.backend import DONE, Write
from cachekit.entry import Entry, Kind
from cachekit.errors import ConfigurationError
from cachekit_redis import RedisBackend
from tests.redis.scripted import NOTHING, OK, bulk, many, scripted
from tests.servers.cluster import RedisCluster as ClusterOfServers
from tests.servers.server import RedisServer
from tests.stores.scripted import Asked, until

NEVER = Retry(NoBackoff(), 0)
PATIENCE = 5.0


def of(server: RedisServer, **options: Any) -> Redis:
    """A client that does not try again."""
    return Redis(host="127.0.0.1", port=server.port, retry=NEVER, **options)


@pytest.fixture
async def client(redis_server: RedisServer) -> AsyncIterator[Redis]:
    client = of(redis_server)
    yield client
    await client.aclose()


async def use(backend: RedisBackend) -> None:
    """Write and read, on all servers of a Cluster."""
    keys = [f"v:{n}" for n in range(30)]
    writes = [Write(key, Entry(Kind.STUB, keep=60.0), announce=True) for key in keys]
    assert await backend.write(writes) == [DONE] * 30
    found = await backend.read(keys)
    assert {key: entry.version for key, entry in found.items() if isinstance(entry, Entry)} == {
        write.key: write.entry.version for write in writes if write.entry is not None
    }


@pytest.mark.parametrize("protocol", [None, 2, 3])
async def test_a_client_is_used_and_not_closed(
    redis_server: RedisServer, prefix: str, protocol: int | None
) -> None:
    client = of(redis_server, protocol=protocol, client_name=prefix.strip(":"))

    def connected() -> int:
        listed: bytes = redis_server.command("CLIENT", "LIST")
        return listed.count(f"name={prefix.strip(':')} ".encode())

    assert await client.ping()
    backend = RedisBackend(client, prefix=prefix, timeout=PATIENCE)
    await backend.open()
    await use(backend)
    assert connected() >= 2
    await backend.close()
    await until(lambda: connected() == 1)
    assert await client.ping()
    await client.aclose()
    await until(lambda: connected() == 0)


async def test_a_backend_may_be_opened_again(client: Redis, prefix: str) -> None:
    backend = RedisBackend(client, prefix=prefix, timeout=PATIENCE)
    for _ in range(2):
        await backend.open()
        await use(backend)
        await backend.close()


async def test_the_settings_of_a_client_are_used(redis_server: RedisServer, prefix: str) -> None:
    client = of(redis_server, db=2)
    async with Cache(RedisBackend(client, prefix=prefix, timeout=PATIENCE), namespace="n") as cache:
        await cache.get_or_set("k", lambda: 1)
    _, there, _ = redis_server.together(("SELECT", 2), ("EXISTS", f"{prefix}v:n:k"), ("SELECT", 0))
    assert there == 1
    await client.aclose()


async def test_other_pools(redis_server: RedisServer, prefix: str) -> None:
    for kind in (ConnectionPool, BlockingConnectionPool):
        pool: Any = kind.from_url(redis_server.url, max_connections=1)
        backend = RedisBackend(Redis(connection_pool=pool), prefix=prefix, timeout=PATIENCE)
        await use(backend)
        await backend.close()
        await pool.disconnect()


async def test_a_client_from_a_url_tries_nothing_again(
    redis_server: RedisServer, prefix: str
) -> None:
    """redis-py's own default depends on how the client is made."""
    client = Redis.from_url(redis_server.url, retry=NEVER)
    backend = RedisBackend(client, prefix=prefix, timeout=PATIENCE)
    await use(backend)
    await backend.close()
    await client.aclose()


async def test_a_client_of_a_cluster_is_used_and_not_closed(
    redis_cluster: ClusterOfServers, prefix: str
) -> None:
    client = RedisCluster("127.0.0.1", redis_cluster.servers[0].port, retry=NEVER)
    for begun in (False, True):
        backend = RedisBackend(client, prefix=prefix, timeout=PATIENCE, connect_timeout=PATIENCE)
        await use(backend)
        await backend.close()
        if not begun:
            await client.initialize()
    assert await client.get(f"{prefix}~nothing") is None
    await client.aclose()


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "decodes": (lambda: Redis(retry=NEVER, decode_responses=True), "decode_responses=False"),
    "default": (lambda: Redis(), r"this client retries: .* retry=Retry\(NoBackoff\(\), 0\)"),
    "retries": (lambda: Redis(retry=Retry(ExponentialBackoff(), 3)), "this client retries"),
    "for ever": (lambda: Redis(retry=Retry(NoBackoff(), -1)), "this client retries"),
    "on error": (
        lambda: Redis(retry=NEVER, retry_on_error=[RedisTimeout]),
        "without retry_on_error",
    ),
    "url": (
        lambda: Redis.from_url("redis://h?retry_on_timeout=true"),
        "without retry_on_error and retry_on_timeout",
    ),
    "cluster": (
        lambda: RedisCluster("h", 1, retry=NEVER, decode_responses=True),
        "decode_responses=False",
    ),
    "cluster, default": (lambda: RedisCluster("h", 1), "this client retries"),
    "cluster, retries": (
        lambda: RedisCluster("h", 1, retry=Retry(ExponentialBackoff(), 3)),
        "this client retries",
    ),
    "blocking": (
        lambda: redis.Redis(),
        "server= is a Redis of redis.client, which .* a RedisCluster of redis.asyncio",
    ),
    "none": (lambda: None, "server= is a NoneType of builtins, .* give a URL, or a Redis"),
    "a pool": (lambda: ConnectionPool(), "server= is a ConnectionPool of redis.asyncio.connection"),
    "replicas": (
        lambda: Sentinel([("h", 1)], retry=NEVER).slave_for("shop"),  # type: ignore[no-untyped-call]
        r"master_for\(\) instead of slave_for\(\)",
    ),
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("made", REFUSED)
def test_a_client_that_would_not_do_is_refused(made: str) -> None:
    make, said = REFUSED[made]
    with pytest.raises(ConfigurationError, match=said):
        RedisBackend(make())


async def test_the_sentinels_of_a_client_are_not_asked_by_its_connections() -> None:
    """They belong to the loop of whoever has made them, which need not be that of the cache."""

    def tells(asked: Asked) -> bytes:
        if asked[0] == b"SENTINEL":
            return many(bulk(b"127.0.0.1"), bulk(b"%d" % master.port))
        return OK

    nothing = many(NOTHING)
    async with scripted(lambda asked: nothing) as master, scripted(tells) as sentinel:
        theirs: Any = Sentinel([("127.0.0.1", sentinel.port)], sentinel_kwargs={"client_name": "s"})  # type: ignore[no-untyped-call]
        client = theirs.master_for("shop", retry=NEVER, client_name="m")
        backend = RedisBackend(client, timeout=PATIENCE, connect_timeout=PATIENCE)
        for _ in range(2):
            met = sentinel.met
            await backend.open()
            assert await backend.read(["v:k"]) == {}
            assert sentinel.met > met
            await backend.close()
            await until(lambda: not sentinel.guests and not master.guests)
        assert not theirs.sentinels[0].connection_pool._available_connections
        names = [
            {asked[2] for asked in each.asked if asked[:2] == [b"CLIENT", b"SETNAME"]}
            for each in (sentinel, master)
        ]
        assert names == [{b"s"}, {b"m"}]
        await client.aclose()


def test_a_client_is_not_what_a_word_makes_of_it() -> None:
    with pytest.raises(ConfigurationError, match="go with a URL"):
        RedisBackend(Redis(retry=NEVER), cluster=True)
    with pytest.raises(ConfigurationError, match="go with a URL"):
        RedisBackend(Redis(retry=NEVER), sentinel="shop")


@pytest.mark.parametrize(
    "make",
    [
        lambda: redis.Redis(password="s3cret"),
        lambda: redis.Redis.from_url("redis://u:s3cret@h"),
        lambda: Redis(password="s3cret", retry=NEVER, decode_responses=True),
        lambda: ConnectionPool(password="s3cret"),
    ],
)
def test_no_password_of_a_client_is_told(make: Callable[[], Any]) -> None:
    with pytest.raises(ConfigurationError) as raised:
        RedisBackend(make())
    assert "s3cret" not in str(raised.value)


class Shown(Redis):
    """As in some versions of redis-py, its `repr` shows all of it."""

    def __repr__(self) -> str:
        return "s3cret"


def test_of_what_will_not_do_the_type_is_told_and_nothing_else() -> None:
    servers: Any = [Shown()]
    with pytest.raises(ConfigurationError, match="server= is a list of builtins") as raised:
        RedisBackend(servers)
    assert "s3cret" not in str(raised.value)


class OfVersion5(Retry):
    """redis-py 5 does not tell how often it would be."""

    get_retries: Any = None


def test_older_versions_of_redis_py() -> None:
    RedisBackend(Redis(retry=OfVersion5(NoBackoff(), 0)))
    with pytest.raises(ConfigurationError, match="this client retries"):
        RedisBackend(Redis(retry=OfVersion5(NoBackoff(), 1)))
    assert RedisBackend("redis://h?protocol=2").settings


@pytest.mark.parametrize("missing", ["redis", "hiredis"])
def test_what_is_missing_is_named_with_the_extra_that_brings_it(missing: str) -> None:
    script = f"""
        import sys
        from cachekit import Cache
        from cachekit.errors import ConfigurationError
        sys.modules[{missing!r}] = None
        try:
            import cachekit_redis
        except ImportError as error:
            print(error)
        try:
            Cache("redis://h", namespace="n")
        except ConfigurationError as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True
    )
    imported, asked = done.stdout.splitlines()
    assert imported.startswith("cachekit_redis needs redis-py with hiredis (")
    assert imported.endswith("pip install 'cachekit-framework[redis]'")
    assert asked.startswith("the plug-in for redis:// lacks something: cachekit_redis needs")
    assert asked.count("pip install 'cachekit-framework[redis]'") == 1
