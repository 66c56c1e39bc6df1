"""A real agent that has inspan run its commands: Kimi CLI, over the Agent Client Protocol.

Nothing is known of it but its command line, as of any agent that a person declares.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from inspan.model.agent import Mode
from inspan.model.ids import command_id
from inspan.model.task import TaskState
from tests.agents import guided as guiding
from tests.agents.agent import KEY, Agent, Wish
from tests.agents.endpoint.scenario import ANSWER, Execute, Say
from tests.agents.endpoint.serve import serving
from tests.agents.faces.held import KIMI
from tests.agents.guided import Guidance, Guided
from tests.agents.install import needed
from tests.real.daemon import Daemon, alive

pytestmark = [
    pytest.mark.agents,
    pytest.mark.requirement("A2", "C5", "C9"),
    pytest.mark.timeout(240),
    pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc"),
]

NAME = "declared"
COMMAND = "echo 1 >> ran.txt; echo printed by it; exit 3"
LASTING = "echo $$ > pid.part; mv pid.part pid; until [ -f go ]; do sleep 0.05; done; echo over"
#: It asks for leave first, and does not say for which command.
ITS_OWN = ("--allow", "other")


def _agent(*, asks: bool) -> Agent:
    def files(wish: Wish) -> dict[str, str]:
        own = dict(KIMI.files(wish))
        config = own[".kimi/config.toml"]
        # Without a login of its maker's it opens no session, also where its model is another's.
        login = json.dumps({"access_token": KEY, "expires_at": 1 << 32})
        own[".kimi/config.toml"] = f"default_yolo = {'false' if asks else 'true'}\n{config}"
        return {**own, ".kimi/credentials/kimi-code.json": login}

    return replace(KIMI, name=NAME, files=files)


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    folder = needed(KIMI).resolve() / "bin"
    argv = f"[{folder / 'python'}, {folder / 'kimi'}, acp]"
    with Daemon(f"providers: {{{NAME}: {{argv: {argv}, mode: acp}}}}\n") as running:
        yield running


@pytest.fixture
def guide(
    daemon: Daemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Guided]]:
    monkeypatch.setattr(guiding, "AGENTS", {NAME: Guidance((Mode.ACP,))})
    made: list[Guided] = []

    def guided(command: str, *, asks: bool = False) -> Guided:
        agent = _agent(asks=asks)
        prefix = needed(KIMI).resolve()
        made.append(Guided(agent, Mode.ACP, "run_command", prefix, daemon, endpoint, root=tmp_path))
        made[-1].script(Execute(command), Say(ANSWER))
        return made[-1]

    with serving() as endpoint:
        yield guided
    left = [each.left for each in made]
    for each in made:
        each.end()
    assert not any(left), left


def _pid(guided: Guided) -> int:
    guided.until(lambda: guided.wrote("pid"), "its command to run")
    return int(guided.wrote("pid") or 0)


@pytest.mark.parametrize("asks", [True, False], ids=["asks too", "asks nobody"])
def test_its_command_is_run_by_its_line_and_its_model_has_the_output(
    guide: Callable[..., Guided], daemon: Daemon, asks: bool
) -> None:
    guided = guide(COMMAND, asks=asks)
    rules = ("--allow", f"execute:{COMMAND}", *(ITS_OWN if asks else ()))
    ran = guided.run(*rules, "--answer-within", "0", "--timeout", "90s")
    assert ran.task.state is TaskState.COMPLETED, ran
    assert ANSWER in ran.out
    assert guided.wrote("ran.txt") == "1\n"
    assert "printed by it" in guided.told_model
    assert "exit code: 3" in guided.told_model
    assert ran.task.session is not None
    assert daemon.output(command_id(ran.task.session, 1)) == b"printed by it\n"
    kinds = [event.kind for event in ran.events]
    assert kinds.count("permission.decided") == (2 if asks else 1)


@pytest.mark.parametrize("answer", ["allow", "deny"])
def test_a_person_is_asked_once_for_one_command(guide: Callable[..., Guided], answer: str) -> None:
    guided = guide(COMMAND, asks=True)
    task = guided.add("--timeout", "90s")
    guided.until(lambda: guided.task(task).needs, "it to ask")
    needs = guided.task(task).needs
    assert needs is not None
    assert needs.question == f"other: Shell: {COMMAND}"
    assert guided.inspan("answer", task, answer).returncode == 0
    ran = guided.ended(task)
    assert ran.task.state is TaskState.COMPLETED, ran
    assert guided.wrote("ran.txt") == ("1\n" if answer == "allow" else None)
    kinds = [event.kind for event in ran.events]
    assert kinds.count("task.needs_input") == 1


def test_a_rule_for_its_own_question_is_none_for_the_command(
    guide: Callable[..., Guided],
) -> None:
    guided = guide(COMMAND, asks=True)
    ran = guided.run(*ITS_OWN, "--answer-within", "0", "--timeout", "90s")
    assert guided.wrote("ran.txt") is None
    assert "it was not allowed" in guided.told_model, ran


def test_what_no_rule_allows_is_not_run(guide: Callable[..., Guided]) -> None:
    guided = guide(f"{COMMAND}; true")
    rules = ("--allow", f"execute:{COMMAND}")
    ran = guided.run(*rules, "--answer-within", "0", "--timeout", "90s")
    assert guided.wrote("ran.txt") is None
    assert "it was not allowed" in guided.told_model, ran


def test_an_interrupt_ends_its_command(guide: Callable[..., Guided]) -> None:
    guided = guide(LASTING)
    task = guided.add("--allow", "execute", "--timeout", "90s")
    pid = _pid(guided)
    assert guided.inspan("interrupt", task).returncode == 0
    guided.until(lambda: guided.task(task).state is TaskState.INTERRUPTED, "its end")
    assert not alive(pid)


def test_its_command_and_it_outlive_the_daemon(
    guide: Callable[..., Guided], daemon: Daemon, tmp_path: Path
) -> None:
    guided = guide(LASTING)
    task = guided.add("--allow", "execute", "--timeout", "90s")
    pid = _pid(guided)
    daemon.kill()
    os.kill(pid, 0)
    daemon.start()
    (tmp_path / "work" / "go").touch()
    ran = guided.ended(task)
    assert ran.task.state is TaskState.COMPLETED, ran
    assert "over\\n" in guided.told_model
