"""Who the servers are: from a URL, or from a client of redis-py."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias, cast

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.connection import AbstractConnection, Connection, ConnectionPool, SSLConnection
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from cachekit.errors import ConfigurationError, shown
from cachekit.registry import of_both
from cachekit_redis.cluster import Cluster
from cachekit_redis.node import Node
from cachekit_redis.sentinels import Sentinels, Watch
from cachekit_redis.servers import One, Servers
from cachekit_redis.settings import USUAL, Settings, check_truth, take, take_where
from cachekit_redis.slots import Slots
from cachekit_redis.url import SENTINEL, Url, address, options, split

Client: TypeAlias = "Redis | RedisCluster"

_PORT: Final = 6379
_SENTINEL_PORT: Final = 26379


def way_to(
    server: Any, given: Mapping[str, Any], *, cluster: bool, sentinel: str | None
) -> tuple[Settings, Callable[[Settings], Servers]]:
    """What was `given`, and said in a URL, as settings; and what finds the servers by settings."""
    check_truth("cluster", cluster)
    if isinstance(server, str):
        url = split(server)
        settings = Settings(**of_both(given, take(url.query), USUAL))
        where = take_where(url.query, cluster, sentinel)
        return settings, lambda settings: servers_at(url, settings, **where)
    if cluster or sentinel:
        raise ConfigurationError("cluster= and sentinel= go with a URL, not with a client")
    return Settings(**given), lambda settings: servers_of(server, settings)


def servers_at(url: Url, settings: Settings, *, cluster: bool, sentinel: str | None) -> Servers:
    """Those that `url` names; no connection is made yet."""
    if cluster and sentinel:
        raise ConfigurationError("give cluster=True or sentinel=…, not both")
    if sentinel is not None and (not isinstance(sentinel, str) or not sentinel):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(f"sentinel= is the name of a master, not {shown(sentinel)}")
    told = options(url, _own(url, settings), watched=bool(sentinel))
    if url.is_socket:
        if cluster or sentinel:
            raise ConfigurationError("a Cluster or Sentinels are reached by hosts, not by a socket")
        return _one(url.path, ConnectionPool(**told), settings)
    if cluster:
        return _cluster(url, told, settings)
    if sentinel:
        return _watched(url, told, settings, sentinel)
    if len(url.hosts) > 1:
        raise ConfigurationError(
            f"{len(url.hosts)} hosts are a Cluster or Sentinels: say cluster=true or "
            "sentinel=NAME-OF-THE-MASTER in the URL's query, or as an argument"
        )
    host, port = address(url.hosts[0], _PORT)
    pool = ConnectionPool(**told, host=host, port=port)
    return _one(f"{host}:{port}", pool, settings)


def servers_of(client: Any, settings: Settings) -> Servers:
    """Those that a ready client speaks to; its own connections are left alone."""
    if isinstance(client, RedisCluster):
        _check_client(client.get_connection_kwargs(), cast("Any", client).retry)
        return _cluster_of(client, settings)
    if isinstance(client, Redis):
        pool: ConnectionPool = client.connection_pool
        _check_client(pool.connection_kwargs, pool.connection_kwargs.get("retry"))
        if isinstance(pool, SentinelConnectionPool):
            return _master(_pool_like(pool, settings), settings)
        return _one(_name_of(pool.connection_kwargs), pool, settings)
    kind = type(cast("object", client))  # and no more: in its repr there may be a password
    raise ConfigurationError(
        f"server= is a {kind.__name__} of {kind.__module__}, which will not do: give a URL, or a "
        "Redis or a RedisCluster of redis.asyncio"
    )


# -- a URL


def _own(url: Url, settings: Settings) -> dict[str, Any]:
    """No retries, and no answer is waited for longer than `settings` say."""
    keepalive = {} if url.is_socket else {"socket_keepalive": True}
    return {
        "protocol": 3,
        "socket_timeout": settings.timeout,
        "socket_connect_timeout": settings.connect_timeout,
        "retry": Retry(NoBackoff(), 0),
        **keepalive,
        **_no_notifications(),
    }


def _no_notifications() -> dict[str, Any]:
    """Newer versions of redis-py ask each server to tell of its maintenance: we do not listen."""
    if "maint_notifications_config" not in inspect.signature(ConnectionPool).parameters:
        return {}
    from redis.maint_notifications import MaintNotificationsConfig

    return {"maint_notifications_config": MaintNotificationsConfig(enabled=False)}


def _one(name: str, pool: ConnectionPool, settings: Settings) -> One:
    _try(pool.make_connection)
    return One(Node(name, pool.make_connection, settings))


def _try(connect: Callable[[], AbstractConnection]) -> None:
    """Raises `ConfigurationError` for an option that redis-py does not have."""
    try:
        connect()
    except (TypeError, ValueError, RedisError) as error:
        raise ConfigurationError(f"an option of the server: {error}") from None


def _cluster(url: Url, told: dict[str, Any], settings: Settings) -> Cluster:
    if told.pop("db", 0):
        raise ConfigurationError("a Cluster has no databases: leave the number out of the URL")
    given = [address(host, _PORT) for host in url.hosts]
    return Cluster(Slots(given, _connecting(told), settings), settings.timeout)


def _connecting(options: dict[str, Any]) -> Callable[[str, int], AbstractConnection]:
    def connect(host: str, port: int) -> AbstractConnection:
        kind, rest = _kind_of({**options, "host": host, "port": port})
        return cast("AbstractConnection", kind(**rest))

    _try(lambda: connect("localhost", _PORT))
    return connect


def _kind_of(options: dict[str, Any]) -> tuple[type[Any], dict[str, Any]]:
    rest = dict(options)
    return rest.pop("connection_class", Connection), rest


def _watched(url: Url, told: dict[str, Any], settings: Settings, sentinel: str) -> One:
    of_sentinels: dict[str, Any] = {
        name.removeprefix(SENTINEL): told.pop(name)
        for name in list(told)
        if name.startswith(SENTINEL)
    }
    for name in list(told):
        if name.startswith(("ssl_", "socket_", "retry")):
            of_sentinels.setdefault(name, told[name])
    if told.pop("connection_class") is SSLConnection:
        told["ssl"] = of_sentinels["ssl"] = True
    addresses = [address(host, _SENTINEL_PORT) for host in url.hosts]
    sentinels: Any = Sentinels(addresses, sentinel_kwargs=of_sentinels, **told)  # type: ignore[no-untyped-call]
    return _master(sentinels.master_for(sentinel).connection_pool, settings)


def _master(pool: SentinelConnectionPool, settings: Settings) -> One:
    """The one that the Sentinels of `pool` name; they are ours."""
    _try(pool.make_connection)
    service: str = pool.service_name
    sentinels: Sentinel = pool.sentinel_manager
    addresses = (
        _name_of(client.connection_pool.connection_kwargs) for client in sentinels.sentinels
    )
    node = Node(f"{service} of {', '.join(addresses)}", pool.make_connection, settings)
    return One(node, Watch(sentinels, service, node), settings.timeout)


# -- a ready client


def _check_client(options: dict[str, Any], retry: Any) -> None:
    if options.get("decode_responses"):
        raise ConfigurationError(
            "this client decodes responses, and entries are bytes: make it with "
            "decode_responses=False"
        )
    if _retries(retry) or options.get("retry_on_timeout") or options.get("retry_on_error"):
        raise ConfigurationError(
            "this client retries: a command whose answer was lost would run twice, and a server "
            "that hangs would hold up every call for as often. Make it with "
            "retry=Retry(NoBackoff(), 0) (redis.asyncio.retry, redis.backoff) and without "
            "retry_on_error and retry_on_timeout"
        )


def _retries(retry: Any) -> bool:
    if retry is None:
        return False
    told = getattr(retry, "get_retries", None)  # redis-py 5 does not tell
    return bool(told() if told is not None else getattr(retry, "_retries", 1))


def _name_of(options: dict[str, Any]) -> str:
    if "path" in options:
        return str(options["path"])
    return f"{options.get('host', 'localhost')}:{options.get('port', _PORT)}"


def _cluster_of(client: Any, settings: Settings) -> Cluster:
    known = list(client.nodes_manager.startup_nodes.values())
    given = [(node.host, int(node.port)) for node in known]
    options = {**known[0].connection_kwargs, "connection_class": known[0].connection_class}
    options["retry"] = Retry(NoBackoff(), 0)
    remap = getattr(client.nodes_manager, "address_remap", None)
    return Cluster(Slots(given, _connecting(options), settings, remap), settings.timeout)


def _pool_like(pool: Any, settings: Settings) -> SentinelConnectionPool:
    """One with Sentinels of its own: the connections to those of a client belong to its loop."""
    if not pool.is_master:
        raise ConfigurationError(
            "this client speaks to replicas, which cannot be written to: make it with "
            "master_for() instead of slave_for()"
        )
    theirs = pool.sentinel_manager
    told = [client.connection_pool.connection_kwargs for client in theirs.sentinels]
    sentinels = Sentinels(  # type: ignore[no-untyped-call]
        [(each["host"], int(each["port"])) for each in told],
        sentinel_kwargs={
            "socket_timeout": settings.timeout,
            **theirs.sentinel_kwargs,
            "retry": Retry(NoBackoff(), 0),
        },
        force_master_ip=getattr(theirs, "_force_master_ip", None),
    )
    options = {name: it for name, it in pool.connection_kwargs.items() if name != "connection_pool"}
    return SentinelConnectionPool(  # type: ignore[no-untyped-call]
        pool.service_name, sentinels, connection_class=pool.connection_class, **options
    )
