"""From a call to its key: bound, typed, by template or by function, and fast where it counts."""

import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cachekit.builder import FunctionKey, compile_key
from cachekit.errors import ConfigurationError
from cachekit.invalidation import Key
from cachekit.keys import value_key
from cachekit.recent_keys import EACH

HERE = __name__
UNSET = object()


def keys(function: Callable[..., Any], **options: Any) -> FunctionKey:
    return compile_key(function, **{"namespace": "n", **options})


def natural(function: FunctionKey, *args: Any, **kwargs: Any) -> str:
    return function.natural(args, kwargs)


def two(a: Any, b: Any = "x") -> None: ...
def only_by_name(a: Any, *, b: Any, c: Any = None) -> None: ...
def only_by_position(a: Any, b: Any = 2, /) -> None: ...
def any_number(a: Any, *rest: Any, **named: Any) -> None: ...
def named(a: Any = 1, **named: Any) -> None: ...
def nothing() -> None: ...
def unset(a: Any, b: Any = (), c: Any = object) -> None: ...
def unidentified(id: int, db: Any = UNSET) -> None: ...
def café(a: Any = "é") -> None: ...


@dataclass(frozen=True)
class Tenant:
    name: Any
    plan: str = "free"


@dataclass
class Repo:
    tenant: Any

    def get(self, id: Any) -> None: ...
    def plain(self, id: Any, lang: Any = "en") -> None: ...
    def made(cls, id: Any) -> None: ...


class SubRepo(Repo):
    """Inherits everything."""


class Bare:
    def get(self, id: Any) -> None: ...
    def parent(self) -> Any:
        return super().__repr__()


# --- the default key


def test_a_call_is_its_function_and_its_arguments() -> None:
    assert natural(keys(two), 1) == f"{HERE}.two(1,'x')"
    assert keys(two).stored((1,), {}) == f"v:n:{HERE}.two(1,'x')"
    assert keys(two).name == f"{HERE}.two"
    assert natural(keys(nothing)) == f"{HERE}.nothing()"


@pytest.mark.parametrize(
    ("function", "calls"),
    [
        (
            two,
            [
                ((1,), {}),
                ((1, "x"), {}),
                ((), {"a": 1}),
                ((1,), {"b": "x"}),
                ((), {"b": "x", "a": 1}),
            ],
        ),
        (only_by_name, [((1,), {"b": 2}), ((), {"b": 2, "a": 1, "c": None})]),
        (only_by_position, [((1,), {}), ((1, 2), {})]),
        (any_number, [((1,), {"x": 1, "y": 2}), ((), {"y": 2, "a": 1, "x": 1})]),
        (named, [((), {}), ((1,), {}), ((), {"a": 1})]),
        (unset, [((1,), {}), ((1, ()), {}), ((1,), {"c": object})]),
        (café, [((), {}), (("é",), {}), ((), {"a": "é"})]),
    ],
)
def test_spellings_of_one_call_are_one_key(
    function: Any, calls: list[tuple[tuple[Any, ...], dict[str, Any]]]
) -> None:
    key = keys(function)
    assert len({key.natural(*call) for call in calls}) == 1
    assert {key.stored(*call) for call in calls} == {value_key("n", key.natural(*calls[0]))}


def test_more_arguments_and_named_ones_never_mix() -> None:
    key = keys(any_number)
    calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
        *(((1,), {}), ((1, 2), {}), ((1, (2,)), {}), ((1, 2, 3), {}), ((1, {"x": 2}), {})),
        *(((1,), {"x": 2}), ((1,), {"x": "2"}), ((1, "x", 2), {}), ((1,), {"x": 2, "y": 3})),
    ]
    assert len({key.stored(*call) for call in calls}) == len(calls)


@pytest.mark.parametrize(
    "function", [two, only_by_name, only_by_position, named, nothing, any_number]
)
@pytest.mark.parametrize("args", [(), (1,), (1, 2), (1, 2, 3)])
@pytest.mark.parametrize("kwargs", [{}, {"a": 1}, {"b": 2}, {"z": 1}, {"b": 2, "z": 1}])
@pytest.mark.parametrize("key", [None, "k"])
def test_wrong_arguments_are_the_error_of_the_call_itself(
    function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], key: str | None
) -> None:
    build = keys(function, key=key)
    called = outcome(lambda: function(*args, **kwargs))
    if called is None:
        assert build.stored(args, kwargs) == value_key("n", build.natural(args, kwargs))
    else:
        assert outcome(lambda: build.stored(args, kwargs)) == called
        assert outcome(lambda: build.natural(args, kwargs)) == called


def test_ignored_arguments_are_left_out() -> None:
    def load(db: Any, id: int, log: Any = None) -> None: ...

    key = keys(load, ignore=("db", "log"))
    assert natural(key, object(), 1) == f"{HERE}.{load.__qualname__}(1)"
    assert key.stored((object(), 1, object()), {}) == key.stored((), {"db": 0, "id": 1})


