"""What commands say where the daemon, a program or a file fails them, and what they leave whole."""

from __future__ import annotations

import argparse
import ctypes
import io
import json
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn, cast

import anyio
import pytest

from inspan.cli import (
    agents,
    demo_goal,
    demo_stage,
    doctor,
    foreground,
    formed,
    logs,
    machine,
    merge,
    planedit,
    queen,
    reach,
    setuplog,
    tui,
    upgrade,
    why,
)
from inspan.cli.finding import FAIL, OK, WARN
from inspan.cli.goalread import Watched as Story
from inspan.cli.main import main
from inspan.cli.questions import Questions
from inspan.cli.top import Watched
from inspan.client.address import own
from inspan.client.rejoin import Rejoin
from inspan.client.sync import SyncControl
from inspan.daemon import _retain
from inspan.errors import (
    BadInput,
    Conflict,
    DaemonUnreachable,
    FellBehind,
    GitFailed,
    NotGranted,
    ProgramNotFound,
    SettingsInvalid,
    Unable,
    WriterTaken,
)
from inspan.model.merging import MergeResult
from inspan.model.session import Output
from inspan.model.task import Needs, Task, TaskSpec, TaskState
from inspan.providers import bubblewrap
from inspan.settings import Places, Settings, locate
from inspan.swarm.leading import StepFailed
from inspan.swarm.voice import Voice
from tests.fakes.control import FakeControl
from tests.fakes.terminal import FakeTerminal
from tests.unit.cli.desk import Desk, desk
from tests.unit.cli.test_questions import NEEDS, Quiet

pytestmark = pytest.mark.requirement("A11")


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    with desk(tmp_path, monkeypatch) as made:
        yield made


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return locate({"INSPAN_HOME": str(tmp_path)})


def _running(daemon: Desk) -> Task:
    return daemon.portal.call(daemon.fake.submit_running)


# ── what a daemon is asked in vain ────────────────────────────────────────────


@pytest.mark.parametrize(
    ("words", "data", "status", "said"),
    [
        ("logs last --attempt 0", b"", 2, "attempts are counted from 1"),
        ("logs last --command 0", b"", 2, "commands are counted from 1"),
        ("send last - --key k", b"\xff", 2, "the prompt is no UTF-8"),
        ("send last - --no-enter", b"", 2, "there is nothing to type"),
        ("send last go --key k --timeout never", b"", 2, "a prompt is waited for some seconds"),
        ("run --agent claude --continue last go", b"", 125, "nothing of it can be continued"),
    ],
)
def test_a_mistake_about_a_task_that_runs_leaves_it_as_it_is(
    words: str,
    data: bytes,
    status: int,
    said: str,
    daemon: Desk,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    task = _running(daemon)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert main(words.split()) == status
    told = capsys.readouterr()
    assert told.out == ""
    assert said in told.err
    assert daemon.fake.tasks == {task.id: task}
    assert daemon.fake.sessions[str(task.session)].typed == b""


def test_what_a_task_does_that_has_just_ended_is_nothing(daemon: Desk) -> None:
    task = _running(daemon)
    daemon.portal.call(daemon.fake.ends, task.id)
    with daemon.control() as control:
        assert why.activity_of(control, task) is None


def test_a_command_that_has_recorded_nothing_is_not_there_yet(daemon: Desk) -> None:
    task = _running(daemon)
    with daemon.control() as control:
        assert setuplog._is_there(control, str(task.session))
        assert not setuplog._is_there(control, f"{task.id}-7")


def test_logs_that_fell_behind_go_on_where_they_were(daemon: Desk) -> None:
    task = _running(daemon)
    session, attach = str(task.session), daemon.fake.attach
    asked = list[int]()

    @asynccontextmanager
    async def attached(session: str, *, offset: int = 0, **how: Any) -> AsyncIterator[FakeTerminal]:
        asked.append(offset)
        if len(asked) == 1:
            raise FellBehind
        async with attach(session, offset=offset, **how) as terminal:
            yield terminal

    daemon.fake.attach = attached  # type: ignore[method-assign]
    daemon.portal.call(daemon.fake.prints, task.id, b"all of it")
    daemon.portal.call(daemon.fake.ends, task.id)
    with daemon.control() as control:
        told = [chunk for chunk in logs.followed(control, session) if isinstance(chunk, Output)]
    assert b"".join(chunk.data for chunk in told) == b"all of it"
    assert asked == [0, 0]


class Impatient(SyncControl):
    """A client whose person presses Ctrl-C while it waits."""

    def wait(self, *_: Any, **__: Any) -> NoReturn:
        raise KeyboardInterrupt


def test_ctrl_c_while_a_merge_is_checked_ends_the_check(daemon: Desk) -> None:
    task = _running(daemon)
    given = MergeResult(branch="branch", into="main", before="a", commit="b")
    with Impatient(daemon.socket) as control, pytest.raises(KeyboardInterrupt):
        merge._check(control, task, given, ["make test"])
    (check,) = (one for one in daemon.fake.tasks.values() if one.id != task.id)
    assert (check.spec.role, check.state) == ("check", TaskState.CANCELLED)
    assert check.reason is not None
    assert "nobody waits for the merge" in check.reason.message
    assert daemon.fake.tasks[task.id].state is TaskState.RUNNING


# ── a daemon that stays away ──────────────────────────────────────────────────


class Away:
    """A control whose daemon does not answer, so many times."""

    def __init__(self, control: Any, times: int) -> None:
        self._to = control
        self.left = times

    def __getattr__(self, name: str) -> Any:
        if name in ("metrics", "watch") and self.left:
            self.left -= 1
            raise DaemonUnreachable("no daemon answers")
        return getattr(self._to, name)


def test_figures_are_asked_for_again_and_given_up_after_some_times(daemon: Desk) -> None:
    with daemon.control() as control:
        away = Away(control, 5)
        assert Watched(cast("Any", away)).look().samples is not None
        assert away.left == 0
        away.left = 9
        with pytest.raises(DaemonUnreachable):
            Watched(cast("Any", away)).look()
        assert away.left == 3


def test_the_story_of_a_goal_is_followed_again_and_given_up_after_some_times(
    daemon: Desk,
) -> None:
    task = _running(daemon)
    came = list[int]()
    with daemon.control() as control:
        away = Away(control, 5)
        following = Story(cast("Any", away), task).follow(came)
        assert next(following)
        assert away.left == 0
        away.left = 9
        with pytest.raises(DaemonUnreachable):
            next(Story(cast("Any", away), task).follow(came))
        assert away.left == 3


def test_where_no_other_daemon_comes_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reach, "rejoin", lambda **_: Rejoin(tries=1))
    monkeypatch.setattr(reach, "address", lambda: own(tmp_path / "d.sock"))
    with pytest.raises(DaemonUnreachable, match="is lost") as raised:
        reach.successor()
    assert raised.value.hint == "What runs there runs on; ask again when it can be reached."
    assert str(raised.value.__cause__) == f"no daemon answers at {tmp_path / 'd.sock'}"


