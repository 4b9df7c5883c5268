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

    `connect` is called once for each simulated process, with the clock that the backend must take
    its time from. What it gives must have one store in common; where that is one object, write
    `return shared(lambda clock: ...)`. There is a test for each of `seeds`, which gets fixtures of
    its own.

    A store whose time cannot be given is `expires = "world"`: see `Setting`. With a fixture
    `back_door`, as `BackendSuite` has it, bits are flipped in the store. `weather` sets what else
    the seed would draw: `{"crash_every": inf}`, say.
    """

    seeds: ClassVar[Sequence[int]] = range(10)
    processes: ClassVar[int] = 2
    expires: ClassVar[Expires] = "clock"
    weather: ClassVar[Mapping[str, Any]] = {}

    @pytest.fixture
    def connect(self) -> Connect:
        raise NotImplementedError("write a fixture `connect` that returns what makes a backend")

    @pytest.fixture
    def back_door(self) -> Damages | None:
        """The way into the store, to flip bits there."""
        return None

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "seed" in metafunc.fixturenames:
            metafunc.parametrize("seed", self.seeds)

    def test_no_answer_is_wrong(
        self, seed: int, connect: Connect, back_door: Damages | None
    ) -> None:
        setting = Setting(connect, self.expires, back_door)
        result = simulate(seed, setting, processes=self.processes, changes=self.weather)
        if result.violation is not None:
            pytest.fail(f"seed {seed}: {result.violation}", pytrace=False)
        assert result.operations >= OPERATIONS
