"""From the arguments of a call to its key. All that can be worked out is, once per function."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from inspect import Parameter
from typing import Any

from cachekit.argument_keys import REPRESENTED, argument_key, fast_argument_key
from cachekit.errors import ConfigurationError
from cachekit.keys import value_key
from cachekit.recent_keys import with_recent
from cachekit.signature import (
    Arguments,
    KeyBuilder,
    Shape,
    TagBuilder,
    checked_names,
    shape_of,
)
from cachekit.template_keys import (
    check_object,
    check_tag,
    check_template,
    fast_template_key,
    template_key,
    template_texts,
)
from cachekit.templates import Template

__all__ = ["FunctionKey", "KeyBuilder", "TagBuilder", "compile_key"]


@dataclass(frozen=True, slots=True)
class FunctionKey:
    """How the calls of one function are named.

    `name` is the function's; `natural` builds the key that users see and write, `stored` the store
    key of it; `tags` builds the names of the declared tags, always the same with `static_tags`.
    `left_out` are the parameters that the key may not tell apart.
    """

    name: str
    natural: KeyBuilder
    stored: KeyBuilder
    tags: TagBuilder
    static_tags: bool
    left_out: frozenset[str]


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
    shape = shape_of(
        function,
        name=None if name is None else _text("name", name),
        anonymous=key is not None,
        ignore=ignore,
        ignore_self=ignore_self,
        method=method,
    )
    templates = [Template(tag, escape=False) for tag in checked_names("tags", tags)]
    static = not any(template.fields for template in templates)
    natural, stored = _builders(shape, namespace, key, templates)
    left_out = _left_out(shape, key)
    if _is_of_arguments(shape, key) and not left_out:
        stored = with_recent(stored)
    return FunctionKey(
        shape.name, natural, stored, _tags(shape, templates, static), static, left_out
    )


def _is_of_arguments(shape: Shape, key: str | Callable[..., str] | None) -> bool:
    """Whether the same plain arguments make the same key at all times, and are all in it."""
    if callable(key) or shape.me is not None:
        return False
    if key is not None and any("." in field for field in Template(key, escape=True).fields):
        return False
    defaults = [parameter.default for parameter in shape.parameters.values()]
    return all(each is Parameter.empty or type(each) in REPRESENTED for each in defaults)


def _left_out(shape: Shape, key: str | Callable[..., str] | None) -> frozenset[str]:
    if key is None:
        return shape.left_out
    if callable(key):  # nobody knows
        return frozenset(shape.parameters)
    roots = {field.partition(".")[0] for field in Template(key, escape=True).fields}
    return frozenset(shape.parameters.keys() - roots)


def _builders(
    shape: Shape, namespace: str, key: str | Callable[..., str] | None, tags: Sequence[Template]
) -> tuple[KeyBuilder, KeyBuilder]:
    if key is None:
        natural = argument_key(shape)
        return natural, fast_argument_key(shape, namespace, _stored(namespace, natural))
    if callable(key):
        _check_static(tags)
        natural = _by_function(key)
        return natural, _stored(namespace, natural)
    template = Template(_text("key", key), escape=True)
    check_template(shape, template)
    check_object(shape, template)
    for tag in tags:
        check_tag(template, tag)
    natural = template_key(shape, template)
    return natural, fast_template_key(shape, namespace, template, _stored(namespace, natural))


def _tags(shape: Shape, templates: Sequence[Template], static: bool) -> TagBuilder:
    if not static:
        for template in templates:
            check_template(shape, template)
        return template_texts(shape, templates)
    names = tuple(template.fill(()) for template in templates)
    return lambda args, kwargs: names


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


def _check_static(tags: Sequence[Template]) -> None:
    for tag in tags:
        if tag.fields:
            raise ConfigurationError(
                f"tag {tag.text!r}: with a function as key= nobody knows which arguments the key "
                "holds, so tags are fixed names; write key= as a template"
            )


def _text(argument: str, text: str) -> str:
    if not isinstance(text, str) or not text:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(f"{argument}={text!r}: write a str that is not empty")
    return text
