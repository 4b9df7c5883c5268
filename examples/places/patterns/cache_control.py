"""Cache-Control by route, and the front page kept as a whole answer.

Caches outside cannot be called back, so they get seconds; ours hears of updates, and keeps the page
for an hour. Endpoints with a `cache_policy` of their own speak for themselves; for all that says
nothing, the last rule does.
"""

import asyncio
from html import escape

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from cachekit import Cache
from cachekit.http import CacheControl, ResponseCache, Rule
from cachekit.http.exchange import App
from examples.places.dependencies import UseDatabase
from examples.places.models import Place
from examples.places.patterns import key_naming
from examples.places.queries import select_front_page

router = APIRouter()

RULES = (
    Rule(
        path="/",
        browser=CacheControl(public=True, max_age=10),
        server=CacheControl(max_age=3600),
        cookies=[],  # everyone gets the same page, whoever they are
        tags=[key_naming.ALL_PLACES.name, key_naming.FEATURE.name],
    ),
    Rule(path="/*", browser=CacheControl(private=True, no_cache=True), store=False),
)


def in_front_of(app: App, cache: Cache) -> ResponseCache:
    """`app` behind a response cache. Outermost: a hit runs nothing of the application."""
    return ResponseCache(app, cache, rules=RULES)


@router.get("/", response_class=HTMLResponse)
async def read_front_page(database: UseDatabase) -> str:
    """The featured places, and the largest ones."""
    featured, largest = await asyncio.to_thread(select_front_page, database)
    return f"<h1>Places</h1>{_list('Featured', featured)}{_list('Largest', largest)}"


def _list(title: str, places: list[Place]) -> str:
    items = "".join(
        f'<li><a href="places/{place.id}">{escape(place.name)}</a> {place.population:,}'
        for place in places
    )
    return f"<h2>{title}</h2><ol>{items}</ol>"
