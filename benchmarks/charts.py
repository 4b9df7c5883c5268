"""Pictures of results: bars beside each other, and curves over a size."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Curves:
    """One picture of several curves; each has its points, (x, y), under its name.

    `name` is that of the file, without its end; `x` and `y` say what the axes are, with the unit.
    """

    name: str
    title: str
    x: str
    y: str
    curves: Mapping[str, Sequence[tuple[float, float]]]
    log_x: bool = True
    log_y: bool = False
