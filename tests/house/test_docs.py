"""What the README and the docs show is run, and what they point at is there."""

import ast
import asyncio
import doctest
import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest

from tests.house.sources import ROOT, product

PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(\w*) *([\w-]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
RULE = re.compile(r"\bR[1-9][0-9]?\b")
CODE = re.compile(r"^```.*?^```|`[^`\n]+`", re.MULTILINE | re.DOTALL)
SERVERS = {
    "redis://localhost:6379": "redis_server",
    "memcached://localhost:11211": "memcached_server",
}
GOAL = re.compile(r"\bmake ([a-z-]+)")

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


class Block(NamedTuple):
    """One Python example; `line` is where it starts in its page."""

    source: str
    line: int
    runs: bool


@pages
def test_the_examples_of_a_page_run_one_after_the_other(
    page: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    name = page.stem if find_spec(page.stem) is None else f"{page.stem}_page"
    module = ModuleType(name)
    monkeypatch.setitem(sys.modules, name, module)
    blocks = on_our_server(list(python_blocks(page.read_text())), request)
    with asyncio.Runner() as runner:
        for block in blocks:
            execute(block, page, module, runner)


@pages
def test_the_files_that_a_page_links_to_are_there(page: Path) -> None:
    links = LINK.findall(FENCE.sub("", page.read_text()))
    assert [to for to in links if not (page.parent / to).exists()] == []


@pages
def test_the_goals_that_a_page_names_are_in_the_makefile(page: Path) -> None:
    goals = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    code = "\n".join(CODE.findall(page.read_text()))
    assert set(GOAL.findall(code)) <= set(goals)


@pytest.mark.parametrize("name", product())
def test_the_examples_in_docstrings_run(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_the_architecture_page_names_every_room_of_the_core() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    core = ROOT / "cachekit"
    paths = [
        path
        for room in (".", "http", "fastapi", "metrics")
        for path in (core / room).glob("[!_]*.py")
    ]
    rooms = {path.relative_to(core).as_posix() for path in paths}
    assert rooms ^ set(re.findall(r"^\| `([\w/]+\.py)`", text, re.MULTILINE)) == set()


def test_every_rule_that_the_code_names_is_written_down() -> None:
    named = {rule for path in product().values() for rule in RULE.findall(path.read_text())}
    assert named - set(RULE.findall((ROOT / "docs" / "rules.md").read_text())) == set()


def python_blocks(text: str) -> Iterator[Block]:
    """The ```python blocks; one that says `no-run` is only compiled."""
    for fence in FENCE.finditer(text):
        language, remark, source = fence.groups()
        if language == "python":
            yield Block(source, text.count("\n", 0, fence.start()) + 1, remark != "no-run")


def on_our_server(blocks: list[Block], request: pytest.FixtureRequest) -> list[Block]:
    """What asks for a server where one usually is has the one of the tests instead."""
    for usual, fixture in SERVERS.items():
        if any(usual in block.source for block in blocks):
            ours = request.getfixturevalue(fixture).url
            blocks = [block._replace(source=block.source.replace(usual, ours)) for block in blocks]
    return blocks


def execute(block: Block, page: Path, module: ModuleType, runner: asyncio.Runner) -> None:
    """Run one block in the page's namespace; one that awaits runs on the page's event loop."""
    padded = "\n" * block.line + block.source
    code = compile(padded, str(page), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    if not block.runs:
        return
    outcome = eval(code, vars(module))
    if inspect.iscoroutine(outcome):
        runner.run(outcome)
