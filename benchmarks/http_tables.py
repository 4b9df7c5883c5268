"""The tables of HTTP: a row for each subject, and how far it is to what is aimed at."""

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from statistics import median
from typing import Final

from rich.table import Table

from benchmarks.http_turns import (
    FLOOR,
    OURS,
    OURS_ON_REDIS,
    PEERS_ON_REDIS,
    TARGETS,
    UNCACHED,
    Subject,
    Target,
    Turn,
)
from benchmarks.measuring import table
from benchmarks.results import Result

Unfit = Mapping[Subject, str]

BUSY: Final = 0.9
"""From which share of its core on the load generator is what limits, and nothing is compared."""
SATURATED: Final = 0.85
"""From which share of its core on the server is what limits the floor, which waits for nobody."""
AIMS: Final = (
    (OURS, FLOOR, 0.8),
    *((OURS_ON_REDIS, other, 2.0) for other in (*PEERS_ON_REDIS, UNCACHED)),
)
"""Who is to answer how many times as many requests per second as who."""
_LEGEND: Final = (
    "cachekit: ResponseCache(app, cache); / bare, / no cache: requests/s beside that row's;"
    " SQL: statements per request; CPU µs: of the server per request; server, load: CPU time per"
    " second of uvicorn and of who asks"
)
_NUMBERS: Final = (
    *("requests/s", "±", "/ bare", "/ no cache", "p50 ms", "p99 ms"),
    *("SQL", "CPU µs", "server", "load"),
)
_LIBRARIES: Final = (
    *("uvicorn", "httptools", "uvloop", "fastapi", "starlette", "redis"),
    *("fastapi-cache2", "cashews"),
)


def results(turns: Sequence[Turn], unfit: Unfit) -> list[Result]:
    """The same as results. What the load generator limits has no figure."""
    measured = [each for turn in turns for each in _results(turn)]
    missing = [
        Result("http", _metric(target), str(subject), "requests/s", [], why)
        for target in TARGETS
        if not target.validators
        for subject, why in unfit.items()
    ]
    return [*measured, *missing]


def _results(turn: Turn) -> Iterator[Result]:
    limited = turn.load_busy > BUSY
    note = "the load generator was at its limit" if limited else ""
    yield _result(turn, "", "requests/s", [] if limited else turn.figure.rounds, note)
    for percent in (50, 99):
        latency = 1000 * turn.percentile(percent)
        yield _result(turn, f", {percent} % of answers within", "ms", [latency])
    yield _result(turn, ", SQL", "statements", [turn.statements_per_request])


def _result(turn: Turn, what: str, unit: str, rounds: list[float], note: str = "") -> Result:
    metric, floor = _metric(turn.target) + what, turn.subject == FLOOR
    return Result("http", metric, str(turn.subject), unit, rounds, note, floor)


def _metric(target: Target) -> str:
    return f"GET {target.path}: {target.about}"


def tables(turns: Sequence[Turn], unfit: Unfit, how: str) -> list[Table]:
    """One for each target, and one of what is aimed at; `how` it was measured."""
    made = [
        shown(target, group, {} if target.validators else unfit)
        for target in TARGETS
        if (group := [turn for turn in turns if turn.target == target])
    ]
    return [*made, aims(turns, how)]


def shown(target: Target, turns: Sequence[Turn], unfit: Unfit) -> Table:
    """One target."""
    made = table(f"GET {target.path}: {target.about}", ("subject", "store"), _NUMBERS)
    for turn in turns:
        made.add_row(turn.subject.name, turn.subject.store, *_figures(turn, turns))
    for subject in unfit:
        made.add_row(subject.name, subject.store, "none")
    notes = [f"{subject}: {why}" for subject, why in unfit.items()]
    made.caption = "\n".join([*notes, *_limited(turns)]) or None
    return made


def _figures(turn: Turn, turns: Sequence[Turn]) -> Iterator[str]:
    yield f"{turn.figure.median:,.0f}"
    yield f"{_spread(turn):.0%}"
    for other in (FLOOR, UNCACHED):
        yield _text(ratio(turn, _turn_of(other, turns)))
    for percent in (50, 99):
        yield f"{1000 * turn.percentile(percent):.1f}"
    yield f"{turn.statements_per_request:.2f}"
    yield f"{1e6 * turn.cpu_per_request:,.0f}"
    yield f"{turn.server_busy:.0%}"
    yield f"{turn.load_busy:.0%}"


def aims(turns: Sequence[Turn], how: str) -> Table:
    """What is aimed at, for each endpoint that all of them answer."""
    title = f"Requests/s of one worker beside those of another: {how}"
    made = table(title, ("", "beside"), ("aim", *_paths()))
    for subject, other, aim in AIMS:
        groups = [[turn for turn in turns if turn.target.path == path] for path in _paths()]
        ratios = [_ratio_of(subject, other, group) for group in groups]
        made.add_row(str(subject), str(other), f"{aim:.2f}", *map(_text, ratios))
    made.caption = "\n".join([_LEGEND, ", ".join(_versions())])
    return made


def _paths() -> list[str]:
    return [target.path for target in TARGETS if not target.validators]


def _ratio_of(subject: Subject, other: Subject, turns: Sequence[Turn]) -> float | None:
    turn = _turn_of(subject, turns)
    return ratio(turn, _turn_of(other, turns)) if turn else None


def ratio(turn: Turn, other: Turn | None) -> float | None:
    """The median of the rounds'; `None`: it cannot be said, or would be of the load generator."""
    if other is None or max(turn.load_busy, other.load_busy) > BUSY:
        return None
    pairs = zip(turn.figure.rounds, other.figure.rounds, strict=True)
    return median(mine / theirs for mine, theirs in pairs)


def _limited(turns: Sequence[Turn]) -> Iterator[str]:
    for turn in turns:
        if turn.load_busy > BUSY:
            yield f"{turn.subject}: the load generator was at its limit, so it is not compared"
    floor = _turn_of(FLOOR, turns)
    if floor and 0 < floor.server_busy < SATURATED:
        yield f"{FLOOR}: its server had {floor.server_busy:.0%} of its core; others ran beside it"


def _turn_of(subject: Subject, turns: Sequence[Turn]) -> Turn | None:
    return next((turn for turn in turns if turn.subject == subject), None)


def _spread(turn: Turn) -> float:
    """Half of the rounds are within so much of the median, to one side and the other."""
    middle = turn.figure.median
    return median(abs(each - middle) for each in turn.figure.rounds) / middle


def _text(share: float | None) -> str:
    return "none" if share is None else f"{share:.2f}"


def _versions() -> Iterator[str]:
    for name in _LIBRARIES:
        try:
            yield f"{name} {version(name)}"
        except PackageNotFoundError:
            yield f"no {name}"
