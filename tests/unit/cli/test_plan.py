"""``inspan plan`` before a daemon of fakes, with a real terminal where somebody edits."""

from __future__ import annotations

import io
import json
import os
import stat
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given

from inspan.cli.main import main
from inspan.model import event as e
from inspan.model.goal import GoalPlan, PlanStep, longest
from inspan.model.task import Needs, Task, TaskKind, TaskSpec
from inspan.telling import plans
from tests.unit.cli.desk import Desk, desk
from tests.unit.model.test_goal import plans as any_plan

pytestmark = pytest.mark.requirement("A6")

SPEC = TaskSpec(command=("work",), cwd="/", kind=TaskKind.GOAL)
PLAN = GoalPlan(
    summary="Limits,\x1b[2J as wanted.",
    steps=(
        PlanStep(name="design", title="Design it", prompt="x", minutes=10),
        PlanStep(name="work", prompt="Do it.\nWell.", minutes=20, after=("design",)),
        PlanStep(name="docs", prompt="Write\x1b]0;x\x07", minutes=4.5),
        PlanStep(
            name="tests",
            provider="shell",
            command=("make", "test"),
            after=("work", "docs"),
            review=False,
        ),
    ),
)
OTHER = GoalPlan(steps=(PlanStep(name="a", prompt="another"),))


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    with desk(tmp_path, monkeypatch) as made:
        yield made


def goal(daemon: Desk, plan: GoalPlan | None = PLAN) -> Task:
    with daemon.control() as control:
        task = control.submit(SPEC)
        return task if plan is None else control.replan(task.id, plan, version=0, by="planner")


def stored(daemon: Desk) -> list[e.Planned]:
    return [event.fact for event in daemon.fake.events if isinstance(event.fact, e.Planned)]


# ── show ──────────────────────────────────────────────────────────────────────


