"""Nothing is imported that bytes name, so a type that asks for it is refused."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field, ImportString

from cachekit.errors import ConfigurationError
from cachekit_pydantic import PydanticSerializer
from tests.typed import shop


class Hooked(BaseModel):
    hook: ImportString[Any]


class Branch(BaseModel):
    hook: Annotated[ImportString[Callable[..., Any]], Field(description="A hook.")] | None = None
    inner: "list[Branch]" = []


@dataclass
class Data:
    by_name: dict[str, tuple[int, Hooked | shop.Tree]]


IMPORTING: list[Any] = [
    *(ImportString, list[ImportString[Any]], Hooked, Hooked | None, Branch, Data),
    *(shop.Page[Hooked], shop.Page[ImportString[Any]]),
]


@pytest.mark.parametrize("annotation", IMPORTING, ids=str)
def test_a_type_that_imports_is_refused(annotation: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^.*ImportString would .*; annotate str"):
        PydanticSerializer(annotation)
