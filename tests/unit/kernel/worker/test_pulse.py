"""When a worker tells its host that it lives."""

from collections.abc import Iterable

from inspan.kernel.worker.pulse import BEAT, REST, Pulse


def beats(pulse: Pulse, times: Iterable[float], *, rests: bool) -> list[float]:
    return [now for now in times if pulse.beats(now, rests=rests)]


def test_who_works_beats_often() -> None:
    pulse = Pulse()
    pulse.begin(100)
    assert beats(pulse, [100, 104, 105, 106, 110, 115], rests=False) == [105, 110, 115]


def test_who_rests_beats_once_and_then_seldom() -> None:
    pulse = Pulse()
    pulse.begin(100)
    times = [100 + n for n in range(700)]
    assert beats(pulse, times, rests=True) == [100 + BEAT, 100 + BEAT + REST, 100 + BEAT + 2 * REST]


def test_who_begins_to_work_is_soon_heard_of() -> None:
    pulse = Pulse()
    pulse.begin(100)
    assert beats(pulse, [105], rests=True) == [105]
    assert not pulse.beats(120, rests=False)
    assert pulse.due == 120 + BEAT
    assert beats(pulse, [124, 125], rests=False) == [125]
