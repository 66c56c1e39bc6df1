"""What a task really changed, reviewed on the screens over a daemon: sent back, and accepted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from inspan.model.task import TaskState, Verdict, WorkspaceKind
from inspan.tui.dialogs.comment import CommentDialog, SendBackDialog
from inspan.tui.dialogs.confirm import ConfirmDialog
from inspan.tui.screens.diff import Diff
from tests.e2e.test_tui_sessions import opened, until
from tests.fakes.repository import git
from tests.real.daemon import Daemon
from tests.unit.tui.test_tasks import seen

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("E4"), pytest.mark.timeout(90)]

WORK = r"""
git mv 'old name.txt' 'new näme.txt'
printf 'one\ntwo, told: %s\n' "$INSPAN_FINDINGS" > changed.txt
printf 'a\000b' > image.bin
printf 'no end' > short.txt
"""


async def test_it_is_sent_back_with_comments_and_then_accepted(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "old name.txt").write_text("stays as it is\n" * 9)
    (tmp_path / "changed.txt").write_text("one\n")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "begin")
    with Daemon() as daemon:
        spec = daemon.spec("sh", "-c", WORK, name="work", review=True)
        spec = replace(spec, cwd=str(tmp_path), workspace=WorkspaceKind.WORKTREE)
        with daemon.control() as control:
            task = control.submit(spec)
        async with opened(daemon) as (app, pilot):
            await until(pilot, lambda: "waits for a verdict" in seen(app))
            await pilot.press("d")
            for words in [
                "old name.txt → new näme.txt  renamed",
                "image.bin  new binary",
                "short.txt  new  +1 -0",
                "No newline at end of file",
                "+two, told:",
            ]:
                await until(pilot, lambda words=words: words in seen(app))  # type: ignore[misc]
            screen = app.screen
            assert isinstance(screen, Diff)
            await pilot.press("slash", *"told", "enter", "c")
            await until(pilot, lambda: isinstance(app.screen, CommentDialog) and app.focused)
            await pilot.pause()
            await pilot.press(*"better", "enter")
            await until(pilot, lambda: "» better" in seen(app))
            await pilot.press("s")
            await until(pilot, lambda: isinstance(app.screen, SendBackDialog) and app.focused)
            await pilot.pause()
            await pilot.press("ctrl+s")
            await until(pilot, lambda: app.screen is app.tasks)
            await until(
                pilot,
                lambda: app.known.tasks[task.id].awaits_verdict
                and app.known.tasks[task.id].attempt == 2,
            )
            await pilot.press("d")
            await until(pilot, lambda: "told: changed.txt:2: better" in seen(app))
            await pilot.press("a")
            await until(pilot, lambda: isinstance(app.screen, ConfirmDialog) and app.focused)
            await pilot.pause()
            await pilot.press("y")
            await until(pilot, lambda: app.screen is app.tasks)
            await until(pilot, lambda: app.known.tasks[task.id].state is TaskState.SUCCEEDED)
            assert app.known.tasks[task.id].verdict is Verdict.ACCEPT
            branch = app.known.tasks[task.id].workspace
            assert branch is not None
            assert branch.branch is not None
    assert "better" in git(tmp_path, "show", f"{branch.branch}:changed.txt")
