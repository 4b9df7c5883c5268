"""Whatever clients and applications send: no exception, and nobody gets what is another's."""

import asyncio
from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cachekit import Cache
from cachekit.http import ResponseCache
from cachekit.http.fields import combined, first, lines
from cachekit.http.stored import StoredSerializer
from cachekit.testing import FakeClock
from cachekit_memory import MemoryBackend
from tests.http.conformance.playing import Answered, Raw, all_quiet, answer_of

NOISE = st.binary(max_size=12).map(
    lambda text: text.translate(None, b"\r\n\0")  # servers let none of these through
)
TAGS = st.sampled_from(
    [b'"a"', b'W/"a"', b"a", b'"', b'W/"', b'"a" "b"', b'"a","b"', b"*", b'w/"a"', b'"\xff"', b""]
)
DATES = st.sampled_from(
    [
        b"Tue, 14 Nov 2023 22:13:20 GMT",
        b"Tue, 14 Nov 2023 22:13:99 GMT",
        b"Sunday, 06-Nov-94 08:49:37 GMT",
        b"Sun Nov  6 08:49:37 1994",
        b"Fri, 31 Feb 2038 01:01:01 GMT",
        b"Fri, 01 Jan 9999 00:00:00 GMT",
        b"Sat, 01 Jan 0000 00:00:00 GMT",
        b"0",
        b"-1",
        b"",
    ]
)
NUMBERS = st.sampled_from([b"0", b"5", b"-1", b"9" * 400, b"\xb2", b"1.5", b'"5"', b"5, 6", b" 5"])
DIRECTIVES = st.sampled_from(
    [
        *(b"max-age=60", b"max-age=", b"max-age=-1", b'max-age="60"', b"max-age=60.5", b"max-age"),
        *(
            b"s-maxage=60",
            b"s-maxage=\xb2",
            b"public",
            b"no-cache",
            b'no-cache="x',
            b'no-cache="x"',
        ),
        *(
            b"private",
            b'private="x-a"',
            b"private=",
            b"no-store",
            b"must-understand",
            b"only-if-cached",
        ),
        *(b"stale-while-revalidate=60", b"stale-if-error=60", b"must-revalidate", b"max-stale"),
        *(b"max-stale=x", b"min-fresh=1", b'"', b"=", b"\\", b";", b"max-age=" + b"9" * 400),
    ]
)
CONTROLS = st.lists(st.one_of(DIRECTIVES, DIRECTIVES, NOISE), max_size=4).map(b", ".join)
VARIES = st.sampled_from(
    [
        *(b"x-a", b"X-A", b"x-a,", b"x-b, x-a", b"*", b", *", b'"x-a"', b"x-a; x-b", b"x-a x-b"),
        *(b"x-a\t", b"X-A=1", b'x-b, "x-a', b"x-b"),
    ]
)
RANGES = st.sampled_from(
    [b"bytes=0-1", b"bytes=-1", b"bytes=99-", b"bytes=1-0", b"bytes=0-1,2-3", b"bytes=", b"x=1-2"]
)
CACHE_GROUPS = st.sampled_from([b'"a"', b'"a', b"a", b"()", b'"a", 1', b'"' + b"a" * 99 + b'"'])
TARGETED = st.sampled_from(
    [
        b"max-age=60",
        b'max-age="60"',
        b"max-age=60.0",
        b"no-store=()",
        b"private;a=?1",
        b"max-age=(",
        b"",
    ]
)

KEPT = (b"cache-control", b"max-age=60, public, stale-if-error=60, stale-while-revalidate=60")


def fields(**named: st.SearchStrategy[bytes]) -> st.SearchStrategy[Raw]:
    """Some lines of those fields, and of any other one."""
    each = [
        st.tuples(st.just(name.replace("_", "-").encode()), value) for name, value in named.items()
    ]
    return st.lists(st.one_of(*each), max_size=4)


SENT = fields(
    cache_control=CONTROLS,
    if_none_match=TAGS,
    if_modified_since=DATES,
    if_range=st.one_of(TAGS, DATES),
    range=RANGES,
    pragma=st.sampled_from([b"no-cache", b'"']),
    x_a=st.sampled_from([b"1", b"2", b"", b"1, 2"]),
    authorization=st.sampled_from([b"anna", b"ben"]),
    cookie=st.sampled_from([b"id=anna", b"id=ben", b"=", b";;", b"\xff"]),
    x_api_key=st.sampled_from([b"1", b"2"]),
)
ANSWERED = fields(
    cache_control=CONTROLS,
    cdn_cache_control=TARGETED,
    expires=DATES,
    date=DATES,
    last_modified=DATES,
    age=NUMBERS,
    etag=TAGS,
    vary=VARIES,
    connection=st.sampled_from([b"x-a", b"close", b'"', b"etag, vary"]),
    content_type=NOISE,
    set_cookie=NOISE,
    cache_groups=CACHE_GROUPS,
    cache_group_invalidation=CACHE_GROUPS,
    location=st.sampled_from([b"/b", b"//", b"http://[", b"http://a:b/", b"\xff", b"?"]),
    content_location=st.sampled_from([b"/a", b"http://[::1", b"http://origin.test:99999/"]),
    strange=NOISE,
)


