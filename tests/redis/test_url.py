"""What a URL may say of the servers, and what it says is used."""

import re
from typing import Any

import pytest
from redis.asyncio.connection import Connection, SSLConnection, UnixDomainSocketConnection

from cachekit import Cache
from cachekit.errors import ConfigurationError, InvalidationError
from cachekit_redis import RedisBackend
from cachekit_redis.address import servers_at
from cachekit_redis.cluster import Cluster
from cachekit_redis.servers import One, Servers
from cachekit_redis.settings import Settings
from cachekit_redis.url import split
from tests.servers.doors import Door
from tests.servers.fixtures import Starter
from tests.servers.server import RedisServer

SETTINGS = Settings(timeout=1.5, connect_timeout=2.5)
SECRET = "s3cret"


def connection(url: str) -> Any:
    """A connection to the one server that `url` names, not opened."""
    servers = servers_at(split(url), SETTINGS, cluster=False, sentinel=None)
    return connection_of(servers)


def connection_of(servers: Servers) -> Any:
    assert isinstance(servers, One)
    return servers._node._connect()  # pyright: ignore[reportPrivateUsage]


@pytest.mark.parametrize(
    ("url", "host", "port", "db"),
    [
        ("redis://", "localhost", 6379, 0),
        ("redis:///", "localhost", 6379, 0),
        ("redis:///5", "localhost", 6379, 5),
        ("redis://shop", "shop", 6379, 0),
        ("REDIS://shop:7000/", "shop", 7000, 0),
        ("valkey://shop:7000/3", "shop", 7000, 3),
        ("redis://shop?db=4", "shop", 6379, 4),
        ("redis://[::1]", "::1", 6379, 0),
        ("redis://[fe80::1]:7000/2", "fe80::1", 7000, 2),
        ("redis://u:p@[::1]:7000", "::1", 7000, 0),
        ("redis://:7000", "localhost", 7000, 0),
    ],
)
def test_where_a_server_is(url: str, host: str, port: int, db: int) -> None:
    made = connection(url)
    assert type(made) is Connection
    assert (made.host, made.port, made.db) == (host, port, db)


@pytest.mark.parametrize(
    ("url", "username", "password"),
    [
        ("redis://shop", None, None),
        ("redis://:s3cret@shop", None, "s3cret"),
        ("redis://shop:s3cret@shop", "shop", "s3cret"),
        ("redis://u%3Ax:p%40%2F%3F%23%25%3A@shop", "u:x", "p@/?#%:"),
        ("redis://:p:q@shop", None, "p:q"),
        ("redis://:p@q@shop", None, "p@q"),
        ("redis://:[p]@shop", None, "[p]"),
        ("redis://:p+q%2B@shop", None, "p+q+"),
        ("redis://shop?username=u&password=p%26q", "u", "p&q"),
    ],
)
def test_who_asks(url: str, username: str | None, password: str | None) -> None:
    made = connection(url)
    assert (made.username, made.password) == (username, password)


@pytest.mark.parametrize("scheme", ["unix", "redis+unix"])
def test_a_socket(scheme: str) -> None:
    made = connection(f"{scheme}://u:p%40@/run/my%20redis.sock?db=3&client_name=me")
    assert type(made) is UnixDomainSocketConnection
    assert (made.path, made.db, made.client_name) == ("/run/my redis.sock", 3, "me")
    assert (made.username, made.password) == ("u", "p@")


@pytest.mark.parametrize("scheme", ["rediss", "valkeys"])
def test_tls(scheme: str) -> None:
    query = "ssl_ca_certs=/ca.pem&ssl_certfile=/c.pem&ssl_keyfile=/k.pem&ssl_check_hostname=false"
    made = connection(f"{scheme}://shop?{query}")
    assert type(made) is SSLConnection
    context = made.ssl_context
    assert (context.ca_certs, context.certfile, context.keyfile) == ("/ca.pem", "/c.pem", "/k.pem")
    assert context.check_hostname is False
    assert connection(f"{scheme}://shop").ssl_context.check_hostname is True


def test_nothing_is_tried_again_and_time_is_short() -> None:
    for url in ("redis://shop", "redis+unix:///socket"):
        made = connection(url)
        assert (made.socket_timeout, made.socket_connect_timeout) == (1.5, 2.5)
        assert made.retry.get_retries() == 0
        assert made.protocol == 3


