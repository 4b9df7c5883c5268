"""What a URL says of the servers."""

import inspect
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, quote, unquote

from redis.asyncio.connection import (
    Connection,
    SSLConnection,
    UnixDomainSocketConnection,
    parse_url,
)

from cachekit.errors import ConfigurationError
from cachekit_redis.node import Address

SCHEMES: Final = {
    "redis": Connection,
    "rediss": SSLConnection,
    "valkey": Connection,
    "valkeys": SSLConnection,
    "redis+unix": UnixDomainSocketConnection,
    "unix": UnixDomainSocketConnection,
}
SENTINEL: Final = "sentinel_"
"""Begins what is for the Sentinels instead of the servers."""

_PARTS: Final = re.compile(r"([^/?#]*)([^?#]*)\??([^#]*)(#?.*)", re.DOTALL)
_ADDRESS: Final = re.compile(r"(\[(?P<v6>[^][]+)\]|(?P<host>[^][:]*))(:(?P<port>[0-9]{0,5}))?")
_TLS: Final = frozenset(
    name for name in inspect.signature(SSLConnection).parameters if name.startswith("ssl_")
)
_OPTIONS: Final = frozenset({"db", "username", "password", "client_name", "protocol"})
_OF_SENTINELS: Final = frozenset({f"{SENTINEL}username", f"{SENTINEL}password"})
_OURS: Final = {
    "socket_timeout": "write timeout=",
    "socket_connect_timeout": "write connect_timeout=",
    "max_connections": "write connections=",
    "decode_responses": "entries are bytes, leave it out",
    "health_check_interval": "servers in use are asked once a second anyway, leave it out",
    "retry": "nothing is tried again, leave it out",
    "retry_on_timeout": "nothing is tried again, leave it out",
    "retry_on_error": "nothing is tried again, leave it out",
}


class Url(NamedTuple):
    """A URL, taken apart; `query` is what it asks for."""

    kind: type[Any]
    user: str
    hosts: list[str]
    path: str
    query: dict[str, str]

    @property
    def is_socket(self) -> bool:
        """Whether it names a file instead of hosts."""
        return self.kind is UnixDomainSocketConnection


def split(url: str) -> Url:
    """Raises `ConfigurationError` for what is no URL of a server."""
    scheme, found, rest = url.partition("://")
    kind = SCHEMES.get(scheme.lower()) if found else None
    if kind is None:
        begins = f"begins with {scheme!r}" if re.fullmatch(r"[\w+.-]*", scheme) else "is none"
        raise ConfigurationError(
            f"a server is a URL of one of {', '.join(SCHEMES)}, or a client of redis.asyncio; "
            f"this one {begins if found else 'is none'}"
        )
    where, path, query, fragment = _PARTS.fullmatch(rest).groups()  # type: ignore[union-attr]
    if "@" in path + query + fragment or fragment:
        raise ConfigurationError(
            "the URL of the server has @ or # where it may not be: write %40 and %23, and in a "
            "password %2F for / and %3F for ? as well (urllib.parse.quote(password, safe=''))"
        )
    user, _, hosts = where.rpartition("@")
    taken = Url(kind, user, hosts.split(","), unquote(path), _asked(query))
    _check(taken)
    return taken


def _asked(query: str) -> dict[str, str]:
    pairs = parse_qsl(query, keep_blank_values=True)
    for name in {name for name, _ in pairs}:
        if sum(name == other for other, _ in pairs) > 1:
            raise ConfigurationError(f"{_shown(name)} is given twice in the URL of the server")
    return dict(pairs)


def _check(url: Url) -> None:
    if url.is_socket and (url.hosts != [""] or len(url.path) < 2):
        raise ConfigurationError(
            "the URL of a socket is the path of a file, after three slashes: redis+unix:///path"
        )
    if len(url.hosts) > 1 and "" in url.hosts:
        raise ConfigurationError("of the hosts in the URL one is empty: write host:port,host:port")


def address(text: str, port: int) -> Address:
    """`host`, `host:port` or `[v6]:port`."""
    parts = _ADDRESS.fullmatch(text)
    if parts is None or not 0 < int(parts["port"] or port) < 65536:
        # Not shown: it may be a part of a password.
        raise ConfigurationError(
            "a host in the URL of the server is not host:port with a port from 1 to 65535; write "
            "an IPv6 address in brackets, and / ? # @ in a password as %2F %3F %23 %40"
        )
    return unquote(parts["v6"] or parts["host"]) or "localhost", int(parts["port"] or port)


def options(url: Url, own: Mapping[str, Any], *, watched: bool) -> dict[str, Any]:
    """What redis-py is told of a server: what `url` says, and `own`; not at which host it is.

    If it is `watched`, there are some options for its Sentinels among them. Raises
    `ConfigurationError` for what cannot be said in a URL.
    """
    _check_options(url, _known(url) | (_OF_SENTINELS if watched else frozenset[str]()))
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in url.query.items())
    try:
        told: dict[str, Any] = {**own, **parse_url(f"redis://?{query}")}
    except ValueError as error:
        raise ConfigurationError(f"the URL of the server: {error}") from None
    user, _, password = url.user.partition(":")
    told |= {"username": unquote(user)} if user else {}
    told |= {"password": unquote(password)} if password else {}
    if url.is_socket:
        told["path"] = url.path
    elif "db" not in url.query:
        told["db"] = _database(url.path)
    told["protocol"] = {"2": 2, "3": 3}.get(str(told["protocol"]))  # redis-py 5 to 7: a str
    if told.get("db", 0) < 0 or told["protocol"] is None:
        raise ConfigurationError("the URL of the server: db= is 0 or more, protocol= is 2 or 3")
    return {**told, "connection_class": url.kind}


def _database(path: str) -> int:
    if not re.fullmatch("/?[0-9]{0,9}", path):
        raise ConfigurationError(
            "the path in the URL of the server is no number of a database: write host:port/0"
        )
    return int(path.removeprefix("/") or 0)


def _known(url: Url) -> frozenset[str]:
    if url.is_socket:
        return _OPTIONS
    return (
        _OPTIONS | {"socket_keepalive"} | (_TLS if url.kind is SSLConnection else frozenset[str]())
    )


def _check_options(url: Url, known: frozenset[str]) -> None:
    for name in url.query.keys() - known:
        raise ConfigurationError(
            f"{_shown(name)} in the URL of the server will not do: {_instead(name, known)}"
        )


def _instead(name: str, known: Iterable[str]) -> str:
    if name in _OF_SENTINELS:
        return "it goes with sentinel=NAME-OF-THE-MASTER"
    if name in _TLS:
        return "only rediss:// and valkeys:// speak TLS"
    said = "the arguments of RedisBackend may be said there, and"
    return _OURS.get(name, f"{said} {', '.join(sorted(known))}")


def _shown(name: str) -> str:
    """Not what may be a part of a password."""
    return f"{name}=" if name.isidentifier() else "an option"
