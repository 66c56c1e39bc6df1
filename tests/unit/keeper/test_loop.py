"""The keeper's loop: what comes in which turn."""

from inspan.keeper.loop import Loop


def test_what_comes_soon_comes_at_the_end_of_the_next_turn_though_nothing_happens() -> None:
    loop = Loop()
    seen: list[str] = []

    def late() -> None:
        seen.append("late")
        loop.stop()

    def turned() -> None:
        seen.append("turn")

    loop.later(0.0, lambda: loop.soon(late))
    loop.run(turned)
    loop.close()
    assert seen == ["turn", "turn", "late"]


def test_a_timer_that_is_sooner_is_not_kept_waiting() -> None:
    loop = Loop()
    loop.later(0.0, lambda: loop.hurry(3600.0))
    loop.later(0.001, loop.stop)
    loop.run(lambda: None)  # returns
    loop.close()