def test_options_of_redis_py() -> None:
    made = connection("redis://shop?client_name=my%20shop&protocol=2&socket_keepalive=no")
    assert (made.client_name, made.protocol, made.socket_keepalive) == ("my shop", 2, False)
    assert connection("redis://shop").socket_keepalive is True


def test_several_hosts_of_a_cluster() -> None:
    url = split("rediss://u:p@one:7000,two,[::3]:7003/?client_name=me")
    servers = servers_at(url, SETTINGS, cluster=True, sentinel=None)
    assert isinstance(servers, Cluster)
    slots = servers._slots  # pyright: ignore[reportPrivateUsage]
    assert slots._given == [("one", 7000), ("two", 6379), ("::3", 7003)]  # pyright: ignore[reportPrivateUsage]
    made: Any = slots._connect("elsewhere", 7009)  # pyright: ignore[reportPrivateUsage]
    assert type(made) is SSLConnection
    assert (made.host, made.port, made.password, made.client_name) == (
        "elsewhere",
        7009,
        "p",
        "me",
    )


def test_sentinels() -> None:
    url = "rediss://u:p@one,[::2]:7002/4?sentinel_username=s&sentinel_password=q"
    servers = servers_at(split(url), SETTINGS, cluster=False, sentinel="shop")
    made = connection_of(servers)
    assert (made.username, made.password, made.db) == ("u", "p", 4)
    pool = made.connection_pool
    assert pool.service_name == "shop"
    told = [each.connection_pool.connection_kwargs for each in pool.sentinel_manager.sentinels]
    assert [(each["host"], each["port"]) for each in told] == [("one", 26379), ("::2", 7002)]
    assert [(each["username"], each["password"]) for each in told] == [("s", "q")] * 2
    assert all(each["socket_timeout"] == 1.5 for each in told)
    assert all(each["retry"].get_retries() == 0 for each in told)
    assert not any(each.get("db") for each in told)


