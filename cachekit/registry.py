"""Finding plug-ins by name: installed packages announce them as entry points."""

import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final, cast

from cachekit.backend import Backend
from cachekit.errors import ConfigurationError, shown
from cachekit.serializer import Serializer

TIERED: Final = "tiered"
"""The backend that is made of two."""

TYPED: Final = "pydantic"
"""The serializer that takes a type."""

BACKENDS: Final = "cachekit.backends"
SERIALIZERS: Final = "cachekit.serializers"

EXTRAS: Final = {
    BACKENDS: {
        "memcached": "memcached",
        "redis": "redis",
        "redis+unix": "redis",
        "rediss": "redis",
        "valkey": "redis",
        "valkeys": "redis",
    },
    SERIALIZERS: {"orjson": "orjson", "pydantic": "pydantic"},
}
"""By group and name: the extra of cachekit-framework that brings the plug-in."""


def backend_from(url: str) -> Backend:
    """The backend that `url` names by its scheme: `"memory://?max_entries=1000"`.

    A package brings one with an entry point in the group `cachekit.backends`, named as the scheme,
    for a class with a class method `from_url(url)`.
    """
    scheme, found, _ = url.partition("://")
    if not found:
        raise ConfigurationError(f"{masked(url)!r} is no URL of a backend: write 'scheme://…'")
    plugin = _load(BACKENDS, scheme.lower(), f"{scheme}://")
    if not hasattr(plugin, "from_url"):
        raise ConfigurationError(f"the backend of {scheme}://, {plugin!r}, has no from_url(url)")
    return cast("Backend", plugin.from_url(url))


def chained(near: Backend, far: Backend) -> Backend:
    """The backend that keeps copies in `near` of what is in `far`."""
    return cast("Backend", _load(BACKENDS, TIERED, repr(TIERED))(near, far))


def serializer_named(name: str) -> Serializer:
    """A new serializer of the installed kind called `name`.

    A package brings one with an entry point in the group `cachekit.serializers`, for a class that
    is called without arguments.
    """
    return cast("Serializer", _load(SERIALIZERS, name, repr(name))())


def typed_serializer(annotation: Any) -> Serializer:
    """The one for values that are what `annotation` says.

    Raises `ConfigurationError` if there is none, `NameError` for what is not yet defined.
    """
    return cast("Serializer", _load(SERIALIZERS, TYPED, repr(TYPED))(annotation))


def serializer_of(given: Serializer | str) -> Serializer:
    """`given`, or the installed one of that name."""
    if isinstance(given, str):
        return serializer_named(given)
    if isinstance(given, type) or not all(hasattr(given, name) for name in _SERIALIZER):
        raise ConfigurationError(
            f"serializer={shown(given)} is none: give an object with {', '.join(_SERIALIZER)}, or "
            "the name of an installed one, such as 'msgpack'"
        )
    return given


_SERIALIZER: Final = ("id", "fingerprint", "dumps", "loads")


def masked(url: str) -> str:
    """`url` without what may be a secret in it, for messages."""
    without_user = re.sub(r"^([\w+.-]*://)?.*@", r"\1***@", url, flags=re.DOTALL)
    return re.sub(
        r"(?i)([?&;][^=&;]*(?:pass|pw|secret|token|key)[^=&;]*=)[^&;]*", r"\1***", without_user
    )


def of_both(
    arguments: Mapping[str, Any], said: Mapping[str, Any], usual: Mapping[str, Any]
) -> dict[str, Any]:
    """What the `arguments` are, and what a URL has `said`; raises if they differ.

    An argument that is as `usual` was not given.
    """
    for name, value in said.items():
        if arguments[name] not in (usual[name], value):
            raise ConfigurationError(
                f"{name}= is {shown(arguments[name])} as an argument, and in the URL "
                f"{shown(value)}: give one of them"
            )
    return {**arguments, **said}


@lru_cache(maxsize=64)
def _load(group: str, name: str, shown: str) -> Any:
    """What is found stays: to look through all that is installed takes 13 ms."""
    found = {entry.value: entry for entry in entry_points(group=group, name=name)}
    if not found:
        advice = _advice(group, name) or _manual(group, name)
        raise ConfigurationError(f"no plug-in for {shown}; {_installed(group)}{advice}")
    if len(found) > 1:
        raise ConfigurationError(f"several plug-ins for {shown}: {', '.join(sorted(found))}")
    return _imported(group, next(iter(found.values())), shown)


def _imported(group: str, entry: EntryPoint, shown: str) -> Any:
    try:
        return entry.load()
    except (ImportError, AttributeError) as error:
        advice = "" if "pip install" in str(error) else _advice(group, entry.name)
        raise ConfigurationError(
            f"the plug-in for {shown} lacks something: {error}{advice}"
        ) from error


def _installed(group: str) -> str:
    names = sorted({entry.name for entry in entry_points(group=group)})
    return f"installed: {', '.join(names) or 'none'}"


def _manual(group: str, name: str) -> str:
    return (
        f"; a package brings one by an entry point {name!r} in the group {group!r}, and one that "
        "is in no package is given itself, as an object"
    )


def _advice(group: str, name: str) -> str:
    extra = EXTRAS[group].get(name)
    return f"; pip install 'cachekit-framework[{extra}]' brings it" if extra else ""
