"""Where the program of a server is found, and what to say where there is none."""

import os
import shutil
import sys
from pathlib import Path
from typing import Final

NAMES: Final = ("redis-server", "valkey-server")

HOW: Final = (
    "no redis-server and no valkey-server is installed. To get one: apt-get install redis-server "
    "(Debian, Ubuntu), dnf install valkey (Fedora), apk add redis (Alpine), "
    "brew install redis (macOS)"
)


class NoServerError(Exception):
    """There is no program to start; the message says how to get one."""


def server_program() -> str:
    """The path of redis-server, else of valkey-server: the system's, or what `make servers` got.

    Raises:
        NoServerError: neither is installed.
    """
    path = f"{os.environ.get('PATH', os.defpath)}{os.pathsep}{Path(sys.prefix) / 'bin'}"
    for name in NAMES:
        if program := shutil.which(name, path=path):
            return program
    raise NoServerError(HOW)
