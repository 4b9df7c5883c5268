"""The suite for authors of backends notices lies; that it passes the truth, others show."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings

from cachekit.testing.backends import BackendSuite, likeness
from tests.testing import lying_backends

FILE = Path(lying_backends.__file__)
ROOT = FILE.parents[2]

LIKE_THE_REFERENCE = "it_answers_what_the_reference_answers"

LIES: list[tuple[str, str]] = [
    ("LosesWrites", "thousands_of_keys_in_one_batch"),
    ("LosesWrites", LIKE_THE_REFERENCE),
    ("IgnoresConditions", "a_write_happens_on_its_condition"),
    ("IgnoresConditions", "a_deletion_happens_on_its_condition"),
    ("IgnoresConditions", LIKE_THE_REFERENCE),
    ("MixesUpKeys", "each_read_has_its_own_answer"),
    ("ServesWhatExpired", "past_its_time_it_is_absent"),
    ("ServesWhatExpired", LIKE_THE_REFERENCE),
    ("IsNotAtomic", "absent_is_won_by_one"),
    ("IsNotAtomic", "a_version_is_replaced_by_one"),
    ("IsNotAtomic", "a_version_is_deleted_by_one"),
    ("IsNotAtomic", "no_count_is_lost"),
    ("IsAtomicInOneProcess", "absent_is_won_by_one"),
    ("IsAtomicInOneProcess", "no_count_is_lost"),
    ("ForgetsACapability", "it_has_what_it_claims"),
    ("ClaimsTooMuch", "it_has_what_it_claims"),
    ("GoesByName", "it_answers_for_no_token_that_it_does_not_know"),
    ("LosesTags", "what_was_written_is_read"),
    ("LosesTags", LIKE_THE_REFERENCE),
    ("SortsTags", "hundreds_of_tags"),
    ("StopsAtARefusal", "there_is_one_outcome_for_each_write"),
    ("TellsOutcomesOnce", "a_batch_is_applied_in_order"),
    ("AddsNothingToWhatExpired", "past_its_time_it_is_absent"),
    ("ReplacesWhatExpired", "past_its_time_it_is_absent"),
    ("KeepsTheFirstTime", "the_last_write_says_how_long"),
    ("KeepsTheFirstTime", "the_same_version_renews"),
    ("NeverExpiresWhatItRenews", "the_same_version_renews"),
    ("NeverExpiresWhatItRenews", "the_same_version_may_shorten"),
    ("EndsWhatIsStale", "freshness_does_not_end_it"),
    ("BearsAnew", "a_value_is_fresh_as_long_as_it_was"),
    ("ReadsPatterns", "no_character_of_a_prefix_stands_for_others"),
    ("ForgetsAllForNoPrefix", "several_prefixes_at_once"),
    ("ForgetsAPage", "thousands_are_forgotten"),
    ("FoldsCase", "every_character_of_a_key_counts"),
    ("CutsLongKeys", "every_character_of_a_long_key_counts"),
    ("CountsInFloats", "all_bits_of_a_version_count"),
    ("RemembersForItself", "what_is_acknowledged_is_seen_by_all"),
    ("RemembersForItself", "what_the_store_lost_is_absent"),
    ("RefusesTheUnreadable", "what_cannot_be_read_is_absent"),
    ("RaisesTheUnreadable", "what_cannot_be_read_is_absent"),
    ("RaisesTheUnreadable", "the_bytes_of_another_key_are_absent"),
    ("AnswersNone", "a_read_answers_what_was_asked"),
    ("LeavesATask", "closing_leaves_no_task_behind"),
    ("StaysOnItsLoop", "it_can_be_opened_on_another_event_loop"),
    ("ComesBack", "what_was_forgotten_does_not_come_back"),
    ("SharesOneFate", "a_cancelled_caller_harms_no_other"),
    ("SuspendsInSecret", "a_local_backend_that_never_suspends_needs_no_event_loop"),
    ("IsLocalOnceOpen", "it_knows_before_it_is_open_whether_it_is_local"),
    ("KnowsNoThreads", "a_local_backend_that_never_suspends_is_atomic_between_threads"),
    ("PeeksBlindly", "what_was_invalidated_is_not_served"),
    ("PeeksBlindly", "what_was_never_valid_is_not_served"),
    ("PeeksBlindly", LIKE_THE_REFERENCE),
    ("PeeksAtWhatWas", "what_has_gone_is_not_served"),
    ("PeeksAtNothing", "a_peek_finds_what_was_written"),
    ("DrawsHomesByLot", "a_key_stays_at_its_home"),
    ("NamesHomesAsItLikes", "each_home_has_a_name"),
    ("SendsAway", "every_key_has_a_home"),
    ("LeavesClaimsAlone", "a_claim_is_at_the_home_of_its_value"),
    ("TakesRecordsForKeys", "a_record_of_a_home_is_there"),
    ("SpreadsAHome", "what_has_one_home_is_on_one_node"),
    ("MixesUpHomes", "each_home_keeps_its_records"),
    ("HasLessRoom", "as_much_as_there_is_room_for_is_kept"),
    ("HasRoomForAWhile", "as_much_as_there_is_room_for_is_kept"),
    ("KnowsNoRoom", "there_is_so_much_room"),
]

MESSAGES: list[tuple[str, str, str]] = [
    ("IsNotAtomic", "absent_is_won_by_one", "callers got DONE for one ABSENT"),
    ("IsNotAtomic", "a_version_is_deleted_by_one", "callers got DONE for one expected version"),
    ("IsNotAtomic", "no_count_is_lost", "though its expected version had been replaced"),
    ("ForgetsACapability", "it_has_what_it_claims", "forget_prefix>}, capability() gives None"),
    ("ClaimsTooMuch", "it_has_what_it_claims", "forget_prefix>}, the suite's `capabilities` lacks"),
    ("ServesWhatExpired", "past_its_time_it_is_absent", "what was kept for 0.5 s is there after"),
    ("HasLessRoom", "as_much_as_there_is_room_for_is_kept", "5000 bytes of 5000 were not written"),
    ("HasRoomForAWhile", "as_much_as_there_is_room_for_is_kept", "were written, in vain"),
    ("ComesBack", "what_was_forgotten_does_not_come_back", "came back after close() and open()"),
]


class Asked:
    """A plug-in that runs what the lies are about, and hears which tests failed, and how."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self.failed: dict[tuple[str, str], str] = {}
        self._tests: dict[str, tuple[str, str]] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            test: Any = item
            liar = test.callspec.params["liar"]
            self._tests[item.nodeid] = liar, test.originalname.removeprefix("test_")
        self.order = list(dict.fromkeys(test for _, test in self._tests.values()))
        items[:] = [item for item in items if self._tests[item.nodeid] in LIES]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.failed:
            self.failed[self._tests[report.nodeid]] = report.longreprtext


