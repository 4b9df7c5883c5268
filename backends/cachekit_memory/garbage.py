"""What the garbage collector need not look at: a million entries were 0.3 seconds of its time.

It looks for cycles: things that nothing but themselves keeps alive. Tuples and dicts that hold only
numbers, texts and the like are in none, and CPython lets go of them by itself. Here is the same for
objects of ours.
"""

import sys
from gc import is_tracked
from typing import Any

try:
    import ctypes
except ImportError:  # a Python that was built without libffi
    ctypes = None  # type: ignore[assignment]


def leads_on(value: Any) -> bool:
    """Whether the collector looks at `value`, or may do so once the value was changed."""
    return is_tracked(value) or type(value) is dict


def let_go(thing: object) -> None:
    """Have the collector look at `thing` no more, which is in no cycle and never will be.

    Else that cycle is never freed. Where Python is not CPython, nothing happens.
    """
    if _untrack is not None:
        _untrack(thing)


def _untracking() -> Any:
    if ctypes is None or sys.implementation.name != "cpython":
        return None
    function = ctypes.pythonapi.PyObject_GC_UnTrack
    function.argtypes, function.restype = (ctypes.py_object,), None
    return function


_untrack = _untracking()