@pytest.mark.parametrize(
    ("ignore", "message"),
    [
        (("dbx",), r"ignore='dbx': .*two has no such parameter, only \['a', 'b'\]"),
        ("a", r"write ignore=\('a',\)"),
        ((1,), "each is a str"),
    ],
)
def test_ignore_names_parameters(ignore: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        keys(two, ignore=ignore)


def test_a_name_takes_the_place_of_module_and_qualname() -> None:
    assert natural(keys(two, name="two"), 1) == "two(1,'x')"
    with pytest.raises(ConfigurationError, match="name='': write a str"):
        keys(two, name="")


def test_what_has_no_identity_names_argument_function_and_ways_out() -> None:
    with pytest.raises(
        TypeError, match=r"two, argument 'b': a builtins\.object has no identity"
    ) as caught:
        keys(two).stored((1, object()), {})
    for way in ("cache_key()", "dataclass", "ignore=('b',)", "key="):
        assert way in str(caught.value)


def test_a_value_that_contains_itself_names_its_argument() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(ValueError, match=r"two, argument 'a': .* contains itself"):
        keys(two).stored((loop,), {})


def test_a_default_without_identity_is_an_error_only_where_it_is_used() -> None:
    key = keys(unidentified)
    assert natural(key, 1, 2).endswith("(1,2)")
    with pytest.raises(TypeError, match="argument 'db'"):
        key.stored((1,), {})


def test_a_function_that_captures_variables_needs_a_name_or_a_key() -> None:
    captured = 5

    def inner(a: int) -> int:
        return a + captured

    with pytest.raises(ConfigurationError, match=r"inner captures captured .*key=.*name="):
        keys(inner)
    assert natural(keys(inner, name="inner"), 1) == "inner(1)"
    assert natural(keys(inner, key="i:{a}"), 1) == "i:1"


@pytest.mark.parametrize("function", [lambda a: a, partial(two, 1)])
def test_a_function_without_a_name_needs_one(function: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"has no name of its own"):
        keys(function)
    assert natural(keys(function, name="f"), "x").startswith("f('x'")


def test_a_bound_method_captures_its_object() -> None:
    with pytest.raises(ConfigurationError, match="captures the object it is bound to"):
        keys(Repo("a").get)


def test_a_function_of_the_interpreter_is_one_as_well() -> None:
    assert natural(keys(str.upper), "x") == "builtins.str.upper('x')"
    assert natural(keys(math.factorial), 3) == "math.factorial(3)"


def test_a_wrapper_is_what_it_wraps() -> None:
    def retried(function: Any) -> Any:
        @wraps(function)
        def again(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return again

    assert natural(keys(retried(two)), 1) == natural(keys(two), a=1)


def test_a_method_that_calls_super_captures_nothing() -> None:
    assert keys(Bare.parent, method=True, ignore_self=True).name.endswith("Bare.parent")


def test_what_has_no_signature_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="has no signature"):
        keys(dict, name="dict")


# --- methods


def test_a_method_s_key_holds_its_object() -> None:
    key = keys(Repo.get, method=True)
    assert natural(key, Repo("a"), 1) == f"{HERE}.Repo.get({HERE}.Repo(tenant='a'),1)"
    assert natural(key, Repo("a"), 1) != natural(key, Repo("b"), 1)
    assert key.stored((Repo("a"), 1), {}) == key.stored((), {"id": 1, "self": Repo("a")})


def test_a_method_s_name_holds_the_type_of_its_object() -> None:
    for options in ({}, {"ignore_self": True}, {"name": "get", "ignore_self": True}):
        key = keys(Repo.get, method=True, **options)
        assert key.stored((Repo("a"), 1), {}) != key.stored((SubRepo("a"), 1), {})
        assert f"@{HERE}.SubRepo(" in natural(key, SubRepo("a"), 1)


def test_without_its_object_a_method_s_key_is_as_fast_as_a_function_s() -> None:
    key = keys(Repo.plain, method=True, ignore_self=True)
    assert natural(key, Repo("a"), 1) == f"{HERE}.Repo.plain(1,'en')"
    assert key.stored((Repo("a"), 1), {}) == key.stored((Repo(object()), 1, "en"), {})
    assert python_calls(key.stored, (Repo("a"), 1)) == 1


def test_an_object_without_identity_says_what_to_write() -> None:
    with pytest.raises(
        TypeError, match=r"Bare.get, argument 'self': .*cache_key.*ignore_self=True"
    ):
        keys(Bare.get, method=True).stored((Bare(), 1), {})


def test_of_a_class_method_only_the_class_s_name_counts() -> None:
    key = keys(Repo.made, method=True)
    assert natural(key, Repo, 1) == f"{HERE}.Repo.made(1)"
    assert natural(key, SubRepo, 1) == f"{HERE}.Repo.made@{HERE}.SubRepo(1)"
    fast = keys(Repo.made, method=True, ignore_self=True)
    assert fast.stored((SubRepo, 1), {}) == key.stored((SubRepo, 1), {})


def test_a_method_s_template_must_say_what_its_object_is_worth() -> None:
    with pytest.raises(ConfigurationError, match=r"'\{self\.…\}'.*ignore_self=True"):
        keys(Repo.get, method=True, key="r:{id}")
    assert natural(keys(Repo.get, method=True, key="r:{id}", ignore_self=True), None, 1) == "r:1"
    by_tenant = keys(Repo.get, method=True, key="r:{self.tenant}:{id}")
    assert by_tenant.stored((Repo("a:b"), 1), {}) == "v:n:r:a%3Ab:1"


def test_a_method_without_parameters_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="without a parameter for its object"):
        keys(nothing, method=True)


