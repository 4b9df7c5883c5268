"""Applying a unified diff strictly: every hunk's text must be there, exactly once."""

import re
from pathlib import Path
from typing import NamedTuple

_HUNK = re.compile(r"^@@ .*@@.*$")


class StalePatchError(ValueError):
    """The source is no longer what the patch was made for."""


class Hunk(NamedTuple):
    """A piece of a file, before and after."""

    path: str
    before: str
    after: str


def apply(patch: Path, root: Path) -> None:
    """Change the files under `root` as `patch` says."""
    hunks = parse(patch.read_text())
    if not hunks:
        raise StalePatchError(f"{patch.name} changes nothing")
    for hunk in hunks:
        path = root / hunk.path
        text = path.read_text() if path.exists() else ""
        if text.count(hunk.before) != 1:
            raise StalePatchError(
                f"{patch.name} does not apply to {hunk.path}: this is there "
                f"{text.count(hunk.before)} times, not once:\n{hunk.before}"
            )
        path.write_text(text.replace(hunk.before, hunk.after))


def parse(diff: str) -> list[Hunk]:
    """The hunks of a unified diff; what stands before the first file is its description."""
    hunks: list[Hunk] = []
    path = ""
    for line in diff.splitlines(keepends=True):
        if line.startswith("--- "):
            path = line[4:].split("\t")[0].strip().removeprefix("a/")
        elif _HUNK.match(line):
            hunks.append(Hunk(path, "", ""))
        elif hunks and not line.startswith("+++ "):
            hunks[-1] = _grown(hunks[-1], line)
    return hunks


def _grown(hunk: Hunk, line: str) -> Hunk:
    mark, text = line[:1], line[1:]
    if mark == "\n":
        mark, text = " ", "\n"
    before = hunk.before + (text if mark in " -" else "")
    after = hunk.after + (text if mark in " +" else "")
    return Hunk(hunk.path, before, after)