def test_a_plan_is_shown_as_a_tree(daemon: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    goal(daemon)
    assert main(["plan", "show", "last"]) == 0
    head, summary, *lines = capsys.readouterr().out.splitlines()
    assert head.endswith(
        "version 1, by planner: 4 steps, 34m 30s of work, and 1 without an estimate, 30m at least"
    )
    assert summary == "Limits, as wanted."
    assert lines == [
        "├─ design          10m  Design it",
        "│  └─ work         20m  Do it.",
        "│     └─ tests          (shell) make test [after docs too] [no review]",
        "└─ docs         4m 30s  Write",
    ]


def test_a_plan_is_told_as_data(daemon: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    task = goal(daemon)
    assert main(["plan", "show", task.id, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["task"], told["version"], told["by"]) == (task.id, 1, "planner")
    assert told["order"] == ["design", "work", "docs", "tests"]
    assert told["minutes"] == {"sum": 34.5, "longest": 30}
    assert told["plan"]["steps"][0] == {
        "name": "design",
        "title": "Design it",
        "prompt": "x",
        "minutes": 10,
    }


def test_what_has_no_plan_says_so(daemon: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    goal(daemon, None)
    assert main(["plan", "show", "last"]) == 2
    assert "has no plan yet" in capsys.readouterr().err
    with daemon.control() as control:
        control.submit(replace(SPEC, kind=TaskKind.WORK))
    for verb in ("show", "edit", "approve"):
        assert main(["plan", verb, "last"]) == 2
        assert "is no goal" in capsys.readouterr().err


def test_what_happened_tells_a_plan_in_a_few_words(
    daemon: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    task = goal(daemon)
    assert main(["events", task.id]) == 0
    assert "goal.planned         version=1 plan=4 steps by=planner\n" in capsys.readouterr().out
    assert main(["show", task.id, "--events"]) == 0
    told = capsys.readouterr().out
    assert "goal.planned  by planner: version 1, 4 steps\n" in told
    assert "version 1\n" in told.partition("goal.planned")[0]


@given(any_plan())
def test_a_tree_has_every_step_once_below_one_that_it_waits_for(plan: GoalPlan) -> None:
    seen: set[str] = set()
    for branch in plans.tree(plan):
        assert set(branch.also) <= set(branch.step.after)
        above = set(branch.step.after) - set(branch.also)
        assert above <= seen
        assert len(above) == bool(branch.step.after)
        seen.add(branch.step.name)
    assert seen == {step.name for step in plan.steps}
    assert len(plans.tree(plan)) == len(plan.steps)


def test_a_chain_of_thousands_does_not_run_off_to_the_right() -> None:
    steps = [PlanStep(name="0", prompt="x", minutes=1)]
    steps += [
        PlanStep(name=str(at), prompt="x", minutes=1, after=(str(at - 1),)) for at in range(1, 2000)
    ]
    plan = GoalPlan(steps=tuple(steps))
    assert longest(plan) == 2000
    assert max(len(branch.rails) for branch in plans.tree(plan)) == 39
    assert plans.about(plan) == "2000 steps, 1d 9h of work, 1d 9h at least"


# ── approve ───────────────────────────────────────────────────────────────────


def asks(daemon: Desk, task: Task, *options: str) -> None:
    fake = daemon.fake
    fake.start(task.id)
    needs = Needs("question", "Is the plan good?", options, id="q-1")
    fake._record(task.id, e.NeedsInput(1, needs))


def test_the_plan_that_is_asked_about_is_approved(
    daemon: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    task = goal(daemon)
    assert main(["plan", "approve", "last"]) == 2
    assert "does not ask for its plan" in capsys.readouterr().err
    daemon.portal.call(asks, daemon, task, "approve", "reject")
    assert main(["plan", "approve", "last"]) == 0
    assert capsys.readouterr().out.endswith("version 1 of the plan is approved\n")
    assert daemon.fake._session(task.id).typed == b"approve\n"


def test_another_question_is_not_answered(daemon: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    task = goal(daemon)
    daemon.portal.call(asks, daemon, task, "yes", "no")
    assert main(["plan", "approve", "last"]) == 2
    told = capsys.readouterr().err
    assert "asks another thing: Is the plan good?" in told
    assert "inspan answer" in told
    assert daemon.fake._session(task.id).typed == b""


# ── edit ──────────────────────────────────────────────────────────────────────


def test_a_plan_is_taken_from_a_file_or_standard_input(
    daemon: Desk,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    goal(daemon)
    file = tmp_path / "plan.yaml"
    file.write_text("steps:\n- name: a\n  prompt: another\n")
    assert main(["plan", "edit", "last", "--file", str(file)]) == 0
    assert capsys.readouterr().out.endswith("version 2 of the plan: 1 step\n")
    told = io.TextIOWrapper(io.BytesIO(b'{"steps": [{"name": "b", "prompt": "x"}]}'))
    monkeypatch.setattr(sys, "stdin", told)
    assert main(["plan", "edit", "last", "--file", "-", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["planned"] == 3
    assert [(plan.version, plan.by) for plan in stored(daemon)] == [
        (1, "planner"),
        (2, "person"),
        (3, "person"),
    ]
    assert stored(daemon)[1].plan == OTHER


@pytest.mark.parametrize(
    ("text", "why"),
    [("steps:\n- name: a\n", "plan.yaml:2: step 'a'"), ("# nothing", "there is no plan in")],
)
def test_a_file_with_a_mistake_changes_nothing(
    daemon: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, why: str
) -> None:
    goal(daemon)
    file = tmp_path / "plan.yaml"
    file.write_text(text)
    assert main(["plan", "edit", "last", "--file", str(file)]) == 2
    assert why in capsys.readouterr().err
    assert main(["plan", "edit", "last", "--file", str(tmp_path / "none")]) == 2
    assert "No such file" in capsys.readouterr().err
    assert main(["plan", "show", "last", "--file", str(file)]) == 2
    assert len(stored(daemon)) == 1


def test_without_a_terminal_no_editor_is_begun(
    daemon: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    goal(daemon)
    assert main(["plan", "edit", "last"]) == 2
    assert "--file PLAN.yaml" in capsys.readouterr().err


class Desktop:
    """A terminal on which somebody sits, and an editor that does as it is told."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self._ours, theirs = os.openpty()
        self.stdin = os.fdopen(os.dup(theirs), encoding="utf-8")
        self.stderr = os.fdopen(theirs, "w", encoding="utf-8")
        self._patch = monkeypatch
        monkeypatch.delenv("VISUAL", raising=False)
        monkeypatch.setenv("EDITOR", f"sh {folder}/editor.sh --wait")
        monkeypatch.setenv("TMPDIR", str(folder / "tmp"))
        monkeypatch.setattr("tempfile.tempdir", None)
        (folder / "tmp").mkdir()

    def edits(self, *texts: str, status: int = 0) -> None:
        """Each time it is begun it puts the next of ``texts`` into the file."""
        # Not before the test itself has begun: pytest takes the streams then.
        self._patch.setattr(sys, "stdin", self.stdin)
        self._patch.setattr(sys, "stderr", self.stderr)
        for number, text in enumerate(texts):
            (self._folder / f"text{number}").write_text(text)
        (self._folder / "editor.sh").write_text(
            f'cd "{self._folder}"; n=$(cat count 2>/dev/null || echo 0); echo $((n + 1)) > count\n'
            f'cp "$2" seen$n; if [ -e text$n ]; then cp text$n "$2"; fi; exit {status}\n'
        )

    def types(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def said(self) -> str:
        """All of it: a terminal hands on in pieces, and later than it was given them."""
        end = "\x1e"
        self.stderr.write(end)
        self.stderr.flush()
        got = b""
        while not got.endswith(end.encode()):
            got += os.read(self._ours, 1 << 16)
        return got.decode().removesuffix(end)

    def seen(self, number: int = 0) -> str:
        return (self._folder / f"seen{number}").read_text()

    def kept(self) -> list[Path]:
        return list((self._folder / "tmp").iterdir())

    def close(self) -> None:
        self.stdin.close()
        self.stderr.close()
        os.close(self._ours)


@pytest.fixture
def desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desktop]:
    with monkeypatch.context() as patched:
        made = Desktop(tmp_path, patched)
        yield made
    made.close()


GOOD = "steps:\n- name: a\n  prompt: another\n"
BAD = "steps:\n- name: a\n  prompt: another\n  minutes: soon\n"


def test_a_plan_is_edited(
    daemon: Desk, desktop: Desktop, capsys: pytest.CaptureFixture[str]
) -> None:
    goal(daemon)
    desktop.edits(GOOD)
    assert main(["plan", "edit", "last"]) == 0
    assert capsys.readouterr().out.endswith("version 2 of the plan: 1 step\n")
    assert "  - name: design\n" in desktop.seen()
    assert stored(daemon)[1] == e.Planned(2, OTHER, "person")
    assert desktop.kept() == []


def test_a_mistake_is_told_and_the_editor_has_what_was_written(
    daemon: Desk, desktop: Desktop
) -> None:
    goal(daemon, None)
    desktop.edits(BAD, GOOD)
    desktop.types("y\n")
    assert main(["plan", "edit", "last"]) == 0
    told = desktop.said()
    assert ".yaml:4: step 'a': minutes: must be a number, not a text" in told
    assert "Edit it again? [Y/n]" in told
    assert "# - name: tests" in desktop.seen(0)
    assert desktop.seen(1) == BAD
    assert stored(daemon) == [e.Planned(1, OTHER, "person")]
    assert desktop.kept() == []


def test_what_was_written_is_kept_where_its_mistake_is_not_mended(
    daemon: Desk, desktop: Desktop
) -> None:
    goal(daemon)
    desktop.edits(BAD)
    desktop.types("n\n")
    assert main(["plan", "edit", "last"]) == 2
    (kept,) = desktop.kept()
    assert kept.read_text() == BAD
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert f"what you wrote is kept in {kept}" in desktop.said().replace("\r\n", "")
    assert len(stored(daemon)) == 1


def test_what_was_written_is_kept_where_somebody_was_quicker(
    daemon: Desk, desktop: Desktop, tmp_path: Path
) -> None:
    task = goal(daemon)
    desktop.edits(GOOD)
    quick = tmp_path / "quick.yaml"
    quick.write_text("steps:\n- name: quick\n  prompt: x\n")
    editor = tmp_path / "editor.sh"
    inspan = Path(sys.executable).parent / "inspan"
    editor.write_text(
        f"{inspan} plan edit {task.id} --file {quick} >/dev/null || exit 9\n{editor.read_text()}"
    )
    assert main(["plan", "edit", "last"]) == 2
    told = desktop.said()
    assert "version 1 of the plan" in told
    assert "the newest is version 2" in told.replace("\r\n", " ")
    (kept,) = desktop.kept()
    assert kept.read_text() == GOOD
    assert main(["plan", "edit", "last", "--file", str(kept)]) == 0
    assert [plan.version for plan in stored(daemon)] == [1, 2, 3]


@pytest.mark.parametrize("text", [None, "", "summary:\nsteps:\n"])
def test_what_was_not_changed_is_not_stored(
    daemon: Desk, desktop: Desktop, text: str | None
) -> None:
    goal(daemon)
    desktop.edits(*([] if text is None else [text]))
    assert main(["plan", "edit", "last"]) == 0
    assert "the plan is as it was" in desktop.said()
    assert len(stored(daemon)) == 1
    assert desktop.kept() == []


def test_an_editor_that_fails_or_is_not_there_is_said(
    daemon: Desk, desktop: Desktop, monkeypatch: pytest.MonkeyPatch
) -> None:
    goal(daemon)
    desktop.edits(GOOD, status=3)
    assert main(["plan", "edit", "last"]) != 0
    told = desktop.said()
    assert "ended with 3" in told
    assert "what you wrote is kept in" in told
    monkeypatch.setenv("VISUAL", "/nowhere/editor")
    assert main(["plan", "edit", "last"]) != 0
    assert "cannot be started" in desktop.said()
    assert len(desktop.kept()) == 1
    assert len(stored(daemon)) == 1
