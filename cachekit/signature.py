"""What is known of a function before any call: inspected once, at decoration."""

import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from inspect import Parameter
from typing import Any, Protocol, TypeAlias, cast

from cachekit.errors import ConfigurationError

Arguments: TypeAlias = tuple[Any, ...]


class KeyBuilder(Protocol):
    """A call into its key. A plain function is one."""

    def __call__(self, args: Arguments, kwargs: Mapping[str, Any], /) -> str: ...


class TagBuilder(Protocol):
    """A call into the names of its tags."""

    def __call__(self, args: Arguments, kwargs: Mapping[str, Any], /) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class Shape:
    """A function, as far as its keys are concerned.

    `bind` takes the arguments of a call and returns the values of all parameters, in their order.
    `left_out` are the parameters that are not in the key. `me` is the first parameter of a method,
    `home` the name of the class that a method was defined in.
    """

    name: str
    parameters: Mapping[str, Parameter]
    bind: Callable[..., Arguments]
    left_out: frozenset[str]
    me: str | None
    home: str

    def positional(self) -> list[Parameter]:
        """The parameters that can be given by position."""
        return [p for p in self.parameters.values() if p.kind <= Parameter.POSITIONAL_OR_KEYWORD]

    def positional_counts(self) -> range:
        """How many arguments make a whole call by themselves, without any by name."""
        needed = [p for p in self.parameters.values() if p.default is Parameter.empty]
        if any(p.kind in (Parameter.KEYWORD_ONLY, Parameter.VAR_POSITIONAL) for p in needed):
            return range(0)
        positional = self.positional()
        required = sum(p.default is Parameter.empty for p in positional)
        return range(required, len(positional) + 1)


def shape_of(
    function: Callable[..., Any],
    *,
    name: str | None,
    anonymous: bool,
    ignore: Collection[str],
    ignore_self: bool,
    method: bool,
) -> Shape:
    """Inspect `function`. `anonymous`: its own name will not be part of its keys."""
    qualname: str = getattr(function, "__qualname__", type(function).__qualname__)
    module: str = getattr(function, "__module__", None) or type(function).__module__
    if name is None and not anonymous:
        _check_identity(function, qualname)
    title = name or f"{module}.{qualname}"
    parameters = _parameters(function, title)
    me = next(iter(parameters), None) if method else None
    if method and me is None:
        raise ConfigurationError(f"{title} is a method without a parameter for its object")
    left_out = {*_ignored(title, ignore, parameters), *((me,) if me and ignore_self else ())}
    home = f"{module}.{qualname.rpartition('.')[0]}"
    return Shape(title, parameters, _binder(parameters, qualname), frozenset(left_out), me, home)


def checked_names(argument: str, names: Collection[str]) -> Collection[str]:
    """`names` themselves, or a `ConfigurationError` about `argument`."""
    if isinstance(names, str):
        raise ConfigurationError(f"{argument}={names!r} is one str: write {argument}=({names!r},)")
    if not all(isinstance(name, str) and name for name in names):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(f"{argument}={names!r}: each is a str that is not empty")
    return names


def _check_identity(function: Callable[..., Any], qualname: str) -> None:
    """What a function holds besides its arguments would not be in its keys."""
    if "<lambda>" in qualname or not hasattr(function, "__qualname__"):
        why = "has no name of its own"
    elif captured := _captured(inspect.unwrap(function)):
        why = f"captures {captured}"
    else:
        return
    raise ConfigurationError(
        f"{qualname} {why}, and its keys would not show it: pass key= with a template or a "
        "function that tells the values apart, or name= if there is but one such function"
    )


def _captured(function: Callable[..., Any]) -> str:
    if inspect.ismethod(function):
        return "the object it is bound to"
    code = getattr(function, "__code__", None)
    names = set(getattr(code, "co_freevars", ())) - {"__class__"}
    return f"{', '.join(sorted(names))} from around it" if names else ""


def _parameters(function: Callable[..., Any], title: str) -> Mapping[str, Parameter]:
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):
        raise ConfigurationError(f"{title} has no signature that a key could be made of") from None


def _ignored(title: str, ignore: Collection[str], parameters: Mapping[str, Any]) -> Collection[str]:
    for name in checked_names("ignore", ignore):
        if name not in parameters:
            known = list(parameters)
            raise ConfigurationError(
                f"ignore={name!r}: {title} has no such parameter, only {known}"
            )
    return ignore


def _binder(parameters: Mapping[str, Parameter], qualname: str) -> Callable[..., Arguments]:
    """A function with these very parameters that returns their values.

    Its calls are bound by the interpreter itself: as fast as can be, and with its errors.
    """
    bare = inspect.Signature([_bare(p) for p in parameters.values()])
    values = "".join(f"{name}, " for name in parameters)
    bind = eval(f"lambda {str(bare)[1:-1]}: ({values})", {})
    bind.__qualname__ = qualname
    given = [p for p in parameters.values() if p.default is not Parameter.empty]
    by_name = {p.name: p.default for p in given if p.kind is Parameter.KEYWORD_ONLY}
    bind.__defaults__ = tuple(p.default for p in given if p.name not in by_name)
    bind.__kwdefaults__ = by_name
    return cast("Callable[..., Arguments]", bind)


def _bare(parameter: Parameter) -> Parameter:
    default = parameter.default if parameter.default is Parameter.empty else None
    return parameter.replace(annotation=Parameter.empty, default=default)


def is_async(function: Callable[..., Any]) -> bool:
    """Whether calling it gives a coroutine."""
    if inspect.iscoroutinefunction(function):
        return True
    return not inspect.isfunction(function) and inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004
    )