# ── questions at the terminal ─────────────────────────────────────────────────


def test_a_stream_of_events_that_has_ended_is_not_read_for_ever() -> None:
    questions = Questions("t-1", lambda: None, person=False)
    task = Task(id="t-1", spec=TaskSpec(cwd="/"), state=TaskState.RUNNING)
    questions.begin(cast("Any", Quiet(task)))
    (news,) = questions.watched().values()

    def spins() -> None:
        for _ in range(1000):
            news()

    with pytest.raises(DaemonUnreachable, match="closed the stream of events"):
        spins()


class Answered(Quiet):
    """A control in which somebody else was quicker."""

    def answer(self, *_: object, **__: object) -> NoReturn:
        raise Conflict("it no longer asks that")


@pytest.mark.parametrize(
    ("needs", "typed", "said", "still"),
    [
        (NEEDS, b"y\n", "inspan: it no longer asks that\n", False),
        (NEEDS, b"maybe\n", "'maybe' is none of what can be answered; Write allow, deny", True),
    ],
)
def test_an_answer_that_is_not_taken_is_said_and_the_question_stays_where_it_is_still_asked(
    needs: Needs,
    typed: bytes,
    said: str,
    still: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    read, write = os.pipe()
    monkeypatch.setattr("inspan.cli.questions._STDIN", read)
    task = Task(id="t-1", spec=TaskSpec(cwd="/"), state=TaskState.WAITING, needs=needs)
    questions = Questions("t-1", lambda: None, person=True)
    questions.begin(cast("Any", Answered(task)))
    os.write(write, typed)
    capsys.readouterr()
    questions.watched()[read]()
    assert said in capsys.readouterr().err
    assert (read in questions.watched()) is still
    os.close(read)
    os.close(write)


def test_who_may_not_even_watch_is_refused_and_who_may_not_type_watches() -> None:
    refused = NotGranted("the token has no scope write")
    with pytest.raises(NotGranted):
        foreground._not_ours(refused, writer=False)
    assert foreground._not_ours(refused, writer=True).endswith("it is only watched")
    assert foreground._not_ours(WriterTaken(), writer=True) == foreground._ROBBED


class Troubled:
    """A Queen whose goal comes to nothing."""

    def __init__(self, voice: Voice) -> None:
        self.voice = voice

    async def reign(self) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(anyio.sleep_forever)
            raise StepFailed("no-planner", "no agent can plan", "Name one.")


def test_the_queen_tells_by_her_own_protocol_why_her_goal_comes_to_nothing() -> None:
    told = list[str]()
    anyio.run(queen._reign, cast("Any", Troubled(Voice(told.append))))
    (line,) = told
    words = json.loads(line)
    assert words["type"] == "ended"
    assert "no agent can plan" in line
    assert "Name one." in line


@pytest.mark.anyio
async def test_a_folder_of_secrets_that_cannot_be_read_is_logged_and_kept(
    places: Places, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    places = replace(places, runtime=str(tmp_path))
    places.secrets.write_text("no folder")
    async with anyio.create_task_group() as group:
        group.start_soon(_retain, cast("Any", FakeControl()), places, Settings())
        while "secrets:" not in caplog.text:  # noqa: ASYNC110 - it tells nobody else
            await anyio.sleep(0.001)
        group.cancel_scope.cancel()
    assert "Not a directory" in caplog.text
    assert places.secrets.read_text() == "no folder"


# ── files and programs ────────────────────────────────────────────────────────


def test_settings_that_cannot_be_read_fail_the_rehearsal_and_stay(places: Places) -> None:
    places.config.mkdir(parents=True)
    found = formed.rehearsed(places)
    assert found is not None
    assert (found.name, found.level) == ("settings", FAIL)
    assert f"cannot read {places.config}" in found.message
    with pytest.raises(SettingsInvalid):
        formed.go_back(places)
    assert places.config.is_dir()


@pytest.mark.parametrize("text", ["form: many\n", "form: [1\n"])
def test_settings_whose_form_cannot_be_told_are_left_to_who_reads_them(
    text: str, places: Places
) -> None:
    places.config.parent.mkdir(parents=True, exist_ok=True)
    places.config.write_text(text)
    assert formed.rehearsed(places) is None
    formed.go_forward(places)
    assert places.config.read_text() == text


def test_a_database_that_is_none_fails_the_rehearsal_and_stays(places: Places) -> None:
    places.database.write_bytes(b"no database at all" * 100)
    told: dict[str, Any] = {}
    found = list(upgrade._database(places, told))
    assert [one.level for one in found] == [OK, FAIL]
    assert found[-1].name == "database"
    assert told == {"database": None}
    assert places.database.read_bytes() == b"no database at all" * 100


def test_without_bubblewrap_the_sandbox_is_a_warning(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bubblewrap, "_PLACES", (str(tmp_path / "bwrap"),))
    monkeypatch.setattr(bubblewrap, "_PACKAGE", "no_such_package")
    level, text, hint = doctor._sandbox(places)
    assert level == WARN
    assert "--sandbox is refused" in text
    assert "apt install bubblewrap" in hint


def test_a_kernel_that_is_not_asked_for_its_clock_has_said_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuses(_: object) -> NoReturn:
        raise OSError("no such library")

    monkeypatch.setattr(ctypes, "CDLL", refuses)
    assert machine._synchronised() is None


def test_an_agent_that_cannot_be_started_tells_no_version(tmp_path: Path) -> None:
    program = tmp_path / "agent"
    program.write_text("")
    assert agents._version(str(program), ()) is None
    assert agents._version(str(tmp_path), ()) is None


def test_the_demo_of_a_goal_needs_git_and_says_what_git_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(GitFailed, match=r"could not make the demo's repository: .*not a git rep"):
        demo_goal._git(tmp_path, "rev-parse", "HEAD")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ProgramNotFound, match="git is not installed"):
        demo_goal._git(tmp_path, "init")


def test_ctrl_c_in_what_is_to_be_whole_comes_after_it() -> None:
    done = list[str]()
    before = signal.getsignal(signal.SIGINT)

    def begins() -> None:
        with demo_stage.whole():
            signal.raise_signal(signal.SIGINT)
            done.append("all of it")

    with pytest.raises(KeyboardInterrupt):
        begins()
    assert done == ["all of it"]
    assert signal.getsignal(signal.SIGINT) is before


def test_a_plan_that_is_gone_is_not_said_to_be_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "plan.yaml"
    planedit._keep(path, "steps:\n")
    assert capsys.readouterr() == ("", "")
    path.write_text("steps: []\n")
    planedit._keep(path, "steps:\n")
    assert str(path) in capsys.readouterr().err
    assert path.exists()


def test_an_editor_that_wrote_nothing_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISUAL", "false")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(Unable, match="the editor 'false' ended with 1"):
        tui._written("steps:\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("kind", "said"), [("dumb", "'dumb'"), ("", "''")])
def test_a_terminal_that_only_prints_is_no_place_for_screens(
    kind: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = os.openpty()
    with io.TextIOWrapper(io.FileIO(theirs, "r+")) as both:
        monkeypatch.setattr("sys.stdin", both)
        monkeypatch.setattr("sys.stdout", both)
        monkeypatch.setenv("TERM", kind)
        with pytest.raises(BadInput, match=f"TERM is {said}"):
            tui.run(argparse.Namespace())
        monkeypatch.undo()
    os.close(ours)
