"""What is shipped: a wheel built from the sdist, and put to work away from this checkout."""

import configparser
import email.parser
import importlib.metadata
import re
import subprocess
import sys
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.house.sources import ROOT, packages

SCRIPT = """
import asyncio, cachekit, cachekit_memory, cachekit_msgpack

cache = cachekit.Cache("memory://?max_entries=100")
loads = []

@cache.cached(ttl=60, tags=["squares"])
async def square(n: int) -> int:
    loads.append(n)
    return n * n

async def main() -> None:
    assert [await square(3), await square(3)] == [9, 9]
    await cache.invalidate(cachekit.Tag("squares"))
    assert await square(3) == 9

asyncio.run(main())
assert loads == [3, 3], loads
print(cachekit.__file__)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    out = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT)]
    subprocess.run(build, check=True)
    (built,) = out.glob("*.whl")
    return ZipFile(built)


def test_the_wheel_holds_every_file_of_every_package_and_nothing_else(wheel: ZipFile) -> None:
    wanted = {
        path.relative_to(package.parent).as_posix()
        for package in packages()
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    shipped = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert shipped == wanted


def test_the_wheel_has_the_licence_and_the_entry_points(wheel: ZipFile) -> None:
    (licence,) = (name for name in wheel.namelist() if name.endswith("licenses/LICENSE"))
    assert wheel.read(licence) == (ROOT / "LICENSE").read_bytes()
    points = configparser.ConfigParser()
    points.read_string(info(wheel, "entry_points.txt"))
    assert points["cachekit.backends"]["memory"] == "cachekit_memory:MemoryBackend"
    assert points["cachekit.serializers"]["msgpack"] == "cachekit_msgpack:MsgpackSerializer"


def test_the_wheel_works_with_what_it_requires_and_nothing_else(
    wheel: ZipFile, tmp_path: Path
) -> None:
    venv.create(tmp_path / "venv", symlinks=True)
    (site,) = tmp_path.glob("venv/lib/python*/site-packages")
    wheel.extractall(site)
    for name in requirements(wheel):
        link(name, site)
    python = str(tmp_path / "venv" / "bin" / "python")
    command = [python, "-I", "-W", "error", "-c", SCRIPT]
    done = subprocess.run(command, cwd=tmp_path, check=True, stdout=subprocess.PIPE, text=True)
    assert done.stdout.strip() == str(site / "cachekit" / "__init__.py")


def info(wheel: ZipFile, file: str) -> str:
    """One of the files that describe the distribution."""
    (name,) = (name for name in wheel.namelist() if name.endswith(f".dist-info/{file}"))
    return wheel.read(name).decode()


def requirements(wheel: ZipFile) -> list[str]:
    """The names of what is installed along with it, without any extra."""
    lines = email.parser.Parser().parsestr(info(wheel, "METADATA")).get_all("Requires-Dist", [])
    return [re.split(r"[^\w.-]", line)[0] for line in lines if "extra ==" not in line]


def link(name: str, site: Path) -> None:
    """Install a library by a link to where it lies already, which needs no network."""
    library = importlib.metadata.distribution(name)
    for top in {file.parts[0] for file in library.files or [] if ".." not in file.parts}:
        (site / top).symlink_to(str(library.locate_file(top)))
