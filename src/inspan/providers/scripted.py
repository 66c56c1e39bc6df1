"""The provider ``scripted``: a fake agent that plays a script (docs/scripted.md) as a real process.

For demonstrations, and for tests of whatever speaks to agents: it costs nothing and always does
the same.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from inspan.engine.ports import Order, Run
from inspan.errors import BadInput
from inspan.model.task import TaskSpec, WorkspaceKind
from inspan.providers import programs, script
from inspan.providers.process import Processes

#: ``-P``: a file called json.py in the working folder must not be taken for the real one.
PLAYER: Final = (sys.executable, "-P", "-m", "inspan.providers.player")


class Scripted:
    """Plays the script that the prompt is, or names."""

    name: Final = "scripted"

    def __init__(self, processes: Processes) -> None:
        self._processes = processes

    def check(self, spec: TaskSpec) -> None:
        """Refuse a script that is not valid. Raises BadInput, FolderMissing.

        A script in a file that another task is to make first, or that only a worktree will have,
        is read when it is played.
        """
        if spec.command:
            raise BadInput("the provider `scripted` plays the script in `prompt`; no command")
        argv = player_command(spec.prompt, spec.cwd)
        programs.check_arguments(argv)
        programs.check_environment(spec.env)
        if spec.prompt is not None and is_inline(spec.prompt):
            script.parse(spec.prompt)
        if spec.after:
            return
        programs.check_folder(spec.cwd)
        path = Path(argv[-1])
        if not is_inline(argv[-1]) and (spec.workspace is WorkspaceKind.HERE or path.exists()):
            script.load(path)

    async def check_sandbox(self, spec: TaskSpec) -> None:
        """Refuse what cannot be confined as it asks. Raises NotConfined, BadInput."""
        await self._processes.check_sandbox(spec)

    async def open(self, order: Order) -> Run:
        """Start the player. Raises SpawnFailed and what is below it, KeeperLost."""
        programs.check_folder(order.cwd)
        return await self._processes.open(order, player_command(order.prompt, order.cwd))

    async def adopt(self, order: Order) -> Run | None:
        """Take up what an earlier engine started; ``None`` where nothing is known of it."""
        return await self._processes.adopt(order)


def is_inline(prompt: str) -> bool:
    """True where ``prompt`` is a script and not the name of a file: JSON, or more than one line."""
    return prompt.lstrip().startswith("{") or "\n" in prompt.strip()


def player_command(prompt: str | None, cwd: str) -> tuple[str, ...]:
    """What plays ``prompt``. Raises BadInput where there is none."""
    if not prompt or not prompt.strip():
        raise BadInput(
            "there is no script to play",
            hint="Give one as the prompt: a file's name, or JSON or YAML itself.",
        )
    if is_inline(prompt):
        return (*PLAYER, "--inline", prompt)
    return (*PLAYER, str(Path(cwd, prompt)))
