"""What a sandbox is refused for, before any program starts; one that works is in the e2e tests."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from inspan.agents.dialect import OwnFolder
from inspan.engine.ports import Order
from inspan.errors import BadInput, InspanError, NotConfined, WorkspaceFailed
from inspan.model.ids import session_id, ulid
from inspan.model.sandbox import SandboxRules, TaskSandbox
from inspan.model.task import TaskSpec, TerminalSpec, Workspace, WorkspaceKind
from inspan.providers import bubblewrap
from inspan.providers.sandbox import Sandboxes

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.requirement("C9"),
    pytest.mark.skipif(sys.platform != "linux", reason="sandboxes are on Linux alone"),
]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a workspace in it, on a machine that says that it makes sandboxes."""
    program = tmp_path / "bwrap"
    program.write_text("#!/bin/sh\necho bubblewrap 0.8.0\n")
    program.chmod(0o755)
    monkeypatch.setattr(bubblewrap, "_PLACES", (str(program),))
    home = tmp_path / "home"
    (home / "work").mkdir(parents=True)
    (home / ".secret").mkdir()
    monkeypatch.setenv("HOME", str(home))
    return home


def sandboxes(home: Path) -> Sandboxes:
    rules = SandboxRules(hide=(str(home / ".secret"),))
    return Sandboxes(rules, ours=(home / "state",), agents=())


def spec(home: Path, place: str = "work", **changes: object) -> TaskSpec:
    wanted: dict[str, object] = {"command": ("true",), "sandbox": TaskSandbox()}
    return TaskSpec(cwd=str(home / place), **(wanted | changes))  # type: ignore[arg-type]


def order(home: Path, env: Mapping[str, str], workspace: Workspace | None = None) -> Order:
    return Order(
        session=session_id(ulid(0.0, bytes(10)), 1),
        command=("true",),
        prompt=None,
        cwd=str(home / "work"),
        env={"HOME": str(home), **env},
        terminal=TerminalSpec(),
        sandbox=TaskSandbox(),
        workspace=workspace,
    )


@pytest.mark.parametrize(
    ("place", "hidden", "error", "why", "hint"),
    [
        ("work", "notes", BadInput, "to be hidden, 'notes' is not absolute", ""),
        ("work", "/a\0b", BadInput, "is not absolute", ""),
        (".", "/a", NotConfined, "would leave your home open", "--folder"),
        ("..", "/a", NotConfined, "would leave your home open", "--folder"),
        (".secret", "/a", NotConfined, "hidden from sandboxes", "Work elsewhere"),
    ],
)
async def test_what_would_confine_nothing_is_refused(
    home: Path, place: str, hidden: str, error: type[InspanError], why: str, hint: str
) -> None:
    asked = spec(home, place, sandbox=TaskSandbox(hide=(hidden,)))
    with pytest.raises(error, match=why) as refused:
        await sandboxes(home).check(asked, ())
    assert hint in (refused.value.hint or "")
    await sandboxes(home).check(spec(home), ())
    await sandboxes(home).check(spec(home, place, sandbox=None), ())


async def test_an_agent_that_keeps_its_own_in_the_workspace_is_refused(home: Path) -> None:
    own = OwnFolder(path=".agent", variable="AGENT_HOME")
    inside = {"HOME": str(home), "AGENT_HOME": str(home / "work" / "kept")}
    with pytest.raises(NotConfined, match="keeps its own things in the workspace") as refused:
        await sandboxes(home).check(spec(home, env=inside), (own,))
    assert "its own variable" in refused.value.hint
    assert not (home / "work" / "kept").exists()
    await sandboxes(home).check(spec(home, env={"HOME": str(home)}), (own,))
    assert (home / ".agent").is_dir()


async def test_a_program_that_is_hidden_is_named(home: Path) -> None:
    program = home / ".secret" / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    given = order(home, {"PATH": str(program.parent)})
    for name in ("program", str(program)):
        with pytest.raises(NotConfined, match="which is hidden from sandboxes") as refused:
            await sandboxes(home).confine(given, TaskSandbox(), [name], (), cwd=given.cwd)
        assert str(program) in refused.value.message
        assert "sandbox: read" in refused.value.hint
    # One that is nowhere is told when it is started.
    made = await sandboxes(home).confine(given, TaskSandbox(), ["nothing"], (), cwd=given.cwd)
    assert made.argv[-1] == "nothing"


@pytest.mark.parametrize("repository", [None, "repository"])
async def test_a_worktree_that_is_none_of_ours_is_not_opened(
    home: Path, repository: str | None
) -> None:
    workspace = Workspace(WorkspaceKind.WORKTREE, str(home / "work"), repository=repository)
    with pytest.raises(WorkspaceFailed, match=r"work is no worktree of inspan's"):
        await sandboxes(home).fence(order(home, {}, workspace), ())
