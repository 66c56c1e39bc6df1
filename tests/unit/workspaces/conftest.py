"""A repository, a task in it, and a place for worktrees."""

from pathlib import Path

import pytest

from inspan.model.task import Task
from inspan.workspaces.places import Workspaces
from tests.fakes.repository import make_repository, task_in
from tests.fakes.trap import Trap


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repository")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "state" / "workspaces"


@pytest.fixture
def places(root: Path) -> Workspaces:
    return Workspaces(root)


@pytest.fixture
def task(repository: Path) -> Task:
    return task_in(
        repository, name="a name", prompt="do it", command=("make",), env={"TOKEN": "secret"}
    )


@pytest.fixture
def trap(tmp_path: Path) -> Trap:
    return Trap(tmp_path)