@contextmanager
def unshrunk() -> Iterator[None]:
    """Hypothesis says that something fails, and does not look for a small example."""
    settings.register_profile("before", settings.default)
    settings.register_profile("unshrunk", phases=[Phase.generate], database=None)
    settings.load_profile("unshrunk")
    try:
        yield
    finally:
        settings.load_profile("before")


@cache
def noticed() -> Asked:
    """What the suite has noticed.

    No plug-in is there but ours and that of Hypothesis: the suite needs none.
    """
    asked = Asked()
    without = [
        f"no:{name}" for name in ("asyncio", "anyio", "timeout", "cacheprovider", "terminal")
    ]
    plugins = [part for name in without for part in ("-p", name)]
    files = ["-c", os.devnull, "--rootdir", str(ROOT), str(FILE)]
    with unshrunk():
        pytest.main([*plugins, *files], plugins=[asked])
    return asked


@pytest.mark.parametrize(("liar", "test"), LIES)
def test_a_lie_is_noticed(liar: str, test: str) -> None:
    assert (liar, test) in noticed().failed


@pytest.mark.parametrize(("liar", "test", "message"), MESSAGES)
def test_the_promise_that_is_broken_is_named(liar: str, test: str, message: str) -> None:
    assert message in noticed().failed[liar, test]


def test_what_is_simple_comes_first() -> None:
    """So that the first failure can be read."""
    order = noticed().order
    assert order[0] == "what_was_written_is_read"
    assert order.index("past_its_time_it_is_absent") < order.index("absent_is_won_by_one")
    assert order[-1] == LIKE_THE_REFERENCE


def test_the_search_for_a_small_history_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(likeness, "monotonic", lambda: now[0])
    small, large = [likeness.Wait(0.5)], [likeness.Wait(1.0)]
    shrinking = likeness.Shrinking()
    now[0] += 2 * likeness.SHRINKING
    assert not shrinking.leaves_out(large), "there is no end to it while nothing has failed"
    shrinking.note(large)
    assert not shrinking.leaves_out(small)
    now[0] += 2 * likeness.SHRINKING
    assert shrinking.leaves_out(small)
    assert not shrinking.leaves_out(large), "what has failed fails again"


def test_every_liar_is_asked() -> None:
    assert {liar for liar, _ in LIES} == lying_backends.LIARS.keys()


def test_every_test_has_a_name_that_the_table_may_use() -> None:
    names = {f"test_{test}" for _, test in LIES}
    assert [name for name in names if not hasattr(BackendSuite, name)] == []
