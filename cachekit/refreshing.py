"""How a function is called when the caller whose arguments it had is gone (R5)."""

import inspect
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any, TypeAlias, cast

from cachekit.errors import ConfigurationError
from cachekit.signature import is_async

Scope: TypeAlias = (
    AbstractContextManager[Mapping[str, Any]] | AbstractAsyncContextManager[Mapping[str, Any]]
)
RefreshScope: TypeAlias = Callable[[], Scope]
"""Called for each refresh in the background; what it gives are arguments in place of the caller's,
by name, good for as long as it is entered: a session, say."""


def refreshing(
    function: Callable[..., Any], left_out: Collection[str], scope: RefreshScope | None
) -> Callable[..., Any] | None:
    """`function` as it may be called in the background, or `None` if it must not be.

    An argument that the key leaves out may be a session, closed by then: `scope` gives another.
    """
    if scope is None:
        return None if left_out else function
    if not callable(scope):
        raise ConfigurationError(
            f"refresh_scope={scope!r} must be a function that returns a context manager of the "
            "arguments that the key leaves out, by name"
        )
    signature = inspect.signature(function)

    def arguments(args: tuple[Any, ...], kwargs: Mapping[str, Any], given: object) -> Any:
        bound = signature.bind(*args, **kwargs)
        bound.arguments.update(_arguments_of(signature, given))
        return bound

    async def awaited(*args: Any, **kwargs: Any) -> Any:
        entered = scope()
        if isinstance(entered, AbstractAsyncContextManager):
            async with entered as given:
                bound = arguments(args, kwargs, given)
                return await function(*bound.args, **bound.kwargs)
        with entered as given:
            bound = arguments(args, kwargs, given)
            return await function(*bound.args, **bound.kwargs)

    def called(*args: Any, **kwargs: Any) -> Any:
        entered = scope()
        if isinstance(entered, AbstractAsyncContextManager):
            raise ConfigurationError("the refresh_scope= of a plain def must be a plain one, too")
        with entered as given:
            bound = arguments(args, kwargs, given)
            return function(*bound.args, **bound.kwargs)

    return awaited if is_async(function) else called


def _arguments_of(signature: inspect.Signature, given: object) -> Mapping[str, Any]:
    """What a scope gave; a `ConfigurationError` if the function has no such parameters."""
    names = list(signature.parameters)
    if not isinstance(given, Mapping) or not given.keys() <= signature.parameters.keys():
        raise ConfigurationError(
            f"refresh_scope= must give a mapping of arguments, by names out of {names}; "
            f"not {given!r}"
        )
    return cast("Mapping[str, Any]", given)
