"""What the figures were measured on: a figure without that means little."""

import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from re import match
from typing import Any, Final

_NAME: Final = "cachekit-framework"
_USED: Final = ("cachetools", "msgpack", "redis", "hiredis", "aiomcache", "fastapi", "uvicorn")
"""What is measured with or beside, and is in another extra than `bench`."""


def machine() -> dict[str, Any]:
    """The date, the command, the processor, and the versions of all that had a part."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "command": " ".join(["python -m benchmarks", *sys.argv[1:]]),
        "cpu": cpu(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "versions": {"python": platform.python_version(), **versions()},
    }


def cpu() -> str:
    """The name of the processor, as far as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def versions() -> dict[str, str]:
    """Of this package, of what it uses, and of its peers; those that are not there are left out."""
    found = {name: _version(name) for name in (_NAME, *_USED, *_peers())}
    return {name: each for name, each in sorted(found.items()) if each}


def _peers() -> list[str]:
    extra = [each for each in requires(_NAME) or () if 'extra == "bench"' in each.replace("'", '"')]
    named = (match(r"[\w.-]+", each) for each in extra)
    return [found.group() for found in named if found]


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
