"""What was decided about a worktree before it was made, and what is known of one that is gone.

Both are notes of ours: ``<task>.json`` beside the worktree, ``saved/<task>.json`` after it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from inspan.errors import WorkspaceFailed
from inspan.model.ids import TASK_ID
from inspan.model.value import value
from inspan.workspaces.taskfile import failed

_SAVED: Final = "saved"


@value(frozen=True)
class Plan:
    """What was decided before the worktree was made."""

    top: str
    common: str
    branch: str
    base: str
    #: Where in the repository the task was submitted from.
    inside: str
    #: Somebody brought it back after it was removed.
    restored: bool = False
    #: The branch that its base is of, where that is one of the user's.
    onto: str | None = None


@value(frozen=True)
class Saved:
    """A worktree that is gone, and where that is which was not committed."""

    plan: Plan
    ref: str
    #: The commit that was checked out, on which the saved one lies; the same where all of it
    #: was committed, away from the branch.
    head: str
    at: float


class Notes:
    """The notes under one folder. Raises WorkspaceFailed, DiskFull."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def plan(self, task: str) -> Plan | None:
        """What was decided about the worktree of ``task``."""
        found = _read(self._plan(task))
        return None if found is None else _plan(self._plan(task), found)

    def decide(self, task: str, plan: Plan) -> None:
        """Note it, before anything is made."""
        _write(self._plan(task), asdict(plan))

    def forget(self, task: str) -> None:
        """The worktree is gone."""
        self._plan(task).unlink(missing_ok=True)
        self._plan(task).with_suffix(".part").unlink(missing_ok=True)

    def saved(self, task: str) -> Saved | None:
        """What is known of a worktree that is gone."""
        path = self._saved(task)
        found = _read(path)
        if found is None:
            return None
        try:
            return Saved(_plan(path, found["plan"]), found["ref"], found["head"], found["at"])
        except (KeyError, TypeError) as error:
            raise WorkspaceFailed(f"{path} cannot be read: {error}") from error

    def save(self, task: str, saved: Saved) -> None:
        """Note where it is kept, before anything is removed."""
        _write(self._saved(task), asdict(saved))

    def drop(self, task: str) -> None:
        """What was saved is wanted no more."""
        self._saved(task).unlink(missing_ok=True)

    def planned(self) -> Iterator[str]:
        """The tasks whose worktree was begun, and is not known to be gone."""
        return _tasks(self._root)

    def removed(self) -> Iterator[str]:
        """The tasks of which something was saved."""
        return _tasks(self._root / _SAVED)

    def _plan(self, task: str) -> Path:
        return self._root / f"{task}.json"

    def _saved(self, task: str) -> Path:
        return self._root / _SAVED / f"{task}.json"


def _tasks(folder: Path) -> Iterator[str]:
    found = sorted(folder.glob("*.json"))
    return (path.stem for path in found if TASK_ID.fullmatch(path.stem))


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except (ValueError, OSError) as error:
        raise WorkspaceFailed(f"{path} cannot be read: {error}") from error


def _plan(path: Path, found: Any) -> Plan:
    try:
        return Plan(**found)
    except TypeError as error:
        raise WorkspaceFailed(f"{path} cannot be read: {error}") from error


def _write(path: Path, content: dict[str, Any]) -> None:
    part = path.with_suffix(".part")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part.write_text(json.dumps(content))
        part.replace(path)
    except OSError as error:
        raise failed(f"{part} could not be written", error) from error
