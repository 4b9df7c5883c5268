"""From the arguments of a call to its key. All that can be worked out is, once per function."""

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from inspect import Parameter
from itertools import compress, repeat
from operator import attrgetter
from types import NoneType
from typing import Any, Final, Protocol, cast

from cachekit.copies import is_immutable
from cachekit.errors import ConfigurationError
from cachekit.identity import identify, type_name
from cachekit.keys import LONGEST, is_natural, value_head, value_key
from cachekit.templates import PLAIN, Template, text_of

Arguments = tuple[Any, ...]


class KeyBuilder(Protocol):
    """A call into its key. A plain function is one."""

    def __call__(self, args: Arguments, kwargs: Mapping[str, Any], /) -> str: ...


class TagBuilder(Protocol):
    """A call into the names of its tags."""

    def __call__(self, args: Arguments, kwargs: Mapping[str, Any], /) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class FunctionKey:
    """How the calls of one function are named.

    `name` is the function's; `natural` builds the key that users see and write, `stored` the store
    key of it; `tags` builds the names of the declared tags, always the same with `static_tags`.
    """

    name: str
    natural: KeyBuilder
    stored: KeyBuilder
    tags: TagBuilder
    static_tags: bool


def compile_key(
    function: Callable[..., Any],
    *,
    namespace: str,
    key: str | Callable[..., str] | None = None,
    name: str | None = None,
    ignore: Collection[str] = (),
    ignore_self: bool = False,
    method: bool = False,
    tags: Sequence[str] = (),
) -> FunctionKey:
    """Everything about the keys of `function`; a `ConfigurationError` for what cannot be.

    `key`: a template, or a function of the call's arguments; else the key is made of the function's
    name (`name`, or where it is defined) and of all arguments but those in `ignore`. With `method`
    the first parameter is the object it is called on, whose type and identity count, too, the
    latter unless `ignore_self`.
    """
    shape = _shape(function, key, name, ignore, ignore_self, method)
    if callable(key):
        natural = _by_function(key)
        stored = _stored(namespace, natural)
    elif key is not None:
        natural, stored = _by_template(shape, namespace, key)
    else:
        natural = _by_arguments(shape)
        stored = _fast_arguments(shape, namespace, _stored(namespace, natural))
    templates = [Template(tag, escape=False) for tag in _names("tags", tags)]
    build_tags = _tags(shape, key, templates)
    static = not any(template.fields for template in templates)
    return FunctionKey(shape.name, natural, stored, build_tags, static)


@dataclass(frozen=True, slots=True)
class _Shape:
    """What is known of a function before any call.

    `bind` takes the arguments of a call and returns the values of all parameters, in their order.
    `me` is the first parameter of a method; `home` the name of the class it was defined in.
    """

    name: str
    parameters: Mapping[str, Parameter]
    bind: Callable[..., Arguments]
    left_out: frozenset[str]
    me: str | None
    home: str

    @property
    def kept(self) -> list[str]:
        return [name for name in self.parameters if name not in self.left_out]

    @property
    def positional(self) -> list[Parameter]:
        return [p for p in self.parameters.values() if p.kind <= Parameter.POSITIONAL_OR_KEYWORD]

    def positional_counts(self) -> range:
        """How many arguments a call may have that has no others; none if others are required."""
        kinds = [p.kind for p in self.parameters.values() if p.default is Parameter.empty]
        if Parameter.KEYWORD_ONLY in kinds or Parameter.VAR_POSITIONAL in kinds:
            return range(0)
        required = sum(p.default is Parameter.empty for p in self.positional)
        return range(required, len(self.positional) + 1)


def _shape(
    function: Callable[..., Any],
    key: str | Callable[..., str] | None,
    name: str | None,
    ignore: Collection[str],
    ignore_self: bool,
    method: bool,
) -> _Shape:
    module, qualname = function.__module__, getattr(function, "__qualname__", None)
    if key is None and name is None:
        _check_name(function, qualname)
    try:
        parameters = inspect.signature(function).parameters
    except ValueError:
        raise ConfigurationError(f"{function!r} has no signature to make a key of") from None
    title = name or f"{module}.{qualname or type(function).__qualname__}"
    me = next(iter(parameters), None) if method else None
    if method and me is None:
        raise ConfigurationError(f"{title} is a method without a parameter for its object")
    left_out = frozenset(_ignored(title, ignore, parameters)) | (
        {me} if ignore_self and me else set()
    )
    home = f"{module}.{(qualname or '').rpartition('.')[0]}"
    bind = _binder(parameters, qualname or title)
    return _Shape(title, parameters, bind, left_out, me, home)


