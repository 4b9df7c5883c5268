"""Where the program of a server is found, and what to say where there is none."""

import os
import shutil
import sys
from pathlib import Path
from typing import Final, NamedTuple


class Kind(NamedTuple):
    """A kind of server: what its programs are called, the best one first, and how to get one."""

    names: tuple[str, ...]
    how: str


REDIS: Final = Kind(
    ("redis-server", "valkey-server"),
    "apt-get install redis-server (Debian, Ubuntu), dnf install valkey (Fedora), "
    "apk add redis (Alpine), brew install redis (macOS)",
)
MEMCACHED: Final = Kind(
    ("memcached",),
    "apt-get install memcached (Debian, Ubuntu), dnf install memcached (Fedora), "
    "apk add memcached (Alpine), brew install memcached (macOS)",
)


class NoServerError(Exception):
    """There is no program to start; the message says how to get one."""


def server_program(kind: Kind = REDIS) -> str:
    """The path of a server's program: the system's, or what `make servers` got.

    Raises:
        NoServerError: none of its `kind` is installed.
    """
    path = f"{os.environ.get('PATH', os.defpath)}{os.pathsep}{Path(sys.prefix) / 'bin'}"
    for name in kind.names:
        if program := shutil.which(name, path=path):
            return program
    none = " and ".join(f"no {name}" for name in kind.names)
    raise NoServerError(f"{none} is installed. To get one: {kind.how}")
