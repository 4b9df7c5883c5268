"""Which annotations get a serializer of their own: those with a class that is no builtin."""

import inspect
import sys
import typing
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from functools import lru_cache
from types import NoneType, SimpleNamespace, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from cachekit.errors import ConfigurationError, shown
from cachekit.missing import MISSING
from cachekit.registry import typed_serializer
from cachekit.serializer import Serializer


def serializer_for(annotation: Any) -> Serializer | None:
    """The one for values that are what `annotation` says; `None`: any one will do.

    That is so if all its classes are of the standard library, and none is an enum. Raises
    `NameError` for what is not yet defined, `ConfigurationError` if there is none.
    """
    try:
        if not any(map(_is_own, _classes(annotation))):
            return None
        name = name_of(annotation)
        return typed_serializer(annotation) if name is None else _remembered(*name)
    except (NameError, ConfigurationError):
        raise
    except Exception as error:  # whatever the classes raise that it names
        raise ConfigurationError(f"{type(error).__name__}: {error}") from error


def typed_by(argument: str, annotation: Any) -> Serializer | None:
    """The same for what a user gives as `argument`; `None`, too, if there is none.

    So values are read by hand as a function stores them that is annotated to return them.
    """
    if not isinstance(annotation, type) and type(annotation).__module__ not in _SPECIAL:
        raise ConfigurationError(
            f"{argument} must be a type, such as Product or list[Product], not {shown(annotation)}"
        )
    try:
        return serializer_for(annotation)
    except ConfigurationError:
        return None
    except NameError as error:
        raise ConfigurationError(
            f"{argument}={annotation!r} names what is not defined: {error}"
        ) from error


_SPECIAL: Final = ("typing", "types", "typing_extensions")
"""Where what stands for types but is no class is made: `Product | None`, `list[Product]`."""


def name_of(annotation: Any) -> tuple[Any, str] | None:
    """What to remember it by, `None` if that cannot be.

    `A | B` equals `B | A`, but is shown, and read by pydantic, in another order.
    """
    try:
        name = annotation, repr(annotation)
        hash(name)
    except Exception:  # whatever a class of the user's raises there
        return None
    return name


def returned_by(function: Callable[..., Any]) -> Any:
    """What `function` is annotated to return, `MISSING` if it is not; may raise `NameError`."""
    inner: Any = inspect.unwrap(function)
    annotation = getattr(inner, "__annotations__", {}).get("return", MISSING)
    if annotation is MISSING:
        return MISSING
    names = getattr(inner, "__globals__", {})
    alone: Any = SimpleNamespace(__annotations__={"return": annotation})
    try:
        return typing.get_type_hints(alone, names, include_extras=True)["return"]
    except NameError:
        raise
    except Exception:  # whatever the text of an annotation raises: it is no type
        return MISSING


def values_of(annotation: Any) -> Any:
    """What the values of the mapping are that `annotation` says, `MISSING` if it says none."""
    annotation = _target(annotation)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return values_of(arguments[0])
    if origin is Union or origin is UnionType:
        others = [part for part in arguments if part is not NoneType]
        return values_of(others[0]) if len(others) == 1 else MISSING
    is_mapping = isinstance(origin, type) and issubclass(origin, Mapping) and len(arguments) == 2
    return arguments[1] if is_mapping else MISSING


def _classes(annotation: Any) -> Iterator[type[Any]]:
    """All classes that `annotation` names, enums by their members, too."""
    left, seen = [annotation], dict[int, Any]()
    while left:
        annotation = left.pop()
        if id(annotation) in seen:  # a name for a type may come up in what it stands for
            continue
        seen[id(annotation)] = annotation
        origin, arguments = get_origin(annotation), get_args(annotation)
        if origin is Literal:
            yield from map(type, arguments)
            continue
        left += arguments[:1] if origin is Annotated else arguments
        left.append(_target(annotation))
        if isinstance(kind := origin or annotation, type):
            yield kind


def _target(annotation: Any) -> Any:
    """What a name for a type stands for: a `NewType`, or a `type` statement."""
    for _ in range(_NAMES_OF_NAMES):  # one may stand for itself
        annotation = getattr(
            annotation, "__supertype__", getattr(annotation, "__value__", annotation)
        )
    return annotation


_NAMES_OF_NAMES: Final = 10


def _is_own(kind: type[Any]) -> bool:
    home = str(kind.__module__).split(".")[0]
    return issubclass(kind, Enum) or home not in sys.stdlib_module_names


@lru_cache(maxsize=512)
def _remembered(annotation: Any, shown: str) -> Serializer:
    return typed_serializer(annotation)
