"""What cells print and show, as lines: bounded, redrawn as a terminal would, and inert."""

from __future__ import annotations

import base64
import random

import pytest
from rich.text import Text

from inspan.model import code as c
from inspan.tui.notebook import Block, Notebook
from inspan.tui.output import LINE_MOST, LINES_MOST, Printed, shown
from inspan.tui.picture import told

pytestmark = pytest.mark.requirement("E4")


def _printed(*texts: str) -> list[str]:
    printed = Printed()
    for text in texts:
        printed.feed(text)
    return [line.plain for line in printed.lines()]


@pytest.mark.parametrize(
    ("texts", "lines"),
    [
        (("one\ntwo",), ["one", "two"]),
        (("o", "ne\n", "tw", "o\n"), ["one", "two"]),
        (
            (
                "\r10 %\r",
                "20 %\rdone\n",
            ),
            ["done"],
        ),
        (("crlf\r\n",), ["crlf"]),
        (("\x1b[31mred\x1b[0m \x1b]0;title\x07end\n",), ["red end"]),
        (("no utf-8: \udcff\n",), ["no utf-8: \ufffd"]),
        (("a\tb\n",), ["a       b"]),
        (("\u202eevil\u200b\n",), ["evil"]),
        (("x" * (LINE_MOST + 9) + "\n",), ["x" * LINE_MOST + "…"]),
    ],
)
def test_text_is_as_a_terminal_would_have_it_in_the_end(
    texts: tuple[str, ...], lines: list[str]
) -> None:
    assert _printed(*texts) == lines


def test_of_many_lines_the_last_are_kept_and_the_others_counted() -> None:
    printed = Printed()
    for number in range(10):
        printed.feed("".join(f"{number} {place}\n" for place in range(LINES_MOST // 3)))
        assert len(printed.lines()) <= LINES_MOST
    assert printed.lost == 10 * (LINES_MOST // 3) - LINES_MOST
    assert printed.lines()[-1].plain == f"9 {LINES_MOST // 3 - 1}"


def test_whatever_is_printed_no_control_leaves_it() -> None:
    chance = random.Random(8)
    parts = [
        "\x1b",
        "[",
        "]",
        "P",
        "\x9b",
        "\x07",
        "\r",
        "\n",
        "\x00",
        "31m",
        "2J",
        "8;;x",
        "é",
        "a",
    ]
    for _ in range(2000):
        text = "".join(chance.choices(parts, k=chance.randrange(30)))
        for line in _printed(text[:7], text[7:]):
            assert all(char >= " " and not "\x7f" <= char <= "\x9f" for char in line), text


def test_images_are_told_and_html_is_not_shown() -> None:
    png = (
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + (640).to_bytes(4) + (480).to_bytes(4) + bytes(900)
    )
    content = base64.b64encode(png).decode()
    assert told("image/png", content) == "image/png, 640×480, 924 B"
    gif = base64.b64encode(b"GIF89a" + (3).to_bytes(2, "little") + (4).to_bytes(2, "little"))
    assert told("image/gif", gif.decode()).startswith("image/gif, 3×4, ")
    for nonsense in ("", "!", "AAAA", None, 3, {"x": [1]}):
        assert told("image/png", nonsense).startswith("image/png")
    assert told("image/svg+xml", "<svg/>") == "image/svg+xml, 6 B"
    assert shown({"text/html": "<b>", "text/plain": "b"}) == [Text("b")]
    (line,) = shown({"text/html": "<b>\x1b[2J", "a\x1b]0;x\x07": {"no": "text"}})
    assert str(line) == "▣ text/html 7 B, a 14 B: not shown"


def _text(block: Block) -> str:
    return "\n".join(part.plain for part in block.parts() if isinstance(part, Text))


def test_a_transcript_is_blocks_and_what_comes_twice_is_taken_once() -> None:
    notebook = Notebook()
    facts: list[c.CodeFact] = [
        c.CellEntered("a", 1, "one()"),
        c.Printed("a", "stdout", "out\n"),
        c.Printed("a", "stderr", "err\n"),
        c.CellEntered("s", 2, "silent()", c.CellOptions(silent=True)),
        c.Printed("s", "stdout", "unseen\n"),
        c.Shown("a", {"text/plain": "before"}, display_id="d"),
        c.Shown("a", {"text/plain": "after"}, display_id="d", update=True),
        c.Printed(None, "stdout", "nobody's\n"),
        c.Wanted("a", "r", "who? "),
    ]
    events = [c.CodeEvent(seq, 0.0, "s", fact) for seq, fact in enumerate(facts, 1)]
    for event in [*events[:5], *events]:  # a stream that was lost and found again
        notebook.take(event)
    text = [_text(block) for block in notebook.blocks.values()]
    assert text == ["○ [1] one()\nout\nerr\nafter\n? who? ", "nobody's"]
    assert [want.request for want in notebook.wants] == ["r"]
    assert notebook.entered("one()", 0)
    assert not notebook.entered("one()", 1)
    cleared = c.CodeEvent(10, 0.0, "s", c.Cleared("a", wait=True))
    ended = c.CodeEvent(11, 0.0, "s", c.CellEnded("a", c.CellEnd(state=c.CellState.LOST)))
    notebook.take(cleared)
    assert "out" in _text(notebook.blocks["a"])
    notebook.take(c.CodeEvent(11, 0.0, "s", c.Printed("a", "stdout", "new\n")))
    notebook.take(c.CodeEvent(12, 0.0, "s", ended.fact))
    assert _text(notebook.blocks["a"]) == (
        "! [1] one()\nnew\nits process ended while it ran, or waited"
    )
    assert notebook.wants == ()
