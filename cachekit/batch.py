"""Reads of one tick of the event loop travel together."""

import asyncio
from collections.abc import Sequence

from cachekit.backend import Backend, Found, Unreached


class _Batch:
    __slots__ = ("answer", "keys")

    def __init__(self) -> None:
        self.keys: dict[str, None] = {}
        self.answer: asyncio.Future[Found] = asyncio.get_running_loop().create_future()


class ReadBatches:
    """Gathers the reads of a tick into one; runs on the loop of the backend."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._next: _Batch | None = None
        self._sending: set[asyncio.Task[None]] = set()

    async def read(self, keys: Sequence[str]) -> Found:
        """All of the batch's answers; if the backend raised, every key is `Unreached`."""
        if self._next is None:
            self._next = _Batch()
            asyncio.get_running_loop().call_soon(self._send)
        batch = self._next
        batch.keys.update(dict.fromkeys(keys))
        return await asyncio.shield(batch.answer)

    def _send(self) -> None:
        # R1: who comes from here on came after the read was sent, and gets the next one.
        batch, self._next = self._next, None
        if batch is not None:
            task = asyncio.get_running_loop().create_task(self._run(batch))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _run(self, batch: _Batch) -> None:
        answer: Found = dict.fromkeys(batch.keys, Unreached())
        try:
            answer = await self._backend.read(list(batch.keys))
        except Exception as error:
            answer = dict.fromkeys(batch.keys, Unreached(error))
        finally:
            if not batch.answer.done():
                batch.answer.set_result(answer)
