"""What came of the last prompt: nothing but its own row, or a box that lies over what was said."""

from dataclasses import replace
from math import inf

import pytest

from inspan.terminal.outcome import Came, laid_over, said_stopped, unanswered
from inspan.terminal.usual import hashed

pytestmark = pytest.mark.requirement("B4")

SENT = 10.0
PROMPT = hashed("count the lines of it")
LINE = "─" * 20
BOX = [f"╭{LINE}╮", f"│{'  Zgoda?':20}│", f"│{'  [t] tak  [n] nie':20}│", f"╰{LINE}╯"]


def came(rows: list[tuple[str, float]], *, keyed: float = SENT, turns: int = -1) -> Came:
    """Rows and since when they are there; the last is that in which one types."""
    said, born = zip(*rows, strict=True)
    turning = [at == turns for at in range(len(said))]
    return Came(said, born, turning, range(len(said) - 1, len(said)), SENT, keyed)


ECHO = ("› count the lines of it", SENT + 0.1)
FIELD = ("  Ask me", SENT + 0.1)


def test_a_prompt_with_nothing_below_it_is_unanswered() -> None:
    assert unanswered(came([("It is done.", 2.0), ECHO, ("a-model", 2.0), FIELD]), PROMPT) == 1


def test_what_is_drawn_anew_above_a_prompt_and_what_turns_below_it_is_no_answer() -> None:
    rows = [("It is done.", SENT + 0.1), ECHO, ("Working", SENT + 3), FIELD]
    assert unanswered(came(rows, turns=2), PROMPT) == 1


@pytest.mark.parametrize(
    "rows",
    [
        [ECHO, ("There are 12.", SENT + 2), FIELD],
        [ECHO, ("  Ask me", SENT + 2)],
        [("It is done.", 2.0), FIELD],
    ],
)
def test_an_answer_a_new_prompt_and_no_echo_are_no_such_thing(
    rows: list[tuple[str, float]],
) -> None:
    assert unanswered(came(rows), PROMPT) is None


def test_who_typed_since_or_gave_a_command_waits_for_no_answer() -> None:
    rows = [ECHO, FIELD]
    assert unanswered(came(rows, keyed=SENT + 3), PROMPT) is None
    assert unanswered(came(rows), frozenset()) is None


def boxed(at: float) -> list[tuple[str, float]]:
    return [(row, at) for row in BOX]


STATUS = [("a-model", 2.0), ("idle", 2.0)]


def test_a_box_above_older_words_lies_over_them() -> None:
    rows = [*boxed(SENT + 2), ("It is done.", 4.0), ECHO, *STATUS, FIELD]
    assert laid_over(came(rows)) == range(1, 3)


def test_a_box_in_the_place_of_all_that_was_said_lies_over_it() -> None:
    wide = [(f"{BOX[0]}/a/folder", SENT + 2), *boxed(SENT + 2)[1:]]
    assert laid_over(came([*wide, ("a-model · 34", SENT + 2), FIELD])) == range(1, 3)


@pytest.mark.parametrize(
    "rows",
    [
        [ECHO, *boxed(SENT + 2), *STATUS, FIELD],
        [*boxed(SENT + 2), ("And that is all.", SENT + 3), FIELD],
        [("It is", 2.0), ("done.", 2.0), ECHO, *boxed(SENT + 2), ("Older", 2.0), *STATUS, FIELD],
        [*boxed(SENT - 2), ECHO, FIELD],
        [*boxed(SENT + 2)[:2], (BOX[2], SENT + 3), (BOX[3], SENT + 3), FIELD],
        [*boxed(SENT + 2)[:3], ("It is done.", 2.0), FIELD],
    ],
)
def test_what_was_said_in_a_box_lies_over_nothing(rows: list[tuple[str, float]]) -> None:
    assert laid_over(came(rows)) is None


def test_what_a_key_brought_is_asked_of_nobody() -> None:
    rows = [*boxed(SENT + 2), ("It is done.", 4.0), ECHO, *STATUS, FIELD]
    assert laid_over(came(rows, keyed=SENT + 1.9)) is None
    assert laid_over(replace(came(rows), sent=-inf, keyed=-inf)) is None


STOP = SENT + 5
WORK = ("Running the tests (esc to interrupt)", SENT + 1)


def stopped(rows: list[tuple[str, float]], at: float = STOP) -> int | None:
    return said_stopped(replace(came([ECHO, *rows, FIELD], keyed=at), stopped=at))


def test_who_says_last_that_it_was_stopped_has_ended() -> None:
    assert stopped([WORK, ("Interrupted by user", STOP + 0.2)]) == 2
    assert stopped([WORK, ("■ Cancelled", STOP + 3), ("What now?", STOP + 3.5)]) == 2


@pytest.mark.parametrize(
    "rows",
    [
        [WORK],
        [WORK, ("Interrupted by user", STOP - 1)],
        [WORK, ("Cancelled: the build is stopped…", STOP + 0.2)],
        [WORK, ("Interrupted by user", STOP + 0.2), ("I go on then.", STOP + 4)],
    ],
)
def test_who_says_no_such_thing_or_more_than_that_may_work(rows: list[tuple[str, float]]) -> None:
    assert stopped(rows) is None


def test_what_was_stopped_before_the_prompt_tells_nothing_of_it() -> None:
    assert stopped([("Interrupted by user", SENT + 1)], SENT - 1) is None
