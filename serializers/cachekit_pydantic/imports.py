"""Types of which reading imports what the bytes name."""

from typing import Any, Final, cast

from pydantic import ImportString, TypeAdapter

from cachekit.errors import ConfigurationError


def refuse_imports(schema: dict[str, Any]) -> None:
    """Raises `ConfigurationError` if it is the core schema of an `ImportString` itself."""
    if _function(schema) in _IMPORTS:
        raise ConfigurationError(
            "an ImportString would import what stored bytes name; annotate str, and import by it "
            "where the value is used"
        )


def _function(schema: Any) -> Any:
    function = schema.get("function")
    return cast("Any", function["function"] if isinstance(function, dict) else function)


_IMPORTS: Final = [_function(TypeAdapter[Any](ImportString).core_schema)]
