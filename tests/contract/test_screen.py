"""What every emulator must show, over those that are installed; ``dev`` installs all."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from inspan.terminal import screen as emulators
from inspan.terminal.screen import BLIND, Backend, Screen, backend, backends

pytestmark = pytest.mark.requirement("B4")

Made = tuple[Backend, Screen]


@pytest.fixture(params=["ghostty", "pyte"])
def kind(request: pytest.FixtureRequest) -> Backend:
    return next(item for item in backends() if item.name == request.param)


@pytest.fixture
def screen(kind: Backend) -> Iterator[Screen]:
    made = Screen(20, 6, kind)
    yield made
    made.close()


def shown(kind: Backend, data: bytes, *, cut: int | None = None) -> tuple[object, ...]:
    """What is shown of ``data``, fed whole or ``cut`` bytes at a time."""
    screen = Screen(40, 10, kind)
    for at in range(0, len(data), cut or max(1, len(data))):
        screen.feed(data[at : at + (cut or len(data))])
    seen = (screen.rows(), screen.cursor, screen.alternate, screen.title, screen.bells)
    screen.close()
    return seen


SAMPLES = {
    "text": b"one\r\ntwo\r\n\r\nfour",
    "moves": b"\x1b[2J\x1b[3;5Hthere\x1b[1;1Hhere\x1b[2;40Hx",
    "erasing": b"abcdef\x1b[3D\x1b[K\r\nxyz\x1b[1K\r\n\x1b[2Kgone\x1b[4D\x1b[0J",
    "colours": b"\x1b[1;38;2;1;2;3mred\x1b[0m \x1b[4:3mcurly\x1b[m",
    "lines": b"1\r\n2\r\n3\r\n4\x1b[2;1H\x1b[L\x1b[4;1H\x1b[Mend",
    "region": b"\x1b[2;4rtop\x1b[4;1Hbottom\r\n\r\nlast\x1b[r",
    "wide": "你好 wörld ├──┤ é".encode(),
    "wrap": b"x" * 50,
    "title": b"\x1b]0;a title\x07text\x1b]2;another \xe2\x9c\xb3 one\x1b\\",
    "strings": b"a\x1bP+q544e\x1b\\b\x1b_Gi=1;AAAA\x1b\\c\x1b^x\x1b\\d\x1b]8;;http://x\x07e",
    "queries": b"\x1b[6n\x1b[?6n\x1b[c\x1b[>c\x1b[>4;2m\x1b[?u\x1b[>1u\x1b]11;?\x07\x1b[14tok",
    "modes": b"\x1b[?2004h\x1b[?1004h\x1b[?2026hframe\x1b[?2026l\x1b[?25l",
    "charset": b"\x1b(0lqk\x1b(B plain",
    "bell": b"ding\x07dong\x1b[2\x07C!",
}
EXPECTED = {
    "moves": ("here", " " * 39 + "x", "    there"),
    "erasing": ("abc", "", ""),
    "colours": ("red curly",),
    "wide": ("你好 wörld ├──┤ é",),
    "strings": ("abcde",),
    "queries": ("ok",),
    "charset": ("┌─┐ plain",),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_bytes_may_be_cut_anywhere(kind: Backend, name: str) -> None:
    data = SAMPLES[name]
    whole = shown(kind, data)
    for cut in (1, 2, 3, 7):
        assert shown(kind, data, cut=cut) == whole
    rows = whole[0]
    assert isinstance(rows, tuple)
    for row, expected in zip(rows, EXPECTED.get(name, ()), strict=False):
        assert row == expected


def test_the_emulators_agree() -> None:
    both = {item.name for item in backends()}
    assert both == {"ghostty", "pyte"}
    for name, data in SAMPLES.items():
        seen = [shown(item, data) for item in backends()]
        assert seen[0][:1] == seen[1][:1], name


def test_rows_are_as_many_as_the_terminal_has(screen: Screen) -> None:
    assert screen.rows() == ("",) * 6
    screen.feed(b"\r\n".join(b"line %d  " % number for number in range(9)))
    assert screen.rows() == tuple(f"line {number}" for number in range(3, 9))
    assert screen.cursor == (8, 5)


def test_the_alternate_screen_hides_the_other(screen: Screen) -> None:
    screen.feed(b"shell $ \x1b[?1049h\x1b[H\x1b[2Jeditor")
    assert (screen.alternate, screen.rows()[0]) == (True, "editor")
    screen.feed(b"\x1b[?1049l")
    assert (screen.alternate, screen.rows()[0]) == (False, "shell $")
    assert screen.cursor == (8, 0)


def test_a_new_size(screen: Screen) -> None:
    screen.feed(b"\x1b[?1049h\x1b[6;1Hbottom\x1b[1;1Htop")
    screen.resize(30, 8)
    screen.feed(b"\x1b[8;20Hcorner\x1b[1;1Htop")
    assert len(screen.rows()) == 8
    assert screen.rows()[0].startswith("top")
    assert screen.rows()[7] == " " * 19 + "corner"
    screen.resize(3, 2)
    assert len(screen.rows()) == 2
    screen.resize(1 << 31, 1 << 31)
    screen.resize(0, 0)
    screen.feed(b"\x1b[999;999Hx")
    assert len(screen.rows()) == 1


def test_the_generation_tells_of_what_is_drawn(screen: Screen) -> None:
    screen.feed(b"\x1b]0;only a title\x07")
    assert (screen.generation, screen.marks.told) == (0, 1)
    screen.feed(b"text")
    assert (screen.generation, screen.marks.told) == (1, 1)


def test_no_output_can_stop_it(kind: Backend) -> None:
    chance = random.Random(7)
    pieces = [
        b"\x1b",
        b"[",
        b"]",
        b"?",
        b";",
        b"2",
        b"38;5",
        b"h",
        b"m",
        b"r",
        b"J",
        b"\r\n",
        b"\x9b",
    ]
    pieces += [b"\xe4\xbd\xa0", b"\xff", b"text", b"\x1bP", b"\x1b\\", b"\x07", b"n", b"H", b"\x00"]
    screen = Screen(40, 10, kind)
    for _ in range(400):
        screen.feed(b"".join(chance.choices(pieces, k=chance.randrange(1, 40))))
        if chance.random() < 0.1:
            screen.resize(chance.randrange(1, 60), chance.randrange(1, 30))
        assert screen.rows()
    screen.feed(b"\x18\x1bc\x1b[!p\x1b[1;1Hstill here")
    assert screen.rows()[0] == "still here"
    screen.close()


def test_a_flood_is_held_in_bounds(kind: Backend) -> None:
    screen = Screen(40, 10, kind)
    screen.feed(b"".join(b"line %d\r\n" % number for number in range(20_000)))
    assert screen.rows()[8:] == ("line 19999", "")
    screen.feed(b"\x1b]0;" + b"x" * 1_000_000)
    screen.feed(b"y" * 1_000_000 + b"\x07")
    assert screen.title == ""
    screen.feed(b"a" + "\u0301".encode() * 100_000 + b"\r\nnext")
    assert screen.rows()[9] == "next"
    assert sum(map(len, screen.rows())) < 150_000
    screen.close()


def test_without_any_emulator_titles_are_read() -> None:
    screen = Screen(80, 24, BLIND)
    screen.feed(b"\x1b]0;title\x07text")
    screen.resize(10, 10)
    assert (screen.rows(), screen.cursor, screen.alternate) == ((), (0, 0), False)
    assert (screen.title, screen.generation) == ("title", 2)
    screen.close()


def test_the_best_is_taken() -> None:
    assert backend().name == backends()[0].name == "ghostty"
    assert backend().version


@pytest.mark.parametrize("fault", ["ImportError", "OSError", "AssertionError"])
def test_one_whose_library_does_not_load_here_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    (tmp_path / f"no_{fault.lower()}.py").write_text(f"raise {fault}('not for this machine')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    known = emulators._KNOWN
    monkeypatch.setattr(emulators, "_KNOWN", (("pyte", f"no_{fault.lower()}", "X"), *known))
    assert [item.name for item in backends()] == ["ghostty", "pyte"]
    monkeypatch.setattr(emulators, "_KNOWN", (("pyte", f"no_{fault.lower()}", "X"),))
    assert backend() is BLIND
