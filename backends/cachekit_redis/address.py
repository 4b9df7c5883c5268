"""Who the servers are: from a URL, or from a client of redis-py."""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, TypeAlias, cast
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.connection import AbstractConnection, Connection, ConnectionPool, parse_url
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff

from cachekit.errors import ConfigurationError, shown
from cachekit_redis.cluster import Address, Cluster
from cachekit_redis.node import Node
from cachekit_redis.servers import One, Servers
from cachekit_redis.settings import Settings

Client: TypeAlias = "Redis | RedisCluster"

SCHEMES: Final = {
    "redis": "redis",
    "rediss": "rediss",
    "valkey": "redis",
    "valkeys": "rediss",
    "unix": "unix",
    "redis+unix": "unix",
}
_PORT: Final = 6379
_SENTINEL_PORT: Final = 26379
_SENTINEL: Final = "sentinel_"


class Url(NamedTuple):
    """A URL, taken apart; `query` is what it asks for."""

    scheme: str
    user: str
    hosts: Sequence[str]
    path: str
    query: dict[str, str]


def split(url: str) -> Url:
    """Raises `ConfigurationError` for what is no URL of a server."""
    parts = urlsplit(url)
    if parts.scheme.lower() not in SCHEMES:
        raise ConfigurationError(
            f"a server is a URL of one of {', '.join(SCHEMES)}, or a client of redis.asyncio; "
            f"this one begins with {parts.scheme or url[:1]!r}"
        )
    user, _, hosts = parts.netloc.rpartition("@")
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    return Url(SCHEMES[parts.scheme.lower()], user, hosts.split(","), parts.path, query)


def servers_at(url: Url, settings: Settings, *, cluster: bool, sentinel: str | None) -> Servers:
    """Those that `url` names; no connection is made yet."""
    if cluster and sentinel:
        raise ConfigurationError("give cluster=True or sentinel=…, not both")
    options = _options(url, settings)
    if cluster:
        return _cluster(url, options, settings)
    if sentinel:
        return _watched(url, options, settings, sentinel)
    if len(url.hosts) > 1:
        raise ConfigurationError(
            f"{len(url.hosts)} hosts are a Cluster or Sentinels: say cluster=true or "
            "sentinel=NAME-OF-THE-MASTER in the URL's query, or as an argument"
        )
    pool = ConnectionPool(**options)
    return _one(url.hosts[0] or url.path, pool, settings)


def servers_of(client: Any, settings: Settings) -> Servers:
    """Those that a ready client speaks to; its own connections are left alone."""
    if isinstance(client, RedisCluster):
        kwargs = client.get_connection_kwargs()
        _check_client(kwargs, kwargs.get("retry"))
        return _cluster_of(client, settings)
    if isinstance(client, Redis):
        pool: ConnectionPool = client.connection_pool
        _check_client(pool.connection_kwargs, pool.connection_kwargs.get("retry"))
        return _one(_name_of(pool.connection_kwargs), pool, settings)
    raise ConfigurationError(
        f"server={shown(client)} will not do: give a URL, or a Redis or a RedisCluster of "
        "redis.asyncio"
    )


# -- a URL


def _options(url: Url, settings: Settings) -> dict[str, Any]:
    """What redis-py is told: no retries, and no answer waited for longer than `settings` say."""
    query = "&".join(f"{name}={quote(value)}" for name, value in url.query.items())
    host = "h" if url.scheme != "unix" else ""
    user = f"{url.user}@" if url.user else ""
    try:
        given = dict(parse_url(f"{url.scheme}://{user}{host}{url.path}?{query}"))
    except ValueError as error:
        raise ConfigurationError(f"the URL of the server: {error}") from None
    for name in _OURS & given.keys():
        raise ConfigurationError(f"{name}= in the URL will not do: {_OURS_INSTEAD}")
    if url.scheme != "unix":
        given["host"], given["port"] = address(url.hosts[0], _PORT)
    own: dict[str, Any] = {
        "protocol": 3,
        "socket_keepalive": True,
        "socket_timeout": settings.timeout,
        "socket_connect_timeout": settings.connect_timeout,
        "retry": Retry(NoBackoff(), 0),
    }
    if url.scheme == "unix":
        del own["socket_keepalive"]
    return own | given


