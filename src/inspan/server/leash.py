"""Control as an agent's own task has it: its descendants, and as much of them as rules allow.

The agent's own process is never trusted with that: this stands in the daemon, before Control. What
is handed in is held against ``model.delegation``. An agent sees its own task, those that descend
from it, and the goal that it works for; of all others not even that they are there. It steers those
that descend from it alone: so it answers no question of its own, nor of whoever handed it in.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from typing import Final, NoReturn

import anyio
import anyio.to_thread

from inspan.control import Control, EventQuery, TaskPage, TaskQuery
from inspan.errors import AmbiguousId, NotGranted, SessionNotFound, TaskNotFound
from inspan.model import delegation
from inspan.model.activity import Activity
from inspan.model.budget import Budget
from inspan.model.delegation import Delegation
from inspan.model.event import Event
from inspan.model.ids import SESSION_ID, short, task_of
from inspan.model.receipt import Receipt
from inspan.model.session import Chunk
from inspan.model.task import Handover, Task, TaskKind, TaskSpec, Verdict
from inspan.server.base import Base

_PAGE: Final = 1000
_OURS_ALONE: Final = "A person does that."


class Leash:
    """What of Control the agent of ``task`` has. ``gate`` is held while one hands something in."""

    def __init__(
        self,
        control: Control,
        task: str,
        rules: Delegation,
        base: Base,
        gate: anyio.Lock,
    ) -> None:
        """``base`` adds what another agent needs that its parent does not have."""
        self._control = control
        self._own = task
        self._rules = rules
        self._base = base
        self._gate = gate

    # ── handing in ────────────────────────────────────────────────────────────

    async def submit(self, spec: TaskSpec, *, key: str | None = None) -> Task:
        """As ``Control.submit``, as a child."""
        return (await self.submit_all((spec,), key=key))[0]

    async def submit_all(
        self, specs: Sequence[TaskSpec], *, key: str | None = None
    ) -> tuple[Task, ...]:
        """As ``Control.submit_all``, as children; one after the other, so that none slips in."""
        async with self._gate:
            parent = await self._control.get(self._own)
            if not parent.spec.delegates or parent.done:
                raise NotGranted("this task's agent may hand in nothing", hint=_OURS_ALONE)
            depth = 1 + await self._depth(parent)
            kin = await self._family()
            children = tuple(task for task in kin if task.spec.parent == self._own)
            still = sum(not task.done for task in children)
            delegation.check_room(depth, still, len(children), len(specs), self._rules)
            left = delegation.left_for(parent, children, self._rules.width)
            ready = [await self._as_child(spec, parent, depth, left) for spec in specs]
            # Nobody else's key can be met by chance, nor one of this be taken by another.
            own = None if key is None else f"{self._own}/{key}"
            return await self._control.submit_all(ready, key=own)

    async def _as_child(
        self, spec: TaskSpec, parent: Task, depth: int, left: Budget | None
    ) -> TaskSpec:
        made = delegation.child(spec, parent, depth, self._rules)
        after = [ref if ref.startswith("@") else (await self._kin(ref)).id for ref in spec.after]
        if not await anyio.to_thread.run_sync(self._base.by_lines, made.provider, made.mode):
            raise NotGranted("what an agent asks on a terminal no rule is held against")
        made = replace(made, after=tuple(after), budget=delegation.within(spec.budget, left))
        if made.provider != parent.spec.provider:
            made = await anyio.to_thread.run_sync(self._base.task, made)
        # What the settings would add is not taken: it has the sandbox of its parent, or none.
        return replace(made, sandbox=parent.spec.sandbox)

    # ── looking ───────────────────────────────────────────────────────────────

    async def get(self, task: str) -> Task:
        """As ``Control.get``, of what it may see. Raises TaskNotFound for all others."""
        return await self._seen(task)

    async def list(self, query: TaskQuery = TaskQuery()) -> TaskPage:
        """Those that descend from it, on one page."""
        found = tuple(
            task
            for task in await self._family()
            if (not query.states or task.state in query.states)
            and query.name in (None, task.spec.name)
            and (query.before is None or task.id < query.before)
        )
        last = found[query.limit - 1].id if len(found) > query.limit else None
        return TaskPage(found[: query.limit], last)

    async def activity(self, task: str) -> Activity:
        """As ``Control.activity``."""
        return await self._control.activity((await self._seen(task)).id)

    async def diff(self, task: str) -> str:
        """As ``Control.diff``."""
        return await self._control.diff((await self._seen(task)).id)

    async def history(self, query: EventQuery = EventQuery()) -> tuple[Event, ...]:
        """As ``Control.history``, of one task."""
        task = await self._seen(query.task or "")
        return await self._control.history(replace(query, task=task.id, correlation=None))

    async def watch(
        self, since: int | None = None, *, task: str | None = None
    ) -> AsyncGenerator[Event, None]:
        """As ``Control.watch``, of one task."""
        found = await self._seen(task or "")
        async for event in self._control.watch(since, task=found.id):
            yield event

    async def read(self, session: str, offset: int = 0, limit: int = 1 << 16) -> tuple[Chunk, ...]:
        """As ``Control.read``."""
        known = SESSION_ID.fullmatch(session) is not None
        task = await self._seen(task_of(session) if known else session)
        if not known and task.session is None:
            raise SessionNotFound(f"task {task.id} has no session yet")
        return await self._control.read(session if known else task.id, offset, limit)

    # ── taking a hand ─────────────────────────────────────────────────────────

    async def prompt(
        self, task: str, text: str, *, key: str | None = None, wait: float = 0.0
    ) -> Receipt:
        """As ``Control.prompt``. By lines, so that nothing typed answers a question."""
        found = await self._kin(task)
        # A person may have handed it over to another.
        if not await anyio.to_thread.run_sync(
            self._base.by_lines, found.spec.provider, found.spec.mode
        ):
            raise NotGranted("what is typed into a terminal could answer what it asks there")
        return await self._control.prompt(found.id, text, key=key, wait=wait)

    async def answer(self, task: str, text: str, *, question: str | None = None) -> Task:
        """As ``Control.answer``, of the very question that was looked at."""
        found = await self._kin(task)
        if found.needs is not None:
            delegation.check_answer(found.needs.kind, text)
            question = question or found.needs.id
            if question != found.needs.id:
                raise NotGranted("that is not what it asks now", hint="Look at it again.")
        return await self._control.answer(found.id, text, question=question)

    async def interrupt(
        self, task: str, *, reason: str = "", by: str = "person", force: bool = False
    ) -> Task:
        """As ``Control.interrupt``."""
        kin = await self._kin(task)
        return await self._control.interrupt(kin.id, reason=reason, by=by, force=force)

    async def cancel(self, task: str, *, reason: str = "", force: bool = False) -> Task:
        """As ``Control.cancel``."""
        return await self._control.cancel((await self._kin(task)).id, reason=reason, force=force)

    async def resume(
        self, task: str, *, budget: Budget | None = None, to: Handover | None = None
    ) -> Task:
        """As ``Control.resume``, as it was."""
        if budget is not None or to is not None:
            raise NotGranted("an agent raises no budget and hands nothing over", hint=_OURS_ALONE)
        return await self._control.resume((await self._kin(task)).id)

    async def decide(
        self, task: str, verdict: Verdict, findings: Sequence[str] = (), *, by: str = ""
    ) -> Task:
        """As ``Control.decide``; who decides is known, whatever is said."""
        del by
        found, who = await self._kin(task), f"agent of {short(self._own)}"
        if found.done and verdict is Verdict.SEND_BACK:
            raise NotGranted("a task that is over is not sent back", hint="`submit` another.")
        return await self._control.decide(found.id, verdict, findings, by=who)

    def __getattr__(self, name: str) -> NoReturn:
        raise NotGranted(f"an agent has no `{name}` here", hint=_OURS_ALONE)

    # ── within ────────────────────────────────────────────────────────────────

    async def _depth(self, task: Task) -> int:
        """How many parents it has."""
        depth = 0
        while task.spec.parent is not None and depth <= delegation.DEPTH + self._rules.depth:
            task, depth = await self._control.get(task.spec.parent), depth + 1
        return depth

    async def _family(self) -> tuple[Task, ...]:
        """All that descend from it, the newest first. A child's id sorts after its parent's."""
        found: dict[str, Task] = {}
        before: str | None = None
        while True:
            page = await self._control.list(TaskQuery(before=before, limit=_PAGE))
            found |= {task.id: task for task in page.tasks if task.id > self._own}
            before = page.next
            if before is None or before <= self._own:
                break
        kin = {self._own}
        for task in sorted(found.values(), key=lambda one: one.id):
            if task.spec.parent in kin:
                kin.add(task.id)
        return tuple(task for task in found.values() if task.id in kin)

    async def _kin(self, ref: str) -> Task:
        """One that descends from it. Raises NotGranted for itself, TaskNotFound for others."""
        task = await self._seen(ref)
        if task.id == self._own or task.spec.kind is TaskKind.GOAL:
            raise NotGranted("an agent does that to no task but those it handed in")
        return task

    async def _seen(self, ref: str) -> Task:
        try:
            task = await self._control.get(ref)
        except AmbiguousId:  # it would name tasks of others
            raise TaskNotFound(f"no task has an id or a name like {ref!r}") from None
        up, steps = task, 0
        while up.id != self._own:
            parent = up.spec.parent
            if parent is None or steps > self._rules.depth:
                break
            up, steps = await self._control.get(parent), steps + 1
        if up.id != self._own and not await self._is_goal(task):
            raise TaskNotFound(f"no task has an id or a name like {ref!r}")
        return task

    async def _is_goal(self, task: Task) -> bool:
        if task.spec.kind is not TaskKind.GOAL:
            return False
        own = await self._control.get(self._own)
        return own.correlation == task.correlation
