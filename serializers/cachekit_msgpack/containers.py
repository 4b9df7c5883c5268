"""Values with parts, as arrays that begin with a mark: `cachekit_msgpack` lists the marks."""

from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final

from cachekit.errors import EncodeError
from cachekit_msgpack.codec import ext

MARK: Final = 1
"""The ext code of a mark."""

HINT: Final = 0xD4
"""A byte that all have that hold a mark: msgpack's code for an ext value of one byte."""

Parts = list[Any]


def mark(number: int) -> Any:
    """What an array begins with if it is no list."""
    return ext(MARK, bytes((number,)))


_TUPLE: Final = mark(1)
_SET: Final = mark(2)
_FROZENSET: Final = mark(3)
_RANGE: Final = mark(4)
_FRACTION: Final = mark(5)
_DEQUE: Final = mark(6)
_ORDERED: Final = mark(7)
_DEFAULT: Final = mark(8)
_COUNTER: Final = mark(9)
REGISTERED: Final = 10

_BUILTIN: Final[tuple[type[Any], ...]] = (
    *(list, tuple, dict, set, frozenset, deque, OrderedDict, Counter),
    *(int, float, complex, bool, str, bytes, bytearray),
)
_FACTORIES: Final = {kind.__name__: kind for kind in _BUILTIN}


def _tuple(value: tuple[Any, ...]) -> Parts:
    return [_TUPLE, *value]


def _set(value: set[Any]) -> Parts:
    return [_SET, *value]


def _frozenset(value: frozenset[Any]) -> Parts:
    return [_FROZENSET, *value]


def _range(value: range) -> Parts:
    return [_RANGE, value.start, value.stop, value.step]


def _fraction(value: Fraction) -> Parts:
    return [_FRACTION, value.numerator, value.denominator]


def _deque(value: deque[Any]) -> Parts:
    return [_DEQUE, value.maxlen, *value]


def _ordered(value: OrderedDict[Any, Any]) -> Parts:
    return [_ORDERED, _bare(value)]


def _counter(value: Counter[Any]) -> Parts:
    return [_COUNTER, _bare(value)]


def _bare(value: dict[Any, Any]) -> dict[Any, Any]:
    if vars(value):
        kind = f"{type(value).__module__}.{type(value).__qualname__}"
        raise EncodeError(f"a {kind} with attributes of its own would lose them; cache a dict")
    return dict(value)


def _default(value: defaultdict[Any, Any]) -> Parts:
    factory: Any = value.default_factory
    name = getattr(factory, "__name__", None)
    if factory is not None and _FACTORIES.get(str(name)) is not factory:
        raise EncodeError(
            f"a defaultdict with the factory {name or factory!r} cannot be turned into msgpack; "
            f"cache dict(value), or use one of {', '.join(_FACTORIES)}"
        )
    return [_DEFAULT, name, dict(value)]


def _read_range(parts: Parts) -> range:
    _, start, stop, step = parts
    return range(start, stop, step)


def _read_fraction(parts: Parts) -> Fraction:
    _, numerator, denominator = parts
    return Fraction(numerator, denominator)


def _read_default(parts: Parts) -> defaultdict[Any, Any]:
    _, name, items = parts
    return defaultdict(None if name is None else _FACTORIES[name], items)


def _from_items(make: Callable[[Parts], Any]) -> Callable[[Parts], Any]:
    return lambda parts: make(parts[1:])


def _from_map(make: Callable[[Any], Any]) -> Callable[[Parts], Any]:
    def read(parts: Parts) -> Any:
        _, items = parts
        return make(items)

    return read


WRITERS: Final[dict[type[Any], Callable[[Any], Parts]]] = {
    tuple: _tuple,
    set: _set,
    frozenset: _frozenset,
    range: _range,
    Fraction: _fraction,
    deque: _deque,
    OrderedDict: _ordered,
    defaultdict: _default,
    Counter: _counter,
}

READERS: Final[dict[int, Callable[[Parts], Any]]] = {
    1: _from_items(tuple),
    2: _from_items(set),
    3: _from_items(frozenset),
    4: _read_range,
    5: _read_fraction,
    6: lambda parts: deque(parts[2:], parts[1]),
    7: _from_map(OrderedDict),
    8: _read_default,
    9: _from_map(Counter),
}
