"""The Cache-Control field: what one says, and what we say in one (RFC 9111 5.2)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, TypeAlias

from cachekit.errors import ConfigurationError
from cachekit.http.fields import OWS, Headers, is_token, lines, members, unquoted

Span: TypeAlias = float | timedelta
"""A duration: seconds, or a timedelta. What is sent are whole seconds, rounded down."""

LONGEST: Final = 2**31
"""Seconds that any longer duration is taken for (RFC 9111 1.2.2)."""


@dataclass(frozen=True, slots=True)
class Directives:
    """What a Cache-Control field says; unknown directives are kept, and mean nothing.

    A directive that is malformed is there, without an argument that could be used. Names are given
    in lower case.
    """

    arguments: Mapping[str, Sequence[bytes | None]]
    """By name, what stands behind `=` each time it is named; `None` where there is no `=`."""

    @classmethod
    def of(cls, headers: Headers, name: bytes = b"cache-control") -> "Directives":
        """What all lines of the field say together.

        Members are looked for in each line by itself: no quoted string reaches into the next one.
        """
        found: dict[str, list[bytes | None]] = {}
        for line in lines(headers, name):
            for member in members(line):
                key, argument = _directive(member)
                found.setdefault(key, []).append(argument)
        return cls(found)

    def __contains__(self, name: str) -> bool:
        return name in self.arguments

    def __bool__(self) -> bool:
        """Whether it says anything."""
        return bool(self.arguments)

    def seconds(self, name: str) -> int | None:
        """The duration that a directive gives; `None` if it is not there.

        The first counts where there are several (RFC 9111 4.2.1). 0 for what is none: negative,
        no number, empty. At most `LONGEST`. Digits in a quoted string are digits (5.2).
        """
        given = self.arguments.get(name)
        return None if given is None else _seconds(unquoted(given[0] or b""))

    def fields(self, name: str) -> frozenset[bytes]:
        """The fields that a directive is limited to, in lower case; empty: it is not limited.

        One that is named without any, or with something that is no list of fields, is not limited,
        whatever else is said.
        """
        lists = [_fields(argument) for argument in self.arguments.get(name, ())]
        return frozenset[bytes]().union(*lists) if all(lists) else frozenset()

    def bare(self, name: str) -> bool:
        """Whether a directive is there and not limited to some fields."""
        return name in self.arguments and not self.fields(name)


def _directive(member: bytes) -> tuple[str, bytes | None]:
    """Its name, and what it has behind `=`.

    Space beside the `=` makes that unusable, and leaves the name: `no-store` forbids even so.
    """
    name, equals, argument = member.partition(b"=")
    bare = name.rstrip(OWS)
    space = name[len(bare) :]
    return bare.decode("latin-1").lower(), space + argument if equals else None


def _seconds(digits: bytes) -> int:
    if not digits.isdigit():
        return 0
    digits = digits.lstrip(b"0")
    return min(int(digits or b"0"), LONGEST) if len(digits) <= 10 else LONGEST


def _fields(argument: bytes | None) -> frozenset[bytes]:
    """The names of fields in an argument, none unless all that it says is such names."""
    names = [name.lower() for name in members(unquoted(argument or b""))]
    return frozenset(names) if all(map(is_token, names)) else frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheControl:
    """A Cache-Control field to send; `str()` and `bytes()` are its value.

    `max_age` is for all caches, `s_maxage` for shared ones instead of it; after that, caches ask,
    but for `stale_while_revalidate` and `stale_if_error` (RFC 5861). `immutable` is of RFC 8246.
    Raises `ConfigurationError` for what contradicts itself.
    """

    public: bool = False
    private: bool = False
    no_cache: bool = False
    no_store: bool = False
    max_age: Span | None = None
    s_maxage: Span | None = None
    must_revalidate: bool = False
    proxy_revalidate: bool = False
    stale_while_revalidate: Span | None = None
    stale_if_error: Span | None = None
    immutable: bool = False
    no_transform: bool = False
    must_understand: bool = False
    _text: str = field(init=False, repr=False, compare=False)
    _bytes: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in _SPANS:
            object.__setattr__(self, name, _whole_seconds(name, getattr(self, name)))
        for name in _FLAGS:
            _check_flag(name, getattr(self, name))
        self._check_sense()
        text = ", ".join(self._directives())
        object.__setattr__(self, "_text", text)
        object.__setattr__(self, "_bytes", text.encode())

    def __str__(self) -> str:
        return self._text

    def __bytes__(self) -> bytes:
        return self._bytes

    def _directives(self) -> Iterator[str]:
        for name in _ORDER:
            value = getattr(self, name)
            if value is True:
                yield name.replace("_", "-")
            elif value is not None and value is not False:
                yield f"{name.replace('_', '-')}={value}"

    def _check_sense(self) -> None:
        for one, others, advice in _CLASHES:
            clashing = [name for name in others if getattr(self, one) and getattr(self, name)]
            if clashing and not (one == "no_store" and self.must_understand):
                given = f"{one}={getattr(self, one)} and {clashing[0]}={getattr(self, clashing[0])}"
                raise ConfigurationError(f"CacheControl cannot have {given}: {advice}")
        if not any(True for _ in self._directives()):
            raise ConfigurationError(
                "CacheControl() says nothing: name what caches may do, no_store=True for nothing"
            )


_SPANS: Final = ("max_age", "s_maxage", "stale_while_revalidate", "stale_if_error")
_ORDER: Final = tuple(name for name in CacheControl.__annotations__ if not name.startswith("_"))
_FLAGS: Final = tuple(name for name in _ORDER if name not in _SPANS)

# What says something that the other takes back. A duration of 0 takes nothing back.
_CLASHES: Final[tuple[tuple[str, tuple[str, ...], str], ...]] = (
    ("public", ("private",), "write private=True for what belongs to one user, else public=True"),
    (
        "private",
        ("s_maxage", "proxy_revalidate"),
        "that is for shared caches, which private=True keeps it out of: write max_age=",
    ),
    (
        "no_store",
        ("public", *_SPANS, "immutable"),
        "nothing is stored: write no_store=True alone, or leave it out",
    ),
    (
        "no_cache",
        (*_SPANS, "immutable"),
        "no_cache=True has every cache ask each time: write no_cache=True alone; if only browsers "
        "are to ask, max_age=0 with s_maxage=",
    ),
    (
        "must_revalidate",
        ("stale_while_revalidate", "stale_if_error"),
        "must_revalidate=True forbids what is stale: leave one of them out",
    ),
)


def _whole_seconds(name: str, value: Any) -> int | None:
    if value is None:
        return None
    span = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(span, bool) or not isinstance(span, (int, float)):
        raise ConfigurationError(f"{name} must be seconds or a timedelta, not {value!r}")
    if not 0 <= span <= LONGEST:
        raise ConfigurationError(f"{name} must be from 0 to {LONGEST} seconds, not {value!r}")
    return int(span)


def _check_flag(name: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise ConfigurationError(f"{name} must be True or False, not {value!r}")