def _check_name(function: Callable[..., Any], qualname: str | None) -> None:
    inner = inspect.unwrap(function)
    captured = set(getattr(getattr(inner, "__code__", None), "co_freevars", ())) - {"__class__"}
    if qualname is None or "<lambda>" in qualname or captured:
        why = f"captures {', '.join(sorted(captured))}" if captured else "has no name of its own"
        raise ConfigurationError(
            f"{qualname or repr(function)} {why}, so different functions would share its keys: "
            "pass key= with a template that tells them apart, or name= if they are all the same"
        )


def _ignored(title: str, ignore: Collection[str], parameters: Mapping[str, Any]) -> Collection[str]:
    for name in _names("ignore", ignore):
        if name not in parameters:
            known = ", ".join(parameters) or "none"
            raise ConfigurationError(
                f"ignore={name!r}: {title} has no such parameter; its parameters: {known}"
            )
    return ignore


def _names(argument: str, names: Collection[str]) -> Collection[str]:
    if isinstance(names, str):
        raise ConfigurationError(f"{argument}={names!r} is one str: write {argument}=({names!r},)")
    if not all(isinstance(name, str) and name for name in names):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(f"{argument}={names!r}: each is a str that is not empty")
    return names


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


def _stored(namespace: str, natural: KeyBuilder) -> KeyBuilder:
    return lambda args, kwargs: value_key(namespace, natural(args, kwargs))


def _by_function(key: Callable[..., str]) -> KeyBuilder:
    title = getattr(key, "__qualname__", repr(key))

    def natural(args: Arguments, kwargs: Mapping[str, Any]) -> str:
        built: Any = key(*args, **kwargs)
        if not isinstance(built, str) or not built:
            raise TypeError(f"key={title} returned {built!r}; a key is a str that is not empty")
        return built

    return natural


# --- the default: name(1,'a')


def _by_arguments(shape: _Shape) -> KeyBuilder:
    name, bind, me, home = shape.name, shape.bind, shape.me, shape.home
    parameters, left_out = tuple(shape.parameters), shape.left_out

    def natural(args: Arguments, kwargs: Mapping[str, Any]) -> str:
        values = bind(*args, **kwargs)
        texts = [
            _identity(shape, parameter, value)
            for parameter, value in zip(parameters, values, strict=True)
            if parameter not in left_out and not (parameter == me and isinstance(value, type))
        ]
        of = "" if me is None else _at(home, values[0])
        return f"{name}{of}({','.join(texts)})"

    return natural


def _at(home: str, obj: Any) -> str:
    """What tells the keys of a subclass from those of the class that defines the method."""
    kind = cast("type[Any]", obj if isinstance(obj, type) else type(obj))
    name = type_name(kind)
    return "" if name == home else f"@{name}"


def _identity(shape: _Shape, parameter: str, value: Any) -> str:
    try:
        return identify(value)
    except (TypeError, ValueError) as error:
        without = "ignore_self=True" if parameter == shape.me else f"ignore=({parameter!r},)"
        raise type(error)(
            f"{shape.name}, argument {parameter!r}: {error}; or leave it out of the key with "
            f"{without}, or build the key with key="
        ) from error


_REPRESENTED: Final = PLAIN | {bytes, NoneType}


def _fast_arguments(shape: _Shape, namespace: str, slow: KeyBuilder) -> KeyBuilder:
    """`slow` in one call, for plain positional arguments and a short, safe key."""
    head = f"{value_head(namespace)}{shape.name}("
    tails = _tails(shape, head, value_head(namespace))
    if not tails or (shape.me is not None and shape.me not in shape.left_out):
        return slow
    mask = [p.name not in shape.left_out for p in shape.positional]
    everything, plain, home = all(mask), _REPRESENTED.issuperset, shape.home
    method = shape.me is not None

    def stored(args: Arguments, kwargs: Mapping[str, Any]) -> str:
        kept = args if everything else tuple(compress(args, mask))
        tail = tails.get(len(args))
        if tail is None or kwargs or not plain(map(type, kept)):
            return slow(args, kwargs)
        if method and f"{type(args[0]).__module__}.{type(args[0]).__qualname__}" != home:
            return slow(args, kwargs)
        try:
            text = f"{head}{','.join(map(ascii, kept))}{tail}"
        except ValueError:  # an int of thousands of digits
            return slow(args, kwargs)
        if len(text) <= LONGEST and " " not in text and "~" not in text:
            return text
        return slow(args, kwargs)

    return stored


def _tails(shape: _Shape, head: str, space: str) -> dict[int, str]:
    """By number of positional arguments: what the key ends with, all others at their defaults."""
    tails = dict[int, str]()
    for count in shape.positional_counts():
        given = {p.name for p in shape.positional[:count]}
        texts = [_default_text(shape.parameters[n]) for n in shape.kept if n not in given]
        if None in texts:
            continue
        comma = "," if texts and given.intersection(shape.kept) else ""
        tail = f"{comma}{','.join(filter(None, texts))})"
        if is_natural(head + tail, space):
            tails[count] = tail
    return tails


