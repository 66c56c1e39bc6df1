"""The provider ``shell``: any command as it is, on a terminal or on pipes."""

from __future__ import annotations

from typing import Final

from inspan.engine.ports import Order, Run
from inspan.errors import BadInput
from inspan.model.task import TaskSpec, WorkspaceKind
from inspan.providers import programs
from inspan.providers.process import Processes


class Shell:
    """Runs ``command`` without a shell in between; ``sh -c LINE`` is a command like any other."""

    name: Final = "shell"

    def __init__(self, processes: Processes) -> None:
        self._processes = processes

    def check(self, spec: TaskSpec) -> None:
        """Refuse what can never run. Raises BadInput, FolderMissing, ProgramNotFound.

        A folder or program that another task is to make first, or that only a worktree will have,
        is looked for when it is started.
        """
        if spec.prompt is not None:
            raise BadInput(
                "the provider `shell` runs a command and takes no prompt",
                hint='A prompt is for an agent: `inspan run --agent claude "TEXT"`.',
            )
        programs.check_arguments(spec.command)
        programs.check_environment(spec.env)
        if spec.after:
            return
        programs.check_folder(spec.cwd)
        if "/" not in spec.command[0] or spec.workspace is WorkspaceKind.HERE:
            programs.check_program(spec.command[0], spec.cwd, spec.env)

    async def check_sandbox(self, spec: TaskSpec) -> None:
        """Refuse what cannot be confined as it asks. Raises NotConfined, BadInput."""
        await self._processes.check_sandbox(spec)

    async def open(self, order: Order) -> Run:
        """Start it. Raises SpawnFailed and what is below it, KeeperLost."""
        programs.check_folder(order.cwd)
        programs.check_program(order.command[0], order.cwd, order.env)
        return await self._processes.open(order, order.command)

    async def adopt(self, order: Order) -> Run | None:
        """Take up what an earlier engine started; ``None`` where nothing is known of it."""
        return await self._processes.adopt(order)
