"""Deciding about a result: accept, reject or send back, by a person or a reviewer."""

from __future__ import annotations

from dataclasses import replace

from inspan.engine.housing import Workspaces
from inspan.engine.intake import Intake
from inspan.engine.ledger import Ledger
from inspan.errors import IllegalTransition, NothingToDecide
from inspan.model import event as e
from inspan.model.ids import short
from inspan.model.merging import MergeRequest, MergeResult, goal_branch
from inspan.model.task import Task, TaskKind, TaskState, Verdict, Workspace, WorkspaceKind


class Deciding:
    """Carries a verdict out in the workspace, then records it."""

    def __init__(self, workspaces: Workspaces, ledger: Ledger, intake: Intake) -> None:
        self._workspaces = workspaces
        self._ledger = ledger
        self._intake = intake

    async def decide(
        self, task: Task, verdict: Verdict, findings: tuple[str, ...], by: str
    ) -> Task:
        """The task as it is with the verdict; for one sent back after its end, the new task."""
        if not task.done and task.state is not TaskState.PROCESSING:
            raise IllegalTransition(f"the task is {task.state}: there is no result yet")
        if verdict is Verdict.SEND_BACK:
            return await self._send_back(task, findings, by)
        place = _worktree(task)
        if verdict is Verdict.ACCEPT:
            await self._workspaces.accept(place, _message(task))
            fact: e.Fact = e.Accepted(task.attempt, by)
        else:
            fact = e.Rejected(task.attempt, by, findings)
        if task.done:
            fact = e.Judged(verdict, by, findings)
        decided = await self._ledger.record(task.id, fact)
        lost = await self._workspaces.ignored(place)
        saved = await self._workspaces.remove(place)
        return await self._ledger.record(decided.id, e.WorkspaceSaved(saved, lost))

    async def diff(self, task: Task) -> str:
        """What the task changed."""
        return await self._workspaces.diff(_worktree(task))

    async def merge(self, task: Task, asked: MergeRequest) -> MergeResult:
        """Bring its branch onto a person's, or say what would come of it."""
        if task.spec.kind is TaskKind.GOAL:
            return await self._workspaces.merge(task, goal_branch(task.id), asked)
        branch = _worktree(task).branch
        if branch is None or task.verdict is not Verdict.ACCEPT:
            raise NothingToDecide(
                f"task {short(task.id)} is not accepted, so its branch does not have all of it",
                hint="`inspan diff ID` shows what it changed, `inspan accept ID` takes it.",
            )
        return await self._workspaces.merge(task, branch, asked)

    async def _send_back(self, task: Task, findings: tuple[str, ...], by: str) -> Task:
        if not findings:
            raise NothingToDecide(
                "sending back needs a finding",
                hint="Say what is wrong: `inspan send-back ID TEXT`.",
            )
        if not task.done:
            return await self._ledger.record(task.id, e.SentBack(task.attempt, by, findings))
        await self._ledger.record(task.id, e.Judged(Verdict.SEND_BACK, by, findings))
        branch = task.workspace.branch if task.workspace else None
        again = replace(
            task.spec,
            findings=(*task.spec.findings, *findings),
            base=branch or task.spec.base,
            after=(),
            not_before=None,
            correlation=task.correlation,
            labels={**task.spec.labels, "takes_up": task.id},
        )
        return (await self._intake.accept((again,), None)).tasks[0]


def _worktree(task: Task) -> Workspace:
    if task.workspace is None or task.workspace.kind is not WorkspaceKind.WORKTREE:
        raise NothingToDecide(f"task {short(task.id)} did not run in a worktree")
    return task.workspace


def _message(task: Task) -> str:
    what = task.spec.name or task.spec.prompt or " ".join(task.spec.command)
    return f"{what.splitlines()[0][:72]}\n\nInspan-Task: {task.id}\n"
