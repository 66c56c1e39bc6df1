"""Lines for cells that ask for some, from each kind of standard input."""

import os
from pathlib import Path

import anyio
import pytest

from inspan.cli.cellview import View

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("D9")]


@pytest.mark.parametrize("kind", ["file", "pipe"])
async def test_lines_come_in_order_and_then_there_are_none(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "ada\nb\u00f6b\n\nlast".encode()
    if kind == "file":
        (tmp_path / "input").write_bytes(text)
        fd = os.open(tmp_path / "input", os.O_RDONLY)
    else:
        fd, end = os.pipe()
        os.write(end, text)
        os.close(end)
    view = View(shown=False)
    with os.fdopen(fd, encoding="utf-8") as stream, anyio.fail_after(30):
        monkeypatch.setattr("sys.stdin", stream)
        lines = [await view.line("", password=False) for _ in range(5)]
    assert lines == ["ada", "b\u00f6b", "", "last", None]
