"""What docs/write-a-serializer.md shows passes the suites, by the classes that it shows."""

from typing import Any

from tests.house.sources import ROOT
from tests.house.test_docs import python_blocks

PAGE = ROOT / "docs" / "write-a-serializer.md"

shown: dict[str, Any] = {"__name__": __name__}
for block in python_blocks(PAGE.read_text()):
    if "await " not in block.source:  # what uses them is run with the page itself
        exec(block.source, shown)

TestJson = shown["TestJson"]
TestZlib = shown["TestZlib"]
