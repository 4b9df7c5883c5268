"""Processes that are asked all at the same time, so that they get in each other's way.

Each is asked by a line of JSON on its input, and answers by one. At the end of its input it ends,
so none outlives whoever has started it.
"""

import asyncio
import gc
import json
import logging
import subprocess
import sys
from contextlib import ExitStack
from typing import Any, Final, Protocol, Self

Question = dict[str, Any]
Answer = dict[str, Any]

TIDY_UP: Final[Question] = {}
PATIENCE: Final = 20.0
"""Seconds after which there is no answer to be had."""


class NoAnswerError(Exception):
    """One of them has failed; the message says how."""


class Crew:
    """`size` processes of a `module` that calls `serve`; a context manager.

    The module is given `arguments`, and at their end the number of the process, from 0. To enter it
    raises `NoAnswerError` if one of them ends at once.
    """

    def __init__(self, module: str, size: int, *arguments: str) -> None:
        self.size = size
        self._command = [sys.executable, "-m", module, *arguments]

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._all = [stack.enter_context(self._start(number)) for number in range(self.size)]
            self._answers()  # they are ready
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def ask(self, **question: Any) -> list[Answer]:
        """What each of them answers, in the order of their numbers, with no garbage of before.

        Raises:
            NoAnswerError: one has failed. The others have answered.
        """
        self._ask(TIDY_UP)
        return self._ask(question)

    def _ask(self, question: Question) -> list[Answer]:
        line = json.dumps(question) + "\n"
        for each in self._all:
            _tell(each, line)
        return self._answers()

    def _answers(self) -> list[Answer]:
        answers = [_hear(each) for each in self._all]
        for error in (answer["error"] for answer in answers if "error" in answer):
            raise NoAnswerError(error)
        return answers

    def _start(self, number: int) -> "subprocess.Popen[str]":
        """To leave it closes its input, and waits until it has ended."""
        return subprocess.Popen(
            [*self._command, str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )


def _tell(process: "subprocess.Popen[str]", line: str) -> None:
    """Nothing to one that has ended: that is found out when it should answer."""
    assert process.stdin is not None
    if process.poll() is None:
        process.stdin.write(line)
        process.stdin.flush()


def _hear(process: "subprocess.Popen[str]") -> Answer:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        return {"error": f"a process has ended by {process.wait()}"}
    answer: Answer = json.loads(line)
    return answer


class Worker(Protocol):
    """What is asked in a process."""

    async def answer(self, question: Question) -> Answer: ...

    async def close(self) -> None: ...


async def serve(worker: Worker) -> None:
    """Has it answer what is asked of this process until there is no more to come, and closes it."""
    logging.disable(logging.CRITICAL)
    try:
        _say({})
        while line := await asyncio.to_thread(sys.stdin.readline):
            _say(await _tried(worker, json.loads(line)))
    finally:
        await worker.close()


async def _tried(worker: Worker, question: Question) -> Answer:
    if question == TIDY_UP:
        gc.collect()
        return {}
    try:
        async with asyncio.timeout(PATIENCE):
            return await worker.answer(question)
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


def _say(answer: Answer) -> None:
    print(json.dumps(answer), flush=True)
