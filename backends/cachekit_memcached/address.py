"""Which servers there are, and how they are spoken to: from a URL, or from a list."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from cachekit.errors import ConfigurationError
from cachekit.options import seconds
from cachekit.registry import masked

PORT: Final = 11211

_PARAMETERS: Final = ("prefix", "timeout", "connect_timeout", "tls")
_WANTED: Final = "write memcached://host:11211,host:11211?prefix=shop:, or a list of 'host:port'"


class Address(NamedTuple):
    host: str
    port: int

    @property
    def name(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Where(NamedTuple):
    """The servers, and what a URL says besides, by the names of the backend's arguments."""

    servers: Sequence[Address]
    said: Mapping[str, Any]


def where(given: Any) -> Where:
    """What a URL or a list of `host:port` says; raises `ConfigurationError` if it says nothing."""
    if isinstance(given, str):
        return _in_url(given)
    if not isinstance(given, Sequence) or not given:
        raise ConfigurationError(f"servers={given!r} will not do: {_WANTED}")
    return Where(_all_of([str(each) for each in given]), {})  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


def _in_url(url: str) -> Where:
    parts = urlsplit(url)
    if parts.scheme != "memcached" or parts.path.strip("/") or parts.fragment:
        raise ConfigurationError(f"{masked(url)!r} is no URL of memcached: {_WANTED}")
    if "@" in parts.netloc:
        raise ConfigurationError(
            "the URL of memcached has a user or a password, which this backend does not send: "
            "leave it out, and let only those reach the servers who may (or use tls=true)"
        )
    return Where(_all_of(parts.netloc.split(",")), _said(parts.query))


def _all_of(texts: Sequence[str]) -> list[Address]:
    servers = [_address(text) for text in texts]
    for server in servers:
        if servers.count(server) > 1:
            raise ConfigurationError(f"{server.name} is given twice: name each server once")
    return servers


def _address(text: str) -> Address:
    """`host`, `host:port` or `[v6]:port`."""
    wrong = ConfigurationError(
        f"{text!r} is no server: write host or host:port, with a port from 1 to 65535, and an IPv6 "
        "address in brackets"
    )
    try:
        parts = urlsplit(f"//{text}")
        port = PORT if parts.port is None else parts.port
    except ValueError:
        raise wrong from None
    if not parts.hostname or not port or parts.netloc != text or "@" in text:
        raise wrong
    return Address(parts.hostname, port)


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
