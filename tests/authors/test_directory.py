"""A second backend, written from the page for authors alone, is right."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cachekit.clock import Clock
from cachekit.testing import FakeClock
from cachekit.testing.backends import BackDoor, BackendSuite
from cachekit.testing.simulation import Connect
from cachekit.testing.simulation.suite import SimulationSuite
from tests.authors import directory_backend
from tests.authors.directory_backend import ENDS, DirectoryBackend, file_of


class FolderDoor(BackDoor):
    """Into the folder of a `DirectoryBackend`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def has(self, key: str) -> bool:
        return file_of(self._folder, key).exists()

    def drop(self, key: str) -> None:
        file_of(self._folder, key).unlink()

    def damage(self, key: str, change: Callable[[bytes], bytes]) -> None:
        file = file_of(self._folder, key)
        content = file.read_bytes()
        file.write_bytes(content[: ENDS.size] + change(content[ENDS.size :]))


class TestDirectory(BackendSuite):
    @pytest.fixture
    def clock(self) -> FakeClock:
        return FakeClock()

    @pytest.fixture
    def backend(self, tmp_path: Path, clock: FakeClock) -> DirectoryBackend:
        return DirectoryBackend(tmp_path, clock)

    @pytest.fixture
    def another_backend(self, tmp_path: Path, clock: FakeClock) -> DirectoryBackend:
        return DirectoryBackend(tmp_path, clock)

    @pytest.fixture
    def back_door(self, tmp_path: Path) -> FolderDoor:
        return FolderDoor(tmp_path)


class TestDirectorySimulated(SimulationSuite):
    seeds = range(3)

    @pytest.fixture
    def connect(self, tmp_path: Path) -> Connect:
        def backend_of_a_process(clock: Clock) -> DirectoryBackend:
            return DirectoryBackend(tmp_path, clock)

        return backend_of_a_process


def test_it_is_under_sixty_lines() -> None:
    lines = Path(directory_backend.__file__).read_text().splitlines()
    assert len([line for line in lines if line.strip()]) < 60
