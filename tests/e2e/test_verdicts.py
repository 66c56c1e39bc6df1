"""Accept, reject and send back what real programs did in real worktrees."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

import inspan
from inspan.client.remote import RemoteControl
from inspan.client.sync import SyncControl
from inspan.errors import IllegalTransition, NothingToDecide
from inspan.model.task import Task, TaskSpec, TaskState, Verdict, WorkspaceKind
from tests.fakes.repository import contents, git, make_repository
from tests.real.console import Console
from tests.real.daemon import Daemon, until

pytestmark = [pytest.mark.timeout(120), pytest.mark.requirement("A2", "B7")]

#: What an agent does: changes one file, adds another, and is told what it works for.
WORK = 'echo "by $INSPAN_TASK" >>file; echo new >added; cp "$INSPAN_TASK_FILE" seen.json; pwd'


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with Daemon() as running:
        yield running


@pytest.fixture
def control(daemon: Daemon) -> Iterator[SyncControl]:
    with daemon.control() as control:
        yield control


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repository")


def spec(daemon: Daemon, repository: Path, line: str = WORK, **fields: object) -> TaskSpec:
    plain = daemon.spec("sh", "-c", line, workspace=WorkspaceKind.WORKTREE, **fields)
    return TaskSpec(**{**{name: getattr(plain, name) for name in _FIELDS}, "cwd": str(repository)})


_FIELDS = tuple(TaskSpec.__dataclass_fields__)


def branch_of(task: Task) -> str:
    assert task.workspace is not None
    assert task.workspace.branch is not None
    return task.workspace.branch


def place_of(task: Task) -> Path:
    assert task.workspace is not None
    return Path(task.workspace.path)


def processing(control: SyncControl, task: Task) -> Task:
    until(lambda: control.get(task.id).state is TaskState.PROCESSING, "its result")
    return control.get(task.id)


def decide(control: SyncControl, task: Task, verdict: Verdict, *findings: str) -> Task:
    """The verdict; the attempt is over a moment after its state was told."""
    ended: list[Task] = []

    def try_it() -> bool:
        try:
            ended.append(control.decide(task.id, verdict, findings))
        except IllegalTransition as error:
            assert "still at work" in error.message  # noqa: PT017 - anything else is a failure
            return False
        return True

    until(try_it, "the attempt to be over")
    return ended[0]


def test_accepting_keeps_the_work_on_its_branch_and_the_checkout_as_it_was(
    daemon: Daemon, control: SyncControl, repository: Path
) -> None:
    before = contents(repository)
    task = control.submit(spec(daemon, repository, review=True, name="a change"))
    result = processing(control, task)
    patch = control.diff(task.id)
    assert f"+by {task.id}" in patch
    assert "+++ b/added" in patch
    done = decide(control, task, Verdict.ACCEPT)
    assert (done.state, done.verdict) == (TaskState.SUCCEEDED, Verdict.ACCEPT)
    branch = branch_of(result)
    assert branch.startswith("inspan/")
    assert git(repository, "show", f"{branch}:added") == "new"
    assert f"by {task.id}" in git(repository, "show", f"{branch}:file")
    told = json.loads(git(repository, "show", f"{branch}:seen.json"))
    assert told["id"] == task.id
    assert git(repository, "log", "-1", "--format=%s", branch) == "a change"
    assert not place_of(result).exists()
    assert contents(repository) == before


def test_rejecting_refuses_it_and_loses_nothing(
    daemon: Daemon, control: SyncControl, repository: Path
) -> None:
    before = contents(repository)
    task = control.submit(spec(daemon, repository, review=True))
    result = processing(control, task)
    done = decide(control, task, Verdict.REJECT, "not what was asked")
    assert (done.state, done.verdict) == (TaskState.FAILED, Verdict.REJECT)
    assert not place_of(result).exists()
    refs = git(repository, "for-each-ref", "--format=%(refname)").splitlines()
    saved = [ref for ref in refs if task.id in ref and not ref.startswith("refs/heads/")]
    assert saved, refs
    assert git(repository, "show", f"{saved[0]}:added") == "new"
    assert contents(repository) == before


def test_what_is_sent_back_is_done_again_with_the_findings(
    daemon: Daemon, control: SyncControl, repository: Path
) -> None:
    line = 'echo "attempt $INSPAN_ATTEMPT" >>history; cp "$INSPAN_TASK_FILE" seen.json'
    task = control.submit(spec(daemon, repository, line, review=True))
    first = processing(control, task)
    decide(control, task, Verdict.SEND_BACK, "it has no test")
    until(lambda: control.get(task.id).attempt == 2, "the second attempt")
    second = processing(control, task)
    assert place_of(second) == place_of(first)
    told = (place_of(second) / "seen.json").read_text()
    assert "it has no test" in told
    done = decide(control, task, Verdict.ACCEPT)
    assert done.state is TaskState.SUCCEEDED
    history = git(repository, "show", f"{branch_of(second)}:history")
    assert history.splitlines() == ["attempt 1", "attempt 2"]


def test_after_its_end_it_becomes_a_new_task_on_top_of_the_old_one(
    daemon: Daemon, control: SyncControl, repository: Path
) -> None:
    commit = "git add -A; git -c user.name=A -c user.email=a@example.org commit -qm x"
    line = f'echo "$INSPAN_TASK" >>history; {commit}'
    done = control.wait(control.submit(spec(daemon, repository, line)).id)
    assert done.state is TaskState.COMPLETED
    again = decide(control, done, Verdict.SEND_BACK, "once more")
    assert again.id != done.id
    assert again.spec.labels["takes_up"] == done.id
    assert again.correlation == done.correlation
    ended = control.wait(again.id)
    assert ended.state is TaskState.COMPLETED
    history = git(repository, "show", f"{branch_of(ended)}:history")
    assert history.splitlines() == [done.id, again.id]


def test_where_there_is_nothing_to_decide_it_says_so(daemon: Daemon, control: SyncControl) -> None:
    plain = control.wait(control.submit(daemon.spec("true")).id)
    with pytest.raises(NothingToDecide):
        decide(control, plain, Verdict.ACCEPT)
    with pytest.raises(NothingToDecide):
        control.diff(plain.id)
    with pytest.raises(NothingToDecide):
        decide(control, plain, Verdict.SEND_BACK)


def test_a_folder_that_is_no_repository_is_the_tasks_error(
    daemon: Daemon, control: SyncControl, tmp_path: Path
) -> None:
    ended = control.wait(control.submit(spec(daemon, tmp_path)).id)
    assert ended.state is TaskState.ERROR
    assert ended.reason is not None
    assert ended.reason.code == "not-a-repository"


def test_every_wait_ends_where_only_a_verdict_is_missing(
    daemon: Daemon, control: SyncControl, repository: Path
) -> None:
    task = control.submit(spec(daemon, repository, review=True, checks=("true",)))
    assert control.wait(task.id, 30).awaits_verdict  # the client's, and with it the server's

    async def by_library() -> Task:
        async with RemoteControl.connect(daemon.places.daemon_socket) as remote:
            with anyio.fail_after(30):
                return await inspan.wait(remote, task.id)

    assert anyio.run(by_library).awaits_verdict
    assert not decide(control, task, Verdict.ACCEPT).awaits_verdict


def test_a_run_in_the_foreground_ends_at_the_verdict_and_says_what_is_next(
    repository: Path,
) -> None:
    with Console() as console:
        where = ("--worktree", "--cwd", str(repository))
        plain = console.run("run", *where, "--", "sh", "-c", "echo more >>file")
        assert (plain.returncode, b"inspan diff " in plain.stderr) == (0, True)
        reviewed = console.run("run", "--review", *where, "--", "sh", "-c", "echo more >>file")
        assert (reviewed.returncode, b"reject | send-back" in reviewed.stderr) == (0, True)
        told = console.run("run", "--json", "--review", *where, "--", "true")
        assert (told.returncode, json.loads(told.stdout)["state"]) == (0, "processing")
        (console.home / "tasks.yaml").write_text(FILE.format(repository))
        several = console.run("run", "tasks.yaml")
        assert several.returncode == 5
        assert b"1 processing, 1 pending" in several.stdout
        assert b"  inspan diff " in several.stdout


#: One that asks for a verdict, and one that waits for it.
FILE = """\
tasks:
  - {{name: change, run: "echo more >>file", workspace: worktree, review: true, cwd: {0}}}
  - {{name: then, run: "true", after: [change]}}
"""
