from collections.abc import Callable

import pytest

from inspan.terminal.motion import EXCUSED, MOTION_PAUSE, SPIN_PAUSE, Change, Motion, changed

pytestmark = pytest.mark.requirement("B4")

LINE = "─" * 20
BRAILLE = "⠋⠙⠹⠸⠼⠴⠦⠧"


@pytest.mark.parametrize(
    ("was", "row", "change"),
    [
        ("⠋ Thinking", "⠙ Thinking", Change.SIGNS),
        ("Thinking.", "Thinking..", Change.SIGNS),
        ("■■⬝⬝ esc", "⬝■■⬝ esc", Change.SIGNS),
        ("⠋ Thinking (9s)", "⠙ Thinking (10s)", Change.COUNT),
        ("worked for 9s", "worked for 10s", Change.COUNT),
        ("it is 12:59:59 by now", "it is 13:00:00 by now", Change.CLOCK),
        ("00:00:59", "00:01:00", Change.COUNT),
        ("the answ", "the answer", Change.WORDS),
        ("", "⠋ Thinking", Change.WORDS),
    ],
)
def test_what_changed_of_a_row(was: str, row: str, change: Change) -> None:
    assert changed(was, row) is change


def lived(
    draw: Callable[[int], list[str]], *, every: float = 0.25, cursor: tuple[int, int] = (0, 0)
) -> Motion:
    """A screen that is drawn anew for five seconds."""
    motion = Motion()
    for step in range(int(5 / every)):
        motion.seen(tuple(draw(step)), cursor, ("title", ""), 50, 10.0 + step * every)
    return motion


def spins(step: int) -> str:
    return BRAILLE[step % 8]


@pytest.mark.parametrize(
    "draw",
    [
        lambda n: [f"{spins(n)} Thinking", LINE, "> ", LINE, "status"],
        lambda n: ["text", LINE, f"> {spins(n)}", LINE, "status"],
        lambda n: ["text", LINE, "> ", LINE, f"status {spins(n)} esc interrupts"],
        lambda n: ["text", LINE, "> ", LINE, f"working {n // 4}s"],
        lambda n: [f"Thinking ({n // 4}s)", LINE, "> ", LINE, "status"],
        lambda n: ["word " * n, LINE, "> ", LINE, "status"],
        lambda n: [f"line {n + row}" for row in range(6)],
        lambda n: [f"{'● '[n % 2]} Running", LINE, "> ", LINE],
        lambda n: [f"{spins(n)} one", f"{spins(n)} two", LINE, "> ", LINE],
    ],
)
def test_what_is_seen_at_work_only(draw: Callable[[int], list[str]]) -> None:
    motion = lived(draw)
    assert motion.moved - motion.began >= 2.0
    assert motion.rests > 14.75
    assert motion.calm == motion.own >= 13.0


@pytest.mark.parametrize(
    "draw",
    [
        lambda n: ["text", LINE, f"> {'█ '[n % 2]}", LINE, "status"],
        lambda n: ["text", LINE, f"> Try {'abcdefgh'[n // 4 % 8]}", LINE, "status"],
        lambda n: ["text", LINE, "> ", LINE, f"12:00:{n // 2:02d}"],
        lambda n: [f"12:00:{n // 2:02d}", LINE, "> ", LINE, "status"],
        lambda n: ["text", LINE, "> ", LINE, f"cpu {n * 7 % 31} %"],
        lambda n: ["text", LINE, "> ", LINE, f"tip {'abcdefgh'[n % 8]}"],
    ],
)
def test_what_changes_at_rest_too(draw: Callable[[int], list[str]]) -> None:
    motion = lived(draw, every=0.5)
    assert motion.moved - motion.began <= 0.5
    assert motion.calm <= 10.5


def test_a_picture_that_is_animated_is_no_work() -> None:
    def draw(step: int) -> list[str]:
        left, right = BRAILLE[step % 8], BRAILLE[step * 3 % 8]
        return [f"{left}{right} {left} Name", f"{right}  {left}{right} 1.0", "", LINE, "> ", LINE]

    motion = lived(draw)
    assert motion.moved - motion.began < 0.8
    assert motion.calm < 11.0


def test_a_picture_that_falls_before_anybody_typed_is_no_work() -> None:
    def falls(step: int) -> list[str]:
        rows = ["", "", "", "agent · ready", LINE, "> ", LINE]
        rows[step % 3] = " " * (step % 3 + 2) + "██"
        return rows

    motion = lived(falls)
    assert motion.moved <= 12.0
    typed = Motion()
    typed.clocks.typed = True
    for step in range(20):
        typed.seen(tuple(falls(step)), (0, 0), ("title", ""), 50, 10.0 + step / 4)
    assert typed.moved == 14.75


