"""Processes that do not outlive the one that started them, however it ends."""

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

# Its input is a pipe from us that nobody writes to: it ends when we do, by `kill -9` as well.
_WATCH: Final = "read _; kill -9 0"


class ProcessGroup:
    """Starts processes, and ends them all at `end()`, or at once if this process dies.

    A shell leads the group and watches us. While it lives, no other group has its number, so
    that nobody else's process can be hit.
    """

    def __init__(self) -> None:
        command = ["/bin/sh", "-c", _WATCH]
        self._watcher = subprocess.Popen(command, stdin=subprocess.PIPE, process_group=0)
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self, command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
        """A process of this group; what it prints is added to `log`."""
        with log.open("ab") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=self._watcher.pid,
            )
        self._started.append(process)
        return process

    def end(self) -> None:
        """Kill what still runs, stopped processes too, and wait for it. May be called again."""
        if self._watcher.returncode is None:
            os.killpg(self._watcher.pid, signal.SIGKILL)
        for process in (self._watcher, *self._started):
            process.wait()
        if self._watcher.stdin:
            self._watcher.stdin.close()


def runs(pid: int) -> bool:
    """Whether there is a process of this number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
