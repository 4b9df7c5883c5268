"""What `@cache.cached` makes of a function: one that looks in the cache first."""

import functools
from collections.abc import Callable
from typing import Any

from cachekit.builder import FunctionKey
from cachekit.call import Call
from cachekit.decorated import (
    Args,
    Decorated,
    Kwargs,
    awaiting_methods,
    blocking_methods,
    with_methods,
)
from cachekit.engine import Engine
from cachekit.missing import MISSING
from cachekit.policy import Policy
from cachekit.refreshing import RefreshScope
from cachekit.runtime import ON_LOOP, Ways, drive, in_thread
from cachekit.targets import Doomed, title


class Function(Decorated):
    """A function whose every call has one key."""

    def __init__(
        self,
        engine: Engine,
        function: Callable[..., Any],
        key: FunctionKey,
        policy: Policy,
        refresh_scope: RefreshScope | None = None,
    ) -> None:
        super().__init__(engine, function, key, policy, key.left_out, refresh_scope)

    def call(self, args: Args, kwargs: Kwargs, ways: Ways) -> Call:
        """The question this call asks."""
        return self.call_for(self.key.stored(args, kwargs), args, kwargs, ways)

    def call_for(self, key: str, args: Args, kwargs: Kwargs, ways: Ways) -> Call:
        """The same, where its key is at hand."""
        function, again, stored = self.function, self.again, self.key.stored

        def load() -> Any:
            return function(*args, **kwargs)

        return Call(
            key,
            self.tags(key, args, kwargs),
            self.policy,
            ways,
            load,
            self.info,
            self.engine,
            self.engine.namespace,
            load if again is function else again and (lambda: again(*args, **kwargs)),
            self.caller,
            same=lambda: stored(args, kwargs) == key,
        )

    async def answer(self, args: Args, kwargs: Kwargs, ways: Ways) -> Any:
        return await self.engine.answer(self.call(args, kwargs, ways))

    async def get(self, args: Args, kwargs: Kwargs, ways: Ways) -> Any:
        return await self.engine.reader.get(self.call(args, kwargs, ways), MISSING)

    async def set(self, value: Any, args: Args, kwargs: Kwargs, ways: Ways) -> None:
        call = self.call(args, kwargs, ways)
        key, titles = call.key, {call.key: title(self.key.natural(args, kwargs))}
        await self.engine.put_all({key: value}, titles, {key: call.tags}, self.policy, ways)

    async def invalidate(self, args: Args, kwargs: Kwargs, ways: Ways) -> None:
        doomed = Doomed()
        doomed.keys[self.key.stored(args, kwargs)] = title(self.key.natural(args, kwargs))
        await self.engine.forget(doomed, ways)


def awaiting(this: Function) -> Callable[..., Any]:
    """The wrapper of an `async def`."""
    hit, stored, caller, info, answer = (
        this.engine.reader.hit,
        this.key.stored,
        this.caller,
        this.info,
        this.engine.answer,
    )

    @functools.wraps(this.function)
    async def cached(*args: Any, **kwargs: Any) -> Any:
        key = stored(args, kwargs)
        value = hit(key, caller, info)
        if value is not MISSING:
            return value
        return await answer(this.call_for(key, args, kwargs, ON_LOOP))

    return with_methods(cached, this, awaiting_methods(this))


def blocking(this: Function) -> Callable[..., Any]:
    """The wrapper of a `def`."""
    hit, stored, caller, info, answer = (
        this.engine.reader.hit,
        this.key.stored,
        this.caller,
        this.info,
        this.engine.answer,
    )

    @functools.wraps(this.function)
    def cached(*args: Any, **kwargs: Any) -> Any:
        key = stored(args, kwargs)
        value = hit(key, caller, info)
        if value is not MISSING:
            return value
        return drive(answer(this.call_for(key, args, kwargs, in_thread())))

    return with_methods(cached, this, blocking_methods(this))
