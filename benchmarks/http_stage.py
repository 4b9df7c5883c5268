"""All servers of one run: each subject a process, over one database and one Redis."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from rich.progress import track

from benchmarks.http_apps import keep
from benchmarks.http_cores import Cores
from benchmarks.http_load import Answer, fetch
from benchmarks.http_turns import (
    FLOOR,
    OURS,
    OURS_ON_REDIS,
    REDIS,
    TARGETS,
    UNCACHED,
    Running,
    Subject,
    Target,
    Turn,
)
from examples.places.fill import fill
from tests.servers.processes import ProcessGroup
from tests.servers.waiting import until

START: Final = 60.0
"""Seconds for a server to come up, at most: they all start at once."""
NO_REDIS: Final = "there is no redis-server here"


class UnfitError(Exception):
    """A subject that cannot be measured here; the message says why."""


@dataclass
class Stage:
    """What runs, what is to be measured, and what cannot be, and why."""

    turns: list[Turn] = field(default_factory=list[Turn])
    unfit: dict[Subject, str] = field(default_factory=dict[Subject, str])


@contextmanager
def stage(subjects: Sequence[Subject], redis: str | None, cores: Cores) -> Iterator[Stage]:
    """All `subjects` that can run, up and warm; `redis`: URL of a server that is empty."""
    group = ProcessGroup()
    try:
        with TemporaryDirectory(prefix="bench-http-") as folder:
            yield _set(Wings(Path(folder), redis, cores, group), subjects)
    finally:
        group.end()


@dataclass(frozen=True)
class Wings:
    """Where servers come from."""

    folder: Path
    redis: str | None
    cores: Cores
    group: ProcessGroup

    @property
    def database(self) -> Path:
        return self.folder / "places.db"

    @property
    def answers(self) -> Path:
        return self.folder / "answers.json"

    def start(self, subject: Subject, number: int) -> "Starting":
        """Begin to start it; its files and its database of Redis have this `number`."""
        if subject.store == REDIS and self.redis is None:
            raise UnfitError(NO_REDIS)
        told, log = self.folder / f"{number}.port", self.folder / f"{number}.log"
        options: dict[str, object] = {
            "database": self.database,
            "answers": self.answers,
            "told": told,
        }
        if subject.store == REDIS:
            options["redis"] = f"{self.redis}/{number}"
        if self.cores.server is not None:
            options["core"] = self.cores.server
        given = [f"--{name}={value}" for name, value in options.items()]
        command = [sys.executable, "-m", "benchmarks.http_server", subject.name, *given]
        return Starting(subject, self.group.start(command, log), told, log)


@dataclass(frozen=True)
class Starting:
    """A server that is not up yet."""

    subject: Subject
    process: subprocess.Popen[bytes]
    told: Path
    log: Path

    def wait(self) -> Running:
        """When it is up."""
        until(self._settled, f"the server of {self.subject}", START)
        if not self.told.exists():
            last = self.log.read_text(errors="replace").strip().rpartition("\n")[2]
            raise UnfitError(last or "the server ended")
        return Running(self.subject, int(self.told.read_text()), self.process.pid)

    def _settled(self) -> bool:
        return self.told.exists() or self.process.poll() is not None


def _set(wings: Wings, subjects: Sequence[Subject]) -> Stage:
    """The floor comes last: what it sends is what ours sends."""
    fill(wings.database, smallest=15_000)
    made = Stage()
    known: dict[str, Answer] = {}
    numbers = {subject: number for number, subject in enumerate(subjects)}
    floor = {FLOOR: numbers.pop(FLOOR)} if FLOOR in numbers else {}
    for running in _started(wings, numbers, made):
        _prepare(running, known, made)
    keep(_ready(made), wings.answers)
    for running in _started(wings, floor, made):
        _prepare(running, known, made)
    made.turns.sort(key=lambda turn: subjects.index(turn.subject))
    return made


def _started(wings: Wings, numbers: Mapping[Subject, int], made: Stage) -> Iterator[Running]:
    """All at once, since each takes a while."""
    starting: list[Starting] = []
    for subject, number in numbers.items():
        try:
            starting.append(wings.start(subject, number))
        except UnfitError as error:
            made.unfit[subject] = str(error)
    for one in track(starting, description="HTTP: servers"):
        try:
            yield one.wait()
        except UnfitError as error:
            made.unfit[one.subject] = str(error)


def _prepare(running: Running, known: dict[str, Answer], made: Stage) -> None:
    try:
        made.turns += _turns(running, known)
    except UnfitError as error:
        made.unfit[running.subject] = str(error)


def _turns(running: Running, known: dict[str, Answer]) -> list[Turn]:
    """It is asked twice for all that it is to answer; the second answer may be out of its cache."""
    turns: list[Turn] = []
    for target in TARGETS:
        if not _is_for(target, running.subject, known):
            continue
        fetch(running.port, target.path, target.headers)
        answer = fetch(running.port, target.path, target.headers)
        wanted = known.setdefault(target.path, answer)
        if answer.status != target.status or not _same(answer, wanted):
            said = f"{answer.status} {answer.body[:200]!r}"
            raise UnfitError(f"{target.path}: not the answer that others give, but {said}")
        turns.append(Turn(running, target, answer))
    return turns


def _is_for(target: Target, subject: Subject, known: dict[str, Answer]) -> bool:
    if subject == FLOOR:
        return target.path in known
    return subject.validates or not target.validators


def _same(answer: Answer, other: Answer) -> bool:
    """The same value, however it is spelt."""
    if answer.body == other.body:
        return True
    try:
        return bool(json.loads(answer.body) == json.loads(other.body))
    except ValueError:
        return False


def _ready(made: Stage) -> dict[str, Answer]:
    """For the floor: the answers of our hits, else those of the service."""
    return {
        turn.target.path: turn.answer
        for subject in (UNCACHED, OURS_ON_REDIS, OURS)
        for turn in made.turns
        if turn.subject == subject
    }
