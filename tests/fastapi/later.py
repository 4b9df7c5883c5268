"""Endpoints whose annotations are text."""

# mypy: disable-error-code="empty-body"

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request
from fastapi.responses import JSONResponse

if TYPE_CHECKING:
    from somewhere import Nowhere  # type: ignore[import-not-found]


def get_it() -> int:
    return 1


It = Annotated[int, Depends(get_it)]


async def plain(id: int) -> int:
    return id


async def by_text(it: It) -> int: ...
async def by_text_of_request(it: Request) -> int: ...
async def of_a_type_for_checkers(it: Nowhere = Depends(get_it)) -> int: ...  # noqa: B008
async def with_a_name_for_checkers(it: int) -> int: ...
async def unknown(it: Annotated[Nowhere, Depends(get_it)]) -> int: ...
async def unknown_response(it: int, response: Nowhere) -> int: ...
def gives_response() -> JSONResponse: ...


with_a_name_for_checkers.__annotations__["it"] = Annotated["Nowhere", Depends(get_it)]
