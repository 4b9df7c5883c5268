"""What can be forgotten, and what says so: `Key`, `Tag`, `Prefix`, and the `Invalidator`."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from inspect import iscoroutinefunction
from typing import Any, Final, Protocol, TypeAlias, TypeGuard, TypeVar, cast

from cachekit.errors import ConfigurationError
from cachekit.templates import Template, text_of

H = TypeVar("H", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, init=False)
class Key:
    """The value under one key.

    With values, `template` is one: `Key("user:{}:{}", a, b)` names the key that the template
    `"user:{x}:{y}"` of a function does. Without, it is the key itself, braces and all.
    """

    text: str

    def __init__(self, template: str, *values: Any) -> None:
        text = _filled(template, values) if values else template
        object.__setattr__(self, "text", _checked("Key", text))


@dataclass(frozen=True, slots=True)
class Tag:
    """Every value that carries this tag."""

    name: str

    def __post_init__(self) -> None:
        _checked("Tag", self.name)


@dataclass(frozen=True, slots=True)
class Prefix:
    """Every value whose key begins with `text`; where keys are long, perhaps a few more."""

    text: str

    def __post_init__(self) -> None:
        if self.text == "":
            raise ConfigurationError("Prefix('') would be every key: call clear() for that")
        _checked("Prefix", self.text)


Target: TypeAlias = Key | Tag | Prefix
"""One thing to forget."""

TARGETS: Final = (Key, Tag, Prefix)


class Invalidator(Protocol):
    """Turns something that happened into what must be forgotten. It does nothing else.

    A plain function of one argument is one.
    """

    def __call__(self, event: Any, /) -> Target | Iterable[Target]: ...


class EventMap:
    """An `Invalidator` that knows what to forget by the type of the event.

    >>> events = EventMap({str: Tag("texts")})
    >>> @events.on(int, float)
    ... def numbers(event: float) -> Target:
    ...     return Key("number:{}", event)
    >>> list(events(5))
    [Key(text='number:5')]

    What is registered for a type also hears events of its subclasses. Nothing registered: nothing
    to forget.
    """

    __slots__ = ("_handlers",)

    def __init__(
        self, handlers: Mapping[type[Any], Target | Iterable[Target] | Invalidator] | None = None
    ) -> None:
        self._handlers: list[tuple[type[Any], Invalidator]] = []
        for event_type, handler in (handlers or {}).items():
            self._add(event_type, handler if callable(handler) else _always(handler))

    def on(self, *event_types: type[Any]) -> Callable[[H], H]:
        """Register the decorated function for `event_types`; it stays as it is."""
        if not event_types:
            raise ConfigurationError("on() needs the types of the events: @events.on(UserRenamed)")

        def register(handler: H) -> H:
            for event_type in event_types:
                self._add(event_type, handler)
            return handler

        return register

    def __call__(self, event: Any, /) -> Iterable[Target]:
        return tuple(
            target
            for event_type, handler in self._handlers
            if isinstance(event, event_type)
            for target in targets_of(handler, event)
        )

    def _add(self, event_type: type[Any], handler: Invalidator) -> None:
        if not isinstance(event_type, type):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigurationError(
                f"events are told apart by their class; {event_type!r} is none"
            )
        self._handlers.append((event_type, _plain(handler)))


def invalidators_of(given: Invalidator | Iterable[Invalidator]) -> list[Invalidator]:
    """One or several; a `ConfigurationError` for what is none."""
    several = given if isinstance(given, Iterable) and not callable(given) else [given]
    return [_plain(invalidator) for invalidator in several]


def targets_of(invalidator: Invalidator, event: Any) -> tuple[Target, ...]:
    """What `invalidator` says about `event`; a `TypeError` if that is no targets."""
    answer: object = invalidator(event)
    targets = _as_targets(answer)
    if targets is None:
        name = getattr(invalidator, "__qualname__", None) or repr(invalidator)
        raise TypeError(
            f"{name} returned {answer!r} for a {type(event).__qualname__}; an invalidator is a "
            "plain function and returns Key, Tag or Prefix objects, [] for nothing"
        )
    return targets


def _plain(handler: object) -> Invalidator:
    if not callable(handler) or iscoroutinefunction(handler):
        raise ConfigurationError(f"{handler!r} is no plain function of an event")
    return cast("Invalidator", handler)


def _as_targets(answer: object) -> tuple[Target, ...] | None:
    if isinstance(answer, TARGETS):
        return (answer,)
    if not isinstance(answer, Iterable):
        return None
    targets = tuple(cast("Iterable[object]", answer))
    return targets if _are_targets(targets) else None


def _are_targets(targets: tuple[object, ...]) -> TypeGuard[tuple[Target, ...]]:
    return all(isinstance(target, TARGETS) for target in targets)


def _always(given: object) -> Invalidator:
    targets = _as_targets(given)
    if targets is None:
        raise ConfigurationError(
            f"an EventMap maps types to targets (Key, Tag, Prefix) or functions, not {given!r}"
        )
    return lambda _: targets


def _checked(what: str, text: str) -> str:
    if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"{what}() takes a str, not {text!r}, a {type(text).__qualname__}")
    if not text:
        raise ConfigurationError(f"{what}() must not be empty")
    return text


def _filled(text: str, values: tuple[Any, ...]) -> str:
    template = Template(_checked("Key", text), escape=True)
    if any(template.fields):
        raise ConfigurationError(f"Key({text!r}, …) takes its values in order: write '{{}}'")
    if len(template.fields) != len(values):
        raise ConfigurationError(
            f"Key({text!r}, …) has {len(template.fields)} '{{}}' for {len(values)} values"
        )
    return template.fill(map(text_of, values))
