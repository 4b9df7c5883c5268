"""What a policy can be."""

from typing import Any

import pytest

from cachekit import ConfigurationError
from cachekit.http.cache_control import CacheControl
from cachekit.http.policy import Policy


def test_lifetimes_for_browsers_and_for_the_server_are_apart() -> None:
    policy = Policy(browser=CacheControl(max_age=5), server=CacheControl(max_age=60))
    assert (str(policy.browser), str(policy.server)) == ("max-age=5", "max-age=60")


def test_one_that_says_nothing_is_an_error_that_says_what_to_write() -> None:
    with pytest.raises(ConfigurationError, match=r"browser=CacheControl\(max_age=60\)"):
        Policy()


@pytest.mark.parametrize("name", ["browser", "server"])
def test_what_is_no_cache_control_is_an_error_that_names_it(name: str) -> None:
    wrong: dict[str, Any] = {name: "max-age=60"}
    with pytest.raises(ConfigurationError, match=f"{name}= is 'max-age=60'"):
        Policy(**wrong)
