"""Comments that were not sent: they outlive the program, and are its writer's own."""

from __future__ import annotations

import shutil
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from inspan.model.task import Verdict
from inspan.tui.app import Cockpit
from inspan.tui.dialogs.comment import CommentDialog, SendBackDialog
from inspan.tui.dialogs.confirm import ConfirmDialog
from inspan.tui.review import Anchor, Comments
from inspan.tui.screens.diff import Diff
from inspan.tui.unsent import Unsent
from tests.fakes.control import FakeControl
from tests.unit.tui.test_diff_screen import _to, reviewed
from tests.unit.tui.test_tasks import seen, until

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("E3", "E4")]


@asynccontextmanager
async def looking(control: FakeControl, folder: Path) -> AsyncIterator[tuple[Cockpit, Pilot[None]]]:
    app = Cockpit(control, unsent=folder)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: app.tasks.tasks.current is not None)
        yield app, pilot


async def _commented(app: Cockpit, pilot: Pilot[None], words: str) -> None:
    await pilot.press("d")
    await until(pilot, lambda: isinstance(app.screen, Diff) and "import os" in seen(app))
    await pilot.press("down", "down", "c")
    await _to(app, pilot, CommentDialog)
    await pilot.press(*words, "enter")
    await until(pilot, lambda: f"» {words}" in seen(app))


async def test_what_was_said_is_there_in_another_program_and_goes_when_it_is_sent(
    tmp_path: Path,
) -> None:
    control, first, folder = FakeControl(), tmp_path / "state" / "reviews", tmp_path / "killed"
    task = await reviewed(control)
    async with looking(control, first) as (app, pilot):
        await _commented(app, pilot, "why")
        (file,) = first.iterdir()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(first.stat().st_mode) == 0o700
        # As it is where the program is killed now: nothing that is done at its end is needed.
        shutil.copytree(first, folder)
    async with looking(control, folder) as (app, pilot):
        await until(pilot, lambda: "» mend the login" in seen(app))
        await pilot.press("d")
        await until(pilot, lambda: "» why" in seen(app) and "1 comment" in seen(app))
        await pilot.press("s")
        await _to(app, pilot, SendBackDialog)
        await pilot.press(*"Hi ", "escape")
        await until(pilot, lambda: isinstance(app.screen, Diff))
    async with looking(control, folder) as (app, pilot):
        await pilot.press("d")
        await until(pilot, lambda: "» why" in seen(app))
        await pilot.press("s")
        await _to(app, pilot, SendBackDialog)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.screen is app.tasks)
        assert control.tasks[task].verdict is Verdict.SEND_BACK
        assert control.tasks[task].findings[0].startswith("Hi ")
        assert "why" in control.tasks[task].findings[0]
        assert list(folder.iterdir()) == []
        await until(pilot, lambda: "» mend" not in seen(app))


async def test_who_quits_is_not_asked_where_nothing_is_lost(tmp_path: Path) -> None:
    control = FakeControl()
    await reviewed(control)
    async with looking(control, tmp_path) as (app, pilot):
        await _commented(app, pilot, "why")
        assert app.judging.unsent == 0
        await pilot.press("ctrl+c")
        await until(pilot, lambda: not app.is_running or app._exit)


async def test_a_verdict_ends_them_after_a_question_that_says_so(tmp_path: Path) -> None:
    control = FakeControl()
    await reviewed(control)
    async with looking(control, tmp_path) as (app, pilot):
        await _commented(app, pilot, "why")
        await pilot.press("a")
        await _to(app, pilot, ConfirmDialog)
        assert "1 comment is not sent by this, and then it is forgotten." in seen(app)
        await pilot.press("y")
        await until(pilot, lambda: app.screen is app.tasks)
        assert list(tmp_path.iterdir()) == []


async def test_where_they_cannot_be_written_one_is_told_and_asked_before_they_are_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    control = FakeControl()
    await reviewed(control)
    folder = tmp_path / "file" / "reviews"
    (tmp_path / "file").write_text("no folder")
    async with looking(control, folder) as (app, pilot):
        said: list[str] = []
        monkeypatch.setattr(app.judging._kept, "_say", said.append)
        await _commented(app, pilot, "why")
        assert said == ["comments are not kept when this program ends: Not a directory"]
        await pilot.press("ctrl+c")
        await _to(app, pilot, ConfirmDialog)
        assert "1 comment was not sent" in seen(app)


@pytest.mark.parametrize("text", ["", "[]", '{"comments": [{}]}', "\x00", '{"comments": 1}'])
def test_a_file_that_is_none_of_ours_is_as_none(tmp_path: Path, text: str) -> None:
    said: list[str] = []
    (tmp_path / "01abc.json").write_text(text)
    (tmp_path / "other.txt").write_text(text)
    kept = Unsent(tmp_path, said.append)
    assert kept.tasks == {"01abc"}
    assert not kept.read("01abc")
    comments = Comments()
    comments.said[Anchor("ü\x1b[2J.py", 0, 2, "\udcff")] = "why\n🙂"
    assert kept.keep("01abc", comments)
    assert Unsent(tmp_path, said.append).read("01abc").said == comments.said
    assert said == []


def test_the_name_of_a_file_is_never_more_than_the_id_of_a_task(tmp_path: Path) -> None:
    comments = Comments()
    comments.said[Anchor("a", 0, 1, "")] = "why"
    kept = Unsent(tmp_path / "here", lambda _: None)
    assert not kept.keep("../../gone", comments)
    assert not kept.read("../../gone")
    assert list(tmp_path.iterdir()) == []
