"""What came twice is remembered."""

from cachekit.remembered import Remembered


def test_a_key_is_known_from_the_second_time_on() -> None:
    some: Remembered[str, int] = Remembered()
    some.put("a", 1)
    assert some.known == {}
    some.put("a", 2)
    assert some.known == {"a": 2}
    some.put("a", 3)
    assert some.known == {"a": 3}


def test_it_is_bounded() -> None:
    some: Remembered[int, int] = Remembered(most=3)
    for number in range(100):
        some.put(number % 7, number)
        some.put(number % 5, number)
        assert len(some.known) <= 3
        assert len(some._once) <= 3


def test_who_goes_through_many_keys_drives_out_none() -> None:
    some: Remembered[int, int] = Remembered(most=10)
    for _ in range(2):
        some.put(-1, 0)
    for _ in range(3):
        for number in range(100):
            some.put(number, number)
    assert some.known == {-1: 0}


def test_what_is_forgotten_has_to_come_twice_again() -> None:
    some: Remembered[str, int] = Remembered()
    some.put("b", 1)
    for _ in range(2):
        some.put("a", 1)
    some.forget()
    some.put("a", 1)
    some.put("b", 1)
    assert some.known == {}
