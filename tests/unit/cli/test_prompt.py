"""The prompt, typed to through a pipe: what is not typed to its end, and what is not known."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput

from inspan.cli import exits
from inspan.cli.cellview import View
from inspan.cli.prompt import ask_cells
from inspan.errors import SessionDied, Unable

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("D1")]


class Cells:
    """``prompt.Cells`` that keeps what it is given; ``dead``: it knows no names any more."""

    def __init__(self) -> None:
        self.view = View(shown=True)
        self.ran: list[str] = []
        self.dead = False

    async def greet(self) -> None:
        return None

    async def run(self, code: str) -> int:
        self.ran.append(code)
        self.view.left = code.startswith("exit")
        return len(self.ran)

    async def complete(self, code: str, cursor: int) -> tuple[tuple[str, ...], int]:
        if self.dead:
            raise SessionDied("its process was killed")
        return ("answer",), 0


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PipeInput]:
    monkeypatch.setenv("INSPAN_HOME", str(tmp_path))
    with (
        create_pipe_input() as typed,
        create_app_session(input=typed, output=DummyOutput()),
    ):
        yield typed


async def test_ctrl_c_lets_the_line_go_and_the_prompt_stays(keys: PipeInput) -> None:
    cells = Cells()
    keys.send_text("half\x03whole\r\x04")
    assert await ask_cells(cells) == exits.DONE
    assert cells.ran == ["whole"]


async def test_its_status_is_that_of_the_cell_that_left_it(keys: PipeInput) -> None:
    cells = Cells()
    keys.send_text("  \rone\rexit(2)\r")
    assert await ask_cells(cells) == len(cells.ran) == 2


async def test_names_that_cannot_be_asked_for_are_no_end_of_the_prompt(
    keys: PipeInput, capsys: pytest.CaptureFixture[str]
) -> None:
    cells = Cells()
    cells.dead = True
    keys.send_text("ans\t\r\x04")
    assert await ask_cells(cells) == exits.DONE
    assert cells.ran == ["ans"]
    assert "its process was killed" in capsys.readouterr().out


async def test_without_what_draws_it_other_ways_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prompt_toolkit", None)
    with pytest.raises(Unable, match="needs prompt_toolkit, which is not installed") as caught:
        await ask_cells(Cells())
    assert "inspan py -c CODE" in caught.value.hint
