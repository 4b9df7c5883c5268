"""Which servers there are, and how they are spoken to: from a URL, or from a list."""

import re
from collections.abc import Mapping, Sequence
from ipaddress import IPv6Address
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

from cachekit.errors import ConfigurationError, shown
from cachekit.options import seconds
from cachekit.registry import masked

PORT: Final = 11211

_PARAMETERS: Final = ("prefix", "timeout", "connect_timeout", "tls")
_CONNECTING: Final = (
    *("ssl", "server_hostname", "ssl_handshake_timeout", "ssl_shutdown_timeout"),
    *("family", "proto", "flags", "local_addr", "happy_eyeballs_delay", "interleave"),
)
"""What `create_connection` takes that does not say to whom, in every Python from 3.11 on."""

_WANTED: Final = "write memcached://host:11211,host:11211?prefix=shop:, or a list of 'host:port'"
_SERVER: Final = re.compile(r"(?:\[([^\[\]]+)\]|([\w.-]+))(?::([0-9]{1,5}))?")


class Address(NamedTuple):
    host: str
    port: int

    @property
    def name(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Where(NamedTuple):
    """The servers; and what a URL says of TLS, and besides, by the names of arguments."""

    servers: Sequence[Address]
    tls: bool | None
    said: Mapping[str, Any]


def where(given: Any) -> Where:
    """What a URL or a list of `host:port` says; raises `ConfigurationError` if it says nothing."""
    if isinstance(given, str):
        return _in_url(given)
    texts: list[Any] = list(given) if _is(given, Sequence) else []
    if not texts or not all(isinstance(text, str) for text in texts):
        raise ConfigurationError(f"servers={masked(repr(given))} will not do: {_WANTED}")
    return Where(_all_of(texts), None, {})


def _is(given: Any, kind: Any) -> bool:
    return isinstance(given, kind)


def _in_url(url: str) -> Where:
    scheme, _, rest = url.partition("://")
    if scheme.lower() != "memcached" or "#" in rest:
        raise ConfigurationError(f"{masked(url)!r} is no URL of memcached: {_WANTED}")
    if "@" in rest:
        raise ConfigurationError(
            "the URL of memcached has a user or a password, which this backend does not send: "
            "leave it out, and let only those reach the servers who may (or use tls=true); in a "
            "prefix write %40 for @"
        )
    servers, _, query = rest.partition("?")
    said = _said(query)
    tls = said.pop("tls", None)
    return Where(_all_of(servers.removesuffix("/").split(",")), tls, said)


def _all_of(texts: Sequence[str]) -> list[Address]:
    servers = [_address(text) for text in texts]
    for server in servers:
        if servers.count(server) > 1:
            raise ConfigurationError(f"{server.name} is given twice: name each server once")
    return servers


def _address(text: str) -> Address:
    """`host`, `host:port` or `[v6]:port`."""
    found = _SERVER.fullmatch(text)
    port = int(found[3] or PORT) if found else 0
    if found is None or not 0 < port < 2**16 or not _is_v6(found[1] or "::"):
        raise ConfigurationError(
            f"{masked(text)!r} is no server: write host or host:port, with a port from 1 to 65535, "
            "and an IPv6 address in brackets"
        )
    host, percent, zone = (found[1] or found[2]).partition("%")
    return Address(host.lower() + percent + zone, port)


def _is_v6(text: str) -> bool:
    try:
        return bool(IPv6Address(text))
    except ValueError:
        return False


def connecting(arguments: Any, tls: bool | None) -> Mapping[str, Any]:
    """How connections are made: by these `arguments`, and as a URL says of TLS."""
    if arguments is not None and not _is(arguments, Mapping):
        raise ConfigurationError(
            f"conn_args={shown(arguments)} will not do: write a dict, {{'ssl': context}}"
        )
    given: dict[Any, Any] = dict(arguments or {})
    for name in given:
        if name not in _CONNECTING:
            raise ConfigurationError(f"conn_args has {name!r}; it takes {', '.join(_CONNECTING)}")
    if tls is not None and "ssl" in given:
        raise ConfigurationError("ssl in conn_args and tls= in the URL: give one of them")
    return {"ssl": True, **given} if tls else given


def _said(query: str) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for name, text in parse_qsl(query, keep_blank_values=True):
        if name not in _PARAMETERS:
            raise ConfigurationError(
                f"memcached:// has no parameter {name!r}; it takes {', '.join(_PARAMETERS)}"
            )
        if name in said:
            raise ConfigurationError(f"{name} is given twice in the URL of memcached: give it once")
        said[name] = _value(name, text)
    return said


def _value(name: str, text: str) -> Any:
    if name == "prefix":
        return text
    if name == "tls":
        if text not in ("true", "false"):
            raise ConfigurationError(f"tls={text!r} will not do: write true or false")
        return text == "true"
    try:
        return seconds(name, float(text))
    except ValueError:
        raise ConfigurationError(f"{name}={text!r} will not do: write seconds, above 0") from None
