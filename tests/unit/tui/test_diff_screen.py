"""What a task changed, on a screen of its own: read, commented on and decided, by keys."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot

from inspan.errors import WorkspaceFailed
from inspan.model.task import TaskSpec, TaskState, Verdict
from inspan.tui.app import Cockpit
from inspan.tui.dialogs.comment import CommentDialog, SendBackDialog
from inspan.tui.dialogs.confirm import ConfirmDialog
from inspan.tui.screens.diff import Diff
from tests.fakes.control import FakeControl
from tests.unit.tui.test_tasks import opened, seen, until

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("E4")]

PATCH = """\
diff --git a/src/login.py b/src/login.py
index 1..2 100644
--- a/src/login.py
+++ b/src/login.py
@@ -1,4 +1,4 @@ def login():
 import os
-secret = "x"
+secret = os.environ["SECRET"]
 # [red]not red[/red]
 done = True
@@ -20,2 +20,3 @@ def logout():
 last
+-- a line that looks like a heading
 line
diff --git a/old name.txt b/new name.txt
similarity index 100%
rename from old name.txt
rename to new name.txt
diff --git a/logo.png b/logo.png
new file mode 100644
index 0000000..1b2c3d4
GIT binary patch
literal 8
PcmZQzU|?imU|?Wi0AN%Mp#T5?

literal 0
HcmV?d00001

