"""The real agents on terminals of an engine: it knows what they ask, and its answers are taken."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import anyio
import pytest

from inspan.control import Control
from inspan.errors import IllegalTransition
from inspan.model.activity import Activity, Doing
from inspan.model.agent import Mode
from inspan.model.receipt import Stage
from inspan.model.task import Patience, Task, TaskSpec, TaskState, TerminalSpec
from tests.agents.agent import Place, Wish
from tests.agents.endpoint.scenario import Say
from tests.agents.endpoint.serve import Endpoint, serving
from tests.agents.faces.face import Face
from tests.agents.faces.faces import TOLD
from tests.agents.faces.record import SIZE
from tests.agents.install import needed
from tests.agents.kinds import wanted
from tests.agents.play import found_by_name, made
from tests.fakes.puppets import lone_engine

pytestmark = [
    pytest.mark.agents,
    pytest.mark.anyio,
    pytest.mark.requirement("B4", "C4"),
    pytest.mark.timeout(600),
    pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc"),
]


def _each(*names: str) -> pytest.MarkDecorator:
    there = [agent.name for agent in wanted(os.environ.get("AGENTS", ""))]
    faces = [pytest.param(TOLD[name], id=name) for name in names if name in there]
    return pytest.mark.parametrize("face", faces)


#: Those that end with the prompt that they are started with.
ONE_SHOT = ("aider",)
#: In seconds: OpenCode begins in a minute where others work, too.
PATIENCE = 180.0
LARGE = "\n".join(f"{number}: say what you found there" for number in range(320))


def spec_of(face: Face, endpoint: Endpoint, root: Path, scenario: str = "permission") -> TaskSpec:
    place = made(Place(root))
    base = endpoint.base(scenario, root.name, bare=face.agent.bare)
    wish = Wish(place, base, ask=True)
    place.put({**face.agent.files(wish), **face.files(wish)})
    return TaskSpec(
        command=tuple(face.argv(wish)),
        prompt=None if face.agent.name in ONE_SHOT else "do what has to be done",
        provider=face.agent.name,
        mode=Mode.PTY,
        cwd=str(place.work),
        env={**found_by_name(face.agent, wish, needed(face.agent)), **face.env},
        patience=Patience(deadline=600.0),
        terminal=TerminalSpec(cols=SIZE[0], rows=SIZE[1]),
    )


async def _doing(control: Control, task: Task, found: Callable[[Activity], bool]) -> Activity:
    told: Activity | None = None
    with anyio.move_on_after(PATIENCE):
        while True:
            with suppress(IllegalTransition):  # it has not begun
                told = await control.activity(task.id)
                if found(told):
                    return told
            await anyio.sleep(0.1)
    raise TimeoutError(f"{told}\n{await control.read(task.id)}")


@pytest.mark.parametrize("word", ["allow", "deny"])
@_each("claude", "codex", "gemini", "opencode", "vibe")
async def test_it_asks_is_answered_and_rests(face: Face, word: str) -> None:
    with serving() as endpoint, tempfile.TemporaryDirectory(prefix="f-") as root:
        spec = spec_of(face, endpoint, Path(root) / f"{face.agent.name}-{word}")
        async with lone_engine() as (control, _):
            task = await control.submit(spec)
            try:
                await _doing(control, task, lambda it: it.doing is Doing.WAITING)
                task = await control.get(task.id)
                assert task.state is TaskState.WAITING
                assert task.needs is not None
                assert task.needs.kind == "permission"
                await control.answer(task.id, word, question=task.needs.id)
                await _doing(control, task, lambda it: it.doing is Doing.IDLE)
                assert (await control.get(task.id)).state is TaskState.RUNNING
                done = [file.name for file in Path(spec.cwd).iterdir() if not file.is_dir()]
                assert ("permitted.txt" in done) is (word == "allow"), done
            finally:
                await control.cancel(task.id, force=True)


async def _hears(endpoint: Endpoint, face: Face, text: str, often: int) -> None:
    """Its model is told it so often in all: no receipt told of a turn that was another's."""
    words = json.dumps(text)[1:-1]
    with anyio.fail_after(PATIENCE):
        while True:
            steps = endpoint.steps(face.agent.name)
            if steps and json.dumps(steps[-1].body).count(words) >= often:
                return
            await anyio.sleep(0.05)


@_each("aider", "claude", "codex", "gemini", "opencode", "pi", "vibe")
async def test_a_prompt_has_a_turn_however_short_that_is(face: Face) -> None:
    with serving() as endpoint, tempfile.TemporaryDirectory(prefix="f-") as root:
        spec = spec_of(face, endpoint, Path(root) / face.agent.name, "answer")
        async with lone_engine() as (control, _):
            task = await control.submit(spec)
            try:
                for number, text in enumerate(("say hello", "one\ntwo", LARGE, "say hello")):
                    endpoint.script(face.agent.name, Say(f"Word {number} of it."))
                    await _doing(control, task, lambda it: it.doing is Doing.IDLE)
                    # The first is sent when it seems to be idle, and may not have taken its own.
                    receipt = await control.prompt(task.id, text, wait=PATIENCE)
                    assert receipt.stage is Stage.STARTED, f"{text[:20]!r}: {receipt}"
                    await _hears(endpoint, face, text, 2 if number == 3 else 1)
            finally:
                await control.cancel(task.id, force=True)
