"""The response cache, seen from outside: what is asked of shared caches, exchange by exchange."""

from typing import Any

import pytest

from tests.http.conformance import (
    conditions,
    directives,
    keeping,
    lifetimes,
    stale,
    targeted,
    updates,
    variants,
)
from tests.http.conformance.playing import NOTHING, Player
from tests.http.conformance.script import Fields, Script

GROUPS: dict[str, list[Script]] = {
    "lifetimes": lifetimes.EXPLICIT,
    "cache-control syntax": lifetimes.CC_PARSING,
    "age syntax": lifetimes.AGE_PARSING,
    "dates": lifetimes.DATE_PARSING,
    "statuses": lifetimes.STATUSES,
    "heuristics": lifetimes.GUESSES,
    "directives of answers": directives.ANSWERS,
    "directives of requests": directives.REQUESTS,
    "pragma": directives.PRAGMA,
    "targeted": targeted.TARGETED,
    "credentials": targeted.CREDENTIALS,
    "etags": conditions.ETAGS,
    "modification dates": conditions.DATES,
    "updates": updates.UPDATES,
    "vary": variants.VARY,
    "urls": variants.URLS,
    "forgetting": variants.FORGETTING,
    "methods": variants.METHODS,
    "fields": keeping.FIELDS,
    "age": keeping.AGES,
    "ranges": keeping.RANGES,
    "stale": stale.STALE,
}
OPTIONS: dict[str, dict[str, Any]] = {
    "": {},
    "no targets": {},
    "heuristics": {"heuristics": True},
    "targets": {"targets": ["CDN-Cache-Control"]},
}
EVERY = {"heuristics": True, "targets": ["CDN-Cache-Control"]}
NO_OPTIONS: dict[str, Any] = {}
SCRIPTS = [pytest.param(scripts, id=group) for group, scripts in GROUPS.items()]


MEANINGLESS: Fields = {"cache-control": "nothing", "pragma": "nothing", "origin": "http://a"}
"""What libraries of clients send so that nothing else is added to a request."""


async def failing(
    scripts: list[Script],
    *,
    store: bool = False,
    options: dict[str, Any] = NO_OPTIONS,
    always: Fields = NOTHING,
) -> list[str]:
    """What went otherwise than it should; one test for each would take as long for its loop."""
    found: list[str] = []
    for script in scripts:
        both = OPTIONS[script.needs] | options
        try:
            await Player(script, store=store, options=both, always=always).play()
        except AssertionError as error:
            found.append(f"{script.name!r}, {error}")
    return found


@pytest.mark.parametrize("store", [False, True], ids=["in memory", "in a store"])
@pytest.mark.parametrize("scripts", SCRIPTS)
async def test_what_is_asked_of_shared_caches(scripts: list[Script], store: bool) -> None:
    # A clock that jumps ends leases, which nothing renews meanwhile.
    those = [each for each in scripts if not (store and any(step.slow for step in each.steps))]
    assert await failing(those, store=store) == []


@pytest.mark.parametrize("scripts", SCRIPTS)
async def test_the_same_with_all_options_for_clients_that_say_what_means_nothing(
    scripts: list[Script],
) -> None:
    those = [each for each in scripts if not each.needs and not each.bare]
    assert await failing(those, options=EVERY, always=MEANINGLESS) == []


def test_no_two_scripts_of_a_group_have_the_same_name() -> None:
    for scripts in GROUPS.values():
        assert len({script.name for script in scripts}) == len(scripts)
