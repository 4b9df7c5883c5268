"""Pictures of results: bars beside each other, and curves over a size."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OURS: Final = "#d1495b"
OTHERS: Final = "#8fa3ad"
FLOOR: Final = "#30638e"
_INK: Final = "#333333"
_STYLE: Final[Any] = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#999999",
    "axes.labelcolor": _INK,
    "axes.prop_cycle": (
        "cycler('color', ['30638e', 'edae49', '00798c', '8a5a83', '6a994e', '777777', 'b07156'])"
    ),
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "figure.dpi": 110,
    "svg.fonttype": "none",
}


@dataclass(frozen=True)
class Bar:
    """One subject: how long its bar is, and who it is."""

    subject: str
    figure: float
    color: str = OTHERS


@dataclass(frozen=True)
class Bars:
    """One picture of some groups of bars, each with its title, by the figure's unit.

    `name` is that of the file, without its end.
    """

    name: str
    title: str
    groups: Mapping[str, Sequence[Bar]]


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


def draw(picture: Bars | Curves, folder: Path) -> Path:
    """Draw it as a PNG in `folder`.

    Raises:
        ImportError: there is no matplotlib.
    """
    import matplotlib as mpl

    mpl.use("agg")
    path = folder / f"{picture.name}.png"
    with mpl.rc_context(_STYLE):
        figure = _bars(picture) if isinstance(picture, Bars) else _curves(picture)
        figure.suptitle(picture.title, x=0.01, ha="left", fontsize=11, fontweight="bold")
        figure.savefig(path)
    return path


def _bars(picture: Bars) -> "Figure":
    from matplotlib.figure import Figure

    heights = [len(bars) + 1.2 for bars in picture.groups.values()]
    figure = Figure(figsize=(8, 0.22 * sum(heights) + 0.6), layout="constrained")
    grid = figure.add_gridspec(len(heights), 1, height_ratios=heights)
    for row, (title, bars) in enumerate(picture.groups.items()):
        _group(figure.add_subplot(grid[row]), title, bars)
    return figure


def _group(axes: "Axes", title: str, bars: Sequence[Bar]) -> None:
    figures = [bar.figure for bar in bars]
    drawn = axes.barh(
        [bar.subject for bar in bars], figures, color=[bar.color for bar in bars], height=0.72
    )
    axes.bar_label(drawn, labels=[f"{figure:,.3g}" for figure in figures], padding=3)
    axes.set_title(title, loc="left", fontsize=9)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    if min(figures) > 0 and max(figures) > 20 * min(figures):
        axes.set_xscale("log")
        axes.set_xlim(min(figures) / 2, max(figures) * 3)
    axes.tick_params(left=False)


def _curves(picture: Curves) -> "Figure":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.add_subplot()
    for name, points in picture.curves.items():
        style: dict[str, Any] = {"color": OURS, "lw": 2.4, "zorder": 5} if _is_ours(name) else {}
        xs, ys = zip(*points, strict=True)
        axes.plot(xs, ys, marker="o", ms=3, label=name, **style)
    axes.set_xscale("log" if picture.log_x else "linear")
    axes.set_yscale("log" if picture.log_y else "linear")
    if not picture.log_y:
        axes.set_ylim(bottom=0)
    axes.set(xlabel=picture.x, ylabel=picture.y)
    axes.grid(color="#e5e5e5", lw=0.6)
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    return figure


def _is_ours(name: str) -> bool:
    return name == "cachekit"