_OURS: Final = frozenset(
    {"socket_timeout", "socket_connect_timeout", "decode_responses", "retry_on_timeout"}
    | {"health_check_interval", "max_connections"}
)
_OURS_INSTEAD: Final = "write timeout=, connect_timeout= or connections=, which stand for it here"


def address(text: str, port: int) -> Address:
    """`host`, `host:port` or `[v6]:port`."""
    host, colon, given = text.rpartition(":")
    if not colon or given.endswith("]"):
        host, given = text, ""
    if given and not given.isdigit():
        raise ConfigurationError(f"{given!r} is no port")
    return unquote(host.strip("[]")) or "localhost", int(given or port)


def _one(
    name: str, pool: ConnectionPool, settings: Settings, watched_by: Sequence[Redis] = ()
) -> One:
    _try(pool.make_connection)
    return One(Node(name, pool.make_connection, settings), watched_by)


def _try(connect: Callable[[], AbstractConnection]) -> None:
    """Raises `ConfigurationError` for an option that redis-py does not have."""
    try:
        connect()
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"an option of the server: {error}") from None


def _cluster(url: Url, options: dict[str, Any], settings: Settings) -> Cluster:
    if options.pop("db", 0):
        raise ConfigurationError("a Cluster has no databases: leave the number out of the URL")
    return Cluster([address(host, _PORT) for host in url.hosts], _connecting(options), settings)


def _connecting(options: dict[str, Any]) -> Callable[[str, int], AbstractConnection]:
    def connect(host: str, port: int) -> AbstractConnection:
        kind, rest = _kind_of({**options, "host": host, "port": port})
        return cast("AbstractConnection", kind(**rest))

    _try(lambda: connect("localhost", _PORT))
    return connect


def _kind_of(options: dict[str, Any]) -> tuple[type[Any], dict[str, Any]]:
    rest = dict(options)
    return rest.pop("connection_class", Connection), rest


def _watched(url: Url, options: dict[str, Any], settings: Settings, sentinel: str) -> One:
    options.pop("host")
    options.pop("port")
    secure = "connection_class" in options and options.pop("connection_class") is not None
    of_sentinels: dict[str, Any] = {
        name.removeprefix(_SENTINEL): options.pop(name)
        for name in list(options)
        if name.startswith(_SENTINEL)
    }
    for name in list(options):
        if name.startswith(("ssl_", "socket_", "retry")):
            of_sentinels.setdefault(name, options[name])
    if secure:
        options["ssl"] = of_sentinels["ssl"] = True
    addresses = [address(host, _SENTINEL_PORT) for host in url.hosts]
    try:
        sentinels: Any = Sentinel(addresses, sentinel_kwargs=of_sentinels, **options)  # type: ignore[no-untyped-call]
        pool = sentinels.master_for(sentinel).connection_pool
    except TypeError as error:
        raise ConfigurationError(f"an option of the server: {error}") from None
    return _one(f"{sentinel} of {', '.join(url.hosts)}", pool, settings, sentinels.sentinels)


# -- a ready client


def _check_client(options: dict[str, Any], retry: Any) -> None:
    if options.get("decode_responses"):
        raise ConfigurationError(
            "this client decodes responses, and entries are bytes: make it with "
            "decode_responses=False"
        )
    retries = retry is not None and getattr(retry, "get_retries", lambda: 1)() != 0
    if retries or options.get("retry_on_timeout") or options.get("retry_on_error"):
        raise ConfigurationError(
            "this client retries: a command whose answer was lost would run twice, and a server "
            "that hangs would hold up every call for as often. Make it with "
            "retry=Retry(NoBackoff(), 0) (redis.asyncio.retry, redis.backoff) and without "
            "retry_on_error and retry_on_timeout"
        )


def _name_of(options: dict[str, Any]) -> str:
    if "path" in options:
        return str(options["path"])
    return f"{options.get('host', 'localhost')}:{options.get('port', _PORT)}"


def _cluster_of(client: Any, settings: Settings) -> Cluster:
    given = [(node.host, int(node.port)) for node in client.startup_nodes]
    first = client.startup_nodes[0]
    options = {**first.connection_kwargs, "connection_class": first.connection_class}
    options["retry"] = Retry(NoBackoff(), 0)
    remap = getattr(client.nodes_manager, "address_remap", None)
    return Cluster(given, _connecting(options), settings, remap)
