"""Processes that share a store, in virtual time, while everything goes wrong that can.

Each simulated process has a `Cache` and a backend of its own, at the end of a link that delays,
loses, tears and executes late. They read, load, set and invalidate; a checker holds every answer to
what was acknowledged before it was asked for. Run it on a backend of yours with

- `SimulationSuite` of `cachekit.testing.simulation.suite`, as a pytest class;
- `simulate(seed, Setting(connect))`, anywhere else.

A backend may do real I/O: while one of its operations is under way, virtual time stands still. A
seed shows the same again if the backend does: one that answers the same question the same way.
"""

from cachekit.testing.simulation.bytestore import in_bytes
from cachekit.testing.simulation.checker import Violation
from cachekit.testing.simulation.shore import Connect, Setting, shared
from cachekit.testing.simulation.simulation import Result, simulate

__all__ = [
    "Connect",
    "Result",
    "Setting",
    "Violation",
    "in_bytes",
    "shared",
    "simulate",
]
