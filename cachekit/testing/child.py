"""Calls that may crash, hang, or eat all memory: made where that harms nobody."""

import gc
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from mmap import mmap
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn

MEMORY: Final = 256 * 2**20
"""Bytes that all calls together may take, where the system can tell (Linux)."""

_TOLD: Final = 4096


def _nothing(made: Any) -> str:
    return ""


class Call(NamedTuple):
    """One call, what it is for, and what is wrong with what it returned: `""` if nothing is."""

    name: str
    make: Callable[[], Any]
    wrong: Callable[[Any], str] = _nothing


def trouble(
    calls: Iterable[Call], error: type[Exception], seconds: float, memory: int = MEMORY
) -> str:
    """What one of `calls` did other than to return or to raise an `error`; empty if none did.

    They are made one after the other in a forked child, or here, where there is no `fork`; each
    of them may take so many `seconds`, and all of them so many bytes of `memory`.
    """
    if sys.platform == "win32":
        return next(_troubles(calls, error, memory), "")
    with mmap(-1, _TOLD) as told, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # other threads stay behind
        child = os.fork()
        if not child:
            _make_and_exit(_timed(calls, seconds, told), error, told, memory)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        text = told[:].rstrip(b"\0").decode(errors="replace")
    return f"{text} {_end(code, seconds)}" if code else text


def _make_and_exit(
    calls: Iterable[Call], error: type[Exception], told: mmap, memory: int
) -> NoReturn:
    code = 1
    gc.freeze()  # what the parent has is not looked through, and so not copied
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        _limit_memory(memory)
        _tell(told, next(_troubles(calls, error, memory), ""))
        code = 0
    finally:
        os._exit(code)


def _troubles(calls: Iterable[Call], error: type[Exception], memory: int) -> Iterator[str]:
    for call in calls:
        try:
            wrong = call.wrong(call.make())
        except MemoryError:
            yield f"{call.name} asked for more than {memory >> 20} MB"
        except error:
            continue
        except BaseException as other:
            yield f"{call.name} raised {type(other).__name__}, no {error.__name__}: {other}"
        else:
            if wrong:
                yield f"{call.name} {wrong}"


def _timed(calls: Iterable[Call], seconds: float, told: mmap) -> Iterator[Call]:
    for call in calls:
        _tell(told, call.name)
        signal.setitimer(signal.ITIMER_REAL, seconds)
        yield call
    signal.setitimer(signal.ITIMER_REAL, 0)


def _tell(told: mmap, text: str) -> None:
    told[:] = text.encode(errors="replace")[:_TOLD].ljust(_TOLD, b"\0")


def _limit_memory(memory: int) -> None:
    if sys.platform == "linux":
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
        _, most = resource.getrlimit(resource.RLIMIT_AS)
        limit = pages * resource.getpagesize() + memory
        resource.setrlimit(resource.RLIMIT_AS, (limit, most))


def _end(code: int, seconds: float) -> str:
    if code == -signal.SIGALRM:
        return f"took more than {seconds} seconds"
    how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return f"ended the process: {how}"