"""


async def reviewed(control: FakeControl, patch: str = PATCH) -> str:
    spec = TaskSpec(command=("work",), name="mend the login", cwd="/", review=True)
    task = (await control.submit(spec)).id
    control.start(task)
    control.ends(task)
    control.diffs[task] = patch
    return task


@asynccontextmanager
async def looking(
    control: FakeControl, size: tuple[int, int] = (100, 30)
) -> AsyncIterator[tuple[Cockpit, Pilot[None], Diff]]:
    async with opened(control, size) as (app, pilot):
        await until(pilot, lambda: app.tasks.tasks.current is not None)
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, Diff))
        screen = app.screen
        assert isinstance(screen, Diff)
        await until(pilot, lambda: screen.view.review is not None and app.focused is screen.view)
        await pilot.pause()
        yield app, pilot, screen


async def _to(app: Cockpit, pilot: Pilot[None], kind: type[object]) -> None:
    await until(pilot, lambda: isinstance(app.screen, kind) and app.focused is not None)
    await pilot.pause()


async def test_it_shows_files_hunks_and_lines_with_their_numbers() -> None:
    control = FakeControl()
    await reviewed(control)
    async with looking(control) as (app, _, screen):
        shown = seen(app)
        assert "▾ src/login.py  +2 -1" in shown
        assert "▾ old name.txt → new name.txt  renamed" in shown
        assert "▾ logo.png  new binary" in shown
        assert "binary, 8 bytes" in shown
        assert "ZQzU" not in shown  # what a program eats is for no person
        assert '  2     -secret = "x"' in shown
        assert '      2 +secret = os.environ["SECRET"]' in shown
        assert "# [red]not red[/red]" in shown
        assert "+-- a line that looks like a heading" in shown
        assert screen.view.review is not None
        assert len(screen.view.review.patch.files) == 3


async def test_it_is_walked_through_folded_and_searched_by_keys() -> None:
    control = FakeControl()
    await reviewed(control)
    async with looking(control) as (app, pilot, screen):
        view = screen.view
        assert view.review is not None
        patch = view.review.patch
        for key, text in [
            ("n", "new name.txt"),
            ("n", "logo.png"),
            ("n", "logo.png"),
            ("p", "new name.txt"),
            ("left_square_bracket", "@@ -20,2 +20,3 @@ def logout():"),
            ("left_square_bracket", "@@ -1,4 +1,4 @@ def login():"),
            ("right_square_bracket", "@@ -20,2 +20,3 @@ def logout():"),
        ]:
            await pilot.press(key)
            assert patch.line(view.line).text == text
        await pilot.press("space")
        await until(pilot, lambda: "looks like a heading" not in seen(app))
        assert "▸ @@ -20,2" in seen(app)
        await pilot.press("z")
        await until(pilot, lambda: "import os" not in seen(app))
        await pilot.press("slash", *"HEADING", "enter")
        await until(pilot, lambda: "looks like a heading" in seen(app))
        assert patch.line(view.line).text == "-- a line that looks like a heading"
        await until(pilot, lambda: "1 found" in seen(app) and app.focused is view)


async def test_comments_are_kept_and_go_back_as_one_message() -> None:
    control = FakeControl()
    task = await reviewed(control)
    async with looking(control) as (app, pilot, _):
        await pilot.press("end", "up", "up", "c")
        await _to(app, pilot, CommentDialog)
        await pilot.press(*"why", "enter")
        await until(pilot, lambda: "» why" in seen(app) and "1 comment" in seen(app))
        await pilot.press("home", "down", "down", "down", "down", "c")
        await _to(app, pilot, CommentDialog)
        await pilot.press(*"ok", "enter")
        await until(pilot, lambda: "2 comments" in seen(app))
        await pilot.press("escape", "d")  # left and looked at again
        await until(pilot, lambda: "» why" in seen(app) and "» ok" in seen(app))
        await pilot.press("s")
        await _to(app, pilot, SendBackDialog)
        await pilot.press(*"Hi ", "escape")
        await until(pilot, lambda: isinstance(app.screen, Diff))
        await pilot.press("s")
        await _to(app, pilot, SendBackDialog)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.screen is app.tasks)
        assert control.tasks[task].verdict is Verdict.SEND_BACK
        (message,) = control.tasks[task].findings
        assert message.startswith("Hi ")
        assert 'src/login.py:2: ok\n    secret = os.environ["SECRET"]' in message
        assert message.index("new name.txt: why") < message.index("src/login.py:2: ok")
        assert app.judging.unsent == 0


@pytest.mark.parametrize(("key", "state"), [("a", TaskState.SUCCEEDED), ("x", TaskState.FAILED)])
async def test_a_verdict_is_given_by_its_key_and_only_if_it_is_meant(
    key: str, state: TaskState
) -> None:
    control = FakeControl()
    task = await reviewed(control)
    async with looking(control) as (app, pilot, screen):
        for _ in range(2):
            await pilot.press(key)
            await _to(app, pilot, ConfirmDialog)
            await pilot.press("enter")
            await until(pilot, lambda: app.focused is screen.view)
            assert control.tasks[task].state is TaskState.PROCESSING
        await pilot.press(key)
        await _to(app, pilot, ConfirmDialog)
        await pilot.press("y")
        await until(pilot, lambda: app.screen is app.tasks)
        assert control.tasks[task].state is state


@pytest.mark.requirement("E3")
async def test_comments_stay_where_the_changes_cannot_be_read_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    control = FakeControl()
    await reviewed(control)

    async def gone(_: str) -> str:
        raise WorkspaceFailed("the worktree is gone", hint="Look for it.")

    async with looking(control) as (app, pilot, screen):
        await pilot.press("down", "down", "c")
        await _to(app, pilot, CommentDialog)
        await pilot.press(*"mine", "enter")
        await until(pilot, lambda: "» mine" in seen(app))
        monkeypatch.setattr(control, "diff", gone)
        screen.action_again()
        await until(pilot, lambda: app.complaints.is_showing and "Look for it." in seen(app))
        await pilot.press("escape")
        await until(pilot, lambda: app.focused is screen.view)
        assert "» mine" in seen(app)


@pytest.mark.requirement("E3")
async def test_nothing_is_lost_where_a_verdict_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    control = FakeControl()
    task = await reviewed(control)

    async def refused(*_: object, **__: object) -> None:
        raise WorkspaceFailed("the worktree has left its branch", hint="Merge the two.")

    monkeypatch.setattr(control, "decide", refused)
    async with looking(control) as (app, pilot, screen):
        await pilot.press("down", "down", "c")
        await _to(app, pilot, CommentDialog)
        await pilot.press(*"mine", "enter")
        await until(pilot, lambda: "» mine" in seen(app))
        await pilot.press("a")
        await _to(app, pilot, ConfirmDialog)
        assert "1 comment is not sent by this" in seen(app)
        await pilot.press("y")
        await until(pilot, lambda: app.complaints.is_showing and "Merge the two." in seen(app))
        await pilot.press("escape")
        await until(pilot, lambda: app.focused is screen.view)
        assert "» mine" in seen(app)
        await pilot.press("s")
        await _to(app, pilot, SendBackDialog)
        await pilot.press(*"Also ", "ctrl+s")
        await until(pilot, lambda: app.focused is screen.view)  # logged: one was shown just now
        assert app.judging.comments(task).message().startswith("Also ")
        await pilot.press("ctrl+c")
        await _to(app, pilot, ConfirmDialog)
        assert "1 comment was not sent" in seen(app)
        await pilot.press("n")
        await until(pilot, lambda: app.focused is screen.view)


async def test_a_task_without_a_worktree_says_so_and_leaves_one_where_one_was() -> None:
    control = FakeControl()
    task = await reviewed(control)
    del control.diffs[task]
    async with opened(control) as (app, pilot):
        await until(pilot, lambda: app.tasks.tasks.current is not None)
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, Diff) and "did not run in" in seen(app))
        assert "Only a task that ran in a worktree" in seen(app)
        assert not app.complaints.is_showing
        await pilot.press("a")
        await _to(app, pilot, ConfirmDialog)  # what left no trace can be decided as well
        await pilot.press("escape", "escape")
        await until(pilot, lambda: app.screen is app.tasks)


async def test_what_a_change_hides_is_written_out_and_obeyed_by_nobody() -> None:
    control = FakeControl()
    line = "x = 1 \x1b]0;title\x07\x1b[2J \u202e hidden \u200b \x9b31m\r"
    await reviewed(
        control,
        f'diff --git "a/e\\033[2J.py" "b/e\\033[2J.py"\n--- "a/e\\033[2J.py"\n'
        f'+++ "b/e\\033[2J.py"\n@@ -0,0 +1 @@\n+{line}\n',
    )
    async with looking(control) as (app, _, _screen):
        shown = seen(app)
        assert "x = 1 ␛]0;title␇␛[2J <U+202E> hidden <U+200B> <U+009B>31m␍" in shown
        assert "▾ e␛[2J.py" in shown
        assert not set(shown) & set("\x1b\x07\x9b\u202e\u200b")


async def test_comments_find_their_lines_in_a_newer_patch() -> None:
    control = FakeControl()
    task = await reviewed(control)
    async with looking(control) as (app, pilot, _):
        await pilot.press("slash", *"looks", "enter", "c")
        await _to(app, pilot, CommentDialog)
        await pilot.press(*"why", "enter")
        await until(pilot, lambda: "» why" in seen(app))
        control.diffs[task] = PATCH.replace("@@ -1,4 +1,4 @@", "@@ -1,4 +1,5 @@").replace(
            "+secret =", "+more\n+secret ="
        )
        await pilot.press("u")
        await until(pilot, lambda: "+more" in seen(app))
        rows = [line.strip() for line in seen(app).splitlines()]
        at = next(number for number, row in enumerate(rows) if "» why" in row)
        assert rows[at - 1].endswith("+-- a line that looks like a heading")


def huge(lines: int = 100_000) -> str:
    """Files of ten hunks each, with so many lines in all."""
    hunk = "".join(f" same {n}\n-gone {n}\n+come {n}\n" for n in range(33))
    files = []
    for number in range(lines // 1000):
        head = f"diff --git a/f{number}.py b/f{number}.py\n--- a/f{number}.py\n+++ b/f{number}.py\n"
        hunks = (f"@@ -{at * 100 + 1},66 +{at * 100 + 1},66 @@\n{hunk}" for at in range(10))
        files.append(head + "".join(hunks))
    return "".join(files)


@pytest.mark.alone
async def test_a_huge_patch_opens_at_once_and_scrolls() -> None:
    """Measured in the processor's seconds: the machine of a test does other things too."""
    control = FakeControl()
    await reviewed(control, huge())
    async with opened(control, (120, 40)) as (app, pilot):
        await until(pilot, lambda: app.tasks.tasks.current is not None)
        begun = time.process_time()
        app.action_diff()
        await until(pilot, lambda: "same 0" in seen(app))
        first = time.process_time() - begun
        assert isinstance(app.screen, Diff)
        view = app.screen.view
        assert view.review is not None
        assert len(view.review.rows) > 100_000
        took: list[float] = []
        for act in [view.action_step, view.action_page] * 40:
            begun = time.process_time()
            act(1)
            shown = seen(app)  # all of the screen is drawn anew
            took.append(time.process_time() - begun)
            assert view.review.patch.line(view.line).text in shown
            await pilot.pause()
        begun = time.process_time()
        view.action_fold_all()
        view.search("come 32")
        searched = time.process_time() - begun
    p95 = sorted(took)[int(len(took) * 0.95)]
    print(f"open {first:.2f} s, a step p95 {p95 * 1000:.0f} ms, a search {searched:.2f} s")
    assert first < 1.0
    assert p95 < 0.05
    assert searched < 0.5