# --- templates and functions as keys


def test_a_template_is_the_key() -> None:
    key = keys(two, key="two:{b}:{a}")
    assert natural(key, 1, "y:z") == Key("two:{}:{}", "y:z", 1).text == "two:y%3Az:1"
    assert key.stored((1,), {}) == key.stored((), {"a": 1}) == "v:n:two:x:1"
    assert natural(keys(two, key="t:{a.name}"), Tenant("x y")) == "t:x y"


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("{c}", r"two has no parameter 'c'; its parameters: \['a', 'b'\]"),
        ("{}", "name the parameter"),
        ("", "key='': write a str"),
        (5, "key=5: write a str"),
        ("{a", "expected '}'"),
        ("{b}", "uses 'b', which is ignored"),
    ],
)
def test_templates_are_checked_at_decoration(key: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        keys(two, key=key, ignore=("b",))


def test_a_template_that_comes_out_empty_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="key must not be empty"):
        keys(two, key="{a}").stored(("",), {})


def test_a_field_that_cannot_be_filled_names_itself() -> None:
    with pytest.raises(TypeError, match=r"two, template field '\{a\.id\}': .*no attribute 'id'"):
        keys(two, key="t:{a.id}").stored((Tenant(1),), {})
    with pytest.raises(TypeError, match=r"two, template field '\{a\}': .*has no identity"):
        keys(two, key="t:{a}").stored((object(),), {})


def test_a_function_builds_the_key_from_the_arguments_as_given() -> None:
    def build(*args: Any, **kwargs: Any) -> str:
        return f"{args}{kwargs}"

    key = keys(two, key=build)
    assert natural(key, 1, b=2) == "(1,){'b': 2}"
    assert key.stored((1,), {}) == value_key("n", "(1,){}")


@pytest.mark.parametrize("answer", ["", None, 5, b"a"])
def test_a_function_that_builds_no_key_is_named(answer: Any) -> None:
    def careless(a: Any) -> Any:
        return answer

    with pytest.raises(TypeError, match=r"key=.*careless returned .*a str that is not empty"):
        keys(two, key=careless).stored((1,), {})


# --- tags


def test_fixed_tags_are_the_same_for_every_call() -> None:
    key = keys(two, tags=["a", "b{{}}"])
    assert key.static_tags
    assert key.tags((1,), {}) == ("a", "b{}")
    assert keys(two).tags((1,), {}) == ()


def test_tags_are_filled_from_the_call() -> None:
    key = keys(two, tags=["all", "a:{a}:{b}", "{a}{b}"])
    assert not key.static_tags
    assert key.tags((1,), {"b": "x:y"}) == ("all", "a:1:x:y", "1x:y")


@pytest.mark.parametrize(
    ("key", "tag"),
    [
        ("{a.name}", "{a.name}"),
        ("{a}", "{a}"),
        ("{a}", "{a.name}"),
        ("{a.name}", "{a.name.first}"),
        (None, "{a.name}:{b}"),
    ],
)
def test_a_tag_may_use_what_the_key_holds(key: str | None, tag: str) -> None:
    assert not keys(two, key=key, tags=[tag]).static_tags


