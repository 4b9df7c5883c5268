"""Several answers of one URL, by what requests say."""

from cachekit.http import Rule
from cachekit.http.exchange import Scope
from tests.http.helpers import Reply, Sites, fresh


def greeting(scope: Scope) -> Reply:
    """In the language that is asked for."""
    said = dict(scope["headers"]).get(b"accept-language", b"none")
    return fresh(said, vary="Accept-Language")


async def test_each_language_has_an_answer_of_its_own(site: Sites) -> None:
    at = site(greeting)
    for _ in range(2):
        for language in ("de", "en", "fr"):
            assert (await at.ask(accept_language=language)).body == language.encode()
        assert (await at.ask()).body == b"none"
    assert at.origin.calls == 4


async def test_variants_are_told_apart_in_the_status(site: Sites) -> None:
    at = site(greeting)
    said = [(await at.ask(accept_language=each)).cache for each in ("de", "en", "en")]
    assert said == ["fwd=uri-miss; stored", "fwd=vary-miss; stored", "hit; ttl=60"]


async def test_all_variants_are_forgotten_together(site: Sites) -> None:
    at = site(greeting)
    for language in ("de", "en", "fr"):
        await at.ask(accept_language=language)
    await at.ask(method="POST")
    calls = at.origin.calls
    for language in ("en", "fr", "de"):
        assert (await at.ask(accept_language=language)).cache.startswith("fwd=")
    assert at.origin.calls == calls + 3


async def test_variants_outlive_the_first_one_and_take_its_place(site: Sites) -> None:
    at = site(greeting)
    await at.ask(accept_language="de")
    at.clock.advance(30)
    await at.ask(accept_language="en")
    at.clock.advance(30)
    assert (await at.ask(accept_language="en")).body == b"en"
    assert (await at.ask(accept_language="de")).body == b"de"
    assert (await at.ask(accept_language="en")).body == b"en"


def deeper(scope: Scope) -> Reply:
    """An answer that depends on more, if it is German."""
    fields = dict(scope["headers"])
    said = fields.get(b"accept-language", b"")
    if said != b"de":
        return fresh(said, vary="Accept-Language")
    return fresh(said + fields.get(b"x-form", b""), vary="Accept-Language, X-Form")


async def test_a_variant_may_vary_on_more(site: Sites) -> None:
    at = site(deeper)
    asks = [("en", "1"), ("de", "1"), ("de", "2"), ("en", "2"), ("de", "3")]
    for _ in range(2):
        for language, form in asks:
            got = await at.ask(accept_language=language, x_form=form)
            assert got.body == (b"en" if language == "en" else b"de" + form.encode())
    assert at.origin.calls == 4


async def test_a_chain_that_is_too_long_asks_the_application(site: Sites) -> None:
    def endless(scope: Scope) -> Reply:
        fields = dict(scope["headers"])
        depth = int(fields[b"x-0"])
        return fresh(fields[b"x-0"], vary=", ".join(f"X-{n}" for n in range(depth + 1)))

    at = site(endless)
    for depth in range(8):
        got = await at.ask(x_0=str(depth))
        assert got.body == str(depth).encode()


async def test_a_star_anywhere_is_never_stored(site: Sites) -> None:
    at = site(fresh("one", vary=["Accept", "x, *"]))
    await at.ask()
    await at.ask()
    assert at.origin.calls == 2


async def test_a_variant_that_stops_to_vary_is_for_its_own_requests(site: Sites) -> None:
    def fickle(scope: Scope) -> Reply:
        said = dict(scope["headers"]).get(b"accept-language", b"")
        return fresh(said) if said == b"de" else fresh(said, vary="Accept-Language")

    at = site(fickle)
    for _ in range(2):
        for language in ("en", "de", "fr"):
            assert (await at.ask(accept_language=language)).body == language.encode()


async def test_cookies_that_an_answer_varies_on_keep_users_apart(site: Sites) -> None:
    def user(scope: Scope) -> Reply:
        return fresh(dict(scope["headers"]).get(b"cookie", b""), vary="Cookie")

    at = site(user, rules=[Rule(path="/", cookies=[])])
    for _ in range(2):
        for cookie in ("s=alice", "s=bob", "s=alice, x", "s=alice,x"):
            assert (await at.ask(cookie=cookie)).body == cookie.encode()
