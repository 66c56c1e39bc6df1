"""What a terminal showed at a point of a long recording, held against all of it played."""

from __future__ import annotations

import random
from pathlib import Path
from typing import cast

import pytest

from inspan.errors import BadInput, SessionNotFound
from inspan.model.session import Gap, Output, Resized
from inspan.terminal import keyframes
from inspan.terminal.emulators import ghosttydraw
from inspan.terminal.emulators.ghostty import Ghostty
from inspan.terminal.keyframes import KEPT_MOST, PART, Keyframes
from inspan.terminal.playback import Playback
from inspan.terminal.screen import Screen, backends
from tests.fakes.recordings import Step, record

pytestmark = pytest.mark.requirement("C6", "B4")

KIND = next(backend for backend in backends() if backend.redraws)
#: A line at the top that is drawn once, and a region below it in which everything else moves.
HEAD = b"\x1b[2J\x1b[1;1H\x1b[1;44mThe title, drawn once\x1b[0m\x1b[2;30r\x1b[2;1H"
LINE = b"\x1b[3%dmline %07d\x1b[0m of what comes, and of what goes again\r\n"


def film(playback: Playback) -> Keyframes:
    assert KIND.redraws is not None
    return Keyframes(playback, KIND.redraws)


def lines(folder: Path, size: int, *more: Step) -> Playback:
    """A title, and so many bytes of lines."""
    step = b"".join(LINE % (n % 8, n) for n in range(2000))
    steps: list[Step] = [(1.0, (100, 30)), (1.0, HEAD)]
    steps += [(2.0 + n, step) for n in range(size // len(step) + 1)]
    return Playback(record(folder, [*steps, *more]))


def played(playback: Playback, screen: Screen, start: int, end: int) -> None:
    """Show what is recorded from ``start`` up to ``end``."""
    while start < end:
        before = start
        for chunk in playback.read(start, min(1 << 16, end - start)):
            if isinstance(chunk, Resized):
                screen.resize(chunk.cols, chunk.rows)
            elif isinstance(chunk, Output):
                screen.feed(chunk.data)
                start = chunk.offset + len(chunk.data)
            elif isinstance(chunk, Gap):
                start = chunk.end
        if start == before:
            return


def seen(screen: Screen) -> tuple[object, ...]:
    """Its rows with their colours, the cursor, and how it is switched."""
    terminal = cast("Ghostty", screen._emulator)._terminal
    told = ghosttydraw._cells(terminal), ghosttydraw._modes(terminal)
    return screen.rows(), screen.cursor, screen.alternate, *told


def whole(playback: Playback, end: int) -> tuple[object, ...]:
    """What all of it shows, up to ``end``."""
    shape = playback.size_at(0) or Resized(0, 80, 24)
    screen = Screen(shape.cols, shape.rows, KIND)
    played(playback, screen, 0, end)
    return seen(screen)


def sought(film: Keyframes, playback: Playback, end: int) -> tuple[object, ...]:
    """The same by a frame, and what comes behind it."""
    frame = film.frame(end)
    while frame.more:
        frame = film.frame(end)
    assert frame.offset <= end
    screen = Screen(frame.cols, frame.rows, KIND)
    screen.feed(frame.drawn.encode())
    played(playback, screen, frame.offset, end)
    return seen(screen)


def test_what_was_drawn_once_is_there_megabytes_later(tmp_path: Path) -> None:
    playback = lines(tmp_path, 5 << 20)
    size = playback.size
    frames = film(playback)
    chance = random.Random(1)
    for end in (size, 3 << 20, 10, len(HEAD), *(chance.randrange(size) for _ in range(12))):
        rows = sought(frames, playback, end)
        assert rows == whole(playback, end), end
    assert whole(playback, size)[0][0] == "The title, drawn once"  # type: ignore[index]


def test_a_way_that_was_gone_is_short_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No call reads more than a part, and later ones what is behind the nearest state alone."""
    playback = lines(tmp_path, 5 << 20)
    size, frames, read = playback.size, film(playback), [0]
    real = playback.read

    def counted(offset: int, limit: int) -> object:
        read[-1] += limit
        return real(offset, limit)

    monkeypatch.setattr(playback, "read", counted)
    calls = 1
    while frames.frame(size).more:
        read.append(0)
        calls += 1
    assert calls == -(-size // PART)
    assert max(read) <= PART + keyframes._NEAR
    for end in (size, size // 2, size // 3, 100_000):
        read.append(0)
        frame = frames.frame(end)
        assert not frame.more
        assert end - frame.offset <= keyframes._NEAR
        assert read[-1] <= keyframes.STEP + keyframes._READ


def test_what_is_kept_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyframes, "STEP", 1 << 13)
    playback = lines(tmp_path, 4 << 20)
    frames = film(playback)
    size = playback.size
    assert sought(frames, playback, size) == whole(playback, size)
    assert KEPT_MOST / 2 - 1 <= len(frames._kept) <= KEPT_MOST
    assert sum(len(kept.state) for kept in frames._kept) < 1 << 20


@pytest.mark.parametrize(
    "tail",
    [
        b"\x1b[?1049h\x1b[Halternate\x1b[5;5Hthere",
        b"\x1b[?1049h\x1b[Halternate\x1b[?1049l\r\nback",
        b"\x1b7\x1b[20;20H\x1b[31mred\x1b8",
        b"\x1b[?6h\x1b[3;3Hin the region",
        b"\x1b[?7l\x1b[?25l\x1b[4h\x1b[?2004h",
        b"\x1b(0lqqk",
        b"\x1b[3g\x1b[7G\x1bH\r",
        b"x" * 100,
        "wide 日本 and e\u0301".encode(),
        b"\x1b]0;a title that is begun",
        b"\x1b[38;2;1;2",
    ],
    ids=[
        *("alternate", "left", "saved", "origin", "modes", "charset", "tabs", "wrap", "wide"),
        *("string", "sequence"),
    ],
)
def test_all_that_changes_what_comes_is_kept(tmp_path: Path, tail: bytes) -> None:
    """Each state lies before so much that nothing is played over it, and comes to the fore."""
    after = b"more\r\n\tthan\x1b8this\x1b[?1049lqx\x1b[?6l\x1b[1;1Hhome" + b"y" * 120
    steps: list[Step] = [(1.0, (100, 30)), (1.0, HEAD + tail), (2.0, after)]
    playback = Playback(record(tmp_path, steps))
    frames = film(playback)
    for end in range(len(HEAD), playback.size + 1):
        assert sought(frames, playback, end) == whole(playback, end), (end, playback.size)
    # And from that very state on, where it rests.
    frame = frames.frame(len(HEAD) + len(tail))
    screen = Screen(frame.cols, frame.rows, KIND)
    screen.feed(frame.drawn.encode())
    played(playback, screen, frame.offset, playback.size)
    rows, cursor, *_ = seen(screen)
    assert (rows, cursor) == whole(playback, playback.size)[:2]


def test_another_size_is_taken(tmp_path: Path) -> None:
    more: list[Step] = [(900.0, (60, 20)), (901.0, b"small\r\n" * 40), (902.0, (120, 40))]
    playback = lines(tmp_path, 1 << 20, *more, (903.0, b"large\r\n" * 3))
    frames = film(playback)
    for end in (playback.size, playback.size - 25, playback.size - 100):
        assert sought(frames, playback, end) == whole(playback, end)
    frame = frames.frame(playback.size)
    assert (frame.cols, frame.rows) == (120, 40)


def test_one_that_grows_is_read_on(tmp_path: Path) -> None:
    playback = lines(tmp_path, 1 << 20)
    frames = film(playback)
    assert sought(frames, playback, playback.size) == whole(playback, playback.size)
    longer = lines(tmp_path, 3 << 19)
    assert longer.size > frames.frame(1 << 30).offset - 1
    assert sought(frames, playback, playback.size) == whole(playback, playback.size)


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SessionNotFound):
        film(Playback(tmp_path / "none")).frame(0)
    with pytest.raises(BadInput):
        film(lines(tmp_path, 1000)).frame(-1)
    assert film(lines(tmp_path, 1000)).frame(0).drawn
