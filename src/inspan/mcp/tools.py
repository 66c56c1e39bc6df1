"""The tools: each a few verbs of Control, told in as few words as a model needs.

What may be done is decided by whoever implements Control. A tool that is refused says why.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from functools import partial
from typing import Any, Final

import anyio

from inspan.control import Control, TaskQuery
from inspan.errors import DaemonUnreachable, FellBehind, SessionNotFound
from inspan.goals import planned
from inspan.mcp import schemas
from inspan.mcp.serving import Progress, Tool
from inspan.model.goal import as_told, plan_of
from inspan.model.task import Task, TaskSpec, TaskState

#: How long a prompt that was handed over is waited for, in seconds.
_ARRIVES: Final = 10.0
#: How often who waits is told that there is still work, in seconds: clients give up on silence.
_TOLD_EVERY: Final = 5.0
#: How often a daemon is asked that may have gone between two words.
_TRIES: Final = 3
_DIFF_MOST: Final = 200_000
#: Of a prompt, in a list, so many characters are told.
_PROMPT: Final = 200

INSTRUCTIONS: Final = (
    "inspan runs coding agents and programs as tasks, durably and side by side. `submit` hands one"
    " in and returns at once; `wait` waits until tasks end or need somebody; `show` has what one"
    " said and changed. A task that waits has `needs`: `answer` it, or leave it to a person."
)


class Tools:
    """Over one Control."""

    def __init__(
        self,
        control: Control,
        *,
        spec_of: Callable[[Mapping[str, Any]], TaskSpec],
        words_of: Callable[[Task], Awaitable[str]],
        mend: Callable[[], object],
    ) -> None:
        """``spec_of`` makes a task of the arguments of `submit`. Raises InspanError.

        ``mend`` blocks until there is somebody to ask. Raises DaemonUnreachable.
        """
        self._mend = mend
        self._control = control
        self._spec_of = spec_of
        self._words_of = words_of

    def all(self) -> tuple[Tool, ...]:
        """Each of them, in the order in which they are listed."""
        return (
            _tool("submit", "Hand in a task; returns at once.", schemas.SUBMIT, self._submit),
            _tool(
                "wait",
                "Wait until tasks have ended, or need somebody; tells how they are.",
                schemas.WAIT_FOR,
                self._wait,
                looks=True,
            ),
            _tool("list", "List tasks, the newest first.", schemas.LIST, self._list, looks=True),
            _tool(
                "show",
                "All that is known of a task: state, result, last words, what it changed.",
                schemas.SHOW,
                self._show,
                looks=True,
            ),
            _tool("send", "Tell something to a task that runs.", schemas.SEND, self._send),
            _tool("answer", "Answer what a task asks.", schemas.ANSWER, self._answer),
            _tool("cancel", "Give a task up.", schemas.CANCEL, self._cancel),
            _tool("plan", "Show the plan of a goal, or give it one.", schemas.PLAN, self._plan),
        )

    async def _submit(self, given: Mapping[str, Any], _: Progress) -> Mapping[str, Any]:
        spec = await anyio.to_thread.run_sync(self._spec_of, given)
        await anyio.to_thread.run_sync(self._mend)
        return told(await self._control.submit(spec, key=given.get("key")))

    async def _wait(self, given: Mapping[str, Any], progress: Progress) -> Mapping[str, Any]:
        tasks = [await self._get(ref) for ref in dict.fromkeys(given["tasks"])]
        found = {task.id: task for task in tasks}
        began = time.monotonic()

        async def one(task: Task, scope: anyio.CancelScope) -> None:
            found[task.id] = await self._rested(task)
            if given.get("any"):
                scope.cancel()

        async def tells() -> None:
            while True:
                await anyio.sleep(_TOLD_EVERY)
                busy = sum(not task.settled for task in found.values())
                await progress(time.monotonic() - began, f"{busy} at work")

        with anyio.move_on_after(given.get("timeout", schemas.WAIT)):
            async with anyio.create_task_group() as group:
                group.start_soon(tells)
                async with anyio.create_task_group() as waiting:
                    for task in found.values():
                        waiting.start_soon(one, task, waiting.cancel_scope)
                group.cancel_scope.cancel()
        now = [await self._get(task) for task in found]
        return {"tasks": [told(task) for task in now], "done": all(task.settled for task in now)}

    async def _rested(self, task: Task) -> Task:
        while not task.settled:
            with suppress(FellBehind, StopAsyncIteration, DaemonUnreachable):
                await anyio.to_thread.run_sync(self._mend)
                async with aclosing(self._control.watch(task.seq, task=task.id)) as news:
                    await anext(news)
            task = await self._get(task.id)
        return task

    async def _get(self, ref: str) -> Task:
        """As ``Control.get``, also while one daemon follows another."""
        for _ in range(_TRIES):
            with suppress(DaemonUnreachable):
                return await self._control.get(ref)
            await anyio.to_thread.run_sync(self._mend)
        return await self._control.get(ref)

    async def _list(self, given: Mapping[str, Any], _: Progress) -> Mapping[str, Any]:
        await anyio.to_thread.run_sync(self._mend)
        page = await self._control.list(
            TaskQuery(
                states=tuple(map(TaskState, given.get("states", ()))),
                name=given.get("name"),
                before=given.get("before"),
                limit=int(given.get("limit", schemas.PAGE)),
            )
        )
        return {"tasks": [brief(task) for task in page.tasks], "next": page.next}

    async def _show(self, given: Mapping[str, Any], _: Progress) -> Mapping[str, Any]:
        task = await self._get(given["task"])
        words = await self._last_words(task)
        most = int(given.get("output", schemas.SHOWN))
        shown: dict[str, Any] = {**told(task), "output": words[-most:].strip("\n")}
        if len(words) > most:
            shown["output_left_out"] = len(words) - most
        if given.get("diff"):
            patch = await self._control.diff(task.id)
            safe = patch.encode(errors="surrogateescape").decode(errors="replace")
            shown["diff"] = safe[:_DIFF_MOST]
            if len(safe) > _DIFF_MOST:
                shown["diff_left_out"] = len(safe) - _DIFF_MOST
        return shown

    async def _last_words(self, task: Task) -> str:
        try:
            return await self._words_of(task)
        except SessionNotFound:
            return ""  # a recording begins a moment after its attempt, and may have been removed

    async def _send(self, given: Mapping[str, Any], _: Progress) -> Mapping[str, Any]:
        receipt = await self._control.prompt(
            given["task"], given["text"], key=given.get("key"), wait=_ARRIVES
        )
        known = {"key": receipt.key, "stage": receipt.stage.value, "arrived": receipt.arrived}
        return {**known, "why": receipt.why} if receipt.why else known

    async def _answer(self, given: Mapping[str, Any], _: Progress) -> Mapping[str, Any]:
        return told(
            await self._control.answer(given["task"], given["text"], question=given.get("question"))
        )

    async def _cancel(self, given: Mapping[str, Any], _: Progress) -> Mapping[str, Any]:
        reason = given.get("reason", "")
        return told(await self._control.cancel(given["task"], reason=reason))

    async def _plan(self, given: Mapping[str, Any], _: Progress) -> Mapping[str, Any]:
        goal = await self._get(given["goal"])
        if "plan" in given:
            # An agent's plan says what is to be done, and never what programs run.
            plan = plan_of(given["plan"], by_planner=True)
            version = int(given.get("version", goal.planned))
            goal = await self._control.replan(goal.id, plan, version=version, by="agent")
        found = await planned(self._control, goal.id)
        if found is None:
            return {"goal": goal.id, "version": 0, "plan": None}
        return {
            "goal": goal.id,
            "version": found.version,
            "by": found.by,
            "plan": as_told(found.plan),
        }


def _tool(
    name: str,
    about: str,
    takes: Mapping[str, Any],
    verb: Callable[[Mapping[str, Any], Progress], Awaitable[Mapping[str, Any]]],
    *,
    looks: bool = False,
) -> Tool:
    return Tool(name, about, takes, partial(_checked, takes, verb), looks)


async def _checked(
    takes: Mapping[str, Any],
    verb: Callable[[Mapping[str, Any], Progress], Awaitable[Mapping[str, Any]]],
    given: Mapping[str, Any],
    progress: Progress,
) -> Mapping[str, Any]:
    return await verb(schemas.checked(given, takes), progress)


def brief(task: Task) -> dict[str, Any]:
    """A task in a list."""
    known = {
        "id": task.id,
        "name": task.spec.name,
        "agent": task.spec.provider,
        "state": task.state.value,
        "prompt": (task.spec.prompt or "")[:_PROMPT],
        "needs": task.needs.question if task.needs else None,
    }
    return {name: item for name, item in known.items() if item}


def told(task: Task) -> dict[str, Any]:
    """A task by itself, without its environment."""
    reason, place, needs = task.reason, task.workspace, task.needs
    known: dict[str, Any] = {
        **brief(task),
        "settled": task.settled,
        "attempt": task.attempt,
        "parent": task.spec.parent,
        "after": task.spec.after,
        "folder": task.folder,
        "branch": place.branch if place else None,
        "exit": task.exit.status if task.exit else None,
        "reason": {"code": reason.code, "message": reason.message, "hint": reason.hint}
        if reason
        else None,
        "outcome": task.outcome.message or task.outcome.ending.value if task.outcome else None,
        "setup": [{"command": step.command, "state": step.state} for step in task.setup],
        "checks": [{"command": check.command, "exit": check.exit.status} for check in task.checks],
        "findings": task.findings,
        "awaits_verdict": task.awaits_verdict,
        "cost": task.used.cost,
        "tokens": task.used.read + task.used.written,
    }
    if needs is not None:
        known["needs"] = {
            "kind": needs.kind,
            "question": needs.question,
            "options": needs.options,
            "id": needs.id,
        }
    # What is not there says nothing; false and 0 do.
    return {name: item for name, item in known.items() if item not in (None, "", (), [])}
