"""Claude Code and Codex over the Agent Client Protocol, under inspan: their adapters, for real."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from inspan.model.agent import Mode
from inspan.model.task import TaskState
from tests.agents import guided as guiding
from tests.agents.agent import PROMPT, SECOND_PROMPT
from tests.agents.endpoint.scenario import ANSWER, LONG, WRITTEN, Execute, Say, Slowly
from tests.agents.endpoint.serve import serving
from tests.agents.guided import Guidance, Guided
from tests.agents.guides import WANTED
from tests.agents.install import needed
from tests.agents.kinds.adapters import ADAPTERS
from tests.real.daemon import Daemon, until

pytestmark = [
    pytest.mark.agents,
    pytest.mark.requirement("A2", "C5"),
    pytest.mark.timeout(240),
    pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc"),
]

#: As inspan calls them, of those that this run is about.
NAMES = [name for name in ("claude", "codex") if name in [agent.name for agent in WANTED]]
EACH = pytest.mark.parametrize("name", NAMES)
Guide = Callable[..., Guided]


@pytest.fixture
def guide(daemon: Daemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Guide]:
    # What the agents' own programs are told by arguments, the adapters are not.
    monkeypatch.setattr(guiding, "AGENTS", {name: Guidance((Mode.ACP,)) for name in NAMES})
    made: list[Guided] = []

    def guided(name: str, scenario: str, *, ask: bool = False) -> Guided:
        adapter = ADAPTERS[f"{name}-acp"]
        prefix = needed(adapter).resolve()
        agent = replace(adapter, name=name)
        made.append(
            Guided(agent, Mode.ACP, scenario, prefix, daemon, endpoint, root=tmp_path, ask=ask)
        )
        return made[-1]

    with serving() as endpoint:
        yield guided
    try:
        for each in made:
            # A child of the adapter may outlive it until inspan, which has told the end, kills it.
            until(lambda: not each.left, "the last of its processes to end", 5)  # noqa: B023 - at once
    finally:
        for each in made:
            each.end()


@EACH
def test_it_answers(name: str, guide: Guide) -> None:
    ran = guide(name, "answer").run("--timeout", "90s")
    assert ran.task.state is TaskState.COMPLETED, ran
    assert ANSWER in ran.out


@EACH
def test_it_edits_a_file(name: str, guide: Guide) -> None:
    guided = guide(name, "write_file")
    ran = guided.run("--allow", "*", "--timeout", "90s")
    assert ran.task.state is TaskState.COMPLETED, ran
    assert guided.wrote(WRITTEN.path) == WRITTEN.content


@pytest.mark.parametrize("answer", ["allow", "deny"])
@pytest.mark.skipif("claude" not in NAMES, reason="not wanted")
def test_claude_asks_and_is_answered(answer: str, guide: Guide) -> None:
    guided = guide("claude", "permission", ask=True)
    task = guided.add("--timeout", "90s")
    guided.until(lambda: guided.task(task).needs, "it to ask")
    needs = guided.task(task).needs
    assert needs is not None
    assert needs.question.startswith("execute: ")
    assert "touch permitted.txt" in needs.question
    assert guided.inspan("answer", task, answer).returncode == 0
    ran = guided.ended(task)
    assert (guided.wrote("permitted.txt") is not None) == (answer == "allow"), ran


@pytest.mark.skipif("codex" not in NAMES, reason="not wanted")
def test_codex_has_its_model_review_what_it_would_ask(guide: Guide) -> None:
    """The scripted one says nothing that it takes for a review."""
    guided = guide("codex", "permission", ask=True)
    ran = guided.run("--timeout", "90s")
    assert ran.task.state is TaskState.COMPLETED, ran
    assert "Guardian Review" in ran.err
    assert guided.wrote("permitted.txt") is None
    assert "task.needs_input" not in [event.kind for event in ran.events]


@EACH
def test_it_is_interrupted_and_resumed(name: str, guide: Guide) -> None:
    guided = guide(name, "hang_then_ok")
    task = guided.add("--timeout", "90s")
    guided.until(guided.asked, "its model to be asked")
    assert guided.inspan("interrupt", task).returncode == 0
    ran = guided.ended(task)
    assert (ran.task.state, ran.events[-1].kind) == (TaskState.INTERRUPTED, "task.interrupted")
    until(lambda: not guided.left, "the last of its processes to end", 5)
    guided.inspan("resume", task)
    ran = guided.ended(task)
    assert ran.task.state is TaskState.COMPLETED, ran
    assert ran.task.attempt == 2


@EACH
def test_a_command_ends_with_an_interrupt_and_its_session_is_taken_up(
    name: str, guide: Guide
) -> None:
    guided = guide(name, "long_command")
    guided.script(Execute(f"touch started.txt; {LONG}"), Say(ANSWER))
    task = guided.add("--allow", "*", "--timeout", "90s")
    guided.until(lambda: guided.wrote("started.txt") is not None, "its command to run")
    assert guided.inspan("interrupt", task).returncode == 0
    ran = guided.ended(task)
    assert ran.task.state is TaskState.INTERRUPTED, ran
    until(lambda: not guided.left, "the last of its processes to end", 5)
    guided.inspan("resume", task)
    ran = guided.ended(task)
    assert ran.task.state is TaskState.COMPLETED, ran
    (first, *_, last) = [step for step in guided.steps if step.turn]
    assert PROMPT.strip().splitlines()[0] in str(last.body)
    assert first.body != last.body


@EACH
def test_it_is_killed_and_resumed(name: str, guide: Guide) -> None:
    guided = guide(name, "hang_then_ok")
    task = guided.add("--timeout", "90s")
    guided.until(guided.asked, "its model to be asked")
    pid = guided.task(task).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    ran = guided.ended(task)
    assert ran.task.state is TaskState.INTERRUPTED, ran
    until(lambda: not guided.left, "the last of its processes to end", 5)
    guided.inspan("resume", task)
    ran = guided.ended(task)
    if name == "claude" and ran.task.state is TaskState.INTERRUPTED:
        # Killed as its model is first asked it may not have kept its session yet.
        assert ran.task.reason is not None
        assert ran.task.reason.code == "forgotten"
        guided.inspan("resume", task)
        ran = guided.ended(task)
    assert ran.task.state is TaskState.COMPLETED, ran


@EACH
def test_a_second_prompt_is_asked_with_the_first_and_its_answer(name: str, guide: Guide) -> None:
    guided = guide(name, "two_turns")
    guided.script(Slowly(ANSWER, 1.0), Say("The second answer."))
    task = guided.add("--timeout", "90s")
    guided.until(guided.asked, "its model to be asked")
    assert guided.inspan("send", task, SECOND_PROMPT).returncode == 0
    ran = guided.ended(task)
    assert ran.task.state is TaskState.COMPLETED, ran
    assert SECOND_PROMPT.strip() in guided.told_model
