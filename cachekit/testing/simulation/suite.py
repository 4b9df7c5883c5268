"""The simulation as a pytest class, for authors of backends."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pytest

from cachekit.testing.simulation.shore import Connect, Damages, Expires, Setting
from cachekit.testing.simulation.simulation import OPERATIONS, simulate
from cachekit.testing.suite import Suite


class SimulationSuite(Suite):
    """Subclass it as `Test...` and say how a process gets its backend.

    >>> class TestSqliteSimulation(SimulationSuite):
    ...     @pytest.fixture
    ...     def connect(self, tmp_path):
    ...         return lambda clock: SqliteBackend(tmp_path / "cache.db", clock=clock)

    There is a test for each seed, which gets fixtures of its own. The same seed shows the same
    again; `simulate(17, Setting(connect))` does so outside of pytest.
    """

    seeds: ClassVar[Sequence[int]] = range(10)
    """What is simulated: one test, and some 500 calls, for each. A seed takes a second or two."""

    processes: ClassVar[int] = 2
    """How many simulated processes share the store."""

    expires: ClassVar[Expires] = "clock"
    """`"world"` is for a store with a time of its own, which cannot be given: see `Setting`."""

    homes: ClassVar[bool] = False
    """For a store that has several (`cachekit.backend.HOMES`): each fails by itself, too."""

    weather: ClassVar[Mapping[str, Any]] = {}
    """What the seed is not to draw: `{"crash_every": inf}` has no process crash."""

    @pytest.fixture
    def connect(self) -> Connect:
        """What is called once for each simulated process, with the clock of its backend.

        What it gives, not yet open, must have one store in common, empty at first; where that is
        one object, write `return shared(lambda clock: ...)`.
        """
        raise NotImplementedError("write a fixture `connect` that returns what makes a backend")

    @pytest.fixture
    def back_door(self) -> Damages | None:
        """The way into the store, a `BackDoor`: with one, bits are flipped there."""
        return None

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "seed" in metafunc.fixturenames:
            metafunc.parametrize("seed", self.seeds)

    def test_no_answer_is_wrong(
        self, seed: int, connect: Connect, back_door: Damages | None
    ) -> None:
        setting = Setting(connect, self.expires, back_door, homes=self.homes)
        result = simulate(seed, setting, processes=self.processes, changes=self.weather)
        if result.violation is not None:
            pytest.fail(f"seed {seed}: {result.violation}", pytrace=False)
        assert result.operations >= OPERATIONS