@dataclass(frozen=True, slots=True)
class Turn:
    """A request, and what is answered if it comes through."""

    method: str
    path: str
    sent: Raw
    status: int
    answered: Raw
    wait: float


TURNS = st.lists(
    st.builds(
        Turn,
        method=st.sampled_from(["GET"] * 8 + ["HEAD", "POST", "OPTIONS", "FOO"]),
        path=st.sampled_from(["/a"] * 6 + ["/a?", "/a?q", "/b", "/%61", "//a", "/A"]),
        sent=SENT,
        status=st.sampled_from([200] * 8 + [203, 301, 404, 500, 503]),
        answered=st.one_of(ANSWERED, ANSWERED.map(lambda found: [KEPT, *found])),
        wait=st.sampled_from([0.0, 0.0, 1.0, 1.0, 30.0, 70.0, 100_000.0]),
    ),
    min_size=2,
    max_size=6,
)


def due(turn: Turn, *, vary: bool) -> bytes:
    """What an application gives that looks at who asks, and, if it says so, at one field more.

    It says nothing of the former: that it does is a mistake, and the usual one.
    """
    who = [combined(turn.sent, name) for name in (b"authorization", b"cookie", b"x-api-key")]
    return repr((turn.path.rstrip("?"), who, combined(turn.sent, b"x-a") if vary else "")).encode()


async def noisy(scope: Any, receive: Any, send: Any) -> None:
    """An application that answers a turn as that says."""
    turn: Turn = scope["turn"]
    body, status = due(turn, vary=varies(turn)), turn.status
    tag = first(turn.answered, b"etag")
    if status == 200 and tag and tag in lines(scope["headers"], b"if-none-match"):
        status = 304
    body = b"" if status == 304 or scope["method"] == "HEAD" else body
    await asyncio.sleep(0)
    headers = list(turn.answered)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await asyncio.sleep(0)
    await send({"type": "http.response.body", "body": body})


def varies(turn: Turn) -> bool:
    return b"x-a" in (combined(turn.answered, b"vary") or b"").lower()


def check(turn: Turn, answered: Answered) -> None:
    sent = {name for name, _ in turn.sent}
    status, body = answered.status, answered.body
    if status == 304:
        assert sent & {b"if-none-match", b"if-modified-since"}
    elif status == 504:
        assert b"only-if-cached" in (combined(turn.sent, b"cache-control") or b"")
    elif turn.method == "HEAD" or status == 416:
        assert body == b""
    elif status == 206:
        assert b"range" in sent
        assert any(body in due(turn, vary=vary) for vary in (True, False))
    else:
        assert body in [due(turn, vary=vary) for vary in (True, False)]


async def play(turns: list[Turn], options: dict[str, Any]) -> None:
    """Turns without a wait between them come at once."""
    clock = FakeClock()
    backend = MemoryBackend(clock=clock)
    async with Cache(backend, clock=clock, serializer=StoredSerializer()) as cache:
        cached = ResponseCache(noisy, cache, clock=clock, **options)
        while turns:
            last = next((at for at, turn in enumerate(turns) if turn.wait), len(turns) - 1)
            crowd, turns = turns[: last + 1], turns[last + 1 :]
            answers = await asyncio.gather(*(answer_of(cached, scope_of(turn)) for turn in crowd))
            for turn, answered in zip(crowd, answers, strict=True):
                check(turn, answered)
            await all_quiet()
            clock.advance(crowd[-1].wait)


def scope_of(turn: Turn) -> dict[str, Any]:
    path, _, query = turn.path.partition("?")
    return {
        "type": "http",
        "scheme": "http",
        "method": turn.method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(b"host", b"origin.test"), *turn.sent],
        "turn": turn,
    }


@settings(max_examples=50, deadline=None)
@given(TURNS)
def test_noise_in_fields(turns: list[Turn]) -> None:
    asyncio.run(play(turns, {}))


@settings(max_examples=50, deadline=None)
@given(TURNS)
def test_noise_in_fields_with_all_options(turns: list[Turn]) -> None:
    asyncio.run(play(turns, {"heuristics": True, "targets": ["CDN-Cache-Control"]}))
