"""Whether a spinner in the window title tells of work."""

from math import inf

import pytest

from inspan.terminal.titles import TitleSpinner

pytestmark = pytest.mark.requirement("B4")


def seen(*titles: tuple[float, str], typed: bool = True) -> TitleSpinner:
    spinner = TitleSpinner()
    for at, title in titles:
        spinner.seen(title, at, typed=typed)
    return spinner


def test_one_that_never_turned_is_work_while_it_stands() -> None:
    assert seen((0, "agent"), (1, "✦ agent")).until == inf


def test_one_that_turned_is_work_while_it_turns() -> None:
    turned = [(at / 10, f"{'⠋⠙⠹⠸'[at % 4]} agent") for at in range(8)]
    assert seen((-1, "agent"), *turned).until == pytest.approx(2.7)


def test_one_that_turns_slowly_is_given_three_times_what_it_took() -> None:
    turned = [(at * 1.5, f"{'⠂⠐'[at % 2]} agent") for at in range(8)]
    assert seen((-1, "agent"), *turned).until == pytest.approx(10.5 + 4.5)


def test_one_that_begins_again_is_given_time_to_turn() -> None:
    turned = [(at / 10, f"{'⠋⠙⠹⠸'[at % 4]} agent") for at in range(8)]
    assert seen((-1, "agent"), *turned, (1, "agent"), (9, "⠋ agent")).until == 11.0


def test_pictures_that_took_turns_now_and_then_are_no_spinner() -> None:
    assert seen((0, "agent"), (1, "✦ works"), (20, "✶ waits"), (40, "✦ works")).until == inf


def test_the_sign_of_a_name_tells_nothing_until_it_is_gone() -> None:
    assert seen((0, "✻ agent"), typed=False).until == -inf
    assert seen((0, "✻ agent"), (1, "agent"), (2, "✻ agent"), typed=False).until == inf


def test_the_first_title_is_work_where_somebody_has_typed() -> None:
    assert seen((0, "✻ agent")).until == inf