def test_arguments_may_be_said_in_the_query() -> None:
    backend = RedisBackend(
        "redis://shop?prefix=a%3A&timeout=0.5&connect_timeout=2&connections=3&trust_restart=true"
        "&announce=No&changes=50"
    )
    assert backend.settings == Settings(
        prefix="a:",
        timeout=0.5,
        connect_timeout=2.0,
        connections=3,
        trust_restart=True,
        announce=False,
        changes=50,
    )
    assert RedisBackend("redis://shop").settings == Settings()
    assert RedisBackend("redis://shop", timeout=2).settings == Settings(timeout=2)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "a server is a URL of one of redis, rediss, .* this one is none"),
        ("shop:6379", "a server is a URL of one of"),
        ("http://shop", "a server is a URL of one of .* this one begins with 'http'"),
        ("redis://shop:x", "is not host:port with a port from 1 to 65535"),
        ("redis://shop:0", "is not host:port with a port from 1 to 65535"),
        ("redis://shop:65536", "is not host:port with a port from 1 to 65535"),
        ("redis://shop:-1", "is not host:port with a port from 1 to 65535"),
        ("redis://shop:²", "is not host:port with a port from 1 to 65535"),
        ("redis://::1", "write an IPv6 address in brackets"),
        ("redis://[::1", "write an IPv6 address in brackets"),
        ("redis://[::1]7000", "write an IPv6 address in brackets"),
        ("redis://shop/x", "no number of a database: write host:port/0"),
        ("redis://shop/0/1", "no number of a database"),
        ("redis://shop/-1", "no number of a database"),
        ("redis://shop?db=x", "'db'"),
        ("redis://shop?db=-1", "db= is 0 or more"),
        ("redis://shop?protocol=4", "protocol= is 2 or 3"),
        ("redis://shop#0", "where it may not be"),
        ("redis://shop/0?client_name=a@b", "write %40"),
        ("redis://one,two", "2 hosts are a Cluster or Sentinels: say cluster=true or sentinel="),
        ("redis://one,,two?cluster=true", "of the hosts in the URL one is empty"),
        ("redis://one/1?cluster=true", "a Cluster has no databases"),
        ("redis://one?cluster=true&sentinel=shop", "not both"),
        ("redis://one?cluster=perhaps", "cluster='perhaps' will not do: write true or false"),
        ("redis://one?sentinel=", "sentinel= is the name of a master"),
        ("redis://shop?sentinel_password=x", "goes with sentinel=NAME"),
        ("redis+unix:///socket?cluster=1", "not by a socket"),
        ("redis+unix:///socket?sentinel=shop", "not by a socket"),
        ("redis+unix://socket", "after three slashes: redis\\+unix:///path"),
        ("unix://", "after three slashes"),
        ("redis+unix:///s?socket_keepalive=1", "socket_keepalive= in the URL"),
        ("redis://shop?ssl_ca_certs=/ca.pem", "ssl_ca_certs= .* only rediss:// and valkeys://"),
        ("rediss://shop?ssl_cert_reqs=perhaps", "perhaps"),
        ("rediss://shop?ssl_nothing=1", "ssl_nothing= .* ssl_ca_certs, "),
        ("redis://shop?nothing=1", "nothing= in the URL .* client_name, db"),
        ("redis://shop?host=there", "host= in the URL"),
        ("redis://shop?connection_class=x", "connection_class= in the URL"),
        ("redis://shop?retry=3", "retry= .* leave it out"),
        ("redis://shop?retry_on_timeout=true", "retry_on_timeout= .* leave it out"),
        ("redis://shop?retry_on_error=x", "retry_on_error= .* leave it out"),
        ("redis://shop?decode_responses=true", "decode_responses= .* entries are bytes"),
        ("redis://shop?health_check_interval=3", "health_check_interval= .* leave it out"),
        ("redis://shop?socket_timeout=3", "socket_timeout= .* write timeout="),
        ("redis://shop?socket_connect_timeout=3", "socket_connect_timeout= .* connect_timeout="),
        ("redis://shop?max_connections=3", "max_connections= .* write connections="),
        ("redis://shop?timeout=1&timeout=2", "timeout= is given twice"),
        ("redis://shop?timeout=soon", "timeout='soon' is not a number"),
        ("redis://shop?timeout=0", "timeout=0.0 .* write seconds, above 0"),
        ("redis://shop?timeout=nan", "timeout=nan .* write seconds, above 0"),
        ("redis://shop?connect_timeout=inf", "connect_timeout=inf .* write seconds, above 0"),
        ("redis://shop?connections=0", "connections=0 .* write an int, 1 or more"),
        ("redis://shop?connections=1.5", "connections='1.5'"),
        ("redis://shop?changes=-1", "changes=-1 .* write an int, 1 or more"),
        ("redis://shop?announce=maybe", "announce='maybe' will not do: write true or false"),
        (f"redis://shop?prefix={'x' * 65}", "prefix='x.* at most 64 characters"),
    ],
)
def test_a_bad_url_says_what_to_write(url: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        RedisBackend(url)


@pytest.mark.parametrize(
    "url",
    [
        "redis://u:s3cret@shop:x",
        "redis://u:s3cret@shop/x",
        "redis://u:s3cret@shop?nothing=1",
        "redis://u:s3cret@one,two",
        "rediss://u:s3cret@shop?ssl_cert_reqs=perhaps",
        "redis://u:a/s3cret@shop",
        "redis://u:1/s3cret@shop",
        "redis://u:a?s3cret@shop",
        "redis://u:1?s3cret=1@shop",
        "redis://u:a#s3cret@shop",
        "redis://u:s3cret/a@shop",
        "redis://u:s3cret#a@shop",
        "redis://u:s3cret",
        "redis://[s3cret:a@shop:x",
        "redis://shop?password=s3cret&nothing=1",
        "redis://shop?sentinel_password=s3cret",
        "redis//u:s3cret@shop",
        "u:s3cret@shop",
        "s3cret://u:s3cret@shop".replace("s3cret", "http", 1),
    ],
)
def test_no_password_is_told(url: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        RedisBackend(url)
    shown: BaseException | None = raised.value
    while shown is not None:
        assert SECRET not in str(shown)
        shown = None if shown.__suppress_context__ else shown.__cause__ or shown.__context__


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"timeout": 0}, "timeout=0 "),
        ({"timeout": True}, "timeout=True "),
        ({"timeout": "1"}, "timeout='1' "),
        ({"connect_timeout": None}, "connect_timeout=None "),
        ({"connections": 2.0}, "connections=2.0 "),
        ({"connections": True}, "connections=True "),
        ({"changes": 0}, "changes=0 "),
        ({"prefix": b"ck:"}, "prefix="),
        ({"trust_restart": "false"}, "trust_restart='false' will not do: write True or False"),
        ({"announce": 0}, "announce=0 will not do"),
        ({"cluster": None}, "cluster=None will not do"),
        ({"sentinel": 5}, "sentinel= is the name of a master, not 5"),
        ({"sentinel": ""}, "sentinel= is the name of a master"),
        ({"sentinel": "shop", "cluster": True}, "not both"),
    ],
)
def test_a_bad_argument_is_named(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(said)):
        RedisBackend("redis://shop", **arguments)


