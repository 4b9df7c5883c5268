"""One server of any kind: what starting, harming and ending it have in common."""

import os
import signal
from abc import ABC, abstractmethod
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar, Final, Self

from tests.servers.ports import LOOPBACK, free_port
from tests.servers.processes import ProcessGroup
from tests.servers.program import Kind, server_program
from tests.servers.waiting import until

ATTEMPTS: Final = 5
"""So many ports are tried, if another process is faster to take them."""

_TAKEN: Final = ("Address already in use", "Failed listening on port", "bind:")


class ServerError(Exception):
    """The server ended instead of answering; the message is the end of its log."""


class Server(ABC):
    """A server on a free loopback port, in a folder of its own.

    A context manager: it answers when it is entered, and is gone with its data when it is left.
    It can be killed, frozen and restarted in between. To enter it raises `NoServerError` where
    its program is not installed, and `ServerError` where that does not start.
    """

    kind: ClassVar[Kind]
    port: int

    def __enter__(self) -> Self:
        self._program = server_program(self.kind)
        self._home = TemporaryDirectory(prefix=f"{Path(self._program).name}-")
        self._group = ProcessGroup()
        try:
            self._start_anywhere()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    @property
    def folder(self) -> Path:
        """Where its `server.log` is, and what else it writes."""
        return Path(self._home.name)

    @property
    def address(self) -> str:
        """Host and port, with a colon between."""
        return f"{LOOPBACK}:{self.port}"

    @property
    @abstractmethod
    def url(self) -> str:
        """Where and how a client comes in."""

    @property
    def pid(self) -> int:
        """The process; another one after a restart."""
        return self._process.pid

    def kill(self) -> None:
        """End it by `kill -9`: what is not on disk is lost."""
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        """Stop it from doing anything, with its connections open; `thaw()` or leaving ends it."""
        self._process.send_signal(signal.SIGSTOP)
        until(self._is_stopped, "a server that does nothing")

    def thaw(self) -> None:
        """Let it go on after `freeze()`."""
        self._process.send_signal(signal.SIGCONT)

    def start(self) -> None:
        """Start it again after `kill()`: the same port, and what is on disk in its folder."""
        self._process = self._group.start(self._command(), self._log)
        until(self._answers, f"{Path(self._program).name} on port {self.port}")

    def restart(self) -> None:
        """`kill()`, then `start()`."""
        self.kill()
        self.start()

    @abstractmethod
    def _command(self) -> list[str]:
        """What starts it on `port`."""

    @abstractmethod
    def _who_answers(self) -> int | None:
        """The process that answers on `port` and is ready; None where none does."""

    def _configure(self) -> None:  # noqa: B027 - not all need it
        """Write down what it needs to know to start on `port`."""

    def _new_port(self) -> int:
        return free_port()

    @property
    def _log(self) -> Path:
        return self.folder / "server.log"

    def _start_anywhere(self) -> None:
        for left in reversed(range(ATTEMPTS)):
            self.port = self._new_port()
            self._configure()
            try:
                self.start()
                return
            except ServerError as error:
                if not left or not any(said in str(error) for said in _TAKEN):
                    raise

    def _is_stopped(self) -> bool:
        """Where there is much else to do, one of its threads may answer for a while."""
        return os.waitpid(self.pid, os.WUNTRACED | os.WNOHANG)[0] == self.pid

    def _answers(self) -> bool:
        if self._process.poll() is not None:
            raise ServerError(self._log.read_text(errors="replace")[-2000:])
        # Another process may have taken the port, and it may be a server of the same kind.
        return self._who_answers() == self.pid

    def _end(self) -> None:
        self._group.end()
        self._home.cleanup()
