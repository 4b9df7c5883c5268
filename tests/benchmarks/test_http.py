"""The benchmark over HTTP runs, and its load generator counts right answers and nothing else."""

import asyncio
import os
import re
from array import array
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import cast

import pytest
from rich.console import Console
from rich.table import Table
from starlette.types import Message

from benchmarks import http, http_apps
from benchmarks.http_cores import Cores
from benchmarks.http_load import Answer, Ask, Sample, WrongAnswerError, drive
from benchmarks.http_stage import NO_REDIS, Stage, stage
from benchmarks.http_tables import ratio, shown
from benchmarks.http_turns import (
    FLOOR,
    OURS,
    REDIS,
    TARGETS,
    UNCACHED,
    Running,
    Subject,
    Turn,
)
from benchmarks.measuring import Effort, Figure
from tests.servers.program import NoServerError

WANTED = Answer(200, b"[1, 2]")
LITTLE = Effort(rounds=1, span=0.0, callers=4)
SOME = (FLOOR, UNCACHED, OURS, Subject(http_apps.CASHEWS, REDIS))

Respond = Callable[[asyncio.Transport, bytes], object]


class Server(asyncio.Protocol):
    """Does the same for each request."""

    def __init__(self, respond: Respond) -> None:
        self._respond = respond

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._respond(self._transport, data)


