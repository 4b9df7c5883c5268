"""The library that has our name on the package index: it is measured in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

HOME: Final = Path(sys.prefix) / "stranger"
"""Its virtual environment."""

VERSION: Final = "0.24.1"
KINDS: Final = ("cache", "cache.local")

_SCRIPT: Final = Path(__file__).with_name("stranger_process.py")


class NoStrangerError(Exception):
    """It cannot be measured; the message says why."""


class Stranger:
    """Asks the process, which answers one line for each."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def microseconds(self, kind: str, function: str, hits: int) -> float:
        """What one hit takes, of `hits` in a row."""
        return float(self._ask(f"{kind} {function} {hits}"))

    def calls(self, kind: str, function: str) -> int:
        """How many Python functions one hit goes through."""
        return int(self._ask(f"{kind} {function} 0"))

    def _ask(self, line: str) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self.heard()

    def heard(self) -> str:
        """Its next line."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise NoStrangerError("its process ended")
        return line.strip()


@contextmanager
def stranger() -> Iterator[Stranger]:
    """It, ready to be asked.

    Raises:
        NoStrangerError: it is not there, or does not start.
    """
    python = HOME / "bin" / "python"
    if not python.exists():
        raise NoStrangerError("it has no environment: `make bench` makes one")
    with subprocess.Popen(
        [python, "-P", _SCRIPT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=_environment(),
    ) as process:
        try:
            asked = Stranger(process)
            asked.heard()
            yield asked
        finally:
            process.kill()


def _environment() -> dict[str, str]:
    """Ours, without what would have it use a server."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("CACHEKIT")}
    return {name: text for name, text in kept.items() if name not in ("REDIS_URL", "PYTHONPATH")}
