"""docs/metrics.md names each figure with its labels, and asks for none that is not there."""

import re

from cachekit.metrics.figures import FIGURES
from tests.house.sources import ROOT

TEXT = (ROOT / "docs" / "metrics.md").read_text()
ROWS = re.findall(r"^\| `cachekit_(\w+)` +\| +(?:`(\w+)`)? +\|", TEXT, re.MULTILINE)
ASKED = re.findall(r"by \(([^()]+)\) \((?:rate\(|increase\()?cachekit_(\w+)", TEXT)

LABELS = {
    **{it.name if it.gauge else f"{it.name}_total": set(it.labels) for it in FIGURES},
    "load_seconds": {"function"},
}


def test_each_figure_has_its_row() -> None:
    assert {name: {label} - {""} for name, label in ROWS} == LABELS
    assert len(ROWS) == len(LABELS)


def test_what_the_alerts_ask_for_is_there() -> None:
    assert len(ASKED) > 10
    named = {
        re.sub("_(bucket|count)$", "", name) for name in re.findall(r"\bcachekit_([a-z_]+)", TEXT)
    }
    assert named - LABELS.keys() == set()


def test_they_ask_for_labels_that_it_has() -> None:
    for by, name in ASKED:
        known = {"cache", "le", *LABELS[name.removesuffix("_bucket")]}
        assert set(by.split(", ")) <= known, name
