"""A new task that goes on with the conversation of one that is over: what it takes from that one.

It changes nothing of the task before, and must never start a second agent in a conversation that
one is having already.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from inspan.engine.references import References
from inspan.errors import BadInput, IllegalTransition
from inspan.model.agent import is_agent
from inspan.model.ids import short
from inspan.model.lifecycle import how_to_continue
from inspan.model.task import Task, TaskSpec, TaskState, WorkspaceKind

#: What agents call their sessions; it becomes a word of a command line, and no option.
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,199}")
_RESUMED: Final = frozenset({TaskState.INTERRUPTED, TaskState.PENDING, TaskState.QUEUED})


async def follow(spec: TaskSpec, refs: References) -> TaskSpec:
    """``spec`` with the folder and the conversation of the task that it ``continues``.

    Raises TaskNotFound, AmbiguousId, BadInput, and IllegalTransition where that one is not over.
    """
    if spec.continues is None:
        return spec
    before = await refs.task(spec.continues)
    _refuse_other(spec, before)
    _refuse_open(before)
    if before.agent is None:
        raise BadInput(
            f"{before.spec.provider} named no conversation in {short(before.id)} that could be"
            " taken up",
            hint=f"`inspan logs {short(before.id)}` has what was said.",
        )
    conversation = before.agent.id
    return replace(spec, continues=before.id, conversation=conversation, cwd=before.folder)


def check_conversation(spec: TaskSpec) -> None:
    """Raises BadInput where no agent's conversation could be called that."""
    if spec.conversation is None:
        return
    if not is_agent(spec.provider):
        raise BadInput(f"only an agent has conversations, and {spec.provider} is none")
    if not _NAME.fullmatch(spec.conversation):
        raise BadInput(f"{spec.conversation!r} is the name of no agent's conversation")


def at_rest(task: Task) -> IllegalTransition:
    """That nobody is there who could be spoken to."""
    because = f" ({task.reason.message})" if task.reason is not None else ""
    why = f"the task is {task.state}{because}: nothing of it runs"
    hint = how_to_continue(task)
    if task.state is TaskState.INTERRUPTED or task.is_parked:
        hint = f"`inspan resume {short(task.id)}` lets it go on."
    return IllegalTransition(why, hint=hint)


def _refuse_other(spec: TaskSpec, before: Task) -> None:
    name = short(before.id)
    if spec.provider != before.spec.provider:
        raise BadInput(
            f"the conversation of {name} is {before.spec.provider}'s, and not {spec.provider}'s",
            hint="An agent can take up its own alone.",
        )
    if spec.workspace is not WorkspaceKind.HERE:
        raise BadInput(f"the conversation of {name} goes on where it was, in the same folder")
    if before.workspace is not None and before.workspace.kind is WorkspaceKind.WORKTREE:
        raise BadInput(
            f"{name} worked in a worktree, which goes when its changes are accepted or rejected",
            hint=f"`inspan send-back {name} TEXT` has its agent go on there before that.",
        )


def _refuse_open(before: Task) -> None:
    if before.done:
        return
    name = short(before.id)
    if before.state in _RESUMED:
        hint = f"`inspan resume {name}` lets it go on."
    elif before.awaits_verdict:
        hint = f"`inspan send-back {name} TEXT` has its agent go on."
    else:
        hint = f"`inspan send {name} TEXT` is its next prompt."
    raise IllegalTransition(f"{name} is {before.state}: it has its conversation still", hint=hint)
