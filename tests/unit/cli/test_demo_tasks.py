import os
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from inspan.cli.demo_tasks import Action, DemoTask, demo_specs
from inspan.errors import ProgramNotFound
from inspan.model.role import DEFAULT_LIMIT
from inspan.model.task import TaskState
from inspan.providers import script
from inspan.providers.steps import Ask

ENV = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LANG": "C.UTF-8"}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> dict[str, DemoTask]:
    made = demo_specs(tmp_path_factory.mktemp("demo"), ENV)
    return {task.spec.name: task for task in made}


def run(task: DemoTask) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        task.spec.command, cwd=task.spec.cwd, env=ENV, capture_output=True, timeout=30, check=False
    )


def test_six_can_run_at_once_with_the_default_slots(demo: dict[str, DemoTask]) -> None:
    at_once = [task for task in demo.values() if not task.spec.after]
    assert len(at_once) >= 6
    assert max(Counter(task.spec.role for task in at_once).values()) <= DEFAULT_LIMIT


@pytest.mark.parametrize("name", ["tests", "build", "deploy"])
def test_a_task_ends_as_it_is_expected_to(demo: dict[str, DemoTask], name: str) -> None:
    task = demo[name]
    ran = run(task)
    assert ran.returncode == task.exit_code, ran.stderr
    assert (task.expect is TaskState.FAILED) == (ran.returncode != 0)
    for check in task.spec.checks:
        checked = subprocess.run(
            check, shell=True, cwd=task.spec.cwd, env=ENV, capture_output=True, check=False
        )
        assert checked.returncode == 0, checked.stderr


def test_the_history_waits_for_the_clone(demo: dict[str, DemoTask]) -> None:
    (after,) = demo["history"].spec.after
    assert list(demo)[int(after.removeprefix("@"))] == "clone"
    assert run(demo["clone"]).returncode == 0
    proof = demo["clone"].proof
    assert proof is not None
    assert proof.holds
    assert run(demo["history"]).stdout.count(b"Measurement") == 5


def test_the_survey_takes_up_where_it_was(demo: dict[str, DemoTask]) -> None:
    task = demo["survey"]
    assert task.action is Action.INTERRUPT_RESUME
    assert task.ready is not None
    assert task.proof is not None
    with subprocess.Popen(
        task.spec.command,
        cwd=task.spec.cwd,
        env=ENV,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as survey:
        assert survey.stdout is not None
        lines = [survey.stdout.readline() for _ in range(4)]
        survey.send_signal(2)
        _, said = survey.communicate(timeout=30)
    assert lines[0] == b"from the start\n"
    assert b"kept in progress.json" in said
    assert task.ready.exists()
    assert not task.proof.holds
    again = run(task)
    assert b"are counted already" in again.stdout
    assert again.returncode == 0
    assert task.proof.holds


def test_the_agents_question_takes_the_answer_that_is_planned(demo: dict[str, DemoTask]) -> None:
    task = demo["release"]
    assert task.action is Action.ANSWER
    assert task.spec.prompt is not None
    steps = script.load(Path(task.spec.prompt)).steps
    (ask,) = [step for step in steps if isinstance(step, Ask)]
    assert task.answer in ask.options
    assert task.answer in ask.on


def test_without_git_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(ProgramNotFound, match="git"):
        demo_specs(tmp_path, {"PATH": str(tmp_path)})
