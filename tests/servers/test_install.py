"""`make servers` gets a server where it can, and fails nowhere."""

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("install.sh")
TOOLS = ("sh", "rm", "ln", "chmod", "mkdir", "touch", "cp")

WORKS = "exit 0"
FAILS = "exit 1"

# The lists of packages are old, so that the first try fails.
BRINGS_TOOLS = """\
case $1 in
  update) touch "$0.lists" ;;
  install) [ -e "$0.lists" ] && cp "${0%/*}/works" "${0%/*}/redis-check-rdb" ;;
esac
"""


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder of all programs that there are, for those that have no other path."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for tool in TOOLS:
        (folder / tool).symlink_to(str(shutil.which(tool)))
    add(folder, "works", WORKS)
    add(folder, "id", "echo 1000")
    return folder


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where what was got is put."""
    place = tmp_path / "venv" / "bin"
    place.mkdir(parents=True)
    return place


def add(folder: Path, name: str, does: str) -> None:
    """One more program."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{does}\n")
    path.chmod(0o755)


def install(programs: Path, place: Path) -> str:
    """What the script says; it must not fail."""
    command = [str(programs / "sh"), str(SCRIPT), str(place)]
    env = {"PATH": str(programs)}
    return subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("name", ["redis-server", "valkey-server"])
def test_where_a_server_is_there_is_nothing_to_do(programs: Path, place: Path, name: str) -> None:
    add(programs, name, WORKS)
    assert install(programs, place) == ""
    assert list(place.iterdir()) == []


def test_where_none_can_be_had_it_says_how_to_get_one(programs: Path, place: Path) -> None:
    assert "apt-get install redis-server" in install(programs, place)
    assert list(place.iterdir()) == []


def test_the_program_of_the_tools_is_a_server(programs: Path, place: Path) -> None:
    add(programs, "redis-check-rdb", WORKS)
    assert install(programs, place) == ""
    assert [path.name for path in place.iterdir()] == ["redis-server"]


def test_tools_that_are_no_server_are_not_taken_for_one(programs: Path, place: Path) -> None:
    add(programs, "redis-check-rdb", FAILS)
    assert "apt-get install redis-server" in install(programs, place)
    assert list(place.iterdir()) == []


def test_root_gets_the_tools_from_the_distribution(programs: Path, place: Path) -> None:
    add(programs, "id", "echo 0")
    add(programs, "apt-get", BRINGS_TOOLS)
    assert install(programs, place) == (
        "Installing the package redis-tools, which has a redis-server\n"
    )
    assert [path.name for path in place.iterdir()] == ["redis-server"]
