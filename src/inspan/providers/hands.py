"""What is done for an agent that has us do it: its files, and its commands.

Whether it may is asked elsewhere, and the answer is put into words elsewhere.
"""

from __future__ import annotations

from inspan.agents.served import Served
from inspan.agents.signs import CommandAsked, FileAsked
from inspan.model.value import value
from inspan.providers.commands import Commands
from inspan.providers.workspacefiles import WorkspaceFiles


@value
class Hands:
    """Those for one process of an agent."""

    files: WorkspaceFiles
    commands: Commands

    async def do(self, wanted: FileAsked | CommandAsked) -> Served:
        """Do it. Raises nothing."""
        if isinstance(wanted, CommandAsked):
            return await self.commands.start(wanted)
        return await self.files.serve(wanted)