def test_a_cursor_alone_that_is_drawn_anew_is_no_animation_of_colours() -> None:
    for printed, began in ((1, 10.0), (8, 10.25)):
        motion = Motion()
        for step in range(8):
            motion.seen(("text",), (0, 0), (), printed, 10.0 + step * 0.25)
        assert (motion.began, motion.moved > 11.0) == (10.0, printed > 1), began


def test_what_somebody_brought_about_is_no_motion_of_its_own() -> None:
    motion = Motion()
    motion.seen(("a",), (0, 0), (), 1, 10.0)
    motion.typed(20.0)
    motion.seen(("a word",), (0, 0), (), 5, 20.0 + EXCUSED / 2)
    assert (motion.own, motion.moved, motion.calm) == (10.0, 10.0, 20.0 + EXCUSED / 2)


def test_a_spinner_rests_sooner_than_words() -> None:
    for row, pause in ((f"{BRAILLE[1]} Thinking", SPIN_PAUSE), ("other words", MOTION_PAUSE)):
        motion = Motion()
        motion.seen((f"{BRAILLE[0]} Thinking",), (0, 0), (), 9, 10.0)
        motion.seen((row,), (0, 0), (), 9, 14.0)
        assert motion.rests == 14.0 + pause


def test_a_spinner_that_turns_slowly_is_given_more_time() -> None:
    motion = Motion()
    for step in range(4):
        motion.seen((f"{BRAILLE[step]} Thinking", "text"), (0, 1), (), 9, 10.0 + 2 * step)
    assert (motion.turns, motion.rests) == ((True, False), 16.0 + 4.0)
    assert (motion.began, motion.moved) == (14.0, 16.0), "the first two changes were no motion yet"
    motion.seen(("It is done.", "text"), (0, 1), (), 9, 16.5)
    assert (motion.turns, motion.rests) == ((False, False), 16.5 + MOTION_PAUSE)


def test_a_spinner_that_gives_way_to_a_sign_has_stopped() -> None:
    motion = Motion()
    for step in range(4):
        motion.seen((f"{BRAILLE[step]} a name", "text"), (0, 1), (), 9, 10.0 + 2 * step)
    motion.seen(("● a name", "text"), (0, 1), (), 9, 16.5)
    assert (motion.turns, motion.rests) == ((False, False), 16.5 + SPIN_PAUSE)


@pytest.mark.parametrize(
    "rows", [("──── a", "text"), ("│ ❯  ", "text"), ("a" * 20 + " .:", "text")]
)
def test_lines_and_places_to_type_do_not_turn(rows: tuple[str, ...]) -> None:
    motion = Motion()
    for step in range(6):
        drawn = f"{rows[0][: len(rows[0]) - step % 3]}"
        motion.seen((drawn, rows[1]), (0, 1), (), 9, 10.0 + 2 * step)
    assert motion.rests <= 20.0 + MOTION_PAUSE


def test_of_rows_that_are_alike_each_is_as_old_as_by_how_all_scrolled() -> None:
    motion = Motion()
    motion.seen(("one", "y/n", "two", ""), (0, 3), (), 9, 10.0)
    motion.seen(("one", "y/n", "two", "y/n"), (0, 3), (), 9, 11.0)
    assert motion.born == (10.0, 10.0, 10.0, 11.0)
    motion.seen(("two", "y/n", "three", "y/n"), (0, 3), (), 9, 12.0)
    assert motion.born == (10.0, 11.0, 12.0, 12.0)


def test_a_row_that_is_drawn_anew_within_a_second_is_as_old_as_before() -> None:
    for gone, born in ((0.5, 10.0), (2.0, 13.0)):
        motion = Motion()
        motion.seen(("one", "two"), (0, 0), (), 9, 10.0)
        motion.seen(("one", ""), (0, 0), (), 9, 13.0 - gone)
        motion.seen(("one", "two"), (0, 0), (), 9, 13.0)
        assert motion.born == (10.0, born)


def test_a_spinner_that_begins_as_soon_as_somebody_typed_is_motion_all_the_same() -> None:
    motion = Motion()
    motion.typed(10.0)
    for step in range(20):
        row = f"{BRAILLE[step % 8]} Thinking"
        motion.seen((row,), (0, 0), (), 9, 10.0 + step * 0.1)
    assert 10.0 + EXCUSED <= motion.began < 11.0
