"""What the garbage collector need not look at: a million entries were 0.3 seconds of its time.

It looks for cycles: things that nothing but themselves keeps alive. Tuples that hold only numbers,
texts and the like are in none, and CPython lets go of them by itself. Here is the same for objects
of ours.
"""

import sys
from collections.abc import Callable
from gc import is_tracked
from typing import Any, Final

from cachekit.copies import containers_of, may_lead_on
from cachekit.entry import Entry

try:
    import ctypes
except ImportError:  # a Python that was built without libffi
    ctypes = None  # type: ignore[assignment]


def leads_on(value: Any) -> bool:
    """Whether the collector looks at `value`, or may do so one day."""
    return is_tracked(value) or (may_lead_on(value) and type(value) is not Entry)


def let_go_of(entry: Entry) -> None:
    """With all that it holds, if that leads nowhere; of bytes, who knows what becomes of them.

    A class of the user's may do anything while it is freed.
    """
    if entry.payload is None and type(entry) is Entry:
        parts = containers_of(entry.kept, entry.thaw)
        if parts is not None:
            for part in (entry, *parts):
                let_go(part)


def _nothing(thing: object) -> None:
    """Without CPython, or in a build that does not offer it."""


def _untracking() -> Callable[[object], None]:
    if ctypes is None or sys.implementation.name != "cpython":
        return _nothing
    # Of our own: what `pythonapi` has by that name is everybody's.
    prototype = ctypes.PYFUNCTYPE(None, ctypes.py_object)
    try:
        return prototype(("PyObject_GC_UnTrack", ctypes.pythonapi))
    except (AttributeError, OSError):
        return _nothing


let_go: Final = _untracking()
"""Have the collector look at something no more, which is in no cycle and never will be.

Else that cycle is never freed.
"""
