"""How the backend speaks to its servers."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from cachekit.errors import ConfigurationError, shown
from cachekit.registry import of_both


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What `RedisBackend` takes beside the server; durations are seconds."""

    prefix: str = "ck:"
    timeout: float = 0.2
    connect_timeout: float = 0.2
    connections: int = 2
    trust_restart: bool = False
    announce: bool = True
    changes: int = 10_000

    def __post_init__(self) -> None:
        _check_span("timeout", self.timeout)
        _check_span("connect_timeout", self.connect_timeout)
        _check_count("connections", self.connections)
        _check_count("changes", self.changes)
        check_truth("trust_restart", self.trust_restart)
        check_truth("announce", self.announce)
        if not isinstance(self.prefix, str) or len(self.prefix) > 64:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigurationError(
                f"prefix={shown(self.prefix)} will not do: write a str of at most 64 characters"
            )


def _check_span(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise ConfigurationError(f"{name}={shown(value)} will not do: write seconds, above 0")


def _check_count(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigurationError(f"{name}={shown(value)} will not do: write an int, 1 or more")


def check_truth(name: str, value: Any) -> None:
    """Raises for what Python would take for true or false, and is neither: "false" is true."""
    if not isinstance(value, bool):
        raise ConfigurationError(f"{name}={shown(value)} will not do: write True or False")


_TRUTHS: Final = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def truth(name: str, text: str) -> bool:
    """What a URL says by `true` or `false`."""
    if text.lower() not in _TRUTHS:
        raise ConfigurationError(f"{name}={text!r} will not do: write true or false")
    return _TRUTHS[text.lower()]


def _number(kind: Callable[[str], Any]) -> Callable[[str, str], Any]:
    def read(name: str, text: str) -> Any:
        try:
            return kind(text)
        except ValueError:
            raise ConfigurationError(f"{name}={text!r} is not a number") from None

    return read


_READ: Final[Mapping[str, Callable[[str, str], Any]]] = {
    "str": lambda name, text: text,
    "float": _number(float),
    "int": _number(int),
    "bool": truth,
}


def take(query: dict[str, str]) -> dict[str, Any]:
    """Take out of the query of a URL what is for `Settings`."""
    kinds = {
        field.name: str(getattr(field.type, "__name__", field.type)) for field in fields(Settings)
    }
    return {
        name: _READ[kinds[name]](name, query.pop(name)) for name in list(query) if name in kinds
    }


USUAL: Final[Mapping[str, Any]] = {field.name: field.default for field in fields(Settings)}
"""What is taken where nothing is said."""


def take_where(query: dict[str, str], cluster: bool, sentinel: str | None) -> dict[str, Any]:
    """Take out of the query of a URL of what kind its hosts are."""
    said: dict[str, Any] = {
        name: query.pop(name) for name in ("cluster", "sentinel") if name in query
    }
    if "cluster" in said:
        said["cluster"] = truth("cluster", said["cluster"])
    usual = {"cluster": False, "sentinel": None}
    return of_both({"cluster": cluster, "sentinel": sentinel}, said, usual)
