"""What the rules for a task say of what its agent asks for, where the files of it really are."""

from __future__ import annotations

import os
from typing import Final

import anyio.to_thread

from inspan.agents.signs import Permission
from inspan.model.judging import Ground, Judgement, Request, judge
from inspan.model.permission import Decision, Policy

_ASK: Final = Judgement(Decision.ASK)


class Permits:
    """The rules of one attempt, and the folder it works in."""

    def __init__(self, policy: Policy, workspace: str) -> None:
        self._policy = policy
        self._ground = Ground(workspace, _real)

    async def judged(self, asked: Permission) -> Judgement:
        """What becomes of it. Links are followed in a thread: a disk may be slow."""
        if not self._policy.rules:
            return _ASK
        request = Request(asked.name, asked.argv, asked.line, asked.paths)
        judged = await anyio.to_thread.run_sync(judge, self._policy, request, self._ground)
        # A choice among other things, or a text, is no permission that a rule could give.
        known = judged.decision in (Decision.ASK, *asked.options)
        return judged if known else _ASK


def _real(path: str) -> str:
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):  # a circle of links that cannot be read; no text for a path
        return ""
