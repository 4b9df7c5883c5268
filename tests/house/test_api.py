"""The API page says what the docstrings say."""

import runpy

from tests.house.sources import ROOT


def test_the_api_page_is_current() -> None:
    made = runpy.run_path(str(ROOT / "docs" / "make_api.py"))
    current = made["PAGE"].read_text() == made["page"]()
    assert current, "docs/api.md is not what the docstrings say: run `make api`"
