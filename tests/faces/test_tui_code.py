"""Code sessions of ``inspan tui`` in a real terminal, by the keys that a terminal can send."""

from __future__ import annotations

import base64
import struct
import zlib

import pytest

from tests.real.console import Console
from tests.real.tmux import Pane

pytestmark = [pytest.mark.faces, pytest.mark.timeout(180), pytest.mark.requirement("E4")]


def test_a_session_is_opened_written_in_answered_and_ended(console: Console, pane: Pane) -> None:
    ran = pane.begin("inspan", "tui")
    pane.until("● live")
    pane.press("K")
    pane.until("No code session is open")
    pane.press("n")
    pane.until("A new code session")
    pane.type("data")
    pane.press("Enter")
    pane.until("data +ready")
    pane.type("6 * 7")
    pane.press("C-j")
    pane.until(r"✓ \[1\] 6 \* 7\s+42")
    pane.type("name = input('who? '); name * 2")
    pane.press("F5")
    pane.until("The cell asks")
    pane.type("me")
    pane.press("Enter")
    pane.until("'meme'")
    pane.press("Escape")
    pane.until("s Save")
    pane.press("x")
    pane.until("End data?")
    pane.press("y")
    pane.until("data +over")
    pane.press("q")
    pane.until("No code session is open")
    pane.press("q")
    pane.until("n New +a Answer")
    pane.press("q")
    assert ran.end() == 0
    assert "closed" in console.say("py", "ls", "--all")


def _png() -> str:
    """Sixteen points by eight, red above blue, as a program writes one that has no library."""
    rows = b"".join(b"\0" + (b"\xff\0\0" if y < 4 else b"\0\0\xff") * 16 for y in range(8))
    head = struct.pack(">IIBBBBB", 16, 8, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    told = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in parts
    )
    return base64.b64encode(told).decode()


def test_an_image_that_a_cell_shows_is_seen_in_colours(console: Console, pane: Pane) -> None:
    assert console.run("py", "--session", "images", "-c", "1").returncode == 0
    ran = pane.begin("inspan", "tui")
    pane.until("● live")
    pane.press("K")
    pane.until("images +ready")
    pane.press("Enter")
    pane.until("F5 Run")
    pane.type(f"import base64; png = base64.b64decode('{_png()}')")
    pane.press("Enter")
    pane.type("class Seen: _repr_png_ = lambda self: png")
    pane.press("Enter")
    pane.type("Seen()")
    pane.press("F5")
    pane.until("▣ image/png, 16×8")
    pane.until("▀{16}")
    # The colours that tmux has for them: red 196 and blue 21 of 256.
    assert pane.styled().count("38;5;196") == pane.styled().count("38;5;21") == 2
    pane.press("Escape")
    pane.until("s Save")
    pane.press("q")
    pane.until("images +ready .* 0%")
    pane.press("q")
    pane.until("n New +a Answer")
    pane.press("q")
    assert ran.end() == 0
