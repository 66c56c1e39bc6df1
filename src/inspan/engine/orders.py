"""What a provider is told to start, made of what is known of the task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from inspan.engine.ports import Order, Provider
from inspan.errors import ProviderNotFound
from inspan.model.agent import Ending
from inspan.model.event import AttemptStarted
from inspan.model.ids import session_id
from inspan.model.permission import Policy
from inspan.model.task import Task, TaskKind, TaskSpec, TerminalSpec, WorkspaceKind


def provider_of(providers: Mapping[str, Provider], spec: TaskSpec) -> Provider:
    """Who runs it. Raises ProviderNotFound, with those that are known."""
    provider = providers.get(spec.provider)
    if provider is None:
        raise _unknown(spec.provider, sorted(providers))
    return provider


def _unknown(name: str, known: Sequence[str]) -> ProviderNotFound:
    from difflib import get_close_matches  # noqa: PLC0415 - 3 ms, and few need it

    near = get_close_matches(name.lower(), known, n=1)
    meant = f"Did you mean `{near[0]}`? " if near else ""
    return ProviderNotFound(
        f"no provider is called {name!r}; known are {', '.join(known)}",
        hint=f"{meant}`inspan agents` lists the agents, the settings declare one of your own,"
        " and `shell` runs any command.",
    )


def first_start(task_id: str, spec: TaskSpec, keeper: str) -> AttemptStarted:
    """``started`` of a task that is being accepted."""
    before = spec.conversation
    return AttemptStarted(1, session_id(task_id, 1), keeper, before, before is not None)


def started(task: Task, session: str, keeper: str) -> AttemptStarted:
    """That the next attempt begins, and which of the agent's sessions it takes up.

    That of the attempt before it, unless the agent has forgotten it; where there is none, that of
    the task whose conversation this one goes on with.
    """
    own = None if task.agent is None or _forgotten(task) else task.agent.id
    before = task.spec.conversation if task.agent is None and not _forgotten(task) else None
    follows = own is None and before is not None
    return AttemptStarted(task.attempt, session, keeper, own or before, follows)


def _forgotten(task: Task) -> bool:
    return task.outcome is not None and task.outcome.ending is Ending.FORGOTTEN


def order_of(
    task: Task, session: str, command: tuple[str, ...] | None, permissions: Policy
) -> Order:
    """The present attempt as ``session``; with ``command``, a check of it."""
    marks = {
        "INSPAN_TASK": task.id,
        "INSPAN_ATTEMPT": str(task.attempt),
        "INSPAN_MODE": "one-shot" if task.resumes is None else "session",
    }
    if task.workspace and task.workspace.task_file:
        marks["INSPAN_TASK_FILE"] = task.workspace.task_file
    if task.workspace and task.workspace.port is not None:
        ports = (str(task.workspace.port), str(task.workspace.ports))
        marks["INSPAN_PORT"], marks["INSPAN_PORT_COUNT"] = ports
    findings = (*task.spec.findings, *task.findings)
    if findings:
        marks["INSPAN_FINDINGS"] = "\n".join(findings)
    return Order(
        session=session,
        command=command or task.spec.command,
        prompt=task.spec.prompt
        if task.handed is None
        else prompt_with(task.spec.prompt, task.handed.report),
        cwd=task.folder,
        env={**task.spec.env, **marks},
        terminal=TerminalSpec(pty=False) if command else task.spec.terminal,
        findings=findings,
        secrets=task.spec.secrets,
        mode=task.spec.mode,
        resumes=task.resumes,
        follows=task.follows,
        permissions=permissions,
        cost_most=_cost_left(task),
        sandbox=task.spec.sandbox,
        workspace=task.workspace,
        # What a check runs is no agent's to ask with.
        delegates=task.spec.delegates and command is None,
    )


def prompt_with(prompt: str | None, report: str) -> str:
    """What an agent is asked that goes on with the work of another."""
    return f"{prompt}\n\n{report}" if prompt else report


def _cost_left(task: Task) -> float | None:
    """What the attempt may cost; not nothing, which some programs take for no limit."""
    allowance = task.allowance
    if allowance is None or allowance.cost is None:
        return None
    return max(0.0001, allowance.cost - (task.used_before.cost or 0.0))


def works_where_it_is(spec: TaskSpec) -> bool:
    """Whether no place has to be made or found for it: a goal has one, to know where it began."""
    return spec.workspace is WorkspaceKind.HERE and spec.kind is not TaskKind.GOAL
