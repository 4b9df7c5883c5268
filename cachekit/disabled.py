"""The backend of a cache that is switched off."""

from collections.abc import Sequence

from cachekit.backend import DONE, LOCAL, Backend, C, Capability, Found, Outcome, Write, offer


class NoBackend(Backend):
    """Keeps nothing and acknowledges everything."""

    suspends = False

    async def read(self, keys: Sequence[str]) -> Found:
        return {}

    async def write(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        return [DONE] * len(writes)

    def capability(self, wanted: Capability[C]) -> C | None:
        return offer(wanted, {LOCAL: self})
