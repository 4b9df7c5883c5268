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

# Here, too, the lists are old. The last argument is what is wanted.
BRINGS_PACKAGE = """\
command=$1
shift $(($# - 1))
case $command in
  update) touch "$0.lists" ;;
  download) [ -e "$0.lists" ] && touch "$1_1.6_all.deb" ;;
  satisfy) [ "$1" = "libc6 (>= 2.34),libssl3," ] && touch "$0.libraries" ;;
esac
"""

HAS_NOTHING = """\
echo "$1" >>"$0.asked"
exit 1
"""

UNPACKS = """\
case $1 in
  -f) echo "adduser, libc6 (>= 2.34), perl:any, libssl3" ;;
  -x) mkdir -p "$3/usr/bin" && cp "${0%/*}/needs-libraries" "$3/usr/bin/memcached" ;;
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


def install(programs: Path, place: Path, *kinds: str) -> str:
    """What the script says when it sees to these kinds, or to all; it must not fail."""
    command = [str(programs / "sh"), str(SCRIPT), str(place), *kinds]
    env = {"PATH": str(programs)}
    return subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout


def has(place: Path) -> list[str]:
    """What was got."""
    return sorted(path.name for path in place.iterdir())


@pytest.mark.parametrize("name", ["redis-server", "valkey-server"])
def test_where_all_are_there_is_nothing_to_do(programs: Path, place: Path, name: str) -> None:
    add(programs, name, WORKS)
    add(programs, "memcached", WORKS)
    assert install(programs, place) == ""
    assert has(place) == []


def test_where_none_can_be_had_it_says_how_to_get_one(programs: Path, place: Path) -> None:
    redis, memcached = install(programs, place).splitlines()
    assert "apt-get install redis-server" in redis
    assert "brew install memcached" in memcached
    assert has(place) == []


def test_only_what_is_asked_for_is_seen_to(programs: Path, place: Path) -> None:
    assert "memcached" not in install(programs, place, "redis")
    assert "redis" not in install(programs, place, "memcached")


def test_the_program_of_the_tools_is_a_server(programs: Path, place: Path) -> None:
    add(programs, "redis-check-rdb", WORKS)
    assert install(programs, place, "redis") == ""
    assert has(place) == ["redis-server"]


def test_tools_that_are_no_server_are_not_taken_for_one(programs: Path, place: Path) -> None:
    add(programs, "redis-check-rdb", FAILS)
    assert "apt-get install redis-server" in install(programs, place, "redis")
    assert has(place) == []


def test_root_gets_the_tools_from_the_distribution(programs: Path, place: Path) -> None:
    add(programs, "id", "echo 0")
    add(programs, "apt-get", BRINGS_TOOLS)
    assert install(programs, place, "redis") == (
        "Installing the package redis-tools, which has a redis-server\n"
    )
    assert has(place) == ["redis-server"]


def test_root_gets_a_program_out_of_its_package_and_the_libraries_it_needs(
    programs: Path, place: Path
) -> None:
    add(programs, "id", "echo 0")
    add(programs, "apt-get", BRINGS_PACKAGE)
    add(programs, "dpkg-deb", UNPACKS)
    add(programs, "needs-libraries", f"[ -e {programs / 'apt-get.libraries'} ]")
    assert install(programs, place, "memcached") == (
        "Installing the memcached of the package of that name, without its service\n"
    )
    assert has(place) == ["memcached"]


def test_a_program_that_does_not_run_is_not_kept(programs: Path, place: Path) -> None:
    add(programs, "id", "echo 0")
    add(programs, "apt-get", BRINGS_PACKAGE)
    add(programs, "dpkg-deb", UNPACKS)
    add(programs, "needs-libraries", FAILS)
    assert "brew install memcached" in install(programs, place, "memcached")
    assert has(place) == []


def test_lists_of_packages_are_fetched_once(programs: Path, place: Path) -> None:
    add(programs, "id", "echo 0")
    add(programs, "apt-get", HAS_NOTHING)
    install(programs, place)
    asked = (programs / "apt-get.asked").read_text().split()
    assert asked == ["install", "update", "download"]
