"""What is asked of whom, and what came of it."""

from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Final

from benchmarks import http_apps
from benchmarks.http_load import Answer, Ask, Sample, fetch
from benchmarks.http_places import ETAG, STATEMENTS
from benchmarks.measuring import Figure

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Target:
    """One URL; `about` says what it costs where nothing is cached."""

    about: str
    path: str
    headers: Headers = ()
    status: int = 200
    validators: bool = False
    """Whether it takes the answer's validator or its `Vary`: a response cache, and the floor."""


@dataclass(frozen=True)
class Subject:
    """Who is asked, and where it keeps its values."""

    name: str
    store: str = ""

    @property
    def validates(self) -> bool:
        """Whether it answers what is about validators, too."""
        return self.name == http_apps.OUTERMOST

    def __str__(self) -> str:
        return f"{self.name}, {self.store}" if self.store else self.name


MEMORY: Final = "memory"
REDIS: Final = "Redis"

FLOOR: Final = Subject(http_apps.BARE)
UNCACHED: Final = Subject(http_apps.UNCACHED)
OURS: Final = Subject(http_apps.OUTERMOST, MEMORY)
OURS_ON_REDIS: Final = Subject(http_apps.OUTERMOST, REDIS)
_PEERS: Final = (http_apps.FASTAPI_CACHE, http_apps.CASHEWS)
PEERS_ON_REDIS: Final = tuple(Subject(name, REDIS) for name in (*_PEERS, http_apps.CASHEWS_ETAGS))

SUBJECTS: Final = (
    FLOOR,
    OURS,
    Subject(http_apps.ADDED, MEMORY),
    *(Subject(name, MEMORY) for name in (http_apps.CACHED, *_PEERS)),
    OURS_ON_REDIS,
    Subject(http_apps.CACHED, REDIS),
    *PEERS_ON_REDIS,
    UNCACHED,
)
TARGETS: Final = (
    Target("a place: one SELECT by its primary key", "/places/2988507"),
    Target("a page of 20 places: a SELECT of them, one COUNT, one version", "/places?country=FR"),
    Target(
        "the same, with Vary: Accept-Language and two tags",
        "/varied/places?country=FR",
        (("accept-language", "en"),),
        validators=True,
    ),
    Target(
        "the same page, as 304 for its ETag",
        "/places?country=FR&page=1",
        (("if-none-match", ETAG),),
        304,
        validators=True,
    ),
)


@dataclass(frozen=True)
class Running:
    """A subject in its process."""

    subject: Subject
    port: int
    pid: int

    def statements(self) -> int:
        """So many were run so far; the floor has no database."""
        return 0 if self.subject == FLOOR else int(fetch(self.port, STATEMENTS).body)


@dataclass
class Turn:
    """A subject asked for one target, once in each round. `figure` has requests per second."""

    running: Running
    target: Target
    answer: Answer
    figure: Figure = field(default_factory=Figure)
    samples: list[Sample] = field(default_factory=list[Sample])
    statements: int = 0

    @property
    def subject(self) -> Subject:
        return self.running.subject

    @property
    def ask(self) -> Ask:
        target = self.target
        return Ask(self.running.port, target.path, target.headers, self.answer)

    @property
    def server_busy(self) -> float:
        """CPU time of the server per second."""
        return self._busy()[1]

    @property
    def cpu_per_request(self) -> float:
        """CPU time of the server, in seconds: that of other processes beside it does not count."""
        used = sum(sample.busy[1] * sample.seconds for sample in self.samples)
        return used / sum(len(sample.latencies) for sample in self.samples)

    @property
    def load_busy(self) -> float:
        """The same of the load generator, and of Redis, which may be on the same core."""
        load, _, *redis = self._busy()
        return load + sum(redis)

    def _busy(self) -> tuple[float, ...]:
        return tuple(
            median(shares) for shares in zip(*(it.busy for it in self.samples), strict=True)
        )

    @property
    def statements_per_request(self) -> float:
        return self.statements / sum(sample.answers for sample in self.samples)

    def percentile(self, percent: int) -> float:
        """So many percent of all answers came within so many seconds."""
        latencies = [each for sample in self.samples for each in sample.latencies]
        return quantiles(latencies, n=100, method="inclusive")[percent - 1]
