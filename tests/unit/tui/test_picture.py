"""Images of cells: drawn as what they are, and never an error, whatever they are."""

from __future__ import annotations

import base64
import io
import random
import struct
import zlib

import pytest
from PIL import Image, ImageDraw

from inspan.model import code as c
from inspan.model.code import CodeSpec
from inspan.tui.notebook import HELD_MOST, PICTURES_MOST, Notebook
from inspan.tui.picture import POINTS_MOST, Picture, Row, blocks, fitted, weight
from inspan.tui.pictureview import PictureView
from tests.fakes.control import FakeControl
from tests.unit.tui.test_kernels import celled, run
from tests.unit.tui.test_tasks import seen, until

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("E4")]

RED, BLUE, WHITE = (255, 0, 0), (0, 0, 255), (255, 255, 255)


def encoded(image: Image.Image, form: str = "PNG") -> str:
    written = io.BytesIO()
    image.save(written, form)
    return base64.b64encode(written.getvalue()).decode()


def halves(width: int, height: int) -> Image.Image:
    """Red above blue."""
    image = Image.new("RGB", (width, height), RED)
    ImageDraw.Draw(image).rectangle((0, height // 2, width, height), BLUE)
    return image


def _decoded(content: object, kind: str = "image/png") -> Picture:
    picture = Picture(kind, content)
    picture.decode()
    assert not picture.held
    return picture


def _rows(picture: Picture, columns: int = 80, rows: int = 40) -> list[Row]:
    assert picture.points is not None, picture.line
    return blocks(picture.points, columns, rows)


def _bomb(width: int, height: int) -> str:
    """It says that it is so large, and has next to nothing in it."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in ((b"IHDR", head), (b"IDAT", zlib.compress(bytes(999))), (b"IEND", b""))
    )
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + parts).decode()


@pytest.mark.parametrize("mode", ["RGB", "P", "RGBA"])
@pytest.mark.parametrize("form", ["PNG", "GIF"])
def test_each_place_of_a_character_is_two_points(form: str, mode: str) -> None:
    rows = _rows(_decoded(encoded(halves(4, 6).convert(mode), form), f"image/{form.lower()}"))
    assert rows == [[(RED, RED)] * 4, [(RED, BLUE)] * 4, [(BLUE, BLUE)] * 4]


def test_a_last_row_may_be_half_of_one() -> None:
    rows = _rows(_decoded(encoded(Image.new("RGB", (2, 3), BLUE))))
    assert rows == [[(BLUE, BLUE)] * 2, [(BLUE, None)] * 2]


def test_a_photograph_is_as_large_as_there_is_room_and_as_it_was() -> None:
    picture = _decoded(encoded(halves(1600, 800), "JPEG"), "image/jpeg")
    rows = _rows(picture, 40, 40)
    assert picture.points is not None
    assert (len(rows[0]), len(rows)) == fitted(picture.points, 40, 40) == (40, 10)
    (above, _), (below, _) = rows[0][20], rows[-1][20]
    assert above == pytest.approx(RED, abs=4)
    assert below == pytest.approx(BLUE, abs=4)


def test_what_is_not_opaque_lies_on_paper_and_deep_greys_are_greys() -> None:
    assert _rows(_decoded(encoded(Image.new("RGBA", (2, 2), (0, 0, 0, 0))))) == [
        [(WHITE, WHITE)] * 2
    ]
    deep = Image.frombytes("I;16", (2, 2), struct.pack("<4H", *[0x8000] * 4))
    ((point, _), _), *_ = _rows(_decoded(encoded(deep)))
    assert point == (128, 128, 128)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (encoded(halves(640, 480))[:400], "it cannot be drawn"),
        (encoded(halves(9, 9), "GIF"), "it cannot be drawn"),  # it says that it is a PNG
        (base64.b64encode(b"%!PS-Adobe\n" + bytes(99)).decode(), "it cannot be drawn"),
        ("no base64", "it cannot be drawn"),
        (_bomb(60_000, 60_000), "it is too large to be drawn"),
        (_bomb(POINTS_MOST, 2), "it is too large to be drawn"),
        (_bomb(900, 900), "it cannot be drawn"),
        ("A" * (17 << 20), "it is too large to be drawn"),
    ],
    ids=["cut", "other", "postscript", "text", "bomb", "wide", "empty", "heavy"],
)
def test_what_cannot_be_drawn_is_a_line_that_says_so(content: str, why: str) -> None:
    picture = _decoded(content)
    assert picture.points is None
    assert picture.line.startswith("image/png, ")
    assert picture.line.endswith(f": {why}")


@pytest.mark.parametrize("content", [None, 3, {"x": [1]}, ""])
@pytest.mark.parametrize("kind", ["image/png", "image/svg+xml", "image/webp", "image/x\x1b[2J"])
def test_what_is_no_image_is_a_line(kind: str, content: object) -> None:
    picture = _decoded(content, kind)
    assert picture.points is None
    assert picture.line.isprintable()


@pytest.mark.parametrize("form", ["PNG", "GIF", "JPEG"])
def test_no_byte_that_is_otherwise_is_an_error(form: str) -> None:
    good = base64.b64decode(encoded(halves(30, 30), form))
    chance = random.Random(6)
    for _ in range(300):
        bad = bytearray(good)
        for _ in range(chance.randrange(1, 6)):
            bad[chance.randrange(len(bad))] = chance.randrange(256)
        content = base64.b64encode(bad[: chance.randrange(len(bad) // 2, len(bad) + 1)]).decode()
        picture = _decoded(content, f"image/{form.lower()}")
        assert picture.points is None or _rows(picture)


def _shows(notebook: Notebook, *images: str, update: bool = False) -> None:
    for content in images:
        shown = c.Shown("a", {"image/png": content}, display_id="d", update=update)
        notebook.take(c.CodeEvent(notebook.seq + 1, 0.0, "s", shown))


def _notebook(*, drawn: bool = True) -> Notebook:
    notebook = Notebook(drawn=drawn)
    notebook.take(c.CodeEvent(1, 0.0, "s", c.CellEntered("a", 1, "show()")))
    return notebook


def _decode_all(notebook: Notebook) -> int:
    count = 0
    while (found := notebook.undecoded()) is not None:
        found[1].decode()
        count += 1
    return count


def _drawn(notebook: Notebook) -> int:
    return sum(one.points is not None for one in notebook.blocks["a"].pictures())


def test_of_many_images_the_newest_are_kept_and_the_others_are_lines() -> None:
    notebook, small = _notebook(), encoded(halves(4, 4))
    _shows(notebook, *[small] * (PICTURES_MOST + 9))
    assert _decode_all(notebook) == PICTURES_MOST == _drawn(notebook)
    _shows(notebook, *[small] * 9)
    assert _decode_all(notebook) == 9
    assert _drawn(notebook) == PICTURES_MOST
    assert [one.points is None for one in notebook.blocks["a"].pictures()] == [True] * 18 + [
        False
    ] * PICTURES_MOST
    _shows(notebook, *["A" * (15 << 20)] * 9)
    held = sum(one.held for one in notebook.blocks["a"].pictures())
    assert (15 << 20) < held <= HELD_MOST
    colourless = _notebook(drawn=False)
    _shows(colourless, small)
    assert _decode_all(colourless) == 0 == _drawn(colourless)


def test_a_figure_that_moves_is_never_blank_between() -> None:
    notebook = _notebook()
    _shows(notebook, encoded(halves(4, 4)))
    _decode_all(notebook)
    for clears in (False, True):
        if clears:
            notebook.take(c.CodeEvent(notebook.seq + 1, 0.0, "s", c.Cleared("a", wait=True)))
        _shows(notebook, encoded(Image.new("RGB", (4, 4), BLUE)), update=not clears)
        (picture,) = notebook.blocks["a"].pictures()
        assert picture.held
        assert picture.points is not None
        _decode_all(notebook)
        assert _rows(picture) == [[(BLUE, BLUE)] * 4] * 2
    _shows(notebook, "broken", update=True)
    _decode_all(notebook)
    assert _drawn(notebook) == 0


async def test_an_image_is_seen_in_its_colours_and_fits_what_room_there_is() -> None:
    control = FakeControl()
    await control.code.open(CodeSpec(name="data", cwd="/src"))
    async with celled(control, (100, 30)) as (screen, pilot):
        content = encoded(halves(600, 300))
        await run(screen, pilot, f"print('above'); display({{'image/png': '{content}'}})")
        await run(screen, pilot, "print('below')")
        await until(pilot, lambda: "▀▀▀" in seen(screen.app) and "below" in seen(screen.app))
        (view,) = screen.query(PictureView)
        assert view.size.height == 18
        styles = {
            segment.style and (segment.style.color, segment.style.bgcolor)
            for y in range(view.size.height)
            for segment in view.render_line(y)
            if "▀" in segment.text
        }
        told = {tuple(one and one.triplet for one in pair) for pair in styles if pair}
        assert told == {(RED, RED), (BLUE, BLUE)}
        for width, height in ((44, 14), (20, 5), (80, 24)):
            await pilot.resize_terminal(width, height)
            await pilot.pause()
        await until(pilot, lambda: view.size.height == 12 and "▀▀▀" in seen(screen.app))
        assert all(len(view.render_line(y).text.rstrip()) == 48 for y in range(12))


async def test_without_colours_it_is_told_and_not_drawn() -> None:
    control = FakeControl()
    await control.code.open(CodeSpec(name="data", cwd="/src"))
    async with celled(control, colourless=True) as (screen, pilot):
        await run(screen, pilot, f"display({{'image/png': '{encoded(halves(600, 300))}'}})")
        await until(pilot, lambda: "▣ image/png, 600×300" in seen(screen.app))
        assert screen.notebook.undecoded() is None
        assert "▀" not in seen(screen.app)


def test_what_has_no_size_is_told_without_one() -> None:
    endless: list[object] = []
    endless.append(endless)
    assert [weight(what) for what in (object(), endless, {1}, "abc", [1])] == [
        "",
        "",
        "",
        "3 B",
        "3 B",
    ]
