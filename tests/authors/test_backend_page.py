"""What docs/write-a-backend.md shows is the example, and passes the suites that it shows."""

import asyncio
from types import ModuleType

import pytest

from tests.house.sources import ROOT
from tests.house.test_docs import execute, python_blocks

PAGE = ROOT / "docs" / "write-a-backend.md"
EXAMPLE = ROOT / "examples" / "sqlite_backend.py"
BLOCKS = list(python_blocks(PAGE.read_text()))


def shown() -> ModuleType:
    """The page, as a module."""
    module = ModuleType("write_a_backend")
    with asyncio.Runner() as runner:
        for block in BLOCKS:
            execute(block, PAGE, module, runner)
    return module


page = shown()
TestSqlite = page.TestSqlite
TestSqliteSimulated = page.TestSqliteSimulated
TestTimeOfItsOwn = page.TestTimeOfItsOwn
TestSqliteSimulated.seeds = range(2)  # an author runs ten


@pytest.mark.long
class TestSqliteSimulatedForLong(TestSqliteSimulated):  # type: ignore[misc, valid-type]
    seeds = range(2, 10)


def test_the_page_holds_the_whole_example() -> None:
    example = EXAMPLE.read_text()
    parts = [block.source for block in BLOCKS if block.source in example]
    assert "\n\n".join(parts) == example


def test_a_backend_is_under_sixty_lines() -> None:
    lines = EXAMPLE.read_text().splitlines()
    assert len([line for line in lines if line.strip()]) < 60
