"""Keeping a value so that no caller can change what the next one gets."""

import copy
import copyreg
import gc
import io
import pickle
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import chain
from types import MethodDescriptorType
from typing import Any, Final, cast

from cachekit.errors import EncodeError
from cachekit.immutable import ATOMS, IMMUTABLE, is_immutable
from cachekit.trees import Make, Tree, put_together, take_apart

__all__ = ["containers_of", "freeze", "freeze_small", "is_immutable", "may_lead_on"]

_FEW: Final = 16
"""So many containers are copied in less time than it takes to decode them."""

_HAVE_GC: Final = 1 << 14
"""`Py_TPFLAGS_HAVE_GC`, of types whose instances the garbage collector may look at."""

_MUCH: Final = 10_000
"""So many containers at most are told apart: what holds itself has no end."""

_SMALL: Final = 4096
"""Bytes of a pickle: so large at most is what is kept where there are thousands of it."""


def freeze(value: Any, *, share: bool = False) -> tuple[Any, Make | None]:
    """What to keep of `value`, and what makes a copy for each hit (`None`: serve what is kept).

    Immutable values, and all with `share`, are kept as they are. Trees of builtin containers are
    taken apart, the fastest faithful way; the rest goes through `pickle`, else `deepcopy`, as its
    class has it (functions, classes and what else these take for code is shared).

    Raises `EncodeError` for what cannot be copied, or not faithfully.
    """
    if share:
        return value, None
    return _freeze_fast(value) or _snapshot(value)


def freeze_small(value: Any) -> tuple[Any, Make | None] | None:
    """The same for what takes little memory, and less time to copy than to decode; else `None`."""
    frozen = _freeze_fast(value)
    if frozen is None or (isinstance(frozen[0], Tree) and frozen[0].size > _FEW):
        return None
    try:
        return frozen if len(pickle.dumps(value, pickle.HIGHEST_PROTOCOL)) <= _SMALL else None
    except Exception:  # a class of the user's failed
        return None


def containers_of(kept: Any, thaw: Make | None) -> list[Any] | None:
    """All that the garbage collector may look at in what `freeze` has made.

    `None` if that leads to anything else, or a caller may yet change it: it may be part of a cycle;
    or if it is very much.
    """
    try:
        return _containers_of(kept, thaw)
    except Exception:  # a class of the user's failed
        return None


def may_lead_on(value: Any) -> bool:
    """Whether the garbage collector may look at `value` one day, if it does not do so already.

    It does not look at a dict of atoms, say, as long as nobody changes that.
    """
    kind = cast("Any", type(value))
    return bool(kind.__flags__ & _HAVE_GC) and kind is not tuple and kind is not type


def _containers_of(kept: Any, thaw: Make | None) -> list[Any] | None:
    allowed = _FIXED if thaw is None else _CONTAINERS
    found = [kept] if isinstance(kept, Tree) else []
    layer = _looked_at(kept if isinstance(kept, Tree) else [kept])
    while layer:
        found += layer
        if not allowed.issuperset(map(type, layer)) or len(found) > _MUCH:
            return None
        layer = _looked_at(gc.get_referents(*layer))
    return found


def _looked_at(parts: Iterable[Any]) -> list[Any]:
    return [
        part
        for part in parts
        if type(part) not in _DEAD_ENDS and (gc.is_tracked(part) or may_lead_on(part))
    ]


def _freeze_fast(value: Any) -> tuple[Any, Make | None] | None:
    """The same for what is immutable or a tree, and `None` for the rest."""
    try:
        if is_immutable(value):
            return value, None
        tree = take_apart(value)
    except Exception:  # no tree, too deep, or a class of the user's failed
        return None
    if not tree.branches:
        make, source, *_ = tree.leaves[0]
        return source, make
    return tree, put_together


def _snapshot(value: Any) -> tuple[Any, Make]:
    reason = "the copy differs"
    for way in (_pickled, _deepcopied):
        try:
            kept, thaw, sure = way(value)
            if sure or _alike(value, thaw(kept)):
                return kept, thaw
        except Exception as error:
            reason = str(error) or type(error).__name__
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    raise EncodeError(
        f"a {kind} cannot be copied, so callers would change each other's value ({reason}); "
        "cache something else, or pass share=True to hand the same object to everyone"
    )


def _pickled(value: Any) -> tuple[Any, Make, bool]:
    pickler = _Pickler(buffer := io.BytesIO(), pickle.HIGHEST_PROTOCOL)
    pickler.dump(value)
    pickle.loads(buffer.getvalue())
    return buffer.getvalue(), pickle.loads, pickler.sure


def _deepcopied(value: Any) -> tuple[Any, Make, bool]:
    return copy.deepcopy(value), copy.deepcopy, False


class _Pickler(pickle.Pickler):
    """It is sure of what it makes as long as no class has a say of its own in it."""

    sure = True

    def reducer_override(self, obj: Any) -> Any:
        kind = cast("Any", type(obj))
        if kind not in IMMUTABLE and not _is_copied_by_default(kind):
            self.sure = False
        return NotImplemented


def _alike(value: Any, made: Any) -> bool:
    """Whether `made` has the types and builtin values of `value`, down to where a class says how
    it is copied, and of exceptions what they were called with: they call themselves anew with
    what may have become of that."""
    todo = [(value, made)]
    seen: dict[int, Any] = {}
    while todo:
        ours, theirs = todo.pop()
        kind = cast("Any", type(ours))
        if type(theirs) is not kind or (kind in ATOMS and ours != theirs and ours == ours):
            return False
        if kind not in IMMUTABLE and id(ours) not in seen:
            seen[id(ours)] = ours
            pairs = _parts(kind, ours), _parts(kind, theirs)
            if len(pairs[0]) != len(pairs[1]):
                return False
            todo += zip(*pairs, strict=True)
    return True


def _parts(kind: Any, value: Any) -> list[Any]:
    if issubclass(kind, BaseException):
        return [value.args, vars(value)]
    state = [object.__getstate__(value)] if _is_copied_by_default(kind) else []
    for base, items in _ITEMS.items():
        if issubclass(kind, base):
            return [*items(value), *state]
    return state


_ITEMS: Final[dict[type[Any], Callable[[Any], Iterable[Any]]]] = {
    dict: lambda value: chain(dict[Any, Any].keys(value), dict[Any, Any].values(value)),
    list: cast("Any", list).__iter__,
    tuple: cast("Any", tuple).__iter__,
    deque: cast("Any", deque).__iter__,
}


@lru_cache(maxsize=512)
def _is_copied_by_default(kind: Any) -> bool:
    bases: tuple[type, ...] = kind.__mro__
    return kind not in copyreg.dispatch_table and all(
        _PROTOCOL.isdisjoint(vars(base)) for base in bases if base is not object
    )


_FIXED: Final = frozenset({tuple, frozenset})
_CONTAINERS: Final = _FIXED | {list, dict, set, deque, OrderedDict, defaultdict}
_DEAD_ENDS: Final = IMMUTABLE | {MethodDescriptorType}

_PROTOCOL: Final = frozenset(
    {"__reduce__", "__reduce_ex__", "__getstate__", "__setstate__", "__deepcopy__"}
)
