"""Keys and tags of a call by template: `"product:{product_id}"`."""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

from cachekit.errors import ConfigurationError
from cachekit.keys import LONGEST, value_head
from cachekit.signature import Arguments, KeyBuilder, Shape, TagBuilder
from cachekit.templates import PLAIN, Template, text_of


def check_template(shape: Shape, template: Template) -> None:
    """A `ConfigurationError` if a field is no parameter of the function, or one left out."""
    for field in template.fields:
        root = _root(field)
        if not root:
            raise ConfigurationError(f"template {template.text!r}: name the parameter in '{{}}'")
        if root not in shape.parameters:
            raise ConfigurationError(
                f"template {template.text!r}: {shape.name} has no parameter {root!r}; "
                f"its parameters: {list(shape.parameters)}"
            )
        if root in shape.left_out:
            raise ConfigurationError(f"template {template.text!r} uses {root!r}, which is ignored")


def check_object(shape: Shape, template: Template) -> None:
    """A `ConfigurationError` if the key of a method is the same for all objects, unasked."""
    me = shape.me
    if me and me not in shape.left_out and me not in map(_root, template.fields):
        raise ConfigurationError(
            f"key={template.text!r} does not tell apart the objects that {shape.name} is called "
            f"on: use '{{{me}.…}}' in it, or pass ignore_self=True if all give the same"
        )


def check_tag(key: Template, tag: Template) -> None:
    """A `ConfigurationError` if two calls with one key may differ in this tag."""
    for field in tag.fields:
        if not any(field == held or field.startswith(f"{held}.") for held in key.fields):
            raise ConfigurationError(
                f"tag {tag.text!r} uses '{{{field}}}', which key={key.text!r} does not hold: calls "
                "with one key would differ in their tags; add it to the key"
            )


def template_texts(shape: Shape, templates: Sequence[Template]) -> TagBuilder:
    """Fills all `templates` from the arguments of one call."""
    bind, names = shape.bind, tuple(shape.parameters)

    def fill(args: Arguments, kwargs: Mapping[str, Any]) -> tuple[str, ...]:
        values = dict(zip(names, bind(*args, **kwargs), strict=True))
        return tuple(
            template.fill([_text(shape, field, values) for field in template.fields])
            for template in templates
        )

    return fill


def template_key(shape: Shape, template: Template) -> KeyBuilder:
    """Builds the key as users see it."""
    fill = template_texts(shape, [template])
    return lambda args, kwargs: fill(args, kwargs)[0]


def fast_template_key(
    shape: Shape, namespace: str, template: Template, slow: KeyBuilder
) -> KeyBuilder:
    """`slow`, which builds the store key, in one call where arguments and key are plain."""
    order, bind, head = list(shape.parameters), shape.bind, value_head(namespace)
    if not shape.parameters.keys() >= set(template.fields):
        return slow
    indexes = [order.index(field) for field in template.fields]
    counts = frozenset(n for n in shape.positional_counts() if n > max(indexes, default=-1))
    special = frozenset(map(chr, template.escapes or ()))
    in_order = len(indexes) if indexes == list(range(len(indexes))) else -1
    plain, clean = PLAIN, special.isdisjoint
    pattern, empty = head + template.pattern, len(head)

    def stored(args: Arguments, kwargs: Mapping[str, Any]) -> str:
        whole = not kwargs and len(args) in counts
        values = args if whole else bind(*args, **kwargs)
        if len(values) != in_order:
            values = tuple(map(values.__getitem__, indexes))
        for value in values:
            if type(value) not in plain:
                return slow(args, kwargs)
        try:
            if special and not clean("".join(map(str, values))):
                return slow(args, kwargs)
            text = pattern % values
        except ValueError:  # an int of thousands of digits
            return slow(args, kwargs)
        safe = text.isascii() and text.isprintable() and " " not in text and "~" not in text
        return text if safe and empty < len(text) <= LONGEST else slow(args, kwargs)

    return stored


def _root(field: str) -> str:
    return field.partition(".")[0]


def _text(shape: Shape, field: str, values: Mapping[str, Any]) -> str:
    root, _, path = field.partition(".")
    try:
        return text_of(attrgetter(path)(values[root]) if path else values[root])
    except (AttributeError, TypeError, ValueError) as error:
        kind = ValueError if isinstance(error, ValueError) else TypeError
        raise kind(f"{shape.name}, template field '{{{field}}}': {error}") from error
