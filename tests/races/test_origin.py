"""The judge of answers that processes get."""

import asyncio

from tests.races.origin import Origin, Question, Value


def test_an_answer_is_judged_by_what_was_acknowledged_before_the_question() -> None:
    origin = Origin()
    versions = origin.commit([3])
    before = origin.ask(3)
    origin.acknowledge(versions)
    old, new = Value(3, 0, 0, False), Value(3, 1, 0, False)
    assert origin.wrong(before, old) == origin.wrong(before, new) == ""
    assert "1 was acknowledged before" in origin.wrong(origin.ask(3), old)
    assert origin.wrong(origin.ask(3), new) == ""


def test_an_older_acknowledgement_that_comes_late_lowers_nothing() -> None:
    origin = Origin()
    first, second = origin.commit([3]), origin.commit([3])
    origin.acknowledge(second)
    origin.acknowledge(first)
    assert origin.ask(3).floor == 2


def test_the_value_of_another_key_and_one_from_the_future_are_wrong() -> None:
    origin, question = Origin(), Question(3, 0, 0)
    assert "value of key 4" in origin.wrong(question, Value(4, 0, 0, False))
    assert "there never was" in origin.wrong(question, Value(3, 1, 0, False))


async def test_a_load_tells_whether_it_was_overtaken() -> None:
    origin = Origin()
    assert not any(value.overtaken for value in (await origin.load([1, 2])).values())
    loading = asyncio.create_task(origin.load([1, 2]))
    await asyncio.sleep(0)
    assert origin.under_load() == [1, 2]
    origin.acknowledge(origin.commit([1]))
    assert [value.overtaken for value in (await loading).values()] == [True, False]
    assert origin.under_load() == []
