"""What of an endpoint's arguments its results vary on."""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from inspect import Parameter
from string import Formatter
from typing import Any, TypeAlias

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from cachekit.errors import ConfigurationError
from cachekit.fastapi.parameters import Parameters

Counts: TypeAlias = Callable[[Any], Any]
"""What of an argument counts."""

VaryOn: TypeAlias = Mapping[str, Counts | None] | Sequence[str] | Set[str]
"""Names of parameters that count, as they are or by a function that says what of them counts."""


@dataclass(frozen=True, slots=True)
class Varying:
    """What an endpoint's results vary on: all its parameters but those in `ignored`.

    Where only a part of an argument counts, as `counts` says, that part is an argument of its own
    to the cache, and the whole is left out of the key. (R5: so it is never used behind its caller's
    back, unless there is a `refresh_scope`.)
    """

    parameters: Parameters
    counts: Mapping[str, Counts]
    ignored: frozenset[str]

    @property
    def left_out(self) -> frozenset[str]:
        """What the key does not tell apart."""
        return self.ignored | self.counts.keys()

    def seen(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments by name, and the parts of them that count."""
        parts = {_part(n): f(arguments[n]) for n, f in self.counts.items() if n in arguments}
        return {**arguments, **parts}

    def given(self, seen: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of what `seen` made of them."""
        parts = set(map(_part, self.counts))
        return {name: argument for name, argument in seen.items() if name not in parts}

    def template(self, text: str) -> str:
        """A template of the parameters, as one of what `seen` makes of them."""
        parts = ((_escaped(part[0]), part[1]) for part in Formatter().parse(text))
        return "".join(t if f is None else f"{t}{{{self._field(f)}}}" for t, f in parts)

    def _field(self, field: str) -> str:
        root, dot, path = field.partition(".")
        return f"{_part(root)}{dot}{path}" if root in self.counts else field

    def signature(self) -> inspect.Signature:
        """Of the function that the cache calls: by name, and without FastAPI's markers."""
        told = self.parameters.signature
        parameters = [self._parameter(told.parameters[name]) for name in self.parameters.names]
        parts = [self._counted(parameter) for parameter in parameters]
        return told.replace(parameters=[*parameters, *filter(None, parts)])

    def _parameter(self, parameter: Parameter) -> Parameter:
        default = parameter.default
        default = default if parameter.name in self.ignored else _default(default)
        return parameter.replace(kind=Parameter.KEYWORD_ONLY, default=default)

    def _counted(self, parameter: Parameter) -> Parameter | None:
        count, default = self.counts.get(parameter.name), parameter.default
        if count is None:
            return None
        default = default if default is Parameter.empty else count(default)
        return parameter.replace(name=_part(parameter.name), default=default)


def _part(name: str) -> str:
    return f"{name}_counted"


def varying(parameters: Parameters, vary_on: VaryOn, ignore: Iterable[str]) -> Varying:
    """What was said, checked: a `ConfigurationError` says what to write instead."""
    counts = _counts(vary_on)
    ignored = frozenset([ignore] if isinstance(ignore, str) else ignore)
    for argument, names in (("vary_on", counts.keys()), ("ignore", ignored)):
        _check_known(parameters, argument, names)
    if both := sorted(counts.keys() & ignored):
        raise ConfigurationError(f"{parameters.title}: {both} in vary_on= and in ignore=: choose")
    _check_told(parameters, counts.keys() | ignored)
    for name, count in counts.items():
        _check_count(parameters, name, count)
    functions = {name: count for name, count in counts.items() if count is not None}
    return Varying(parameters, functions, ignored)


def check_key(title: str, key: str, vary_on: VaryOn) -> None:
    """A `ConfigurationError` if a template leaves out what results are said to vary on."""
    if not isinstance(key, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(
            f"{title}: key= of an endpoint is a template, not {key!r}; what of an argument counts "
            "a function says in vary_on={'name': function}"
        )
    roots = {(field or "").partition(".")[0] for _, field, _, _ in Formatter().parse(key)}
    if missing := sorted(_counts(vary_on).keys() - roots):
        raise ConfigurationError(
            f"{title}: key={key!r} leaves out {missing}, which vary_on= names: use them in it"
        )


def _counts(vary_on: VaryOn) -> Mapping[str, Counts | None]:
    if isinstance(vary_on, Mapping):
        return vary_on
    return dict.fromkeys([vary_on] if isinstance(vary_on, str) else vary_on)


def _check_known(parameters: Parameters, argument: str, names: Iterable[str]) -> None:
    for name in names:
        if name == parameters.response:
            raise ConfigurationError(
                f"{parameters.title}, {argument}={name!r}: what the endpoint does to its Response "
                "is kept with the value and counts in no key, so leave it out"
            )
        if name not in parameters.names:
            raise ConfigurationError(
                f"{parameters.title}, {argument}={name!r}: there is no such parameter, only "
                f"{parameters.names}"
            )


def _check_told(parameters: Parameters, named: Iterable[str]) -> None:
    open_ = {name: source for name, source in parameters.told.items() if name not in set(named)}
    if not open_:
        return
    sources = ", ".join(f"{name!r} (from {source})" for name, source in open_.items())
    first = next(iter(open_))
    raise ConfigurationError(
        f"{parameters.title} is not cached yet: {sources} may be of one user alone. Name each in "
        f"vary_on= if what the endpoint returns depends on it (vary_on=[{first!r}], or "
        f"vary_on={{{first!r}: lambda {first}: …}} for what of it counts), or in "
        f"ignore=[{first!r}] if every user gets the same"
    )


def _check_count(parameters: Parameters, name: str, count: Any) -> None:
    title = f"{parameters.title}, vary_on={name!r}"
    if count is None and name in parameters.nameless:
        raise ConfigurationError(
            f"{title}: a {parameters.told[name]} has no identity that a key could be made of; say "
            f"what of it counts: vary_on={{{name!r}: lambda {name}: …}}"
        )
    if count is not None and (not callable(count) or inspect.iscoroutinefunction(count)):
        raise ConfigurationError(f"{title}: give a plain function of the argument, not {count!r}")


def _default(default: Any) -> Any:
    """A default as an argument has it, where it is one of FastAPI's markers; else as it is."""
    if isinstance(default, FieldInfo):
        unset = default.default is PydanticUndefined or default.default is ...
        return Parameter.empty if unset else default.default
    is_marker = type(default).__module__ == "fastapi.params"
    return Parameter.empty if is_marker else default


def _escaped(literal: str) -> str:
    return literal.replace("{", "{{").replace("}", "}}")