@pytest.mark.parametrize(
    ("query", "arguments", "said"),
    [
        ("timeout=1", {"timeout": 2}, "timeout= is 2 as an argument, and in the URL 1.0"),
        ("announce=yes", {"announce": False}, "announce= is False"),
        ("cluster=false", {"cluster": True}, "cluster= is True"),
        ("sentinel=a", {"sentinel": "b"}, "sentinel= is 'b' as an argument, and in the URL 'a'"),
    ],
)
def test_what_is_said_twice_is_the_same(query: str, arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(said)):
        RedisBackend(f"redis://shop?{query}", **arguments)


def test_it_may_be_said_twice() -> None:
    twice = RedisBackend("redis://shop?timeout=2&announce=no", timeout=2, announce=False)
    assert twice.settings == Settings(timeout=2, announce=False)
    RedisBackend("redis://shop?sentinel=a", sentinel="a")
    RedisBackend("redis://shop?cluster=true", cluster=True)


def test_a_connection_does_not_ask_for_what_nobody_reads() -> None:
    """Servers are not asked to push news of their maintenance, if redis-py would do that."""
    for url in ("redis://shop", "rediss://shop", "redis+unix:///socket", "redis://shop?sentinel=a"):
        watched = "sentinel" in url
        place = split(url.partition("?")[0])
        made = connection_of(
            servers_at(place, SETTINGS, cluster=False, sentinel="a" if watched else None)
        )
        config = getattr(made, "maint_notifications_config", None)
        assert config is None or not config.enabled


@pytest.mark.parametrize("scheme", ["redis", "valkey"])
async def test_a_cache_by_url(redis_server: RedisServer, prefix: str, scheme: str) -> None:
    url = redis_server.url.replace("redis://", f"{scheme}://")
    async with Cache(f"{url}/1?prefix={prefix}&timeout=5", namespace="n", deadline=5.0) as cache:
        await cache.set("k", "v", ttl=60)
        assert await cache.get("k") == "v"
    assert redis_server.together(("SELECT", 1), ("EXISTS", f"{prefix}v:n:k"), ("SELECT", 0))[1] == 1


async def test_a_cache_by_socket(redis_server: RedisServer, prefix: str) -> None:
    url = f"{redis_server.unix_url.replace('unix://', 'redis+unix://')}?prefix={prefix}&timeout=5"
    async with Cache(url, namespace="n", deadline=5.0) as cache:
        await cache.set("k", "v", ttl=60)
        assert await cache.get("k") == "v"


async def test_a_cache_by_tls(tls_server: RedisServer, prefix: str) -> None:
    url = f"{tls_server.url}&prefix={prefix}&timeout=5&connect_timeout=5"
    async with Cache(url, namespace="n", deadline=5.0) as cache:
        await cache.set("k", "v", ttl=60)
        assert await cache.get("k") == "v"


async def test_a_user_with_a_password_of_all_characters(start: Starter, prefix: str) -> None:
    server = start(RedisServer(door=Door(user="shop", password="p@:/?#[]%+&=~,")))
    async with Cache(
        f"{server.url}?prefix={prefix}&timeout=5", namespace="n", deadline=5.0
    ) as cache:
        await cache.set("k", "v", ttl=60)
        assert await cache.get("k") == "v"


@pytest.mark.parametrize("login", ["", "shop:wr0ng@", ":wr0ng@", "nobody:wr0ng@"])
async def test_who_is_not_let_in_is_told_so_without_the_password(
    start: Starter, prefix: str, login: str, caplog: pytest.LogCaptureFixture
) -> None:
    server = start(RedisServer(door=Door(user="shop", password=SECRET)))
    url = f"redis://{login}{server.address}?prefix={prefix}&timeout=5"
    async with Cache(url, namespace="n", deadline=5.0) as cache:
        assert await cache.get_or_set("k", lambda: 1) == 1
        with pytest.raises(InvalidationError, match=r"authenticated|WRONGPASS|password") as raised:
            await cache.delete("k")
    assert "wr0ng" not in str(raised.value) + caplog.text
    assert re.search("reads fail: .*(authenticated|WRONGPASS|password)", caplog.text)
