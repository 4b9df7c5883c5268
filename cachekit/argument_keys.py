"""The default key of a call: the function's name and its arguments, `shop.get(1,'a')`."""

from collections.abc import Mapping, Sequence
from inspect import Parameter
from itertools import compress
from typing import Any, Final

from cachekit.identity import identify, type_name
from cachekit.keys import LONGEST, is_natural, value_head
from cachekit.signature import Arguments, KeyBuilder, Shape
from cachekit.templates import PLAIN

REPRESENTED: Final = PLAIN | {bytes}
"""Types whose identity is their `ascii()`."""


def argument_key(shape: Shape) -> KeyBuilder:
    """Builds the key as users see it.

    `f(1)`, `f(x=1)` and the same by default are one. Of a method the object's type counts, too,
    and the object, unless it is left out or a class.
    """
    name, bind, me, left_out = shape.name, shape.bind, shape.me, shape.left_out
    parameters = tuple(shape.parameters)

    def natural(args: Arguments, kwargs: Mapping[str, Any]) -> str:
        values = bind(*args, **kwargs)
        texts = [
            _identity(shape, parameter, value)
            for parameter, value in zip(parameters, values, strict=True)
            if parameter not in left_out and not (parameter == me and isinstance(value, type))
        ]
        of = "" if me is None else _at(shape.home, values[0])
        return f"{name}{of}({','.join(texts)})"

    return natural


def fast_argument_key(shape: Shape, namespace: str, slow: KeyBuilder) -> KeyBuilder:
    """`slow`, which builds the store key, in one call where arguments and key are plain."""
    space, me, home, bind = value_head(namespace), shape.me, shape.home, shape.bind
    head = f"{space}{shape.name}("
    if not is_natural(head, space) or (me is not None and me not in shape.left_out):
        return slow
    mask = [name not in shape.left_out for name in shape.parameters]
    narrow, plain, patterns = not all(mask), REPRESENTED, _patterns(shape, head, space)
    whole = _pattern(head, ["%a"] * sum(mask))

    def stored(args: Arguments, kwargs: Mapping[str, Any]) -> str:
        pattern = None if kwargs else patterns.get(len(args))
        values = args if pattern else bind(*args, **kwargs)
        if narrow:
            if me and f"{type(values[0]).__module__}.{type(values[0]).__qualname__}" != home:
                return slow(args, kwargs)
            values = tuple(compress(values, mask))
        for value in values:
            if type(value) not in plain:
                return slow(args, kwargs)
        try:
            text = (pattern or whole) % values
        except ValueError:  # an int of thousands of digits
            return slow(args, kwargs)
        if len(text) <= LONGEST and " " not in text and "~" not in text:
            return text
        return slow(args, kwargs)

    return stored


def _at(home: str, obj: Any) -> str:
    """What tells the keys of a subclass from those of the class that defines the method."""
    kind: type[Any] = obj if isinstance(obj, type) else type(obj)
    name = type_name(kind)
    return "" if name == home else f"@{name}"


def _identity(shape: Shape, parameter: str, value: Any) -> str:
    try:
        return identify(value)
    except (TypeError, ValueError) as error:
        without = "ignore_self=True" if parameter == shape.me else f"ignore=({parameter!r},)"
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(
            f"{shape.name}, argument {parameter!r}: {error}; or leave it out of the key with "
            f"{without}, or build the key with key="
        ) from error


def _patterns(shape: Shape, head: str, space: str) -> dict[int, str]:
    """By number of positional arguments: the key but for those, the others at their defaults."""
    kept = [name for name in shape.parameters if name not in shape.left_out]
    patterns = dict[int, str]()
    for count in shape.positional_counts():
        given = {p.name for p in shape.positional()[:count]}
        texts = [_default(shape.parameters[n]) if n not in given else "%a" for n in kept]
        known = [text for text in texts if text is not None]
        if len(known) == len(kept) and is_natural(space + "".join(known), space):
            patterns[count] = _pattern(head, known)
    return patterns


def _pattern(head: str, texts: Sequence[str]) -> str:
    return f"{head.replace('%', '%%')}{','.join(texts)})"


def _default(parameter: Parameter) -> str | None:
    """The text of a plain default, for a pattern, or `None`."""
    if parameter.kind is Parameter.VAR_KEYWORD:
        return identify({})
    plain = type(parameter.default) in REPRESENTED
    return identify(parameter.default).replace("%", "%%") if plain else None
