"""OpenTelemetry: `observe` for what is counted, `LoadTimes` and `LoadSpans` for loads."""

from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import AbstractContextManager, contextmanager
from time import perf_counter
from typing import Final

try:
    from opentelemetry.metrics import CallbackOptions, Meter, Observation, get_meter
    from opentelemetry.trace import Tracer, get_tracer
except ImportError as error:
    raise ImportError(
        f"cachekit.metrics.opentelemetry needs opentelemetry-api ({error}): "
        "pip install 'cachekit-framework[otel]'",
        name=error.name,
    ) from error

from cachekit.cache import Cache
from cachekit.listeners import Listener
from cachekit.metrics.figures import BUCKETS, DEFAULT, FIGURES, Caches, Figure, named, stats_of

__all__ = ["LoadSpans", "LoadTimes", "observe"]

SCOPE: Final = "cachekit"
PREFIX: Final = "cachekit."


def observe(caches: Caches, meter: Meter | None = None) -> None:
    """Have the figures of `caches` read from `Cache.stats()` whenever metrics are collected.

    `caches`: a cache, which is called `default`, or all of them by name; one that is put into that
    mapping later is told of from then on. Call it once, with all of them: a meter has each
    instrument once, and leaves out in silence what is given to it a second time.

    `meter`: one of the provider that is set for all, if none is given.
    """
    meter = get_meter(SCOPE) if meter is None else meter
    by_name = named("observe()", caches)
    for figure in FIGURES:
        create = meter.create_observable_gauge if figure.gauge else meter.create_observable_counter
        create(PREFIX + figure.name, [_reading(figure, by_name)], description=figure.help)


class LoadTimes(Listener):
    """How long loads take, failed ones too: the histogram `cachekit.load`, in seconds.

    `listeners=[LoadTimes()]`. Its attributes are the name of the cache and that of the function,
    `""` for direct calls. Loads of several keys count once.
    """

    def __init__(self, meter: Meter | None = None, *, cache: str = DEFAULT) -> None:
        self._cache = cache
        self._seconds = (get_meter(SCOPE) if meter is None else meter).create_histogram(
            f"{PREFIX}load",
            unit="s",
            description="How long loads took, and those that failed.",
            explicit_bucket_boundaries_advisory=BUCKETS,
        )

    @contextmanager
    def load(self, name: str, key: str) -> Generator[None]:
        began = perf_counter()
        try:
            yield
        finally:
            took = perf_counter() - began
            self._seconds.record(took, {"cache": self._cache, "function": name})


class LoadSpans(Listener):
    """A span for each load, `cachekit.load`; what the load does itself is inside of it.

    `listeners=[LoadSpans()]`. It stands where the call stands that began the load, or, if it is a
    refresh that nobody waits for, the call that found the old value. What a load raises is
    recorded with the span, as it is.

    - `tracer`: one of the provider that is set for all, if none is given.
    - `cache`, and the function's name, are attributes; with `keys`, the key is one, too: of
      several that are loaded together, the first. Keys may tell who asked.
    """

    def __init__(
        self, tracer: Tracer | None = None, *, cache: str = DEFAULT, keys: bool = False
    ) -> None:
        self._tracer = get_tracer(SCOPE) if tracer is None else tracer
        self._cache = cache
        self._keys = keys

    def load(self, name: str, key: str) -> AbstractContextManager[object]:
        attributes = {f"{PREFIX}cache": self._cache, f"{PREFIX}function": name}
        if self._keys:
            attributes[f"{PREFIX}key"] = key
        return self._tracer.start_as_current_span(f"{PREFIX}load", attributes=attributes)


def _reading(
    figure: Figure, caches: Mapping[str, Cache]
) -> Callable[[CallbackOptions], Iterable[Observation]]:
    def read(options: CallbackOptions) -> Iterable[Observation]:
        labels = figure.all_labels
        for values, number in figure.of_all(stats_of(caches)):
            yield Observation(number, dict(zip(labels, values, strict=True)))

    return read
