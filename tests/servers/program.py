"""Where the program of a server is found, and what to say where there is none."""

import shutil
from typing import Final

NAMES: Final = ("redis-server", "valkey-server")

HOW: Final = (
    "no redis-server and no valkey-server on the path. To get one: apt-get install redis-server "
    "(Debian, Ubuntu), dnf install valkey (Fedora), apk add redis (Alpine), "
    "brew install redis (macOS)"
)


class NoServerError(Exception):
    """There is no program to start; the message says how to get one."""


def server_program() -> str:
    """The path of redis-server, else of valkey-server.

    Raises:
        NoServerError: neither is installed.
    """
    for program in map(shutil.which, NAMES):
        if program:
            return program
    raise NoServerError(HOW)
