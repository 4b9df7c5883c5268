"""Where in a value something is, as code would say it: `items[3].price`."""

from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple, cast

from cachekit_pydantic.sameness import same
from cachekit_pydantic.states import attributes

_LONGEST: Final = 40


class Place(NamedTuple):
    """What is in a place, what came back for it, and where it is."""

    value: Any
    made: Any = None
    path: str = ""


def first_difference(made: Any, value: Any) -> Place:
    """The innermost place that shows that `made` is not `value`."""
    place = Place(value, made)
    while inner := _different_part(place):
        place = inner
    return place


def first_part(value: Any, wanted: Callable[[Any], bool]) -> Place | None:
    """The first part of `value`, in the order of a walk, that is `wanted`."""
    places, seen = [Place(value)], set[int]()
    while places:
        place = places.pop()
        if wanted(place.value):
            return place
        if id(place.value) not in seen:
            seen.add(id(place.value))
            inner = [Place(part, None, place.path + step) for step, part in _parts(place.value)]
            places.extend(reversed(inner))
    return None


def follow(value: Any, steps: Iterable[int | str]) -> Place:
    """The part that `steps` lead to: names and indices, and between them what is neither."""
    place = Place(value)
    for step in steps:
        for label, part in _parts(place.value):
            if label in (f".{step}", f"[{step!r}]"):
                place = Place(part, None, place.path + label)
                break
    return place


def _different_part(place: Place) -> Place | None:
    if type(place.made) is not type(place.value):
        return None
    made = dict(_parts(place.made))
    for step, part in _parts(place.value):
        if step in made and not same(made[step], part):
            return Place(part, made[step], place.path + step)
    return None


def _parts(value: object) -> list[tuple[str, Any]]:
    some: Any = value
    if isinstance(value, dict):
        return [(f"[{_short(key)}]", part) for key, part in some.items()]
    if isinstance(value, tuple) and hasattr(some, "_fields"):
        return [(f".{name}", part) for name, part in zip(some._fields, some, strict=False)]
    if isinstance(value, list | tuple):
        return [(f"[{index}]", part) for index, part in enumerate(some)]
    return [(f".{name}", part) for name, part in _fields(some).items()]


def _fields(value: Any) -> dict[str, Any]:
    if isinstance(value, type):
        return {}
    if hasattr(cast("Any", type(value)), "__pydantic_extra__"):
        extra, private = value.__pydantic_extra__, value.__pydantic_private__
        return {**value.__dict__, **(extra or {}), **(private or {})}
    return attributes(value)


def _short(key: Any) -> str:
    text = repr(key)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