@pytest.mark.parametrize(
    ("key", "tag", "message"),
    [
        ("{a}", "{b}", r"uses '\{b\}', which key='\{a\}' does not hold"),
        ("{a.name}", "{a}", "does not hold"),
        ("{a.name}", "{a.names}", "does not hold"),
        ("{a.name}", "{a.plan}", "does not hold"),
        (lambda a, b: "k", "{a}", "with a function as key="),
        (None, "{c}", "no parameter 'c'"),
        (None, "{", "Single '{'"),
    ],
)
def test_a_tag_may_use_nothing_else(key: Any, tag: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        keys(two, key=key, tags=["fixed", tag])


def test_a_tag_may_not_use_what_is_left_out() -> None:
    with pytest.raises(ConfigurationError, match="uses 'b', which is ignored"):
        keys(two, ignore=("b",), tags=["{b}"])
    with pytest.raises(ConfigurationError, match="uses 'self', which is ignored"):
        keys(Repo.get, method=True, ignore_self=True, tags=["{self.tenant}"])


@pytest.mark.parametrize("tags", ["products", [""], [5]])
def test_tags_are_names(tags: Any) -> None:
    with pytest.raises(ConfigurationError, match="tags="):
        keys(two, tags=tags)


# --- speed, and that it changes nothing


def python_calls(build: Callable[..., str], args: tuple[Any, ...], **kwargs: Any) -> int:
    """How many Python functions run while the key is built."""
    calls = 0

    def count(frame: Any, event: str, arg: Any) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        build(args, kwargs)
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize("args", [(1,), ("a", 2), (None, True), (1.5, b"x")])
def test_plain_positional_arguments_are_two_python_calls(args: tuple[Any, ...]) -> None:
    assert python_calls(keys(two).stored, args) <= 2


@pytest.mark.parametrize("key", ["two:{a}", "two:{a}:{b}", "{b}/{a}"])
def test_so_are_templates(key: str) -> None:
    assert python_calls(keys(two, key=key).stored, (1, "b")) <= 2


def test_by_name_they_are_three() -> None:
    assert python_calls(keys(two).stored, (), a=1) == 3
    assert python_calls(keys(two, key="two:{a}:{b}").stored, (), a=1) == 3


@pytest.mark.parametrize("key", [None, "two:{a}:{b}", "{b}/{a}"])
def test_what_was_asked_for_a_moment_ago_is_one(key: str | None) -> None:
    stored = keys(two, key=key).stored
    calls: list[tuple[Any, Any]] = [((1, "b"), {}), ((1,), {"b": None}), ((), {"b": 1, "a": "a"})]
    for args, named in calls:
        for _ in range(EACH):
            stored(args, named)
        assert python_calls(stored, args, **named) == 1


def test_ignored_arguments_cost_no_call() -> None:
    assert python_calls(keys(two, ignore=("b",)).stored, (1, object())) == 1


FUNCTIONS: list[tuple[Any, Mapping[str, Any]]] = [
    (two, {}),
    (two, {"key": "two:{a}"}),
    (two, {"key": "{a}"}),
    (two, {"key": "{a}:{b}-%"}),
    (two, {"key": "é {a}"}),
    (two, {"key": "fixed"}),
    (two, {"ignore": ("a",)}),
    (two, {"ignore": ("a", "b")}),
    (two, {"name": "a b"}),
    (only_by_name, {}),
    (only_by_name, {"key": "{b}:{a}"}),
    (only_by_position, {}),
    (any_number, {}),
    (any_number, {"key": "{a}:{rest}:{named}"}),
    (named, {}),
    (unset, {"ignore": ("c",)}),
    (café, {}),
    (Repo.get, {"method": True}),
    (Repo.plain, {"method": True, "ignore_self": True}),
    (Repo.plain, {"method": True, "key": "{self}:{lang}"}),
]
VALUES = st.one_of(
    *(st.integers(), st.booleans(), st.none(), st.floats(), st.binary(max_size=3)),
    *(
        st.text("a:%~ é'", max_size=3),
        st.text(max_size=200),
        st.sampled_from([10**5000, Tenant("a")]),
    ),
    *(
        st.tuples(st.integers()),
        st.lists(st.text(max_size=2)),
        st.sampled_from([Repo(1), SubRepo(1)]),
    ),
)


def outcome(build: Callable[[], Any]) -> Any:
    try:
        return build()
    except (TypeError, ConfigurationError) as error:
        return type(error), str(error)


@given(
    st.sampled_from(FUNCTIONS),
    st.lists(VALUES, max_size=4).map(tuple),
    st.dictionaries(st.sampled_from(["a", "b", "c", "lang", "id", "self"]), VALUES, max_size=3),
)
@example((two, {}), ("a~",), {})
@example((two, {}), (" ",), {})
@example((two, {}), ("x" * 180,), {})
@example((two, {"key": "{a}"}), ("",), {})
@example((two, {"key": "{a}:{b}-%"}), (-1, 2), {})
@example((only_by_name, {}), (1, 2), {})
@example((only_by_name, {}), (1, 2, 3), {})
def test_the_fast_way_and_the_whole_way_agree(
    function: tuple[Any, Mapping[str, Any]], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    key = keys(function[0], **function[1])
    whole = outcome(lambda: value_key("n", key.natural(args, kwargs)))
    assert outcome(lambda: key.stored(args, kwargs)) == whole
