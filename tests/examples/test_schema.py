"""What the schema of the service allows, and what it does not, asked with the cache off and on."""

import asyncio
import random
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode

from examples.places.app import create_app
from examples.places.demo.server import serving
from tests.examples.asking import LYON, PARIS
from tests.servers.server import RedisServer

SEED = 7
THERE: dict[str, list[Any]] = {
    "place_id": [PARIS, LYON],
    "code": ["CH", "VA"],
    "user": [1, 2],
    "currency": ["CHF"],
}
"""What is there: nobody would come upon it by chance."""

COUNTERS = "/stats"


class Answer(NamedTuple):
    """One answer, and what it is one to."""

    asked: str
    status: int
    body: bytes

    @property
    def is_failure(self) -> bool:
        return self.status >= 500


def generated(database: Path, each: int) -> list[Case[Any]]:
    """About so many requests of each kind for each operation, in an order of no meaning."""
    schema = schemathesis.openapi.from_dict(create_app(database).openapi())
    chance, cases = random.Random(SEED), list[Case[Any]]()
    for found in schema.get_all_operations():
        operation: Any = found.ok()  # type: ignore[union-attr]
        for mode in GenerationMode:
            cases += drawn(operation.as_strategy(mode), each)
    for case in cases:
        give_what_is_there(case, chance)
    chance.shuffle(cases)
    return cases


def drawn(strategy: Any, count: int) -> list[Case[Any]]:
    cases = list[Case[Any]]()

    @hypothesis.seed(SEED)
    @hypothesis.settings(
        max_examples=count,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def draw(case: Case[Any]) -> None:
        cases.append(case)

    with suppress(Unsatisfiable):  # where nothing can be given, nothing can be wrong
        draw()
    return cases


def give_what_is_there(case: Case[Any], chance: random.Random) -> None:
    for name in case.path_parameters.keys() & THERE.keys():
        if chance.random() < 0.7:
            case.path_parameters[name] = chance.choice(THERE[name])


async def answers(
    filled: Path, folder: Path, cases: list[Case[Any]], *, cached: bool, store: str | None = None
) -> list[Answer]:
    """What a service with a fresh database answers to each."""
    database = Path(shutil.copy(filled, folder / f"cached-{cached}.db"))
    async with serving(database, cached=cached, store=store) as server:
        return await asyncio.to_thread(lambda: list(asked(cases, server.url)))


def asked(cases: list[Case[Any]], url: str) -> Iterator[Answer]:
    for case in cases:
        answer = case.call(base_url=url, timeout=30)
        told = b"" if case.path == COUNTERS else answer.content
        yield Answer(f"{case.method} {case.formatted_path}", answer.status_code, told)


async def same_answers(filled: Path, folder: Path, each: int, store: str | None = None) -> None:
    cases = generated(filled, each)
    off = await answers(filled, folder, cases, cached=False)
    on = await answers(filled, folder, cases, cached=True, store=store)
    assert {answer.status for answer in on} > {200, 404, 422}
    assert [a for a in on if a.is_failure] == [a for a in off if a.is_failure]
    assert on == off


async def test_the_cache_adds_no_failure_and_changes_no_answer(
    filled: Path, tmp_path: Path
) -> None:
    await same_answers(filled, tmp_path, each=5)


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_many_answers(filled: Path, tmp_path: Path) -> None:
    await same_answers(filled, tmp_path, each=150)


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_many_answers_from_redis(
    filled: Path, tmp_path: Path, redis_server: RedisServer, prefix: str
) -> None:
    store = f"{redis_server.url}?prefix={prefix}"
    await same_answers(filled, tmp_path, each=150, store=store)
