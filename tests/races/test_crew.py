"""A crew says what went wrong, and leaves nobody behind."""

import asyncio
import os

import pytest

from tests.races.crew import PATIENCE, Crew, CrewError
from tests.races.memory import Numbers
from tests.servers.waiting import until


async def add(numbers: Numbers, number: int) -> int:
    return numbers.add(0, number)


async def fail(numbers: Numbers, number: int) -> int:
    raise ValueError(f"no {number}")


async def vanish(numbers: Numbers, number: int) -> int:
    os._exit(3)


async def hang(numbers: Numbers, number: int) -> int:
    numbers.raise_to(number, os.getpid())
    await asyncio.sleep(0 if number else PATIENCE)
    return number


def test_results_come_in_order_and_memory_is_shared() -> None:
    numbers = Numbers(1)
    with Crew(3, add, numbers) as crew:
        results = crew.results()
    assert numbers[0] == 3
    assert results[0] in (0, 1, 2, 3)
    assert max(results) == 3


def test_what_a_process_raises_is_told() -> None:
    with Crew(1, fail, Numbers(1)) as crew, pytest.raises(CrewError, match="ValueError: no 0"):
        crew.results()


def test_a_process_that_dies_is_told() -> None:
    with Crew(1, vanish, Numbers(1)) as crew, pytest.raises(CrewError, match="exit code 3"):
        crew.results()


def test_one_that_does_not_end_is_told_and_ended() -> None:
    numbers = Numbers(1)
    with Crew(1, hang, numbers) as crew:
        until(lambda: numbers[0] > 0, "a process")
        with pytest.raises(CrewError, match="not ended within 0"):
            crew.results(patience=0.0)
    with pytest.raises(ProcessLookupError):
        os.kill(numbers[0], 0)


def test_one_that_is_killed_has_no_result() -> None:
    with Crew(2, hang, Numbers(2)) as crew:
        crew.kill(0)
        assert crew.results() == [1]