def _default_text(parameter: Parameter) -> str | None:
    if parameter.kind is Parameter.VAR_KEYWORD:
        return identify({})
    if not is_immutable(parameter.default):
        return None
    try:
        return identify(parameter.default)
    except (TypeError, ValueError):
        return None


# --- templates


def _by_template(shape: _Shape, namespace: str, text: str) -> tuple[KeyBuilder, KeyBuilder]:
    template = Template(_names("key", [text]) and text, escape=True)
    _check_fields(shape, template)
    roots = {field.partition(".")[0] for field in template.fields}
    if shape.me is not None and shape.me not in roots | shape.left_out:
        raise ConfigurationError(
            f"key={text!r} does not tell the objects apart that {shape.name} is called on: use "
            f"'{{{shape.me}.…}}' in it, or pass ignore_self=True if they all give the same"
        )
    fill = _filler(shape, [template])

    def natural(args: Arguments, kwargs: Mapping[str, Any]) -> str:
        return fill(args, kwargs)[0]

    return natural, _fast_template(shape, namespace, template, _stored(namespace, natural))


def _check_fields(shape: _Shape, template: Template) -> None:
    for field in template.fields:
        root = field.partition(".")[0]
        if not root:
            raise ConfigurationError(f"template {template.text!r}: name the parameter in '{{}}'")
        if root not in shape.parameters:
            known = ", ".join(shape.parameters) or "none"
            raise ConfigurationError(
                f"template {template.text!r}: {shape.name} has no parameter {root!r}; "
                f"its parameters: {known}"
            )
        if root in shape.left_out:
            raise ConfigurationError(f"template {template.text!r} uses {root!r}, which is ignored")


def _filler(shape: _Shape, templates: Sequence[Template]) -> TagBuilder:
    """Fills all `templates` from the arguments of one call."""
    bind, names = shape.bind, tuple(shape.parameters)

    def fill(args: Arguments, kwargs: Mapping[str, Any]) -> tuple[str, ...]:
        values = dict(zip(names, bind(*args, **kwargs), strict=True))
        return tuple(
            template.fill([_text(shape, field, values) for field in template.fields])
            for template in templates
        )

    return fill


def _text(shape: _Shape, field: str, values: Mapping[str, Any]) -> str:
    root, _, path = field.partition(".")
    try:
        return text_of(attrgetter(path)(values[root]) if path else values[root])
    except (AttributeError, TypeError, ValueError) as error:
        raise type(error)(f"{shape.name}, template field {{{field}}}: {error}") from error


def _fast_template(
    shape: _Shape, namespace: str, template: Template, slow: KeyBuilder
) -> KeyBuilder:
    """`slow` in one call, for plain positional arguments and a short, safe key."""
    order = {p.name: index for index, p in enumerate(shape.positional)}
    if not order.keys() >= set(template.fields):
        return slow
    indexes = [order[field] for field in template.fields]
    counts = frozenset(n for n in shape.positional_counts() if n > max(indexes, default=-1))
    head = value_head(namespace)
    pattern, escapes = head + template.pattern, template.escapes
    plain, floor = PLAIN.issuperset, len(head)

    def stored(args: Arguments, kwargs: Mapping[str, Any]) -> str:
        if kwargs or len(args) not in counts:
            return slow(args, kwargs)
        filled = tuple(map(args.__getitem__, indexes))
        if not plain(map(type, filled)):
            return slow(args, kwargs)
        try:
            if escapes is not None:
                filled = tuple(map(str.translate, map(str, filled), repeat(escapes)))
            text = pattern % filled
        except ValueError:  # an int of thousands of digits
            return slow(args, kwargs)
        if floor < len(text) <= LONGEST and text.isascii() and text.isprintable():
            if " " not in text and "~" not in text:
                return text
        return slow(args, kwargs)

    return stored


# --- tags


def _tags(
    shape: _Shape, key: str | Callable[..., str] | None, templates: Sequence[Template]
) -> TagBuilder:
    if not any(template.fields for template in templates):
        names = tuple(template.fill(()) for template in templates)
        return lambda args, kwargs: names
    for template in templates:
        _check_fields(shape, template)
        _check_known(shape, key, template)
    return _filler(shape, templates)


def _check_known(shape: _Shape, key: str | Callable[..., str] | None, tag: Template) -> None:
    """Two calls of one key must have the same tags, or neither is found by the other's."""
    if key is None:
        return
    if callable(key):
        raise ConfigurationError(
            f"tag {tag.text!r}: with a function as key= nobody knows which arguments the key "
            "holds, so tags are fixed names; write key= as a template"
        )
    held = Template(key, escape=True).fields
    for field in tag.fields:
        if not any(field == other or field.startswith(f"{other}.") for other in held):
            raise ConfigurationError(
                f"tag {tag.text!r} uses '{{{field}}}', which key={key!r} does not hold: calls "
                "with one key would differ in their tags; add it to the key"
            )
