"""What the providers refuse when a task is submitted; nothing is started."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from inspan.clock import SystemClock
from inspan.engine.ports import Provider
from inspan.errors import BadInput, FolderMissing, KeeperLost, ProgramNotFound, ProviderNotFound
from inspan.keeper.client import KeeperClient
from inspan.model.task import TaskSpec, WorkspaceKind
from inspan.providers.process import Processes
from inspan.providers.registry import Providers, make, names
from inspan.providers.screens import Screens

SAY = '{"steps": [{"say": "x"}]}'


async def no_keeper() -> KeeperClient:
    raise KeeperLost


@pytest.fixture
def providers(tmp_path: Path) -> Mapping[str, Provider]:
    return Providers(Processes(no_keeper, tmp_path, Screens(SystemClock())))


def test_a_provider_that_is_not_known_is_refused_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(ProviderNotFound, match="scripted, shell"):
        make("claud", Processes(no_keeper, tmp_path, Screens(SystemClock())))


def test_each_provider_knows_its_name(providers: Mapping[str, Provider]) -> None:
    assert tuple(providers) == names()
    assert all(provider.name == name for name, provider in providers.items())


def test_shell_refuses_what_can_never_run(
    providers: Mapping[str, Provider], tmp_path: Path
) -> None:
    spec = TaskSpec(command=("sh", "-c", "true"), cwd=str(tmp_path))
    check = providers["shell"].check
    check(spec)
    for bad, error in (
        (replace(spec, prompt="do it"), BadInput),
        (replace(spec, command=()), BadInput),
        (replace(spec, env={"A": "\0"}), BadInput),
        (replace(spec, cwd=str(tmp_path / "none")), FolderMissing),
        (replace(spec, command=("no-such-program-anywhere",)), ProgramNotFound),
        (replace(spec, command=("./none",)), ProgramNotFound),
    ):
        with pytest.raises(error):
            check(bad)


def test_what_only_comes_to_be_later_is_not_looked_for(
    providers: Mapping[str, Provider], tmp_path: Path
) -> None:
    spec = TaskSpec(command=("./made",), cwd=str(tmp_path))
    providers["shell"].check(replace(spec, after=("@0",), cwd=str(tmp_path / "made-too")))
    providers["shell"].check(replace(spec, workspace=WorkspaceKind.WORKTREE))
    script = TaskSpec(prompt="made.yaml", cwd=str(tmp_path))
    providers["scripted"].check(replace(script, after=("@0",)))
    providers["scripted"].check(replace(script, workspace=WorkspaceKind.WORKTREE))


def test_scripted_refuses_what_is_no_script(
    providers: Mapping[str, Provider], tmp_path: Path
) -> None:
    (tmp_path / "good.yaml").write_text("steps: [say: hello]")
    (tmp_path / "bad.yaml").write_text("steps: [sya: hello]")
    check = providers["scripted"].check
    for good in ("good.yaml", str(tmp_path / "good.yaml"), SAY, "name: x\nsteps: []\n"):
        check(TaskSpec(prompt=good, cwd=str(tmp_path)))
    for bad in ("bad.yaml", "none.yaml", '{"steps": 3}', "", "  ", None):
        with pytest.raises(BadInput):
            check(TaskSpec(prompt=bad, cwd=str(tmp_path)))
    with pytest.raises(BadInput):
        check(TaskSpec(prompt=SAY, command=("ls",), cwd=str(tmp_path)))
    with pytest.raises(FolderMissing):
        check(TaskSpec(prompt=SAY, cwd=str(tmp_path / "none")))
