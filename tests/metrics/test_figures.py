"""Whatever a cache counts is told, under a name that is told once."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest

from cachekit import Cache, ConfigurationError, FunctionStats, NodeStats, Stats, TierStats
from cachekit.metrics.figures import FIGURES
from cachekit.metrics.opentelemetry import observe
from cachekit.metrics.prometheus import CacheCollector
from tests.house.test_imports import imported_by


def counted(of: type) -> Iterator[str]:
    """The fields of a class of stats that are numbers."""
    return (field.name for field in fields(of) if field.type in (int, bool))


def numbered(of: Any, begin: int, **others: Any) -> Any:
    """Stats whose figures are all different, from `begin` on."""
    return of(**dict(zip(counted(of), range(begin, begin + 100), strict=False)), **others)


def test_each_figure_that_a_cache_has_is_told() -> None:
    function = numbered(FunctionStats, 100, name="f")
    tier, node = numbered(TierStats, 200, name="t"), numbered(NodeStats, 300, name="n")
    stats: Stats = numbered(Stats, 1000, functions=(function,), tiers=(tier,), nodes=(node,))
    sums = {"hits", "misses", "loads"}  # of those of the functions
    wanted = {getattr(stats, name) for name in counted(Stats) if name not in sums}
    for part in (function, tier, node):
        wanted |= {int(getattr(part, name)) for name in counted(type(part))}
    assert sorted(number for it in FIGURES for _, number in it.read(stats)) == sorted(wanted)


def test_the_values_of_the_labels_are_as_many_as_the_labels() -> None:
    parts = {"functions": FunctionStats, "tiers": TierStats, "nodes": NodeStats}
    one: dict[str, Any] = {name: (numbered(of, 0, name="x"),) for name, of in parts.items()}
    stats: Stats = numbered(Stats, 0, **one)
    for figure in FIGURES:
        samples = list(figure.of_all({"shop": stats}))
        assert samples
        assert {len(values) for values, _ in samples} == {len(figure.all_labels)}


def test_no_name_is_told_twice() -> None:
    names = [figure.name for figure in FIGURES]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("told", [CacheCollector, observe])
@pytest.mark.parametrize("wrong", [None, "shop", [Cache()]], ids=["none", "name", "list"])
def test_what_is_no_cache_is_refused(told: Any, wrong: object) -> None:
    with pytest.raises(ConfigurationError, match=rf"{told.__name__}\(\) takes a Cache or"):
        told(wrong)


@pytest.mark.parametrize("module", ["prometheus", "opentelemetry"])
def test_the_room_needs_neither_library_and_each_exporter_its_own(
    module: str, tmp_path: Any
) -> None:
    assert imported_by("import cachekit.metrics", tmp_path) == {"cachekit", "cachekit.metrics"}
    used = imported_by(f"import cachekit.metrics.{module}", tmp_path)
    libraries = {"prometheus": "prometheus_client", "opentelemetry": "opentelemetry"}
    assert used & set(libraries.values()) == {libraries[module]}


@pytest.mark.parametrize("module", ["prometheus", "opentelemetry"])
def test_without_its_library_it_says_what_to_install(module: str, tmp_path: Any) -> None:
    library = {"prometheus": "prometheus_client", "opentelemetry": "opentelemetry"}[module]
    extra = {"prometheus": "prometheus", "opentelemetry": "otel"}[module]
    program = f"""
try:
    sys.modules[{library!r}] = None
    import cachekit.metrics.{module}
except ImportError as error:
    assert "cachekit-framework[{extra}]" in str(error), error
    assert error.name.startswith({library!r}), error.name
else:
    raise AssertionError("it was imported")
"""
    imported_by(f"exec({program!r})", tmp_path)