@asynccontextmanager
async def serving(respond: Respond) -> AsyncGenerator[Ask]:
    """A server that does this for each request, and what to ask it."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Server(respond), "127.0.0.1", 0)
    async with server:
        yield Ask(server.sockets[0].getsockname()[1], "/numbers", (("a", "b"),), WANTED)


def response(status: str = "200 OK", length: int = 6, body: bytes = b"[1, 2]") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n".encode() + body


async def test_every_question_is_answered_and_counted_once() -> None:
    asked: list[bytes] = []

    def respond(writer: asyncio.Transport, request: bytes) -> None:
        asked.append(request)
        writer.write(response())

    async with serving(respond) as ask:
        sample = await drive(ask, 3, 0.0, [os.getpid()])
    assert sample.answers == len(asked)
    assert 3 <= len(sample.latencies) < sample.answers
    assert len(sample.busy) == 2
    assert set(asked) == {ask.request()}
    assert ask.request().startswith(b"GET /numbers HTTP/1.1\r\nhost: 127.0.0.1:")
    assert b"\r\na: b\r\n" in ask.request()


async def test_an_answer_may_come_in_pieces() -> None:
    loop = asyncio.get_running_loop()

    def begin(to: asyncio.Transport, request: bytes) -> None:
        write(to, response())

    def write(to: asyncio.Transport, rest: bytes) -> None:
        to.write(rest[:1])
        if rest[1:]:
            loop.call_soon(write, to, rest[1:])

    async with serving(begin) as ask:
        sample = await drive(ask, 2, 0.0)
    assert sample.answers >= 4


async def test_an_answer_without_a_body_has_no_length() -> None:
    async with serving(lambda writer, _: writer.write(b"HTTP/1.1 304 X\r\na: b\r\n\r\n")) as ask:
        sample = await drive(replace(ask, answer=Answer(304, b"")), 2, 0.0)
    assert sample.answers >= 4


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (response(status="500 No"), "500 No"),
        (response(length=7), "Content-Length: 7"),
        (response(body=b"[1, 3]"), r"another body than the first: b'\[1, 3\]'"),
        (response(body=b"[1, 2]]"), "another body"),
        (None, "closed the connection"),
    ],
)
async def test_a_wrong_answer_ends_it(wrong: bytes | None, said: str) -> None:
    async with serving(lambda to, _: to.write(wrong) if wrong else to.close()) as ask:
        with pytest.raises(WrongAnswerError, match=f"^/numbers: .*{said}"):
            await drive(ask, 2, 0.0)


async def test_who_never_answers_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("benchmarks.http_load.PATIENCE", 0.0)
    async with serving(lambda to, request: None) as ask:
        with pytest.raises(TimeoutError, match="/numbers: no answers"):
            await drive(ask, 1, 0.0)


async def test_the_bare_app_sends_what_was_kept_for_it(tmp_path: Path) -> None:
    headers = (("Content-Length", "6"), ("Date", "now"), ("age", "0"), ("server", "uvicorn"))
    http_apps.keep({"/numbers?a=1": replace(WANTED, headers=headers)}, tmp_path / "answers")
    app = http_apps.Bare(http_apps.answers_in(tmp_path / "answers"))
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError("it reads nothing")

    scope = {"type": "http", "raw_path": b"/numbers", "query_string": b"a=1"}
    await app(scope, receive, send)
    start, body = sent
    assert (start["status"], body["body"]) == (200, b"[1, 2]")
    assert start["headers"] == [(b"content-length", b"6"), (b"age", b"0")]


def test_what_is_measured_is_shown_and_who_is_missing_has_a_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[Stage] = []

    def none() -> None:
        raise NoServerError

    @contextmanager
    def noted(subjects: Sequence[Subject], redis: str | None, cores: Cores) -> Iterator[Stage]:
        with stage(subjects, redis, cores) as set_up:
            made.append(set_up)
            yield set_up

    monkeypatch.setattr(http, "RedisServer", none)
    monkeypatch.setattr(http, "stage", noted)
    told = printed(http.run(LITTLE, SOME).tables)
    for name, store, statements, tables in (
        ("bare ASGI app", "", "0.00", 4),
        ("cachekit", "memory", "0.00", 4),
        ("no cache", "", "[13].00", 2),
    ):
        row = rf"│ {name} +│ {store} +│ +[\d,]+ │.+ {statements} │ +[\d,]+ │"
        assert len(re.findall(row, told)) == tables, told
    assert re.search(r"│ cashews +│ Redis +│ +none │", told)
    assert f"cashews, Redis: {NO_REDIS}" in told
    each_has_a_server_that_ended(made[0].turns)


def each_has_a_server_that_ended(turns: Sequence[Turn]) -> None:
    servers = {turn.running for turn in turns}
    assert len(servers) == len({it.port for it in servers}) == len({it.pid for it in servers}) == 3
    for server in servers:
        with pytest.raises(ProcessLookupError):
            os.kill(server.pid, 0)


def printed(tables: list[Table]) -> str:
    console = Console(file=StringIO(), width=200)
    for table in tables:
        console.print(table)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def turn(subject: Subject, rate: float, load_busy: float, server_busy: float = 1.0) -> Turn:
    sample = Sample(1.0, array("d", [0.1, 0.2]), (load_busy, server_busy), 2)
    running = Running(subject, 0, 0)
    return Turn(running, TARGETS[0], WANTED, Figure([rate, rate]), [sample, sample])


def test_requests_are_compared_round_by_round() -> None:
    assert ratio(turn(OURS, 80.0, 0.5), turn(FLOOR, 100.0, 0.5)) == 0.8
    assert ratio(turn(OURS, 80.0, 0.5), None) is None


def test_nothing_is_compared_with_what_the_load_generator_limits() -> None:
    turns = [turn(FLOOR, 100.0, 0.95), turn(OURS, 80.0, 0.5)]
    assert ratio(turns[1], turns[0]) is None
    made = shown(TARGETS[0], turns, {})
    assert str(made.caption).startswith("bare ASGI app: the load generator was at its limit")


def test_it_is_told_if_the_server_of_the_floor_was_not_at_its_limit() -> None:
    for server_busy, told in (0.7, "bare ASGI app: its server had 70% of its core"), (1.0, "None"):
        made = shown(TARGETS[0], [turn(FLOOR, 100.0, 0.5, server_busy)], {})
        assert str(made.caption).startswith(told)
