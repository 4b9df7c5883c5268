"""Trees of builtin containers: taken apart once, put together for each hit.

Putting one together copies each container in C, leaves included, and then places the inner ones:
a call for each container, none for the leaves, no recursion.
"""

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final, NamedTuple, TypeAlias, cast

from cachekit.immutable import IMMUTABLE, is_immutable


class NotATreeError(Exception):
    """There is something else in the value, or one container is in two places."""


Make: TypeAlias = Callable[[Any], Any]
Step: TypeAlias = tuple[Make, Any, int, Any]
"""One container: what copies it, what to copy, and where the copy goes: the number of its parent
and the place in that. Number 0 is a list that holds the whole."""
Seal: TypeAlias = tuple[Make, int, int, Any]
"""A tuple that holds containers and was made as a list: what makes it a tuple, the number of the
list, and where the tuple goes."""


class Tree(NamedTuple):
    """A value taken apart. Nothing in it can be reached by a caller.

    `branches` hold others, and are numbered from 1; `leaves`, the most by far, do not.
    """

    branches: tuple[Step, ...]
    leaves: tuple[Step, ...]
    seals: tuple[Seal, ...]

    @property
    def size(self) -> int:
        """How many containers there are in it."""
        return len(self.branches) + len(self.leaves) + len(self.seals)


def take_apart(value: Any) -> Tree:
    """The tree of `value`; raises `NotATreeError` if it is none."""
    growing = _Growing()
    growing.take(value, 0, 0)
    parents = {parent for *_, parent, _ in growing.steps}
    numbers = {old: new for new, old in enumerate(sorted(parents))}
    steps = [
        (number, (make, source, numbers[parent], place))
        for number, (make, source, parent, place) in enumerate(growing.steps, 1)
    ]
    return Tree(
        tuple(step for number, step in steps if number in parents),
        tuple(step for number, step in steps if number not in parents),
        tuple((make, numbers[n], numbers[parent], at) for make, n, parent, at in growing.seals),
    )


def put_together(tree: Tree) -> Any:
    """A copy of what was taken apart, that shares only immutable values with any other."""
    made: list[Any] = [[None]]
    for make, source, parent, place in tree[0]:
        made[parent][place] = new = make(source)
        made.append(new)
    for make, source, parent, place in tree[1]:
        made[parent][place] = make(source)
    for make, number, parent, place in tree[2]:
        made[parent][place] = make(made[number])
    return made[0][0]


_COPY: Final[dict[type[Any], Make]] = {
    list: list[Any].copy,
    dict: dict[Any, Any].copy,
    set: set[Any].copy,
    bytearray: bytearray.copy,
    deque: deque[Any].copy,
    defaultdict: defaultdict[Any, Any].copy,
    OrderedDict: OrderedDict[Any, Any].copy,
}


class _Growing:
    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.seals: list[Seal] = []
        self._seen: set[int] = set()

    def take(self, value: Any, parent: int, place: Any) -> bool:
        """Add what makes `value`, or answer false: it is immutable and may stay where it is."""
        if is_immutable(value):
            return False
        kind = cast("Any", type(value))
        if id(value) in self._seen:
            raise NotATreeError
        self._seen.add(id(value))
        if issubclass(kind, tuple):
            number = self._add(list, list(value), parent, place)
            self.seals.append((_sealer(kind), number, parent, place))
        else:
            self._add(kind, value, parent, place)
        return True

    def _add(self, kind: type[Any], value: Any, parent: int, place: Any) -> int:
        make = _COPY.get(kind)
        if make is None or getattr(value, "__dict__", None):
            raise NotATreeError
        source = make(value)
        self.steps.append((make, source, parent, place))
        number = len(self.steps)
        for inner, part in _parts(kind, value):
            if type(part) not in IMMUTABLE and self.take(part, number, inner):
                source[inner] = None
        return number


def _parts(kind: type[Any], value: Any) -> Iterable[tuple[Any, Any]]:
    if kind is bytearray:
        return ()
    if issubclass(kind, (dict, set)) and not all(map(is_immutable, value)):
        raise NotATreeError
    if issubclass(kind, dict):
        return cast("dict[Any, Any]", value).items()
    return () if kind is set else enumerate(cast("Iterable[Any]", value))


def _sealer(kind: Any) -> Make:
    if kind is tuple:
        return tuple
    if not hasattr(kind, "_fields") or kind.__dictoffset__:
        raise NotATreeError
    return partial(cast("Any", tuple).__new__, kind)
