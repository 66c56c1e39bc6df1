"""An agent that has inspan run its commands: a real daemon, rules, questions, ends of all kinds."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.real.console import Console
from tests.real.daemon import alive, until
from tests.real.filing import Filer, Step
from tests.real.sandbox import needs_sandbox

pytestmark = [pytest.mark.timeout(120), pytest.mark.requirement("A2", "C9")]

ALLOWED = ("--allow", "execute")
#: Leaves its own id, and that of a process that is in no group of its, and stays.
LASTING = "echo $$ > one; setsid sh -c 'echo $$ > two.part; mv two.part two; exec sleep 600' & wait"


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    with Console() as console:
        yield console


@pytest.fixture
def filer(console: Console, tmp_path: Path) -> Filer:
    return Filer(console, tmp_path / "work")


def create(command: str, *args: str, **more: Any) -> Step:
    words = {"args": [*args]} if args else {}
    return "terminal/create", {"command": command, **words, **more}


def of(method: str, terminal: str = "$0", **more: Any) -> Step:
    return f"terminal/{method}", {"terminalId": terminal, **more}


def lasting(filer: Filer) -> list[int]:
    """The processes of LASTING, once they are there."""
    until(lambda: (filer.work / "two").exists(), "the command to run")
    return [int((filer.work / name).read_text()) for name in ("one", "two")]


def test_a_command_is_run_waited_for_told_and_let_go(filer: Filer) -> None:
    made, ended, output, released, gone = filer.told(
        create("printf", "%s", "one two"),
        of("wait_for_exit"),
        of("output"),
        of("release"),
        of("output"),
        flags=ALLOWED,
    )
    session = filer.shown("last")["session"]
    assert made == {"terminalId": f"{session}-t1"}
    assert ended == {"exitCode": 0, "signal": None}
    assert output == {"output": "one two", "truncated": False, "exitStatus": ended}
    assert released == {}
    assert gone == "There is no such terminal"
    assert filer.greeting()["terminal"] is True
    # What it printed is recorded as any session is.
    assert filer.console.say("logs", "last", "--command", "1") == "one two"


def test_it_runs_in_the_workspace_and_nowhere_else(filer: Filer) -> None:
    (filer.work / "sub").mkdir()
    (filer.work / "way").symlink_to("sub")
    (filer.work / "out").symlink_to("/etc")
    told = filer.told(
        *(
            create("pwd", cwd=cwd)
            for cwd in ("/etc", "..", f"{filer.work}/out", "none", "agent/plan")
        ),
        *(create("pwd", cwd=cwd) for cwd in (f"{filer.work}", "sub", f"{filer.work}/way")),
        *(
            of(method, f"${number}")
            for number in (5, 6, 7)
            for method in ("wait_for_exit", "output")
        ),
        flags=ALLOWED,
    )
    assert all("outside of the workspace" in answer for answer in told[:3])
    assert told[3].startswith("No such file")
    assert told[4].startswith("Not a directory")
    where = [answer["output"].strip() for answer in told[9::2]]
    assert where == [str(filer.work), str(filer.work / "sub"), str(filer.work / "sub")]


def test_rules_are_held_against_what_it_states(filer: Filer) -> None:
    flags = ("--allow", "execute:touch made **", "--allow", "execute:touch line && true")
    told = filer.told(
        create("touch", "made", "too"),
        create("touch line && true"),
        create("touch", "other"),
        create("touch made x; touch bad"),
        create("sh", "-c", "touch made x"),
        create("touch", "made", "x", env=[{"name": "PATH", "value": "/tmp"}]),
        flags=(*flags, "--answer-within", "0"),
    )
    assert [type(answer) for answer in told] == [dict, dict, *[str] * 4]
    assert set(told[2:]) == {"it was not allowed"}
    until(lambda: (filer.work / "line").exists(), "the second")
    found = {path.name for path in filer.work.iterdir()}
    assert found == {"agent", "heard", "made", "too", "line"}
    events = filer.console.say("show", "last", "--events")
    assert "allow: execute: touch made too (allow execute:touch made **)" in events
    assert "execute: env PATH=/tmp touch made x" in events


def test_without_a_rule_a_person_is_asked_and_the_question_outlives_the_daemon(
    filer: Filer,
) -> None:
    task = filer.begin(create("touch made"), of("wait_for_exit"), create("touch", "other"))
    filer.asks(task, "execute: touch made")
    filer.kill_daemon()
    filer.asks(task, "execute: touch made")
    assert not (filer.work / "made").exists()
    filer.console.say("answer", task, "allow")
    until(lambda: filer.shown(task)["needs"]["question"] == "execute: touch other", "the second")
    assert (filer.work / "made").exists()
    filer.console.say("answer", task, "deny")
    filer.console.say("wait", task)
    assert filer.answers()[1:] == [{"exitCode": 0, "signal": None}, "it was not allowed"]
    assert not (filer.work / "other").exists()


def test_what_it_had_leave_for_is_run_once_and_not_asked_for_again(filer: Filer) -> None:
    options = [
        {"optionId": "y", "name": "Yes", "kind": "allow_once"},
        {"optionId": "n", "name": "No", "kind": "reject_once"},
    ]
    call = {"toolCallId": "t", "kind": "execute", "rawInput": {"command": "echo 1 >> made"}}
    asks = ("session/request_permission", {"options": options, "toolCall": call})
    again = create("sh", "-c", "echo 1 >> made")
    task = filer.begin(asks, again, of("wait_for_exit", "$1"), again)
    filer.asks(task, "execute: echo 1 >> made")
    filer.console.say("answer", task, "allow")
    filer.asks(task, "execute: sh -c 'echo 1 >> made'")
    assert (filer.work / "made").read_text() == "1\n"
    filer.console.say("answer", task, "deny")
    filer.console.say("wait", task)


def test_a_command_outlives_the_daemon_and_is_run_once(filer: Filer) -> None:
    line = "echo begun; echo 1 >> times; until [ -f go ]; do sleep 0.05; done; echo over; exit 3"
    task = filer.begin(create(line), of("wait_for_exit"), of("output"), flags=ALLOWED)
    until(lambda: (filer.work / "times").exists(), "it to run")
    filer.kill_daemon()
    filer.console.say("ls")  # another one takes over
    (filer.work / "go").touch()
    until(lambda: filer.shown(task)["state"] == "completed", "its end")
    _, ended, output = filer.answers()
    assert ended == {"exitCode": 3, "signal": None}
    assert output["output"] == "begun\nover\n"
    assert (filer.work / "times").read_text() == "1\n"


@pytest.mark.parametrize("how", ["kill", "release"])
def test_all_of_it_is_killed_when_it_says_so(filer: Filer, how: str) -> None:
    steps = (create(LASTING), of("wait_for_exit", ahead=True), of("output", wait="two"))
    told = filer.told(*steps, of(how), flags=ALLOWED)
    assert not any(map(alive, lasting(filer)))
    assert told[1] == {"output": "", "truncated": False}  # it ran then
    assert {"exitCode": None, "signal": "SIGKILL"} in told
    assert told[-1] == {} or told[-2] == {}


@pytest.mark.parametrize("how", ["interrupt", "cancel", "kill -9", "timeout", "agent ends"])
def test_nothing_of_it_is_left_when_the_task_ends(filer: Filer, how: str) -> None:
    steps = [create(LASTING)] if how == "agent ends" else [create(LASTING), of("wait_for_exit")]
    flags = (*ALLOWED, "--timeout", "3s") if how == "timeout" else ALLOWED
    # It ends when its turn has, which is not before its command has begun.
    steps += [of("output", wait="two")] if how == "agent ends" else []
    task = filer.begin(*steps, flags=flags)
    pids = lasting(filer)
    if how in ("interrupt", "cancel"):
        filer.console.say(how, task)
    elif how == "kill -9":
        os.kill(filer.shown(task)["pid"], signal.SIGKILL)
    ends = {"cancel": "cancelled", "timeout": "failed", "agent ends": "completed"}
    until(lambda: filer.shown(task)["state"] == ends.get(how, "interrupted"), "its end")
    assert not any(map(alive, pids))


def test_what_ended_while_no_daemon_was_there_is_cleared_up_by_the_next(filer: Filer) -> None:
    task = filer.begin(create(LASTING), of("wait_for_exit"), flags=ALLOWED)
    pids = lasting(filer)
    agent = filer.shown(task)["pid"]
    filer.kill_daemon()
    os.kill(agent, signal.SIGKILL)
    until(lambda: filer.shown(task)["state"] == "interrupted", "its end")
    assert not any(map(alive, pids))


def test_what_it_prints_is_a_sign_of_life(filer: Filer) -> None:
    line = "for n in 1 2 3 4 5 6 7 8; do sleep 0.5; echo $n; done"
    flags = (*ALLOWED, "--idle", "2s")
    told = filer.told(create(line), of("wait_for_exit"), flags=flags)
    assert told[1] == {"exitCode": 0, "signal": None}


def test_it_has_so_many_at_a_time(filer: Filer) -> None:
    told = filer.told(
        *[create("sleep", "600")] * 17,
        of("release", "$3"),
        create("sleep", "600"),
        flags=ALLOWED,
    )
    assert [type(answer) for answer in told] == [*[dict] * 16, str, dict, dict]
    assert "16 terminals" in told[16]


def test_its_variables_are_the_tasks_and_those_that_it_names(filer: Filer) -> None:
    canary = f"canary-{os.urandom(8).hex()}"
    # This one starts the daemon.
    filer.console.say("down")
    ran = filer.console.run("ls", env={"MY_TOKEN": canary, "AWS_SECRET_ACCESS_KEY": canary})
    assert ran.returncode == 0
    named = [{"name": "GIVEN", "value": "by it"}, {"name": "INSPAN_TASK", "value": "no"}]
    told = filer.told(create("env", env=named), of("wait_for_exit"), of("output"), flags=ALLOWED)
    printed = told[2]["output"].splitlines()
    assert "GIVEN=by it" in printed
    assert f"INSPAN_TASK={filer.shown('last')['id']}" in printed
    assert canary not in told[2]["output"]


@needs_sandbox
def test_in_a_sandbox_it_can_do_no_more_than_its_agent(filer: Filer) -> None:
    outside, home = filer.work.parent / "outside", filer.work.parent / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh" / "key").write_text("secret")
    outside.mkdir()
    (filer.work / "sub").mkdir()
    # No variable that it names makes a hole.
    env = [{"name": "HOME", "value": str(outside)}, {"name": "VIBE_HOME", "value": str(outside)}]
    line = f"touch {outside}/made; cat {home}/.ssh/key; touch ../made; pwd"
    told = filer.told(
        create(line, cwd="sub", env=env),
        of("wait_for_exit"),
        of("output"),
        flags=(*ALLOWED, "--sandbox", "--env", f"HOME={home}"),
    )
    output = told[2]["output"]
    assert "secret" not in output
    assert list(outside.iterdir()) == []
    assert (filer.work / "made").exists()
    assert output.splitlines()[-1] == str(filer.work / "sub")
