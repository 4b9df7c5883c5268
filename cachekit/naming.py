"""What the calls of a decorated function are called in the store."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cachekit.builder import FunctionKey, compile_key
from cachekit.call import several
from cachekit.engine import Engine
from cachekit.options import Options
from cachekit.policy import Policy
from cachekit.refreshing import RefreshScope


class FunctionOptions(Options, total=False):
    """How the values of one function are named, loaded and kept."""

    key: str | Callable[..., str] | None
    """A template of the parameters, `"product:{product_id}"`, or a function of the arguments.
    Without it, the key is the function's name and all of its arguments."""
    tags: Iterable[str]
    """Names, or templates of what the key uses, for `invalidate(Tag(...))`."""
    ignore: Iterable[str]
    """Parameters that do not count."""
    ignore_self: bool
    """The object of a method does not count."""
    name: str | None
    """Instead of where the function is defined."""
    refresh_scope: RefreshScope | None
    """A function that returns a context manager of arguments, by name, in place of those that the
    key leaves out: a session, say."""


@dataclass(frozen=True, slots=True)
class Naming:
    """What `FunctionOptions` say about names."""

    engine: Engine
    key: str | Callable[..., str] | None = None
    tags: Iterable[str] = ()
    ignore: Iterable[str] = ()
    ignore_self: bool = False
    name: str | None = None
    refresh_scope: RefreshScope | None = None

    @classmethod
    def of(cls, engine: Engine, options: Mapping[str, Any]) -> tuple["Naming", Policy]:
        """What `options` say, and the policy that the others make."""
        own = {name: value for name, value in options.items() if name in _NAMES}
        others = {name: value for name, value in options.items() if name not in _NAMES}
        if "tags" in own:
            own["tags"] = several("tags", own["tags"])
        return cls(engine, **own), engine.policies.of(others)

    def key_of(self, function: Callable[..., Any], binds: str) -> FunctionKey:
        """How the calls of `function` are named, which from here on is its alone."""
        compiled = compile_key(
            function,
            namespace=self.engine.namespace,
            key=self.key,
            name=self.name,
            ignore=(self.ignore,) if isinstance(self.ignore, str) else tuple(self.ignore),
            ignore_self=self.ignore_self,
            method=binds in ("method", "class"),
            tags=tuple(self.tags),
        )
        where = f"{function.__module__}.{getattr(function, '__qualname__', compiled.name)}"
        self.engine.register(self.key if isinstance(self.key, str) else compiled.name, where)
        return compiled


_NAMES = FunctionOptions.__annotations__.keys() - Options.__annotations__.keys()
