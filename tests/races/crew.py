"""Processes that do one work together, and that are ended surely."""

import asyncio
import multiprocessing
import os
import threading
import traceback
from collections.abc import Callable, Coroutine
from importlib.metadata import entry_points
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from typing import Any, Final, Generic, NamedTuple, Self, TypeAlias, TypeVar

from cachekit.registry import BACKENDS

S = TypeVar("S")
R = TypeVar("R")

CONTEXT: Final = multiprocessing.get_context("forkserver")
"""Processes are copies of one that has imported what they need, and has done nothing yet."""

# Those that are not yet known then are imported by each process.
CONTEXT.set_forkserver_preload(
    ["tests.races.stampede", "tests.races.rivals", "tests.tiered.fleet", "cachekit_msgpack"]
    + [plugin.module for plugin in entry_points(group=BACKENDS)]
)

PATIENCE: Final = 60.0
"""Seconds of real time: several processes know no other."""

Work: TypeAlias = Callable[[S, int], Coroutine[Any, Any, R]]
"""What each process does with what all share, and with its own number, from 0."""


class CrewError(Exception):
    """A process failed, died or did not end; the message is what it had to say."""


class Failure(NamedTuple):
    """What a process sends in place of a result."""

    text: str


class Crew(Generic[S, R]):
    """`size` processes that begin when it is entered, and are gone when it is left."""

    def __init__(self, size: int, work: Work[S, R], shared: S) -> None:
        self._size = size
        self._work = work
        self._shared = shared
        self._processes: list[ForkServerProcess] = []
        self._answers: list[Connection] = []
        self._killed: set[int] = set()

    def __enter__(self) -> Self:
        try:
            for number in range(self._size):
                self._start(number)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def kill(self, number: int) -> None:
        """End one by `kill -9`."""
        self._killed.add(number)
        self._processes[number].kill()
        self._processes[number].join()

    def results(self, *, patience: float = PATIENCE) -> list[R]:
        """What they return, in order; of those that `kill()` has ended, nothing.

        Raises:
            CrewError: one raised, died, or took longer than `patience` seconds.
        """
        numbers = [number for number in range(self._size) if number not in self._killed]
        return [self._result(number, patience) for number in numbers]

    def _start(self, number: int) -> None:
        answer, sender = CONTEXT.Pipe(duplex=False)
        arguments = (sender, self._work, self._shared, number)
        process = CONTEXT.Process(target=_main, args=arguments, daemon=True)
        process.start()
        sender.close()  # so that the end of the process is the end of the pipe
        self._processes.append(process)
        self._answers.append(answer)

    def _result(self, number: int, patience: float) -> R:
        if not self._answers[number].poll(patience):
            raise CrewError(f"process {number} has not ended within {patience} s")
        try:
            result: R | Failure = self._answers[number].recv()
        except EOFError:
            self._processes[number].join()
            code = self._processes[number].exitcode
            raise CrewError(f"process {number} died: exit code {code}") from None
        if isinstance(result, Failure):
            raise CrewError(f"process {number} failed:\n{result.text}")
        return result

    def _end(self) -> None:
        for process, answer in zip(self._processes, self._answers, strict=True):
            process.kill()
            process.join()
            process.close()
            answer.close()


def _main(sender: Connection, work: Work[S, R], shared: S, number: int) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    result: R | Failure
    try:
        result = asyncio.run(work(shared, number))
    except BaseException:
        result = Failure(traceback.format_exc())
    sender.send(result)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
