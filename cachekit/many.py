"""What `@cache.cached_many` makes of a function of a list of ids."""

import inspect
from collections.abc import Callable, Iterable
from functools import partial, wraps
from typing import Any

from cachekit.builder import FunctionKey
from cachekit.bulk import one_of
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
from cachekit.errors import ConfigurationError
from cachekit.jobs import Several, mapping_of
from cachekit.missing import MISSING
from cachekit.policy import Policy
from cachekit.refreshing import RefreshScope
from cachekit.runtime import ON_LOOP, Ways, drive, in_thread
from cachekit.signature import is_async
from cachekit.targets import Doomed, title
from cachekit.typed import values_of


class ManyFunction(Decorated):
    """A function of a list of ids; each id is a key of its own."""

    def __init__(
        self,
        engine: Engine,
        function: Callable[..., Any],
        key: FunctionKey,
        policy: Policy,
        *,
        at: int,
        refresh_scope: RefreshScope | None = None,
    ) -> None:
        self._at = at
        self._parameter = _parameter_at(function, at)
        left_out = key.left_out - {self._parameter}
        super().__init__(engine, function, key, policy, left_out, refresh_scope)

    def annotation(self, returned: Any) -> Any:
        """The values' part of a mapping."""
        return values_of(returned)

    def split(self, args: Args, kwargs: Kwargs) -> tuple[list[Any], Args, Kwargs]:
        """The ids of a call, and what else it was given."""
        at, rest = self._at, dict(kwargs)
        if len(args) > at:
            ids, args = args[at], (*args[:at], *args[at + 1 :])
        elif self._parameter in rest:
            ids = rest.pop(self._parameter)
        else:
            raise TypeError(f"{self.name} takes a list of ids as {self._parameter}")
        return self._ids(ids), args, rest

    def _ids(self, ids: Any) -> list[Any]:
        if isinstance(ids, (str, bytes)):
            raise TypeError(f"{self.name}: {self._parameter} must be a list of ids, not {ids!r}")
        return list(ids)

    def with_id(self, name: Any, args: Args) -> Args:
        """The arguments with `name` in the place of the ids."""
        return (*args[: self._at], name, *args[self._at :])

    def _loader(
        self, function: Callable[..., Any] | None, args: Args, kwargs: Kwargs
    ) -> Callable[[list[Any]], Any] | None:
        return function and (lambda ids: function(*self.with_id(ids, args), **kwargs))

    def _calls(
        self, ids: Iterable[Any], args: Args, kwargs: Kwargs, ways: Ways
    ) -> tuple[dict[Any, Call], Several]:
        """A question for each id, and what loads them all."""
        load = self._loader(self.function, args, kwargs)
        again = load if self.again is self.function else self._loader(self.again, args, kwargs)
        assert load is not None
        calls: dict[Any, Call] = {}
        for name in ids:
            whole = self.with_id(name, args)
            one, key = one_of(load, name), self.key.stored(whole, kwargs)
            calls[name] = Call(
                key,
                self.tags(key, whole, kwargs),
                self.policy,
                ways,
                one,
                self.info,
                self.engine,
                self.engine.namespace,
                one if again is load else again and one_of(again, name),
                self.caller,
                partial=True,
                same=partial(self._makes, key, whole, kwargs),
            )
        names = {call.key: name for name, call in calls.items()}
        return calls, Several(load, again, names)

    def _makes(self, key: str, args: Args, kwargs: Kwargs) -> bool:
        return self.key.stored(args, kwargs) == key

    def _hits(self, ids: list[Any], args: Args, kwargs: Kwargs) -> dict[Any, Any]:
        hit, stored = self.engine.reader.hit, self.key.stored
        return {
            name: hit(stored(self.with_id(name, args), kwargs), self.caller, self.info)
            for name in ids
        }

    async def answer(self, args: Args, kwargs: Kwargs, ways: Ways) -> dict[Any, Any]:
        """The values of those ids that have one."""
        ids, args, kwargs = self.split(args, kwargs)
        values = self._hits(ids, args, kwargs)
        missing = [name for name, value in values.items() if value is MISSING]
        if missing:
            calls, job = self._calls(missing, args, kwargs, ways)
            loaded = await self.engine.answer_all(list(calls.values()), job)
            values.update(zip(calls, loaded, strict=True))
        return {name: value for name, value in values.items() if value is not MISSING}

    async def get(self, args: Args, kwargs: Kwargs, ways: Ways) -> dict[Any, Any]:
        """What is cached of these ids; never loads."""
        ids, args, kwargs = self.split(args, kwargs)
        calls, _ = self._calls(ids, args, kwargs, ways)
        if not calls:
            return {}
        values = await self.engine.reader.get_all(list(calls.values()))
        return {k: v for k, v in zip(calls, values, strict=True) if v is not MISSING}

    async def set(self, value: Any, args: Args, kwargs: Kwargs, ways: Ways) -> None:
        """Cache values by id; `args` are those besides the ids."""
        given = mapping_of(value, f"{self.name}.set() takes")
        calls, _ = self._calls(given, args, kwargs, ways)
        values = {call.key: given[name] for name, call in calls.items()}
        titles = {call.key: self._title(name, args, kwargs) for name, call in calls.items()}
        tags = {call.key: call.tags for call in calls.values()}
        await self.engine.put_all(values, titles, tags, self.policy, ways)

    async def invalidate(self, args: Args, kwargs: Kwargs, ways: Ways) -> None:
        ids, args, kwargs = self.split(args, kwargs)
        doomed = Doomed()
        for name in ids:
            key = self.key.stored(self.with_id(name, args), kwargs)
            doomed.keys[key] = self._title(name, args, kwargs)
        await self.engine.forget(doomed, ways)

    def _title(self, name: Any, args: Args, kwargs: Kwargs) -> str:
        return title(self.key.natural(self.with_id(name, args), kwargs))

    def wrapper(self) -> Callable[..., Any]:
        """The function that users call."""

        @wraps(self.function)
        async def awaited(*args: Any, **kwargs: Any) -> dict[Any, Any]:
            return await self.answer(args, kwargs, ON_LOOP)

        @wraps(self.function)
        def called(*args: Any, **kwargs: Any) -> dict[Any, Any]:
            return drive(self.answer(args, kwargs, in_thread()))

        if is_async(self.function):
            return with_methods(awaited, self, awaiting_methods(self))
        return with_methods(called, self, blocking_methods(self))


def _parameter_at(function: Callable[..., Any], at: int) -> str:
    """The name of the parameter that takes the ids."""
    parameters = list(inspect.signature(function).parameters.values())
    if len(parameters) <= at or parameters[at].kind > inspect.Parameter.POSITIONAL_OR_KEYWORD:
        raise ConfigurationError(
            f"cached_many() decorates functions whose first parameter is a list of ids; "
            f"{getattr(function, '__qualname__', function)} has none"
        )
    return parameters[at].name
