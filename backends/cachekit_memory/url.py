"""Reading `memory://?max_entries=10000&policy=lru`."""

from collections.abc import Sequence
from urllib.parse import parse_qsl, urlsplit

from cachekit.errors import ConfigurationError


def parameters(url: str, known: Sequence[str]) -> dict[str, str]:
    """The parameters in the query of a `memory://` URL, each given once and one of `known`."""
    parts = urlsplit(url)
    if parts.scheme != "memory" or parts.netloc or parts.path.strip("/") or parts.fragment:
        raise ConfigurationError(f"{url!r} is no URL of this backend; write memory://?name=value")
    given: dict[str, str] = {}
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name not in known:
            raise ConfigurationError(
                f"memory:// has no parameter {name!r} (given as {value!r}); "
                f"it takes {', '.join(known)}"
            )
        if name in given:
            raise ConfigurationError(
                f"{name} is given twice, as {given[name]!r} and as {value!r}; give it once"
            )
        given[name] = value
    return given


def number_or_none(name: str, text: str) -> int | None:
    """A whole number; `none` is no bound."""
    if text == "none":
        return None
    try:
        return int(text)
    except ValueError:
        raise ConfigurationError(
            f"{name} must be a whole number, as in {name}=10000, or none for no bound; not {text!r}"
        ) from None
