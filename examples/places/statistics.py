"""Figures of one country: arithmetic that takes its time."""

import statistics
from collections.abc import Sequence
from math import acos, cos, radians, sin
from typing import NamedTuple

from examples.places.models import Statistics

EARTH_RADIUS = 6371.0088
"""In kilometres."""

COMPARED = 500
"""Distances are taken between so many of the largest places: each to each."""


Position = tuple[float, float]
"""A latitude and a longitude, in degrees."""


class Town(NamedTuple):
    name: str
    population: int
    latitude: float
    longitude: float


def compute(country: str, towns: Sequence[Town], version: int) -> Statistics:
    """The figures of `towns`, which come largest first."""
    populations = [town.population for town in towns]
    total = sum(populations)
    tenth = sum(populations[: len(towns) // 10])
    compared = towns[:COMPARED]
    distances = nearest_distances(compared)
    return Statistics(
        country=country,
        places=len(towns),
        population=total,
        median_population=round(statistics.median(populations)) if towns else 0,
        largest_tenth_share=tenth / total if total else 0.0,
        mean_nearest_distance=statistics.fmean(distances) if distances else None,
        most_remote=compared[distances.index(max(distances))].name if distances else None,
        version=version,
    )


def nearest_distances(towns: Sequence[Town]) -> list[float]:
    """How far each town is from its nearest neighbour, in kilometres; none if it has none."""
    if len(towns) < 2:
        return []
    points = [_on_unit_sphere((town.latitude, town.longitude)) for town in towns]
    return [_nearest(index, points) for index in range(len(points))]


def distance(one: Position, other: Position) -> float:
    """How far two positions are from each other, in kilometres."""
    (x, y, z), (a, b, c) = _on_unit_sphere(one), _on_unit_sphere(other)
    return _length(x * a + y * b + z * c)


def _nearest(index: int, points: Sequence[tuple[float, float, float]]) -> float:
    x, y, z = points[index]
    others = (*points[:index], *points[index + 1 :])
    return _length(max(x * a + y * b + z * c for a, b, c in others))


def _length(cosine: float) -> float:
    """Of an arc on the earth, in kilometres."""
    return EARTH_RADIUS * acos(max(-1.0, min(1.0, cosine)))


def _on_unit_sphere(position: Position) -> tuple[float, float, float]:
    latitude, longitude = map(radians, position)
    return cos(latitude) * cos(longitude), cos(latitude) * sin(longitude), sin(latitude)
