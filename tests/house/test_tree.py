"""What every file of the repository must keep to."""

import inspect
import re
from pathlib import Path

import pytest

import cachekit
from tests.house.sources import PLUGIN_FOLDERS, ROOT, committed, packages

# A path of somebody's machine, or the address of a package index, works for nobody else.
ELSEWHERE = re.compile(r"(?<![\w.])/(?:home|root|work|Users|opt)/\w|index-url|--find-links")


def test_every_package_says_that_it_is_typed() -> None:
    folders = {path.parent for package in packages() for path in package.rglob("__init__.py")}
    assert folders
    assert [str(folder) for folder in folders if not (folder / "py.typed").is_file()] == []


def test_the_folders_of_plugins_are_no_packages() -> None:
    assert not any((folder / "__init__.py").exists() for folder in PLUGIN_FOLDERS)


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a checkout")
def test_nothing_committed_names_a_place_that_only_one_machine_has() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in committed()
        if path != Path(__file__)
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if ELSEWHERE.search(line)
    ]
    assert found == []


def test_every_public_name_is_explained() -> None:
    exported = [getattr(cachekit, name) for name in cachekit.__all__]
    things = [thing for thing in exported if inspect.isroutine(thing) or inspect.isclass(thing)]
    methods = [
        method
        for thing in filter(inspect.isclass, things)
        for name, method in vars(thing).items()
        if not name.startswith("_") and (inspect.isroutine(method) or isinstance(method, property))
    ]
    silent = [thing for thing in things + methods if not inspect.getdoc(thing)]
    assert silent == []
