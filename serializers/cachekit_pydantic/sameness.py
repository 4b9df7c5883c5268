"""Whether two values are the same, types and all: `made`, read from JSON, and the one it is of.

Parts are compared in bulk, all of one level at once, so that most of the work is one comparison of
two lists for each class that occurs.
"""

import datetime
import operator
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable
from decimal import Decimal
from enum import Enum
from itertools import chain, repeat
from typing import Any, Final, cast

from cachekit_pydantic.leaves import EQUAL, EXACT, Check, Values, as_text, same_moments
from cachekit_pydantic.states import attributes, kept

_FEW: Final = 8
"""So many objects of a class at least are compared column by column."""


def same(made: Any, value: Any) -> bool:
    """Whether `made` is what `value` is; see `PydanticSerializer` for what may differ."""
    return _all_same([made], [value])


def _all_same(made: Values, values: Values) -> bool:
    """Whether the values in two lists of one length are the same, one by one."""
    kinds = [*map(type, made)]
    if kinds != [*map(type, values)]:
        values = [*map(_widened, made, values)]
        if not all(map(_stands_for, kinds, map(type, values))):
            return False
    distinct = set(kinds)
    if distinct <= EQUAL and made == values and not (float in distinct and 0.0 in made):
        return True
    if len(distinct) == 1:
        return _all_same_of(kinds[0], made, values)
    return all(_all_same_of(kind, *group) for kind, group in _grouped(kinds, made, values))


def _widened(made: Any, value: Any) -> Any:
    """The float that an equal int became, else `value`."""
    return made if type(made) is float and type(value) is int and made == value else value


def _stands_for(made: Any, kind: type[Any]) -> bool:
    """Whether one is the other, or a generic model with the type arguments that `kind` lacks."""
    return made is kind or (
        hasattr(made, "__pydantic_generic_metadata__")
        and made.__pydantic_generic_metadata__["origin"] is kind
    )


def _grouped(
    kinds: list[type[Any]], made: Values, values: Values
) -> Iterable[tuple[type[Any], tuple[Values, Values]]]:
    groups: dict[type[Any], tuple[Values, Values]] = {kind: ([], []) for kind in kinds}
    for kind, mine, value in zip(kinds, made, values, strict=True):
        mines, theirs = groups[kind]
        mines.append(mine)
        theirs.append(value)
    return groups.items()


def _all_same_of(kind: type[Any], made: Values, values: Values) -> bool:
    if kind in EXACT:
        return made == values
    return (CHECKS.get(kind) or _check_of(kind))(made, values)


def _check_of(kind: Any) -> Check:
    """For a class that is none of the builtin ones."""
    if hasattr(kind, "__pydantic_extra__"):
        return _same_models
    if issubclass(kind, Enum):
        return _identical
    if not CHECKS.keys().isdisjoint(kind.__mro__):
        return _same_with_attributes(next(CHECKS[base] for base in kind.__mro__ if base in CHECKS))
    if hasattr(kind, "__dataclass_fields__"):
        return _same_attributes
    if kind.__eq__ is object.__eq__:
        return _same_hidden
    return _same_with_attributes(_equal)


def _identical(made: Values, values: Values) -> bool:
    return all(map(operator.is_, made, values))


def _equal(made: Values, values: Values) -> bool:
    return made == values


def _same_hidden(made: Values, values: Values) -> bool:
    """Of what has no equality: by the attributes, if it has any, else by identity."""
    return _identical(made, values) or (
        all(map(attributes, made)) and _same_attributes(made, values)
    )


def _same_with_attributes(check: Check) -> Check:
    return lambda made, values: check(made, values) and _same_attributes(made, values)


def _same_attributes(made: Values, values: Values) -> bool:
    return _same_states(_kind_of(made), [*map(attributes, made)], [*map(attributes, values)])


def _same_models(made: Values, values: Values) -> bool:
    return (
        _same_states(_kind_of(made), [*map(_STATE, made)], [*map(_STATE, values)])
        and _all_same([*map(_EXTRA, made)], [*map(_EXTRA, values)])
        and _all_same([*map(_PRIVATE, made)], [*map(_PRIVATE, values)])
    )


_STATE: Final = operator.attrgetter("__dict__")
_EXTRA: Final = operator.attrgetter("__pydantic_extra__")
_PRIVATE: Final = operator.attrgetter("__pydantic_private__")


def _same_states(kind: type[Any], made: Values, values: Values) -> bool:
    names = [*made[0]]
    if any([*state] != names for state in chain(made, values)):
        return all(map(_same_state, made, values, repeat(kind)))
    if len(made) < _FEW:
        return _all_same(_parts(made), _parts(values))
    columns = zip(_columns(made), _columns(values), strict=True)
    return all(_all_same([*mine], [*theirs]) for mine, theirs in columns)


def _columns(states: Values) -> Iterable[tuple[Any, ...]]:
    return zip(*map(_VALUES, states), strict=True)


_VALUES: Final[Callable[[Any], Iterable[Any]]] = operator.methodcaller("values")


def _kind_of(values: Values) -> Any:
    return cast("Any", type(values[0]))


def _same_state(made: dict[str, Any], value: dict[str, Any], kind: type[Any]) -> bool:
    made, value = kept(kind, made), kept(kind, value)
    return made.keys() == value.keys() and _all_same(
        [*made.values()], [value[name] for name in made]
    )


def _parts(states: Values) -> Values:
    return [*chain.from_iterable(map(_VALUES, states))]


def _same_sequences(made: Values, values: Values) -> bool:
    return [*map(len, made)] == [*map(len, values)] and _all_same(
        [*chain.from_iterable(made)], [*chain.from_iterable(values)]
    )


def _same_dicts(made: Values, values: Values) -> bool:
    if _same_sequences(made, values):
        return _all_same(_parts(made), _parts(values))
    return all(map(_same_unordered, made, values))


def _same_unordered(made: dict[Any, Any], value: dict[Any, Any]) -> bool:
    return _same_set(made, value) and _all_same([*made.values()], [value[key] for key in made])


def _same_set(made: Iterable[Any], value: Iterable[Any]) -> bool:
    """The elements of one are looked up in the other: equal is not yet the same."""
    own = {part: part for part in value}
    parts = [*made]
    return (
        len(parts) == len(own)
        and all(part in own for part in parts)
        and _all_same(parts, [own[part] for part in parts])
    )


def _same_sets(made: Values, values: Values) -> bool:
    return all(map(_same_set, made, values))


def _same_ordered(made: Values, values: Values) -> bool:
    return _same_sequences(made, values) and _all_same(_parts(made), _parts(values))


def _same_defaults(made: Values, values: Values) -> bool:
    factory = operator.attrgetter("default_factory")
    return _identical([*map(factory, made)], [*map(factory, values)]) and _same_dicts(made, values)


def _same_deques(made: Values, values: Values) -> bool:
    longest = operator.attrgetter("maxlen")
    return [*map(longest, made)] == [*map(longest, values)] and _same_sequences(made, values)


CHECKS: Final[dict[type[Any], Check]] = {
    float: as_text(repr),
    complex: as_text(repr),
    Decimal: as_text(str),
    datetime.datetime: same_moments,
    datetime.time: same_moments,
    list: _same_sequences,
    tuple: _same_sequences,
    dict: _same_dicts,
    OrderedDict: _same_ordered,
    Counter: _same_dicts,
    defaultdict: _same_defaults,
    deque: _same_deques,
    set: _same_sets,
    frozenset: _same_sets,
}
