"""What an operation costs with more and more entries, tags and callers: flat, or how it grows.

Beside each, where there is one, what a plain dict of the same size takes: the more there is in a
table, the less of it is in the caches of the processor, whoever keeps it.
"""

from benchmarks.growth_bytes import in_bytes
from benchmarks.growth_crowds import crowds
from benchmarks.growth_redis import on_redis
from benchmarks.growth_series import curves, results
from benchmarks.growth_tables import tables
from benchmarks.growth_worst import worst
from benchmarks.measuring import Effort
from benchmarks.results import Report


def run(effort: Effort) -> Report:
    """Measures all; what there is no server for says how to get one."""
    series = [
        found
        for measure in (crowds, tables, worst, in_bytes, on_redis)
        for found in measure(effort)
    ]
    return Report(results(series), curves=curves(series))
