"""Intake: what is asked for becomes tasks, all of it or nothing. It launches none of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace

import anyio

from inspan.engine.budgets import check_budget, with_budget
from inspan.engine.following import check_conversation, follow
from inspan.engine.ledger import Ledger
from inspan.engine.orders import provider_of
from inspan.engine.ports import Confines, Ports
from inspan.engine.references import References
from inspan.engine.rules import Rules
from inspan.engine.starting import Starting
from inspan.errors import BadInput, DeadlineTooLong, KeyReused, NotConfined
from inspan.model import event as e
from inspan.model.agent import is_agent
from inspan.model.ids import short
from inspan.model.plain import dump
from inspan.model.plan import order
from inspan.model.task import Patience, Reason, Task, TaskSpec, WorkspaceKind
from inspan.model.value import value

#: What one submission may hold; more is a mistake or an attack.
MOST_AT_ONCE = 10_000


@value
class Accepted:
    """The tasks of a submission; ``new`` is false where an earlier one had made them."""

    tasks: tuple[Task, ...]
    new: bool = True


class Intake:
    """Validates, gives ids, and stores."""

    def __init__(
        self, ports: Ports, rules: Rules, ledger: Ledger, refs: References, starting: Starting
    ) -> None:
        self._providers = ports.providers
        self._store = ports.store
        self._clock = ports.clock
        self._rules = rules
        self._ledger = ledger
        self._refs = refs
        self._starting = starting
        #: Held while a submission with a key is decided, so that two of one key make one task.
        self._key_lock = anyio.Lock(fast_acquire=True)

    async def accept(self, specs: Sequence[TaskSpec], key: str | None) -> Accepted:
        """New tasks for ``specs``; or, where ``key`` was used for the same, the ones it made."""
        if not 0 < len(specs) <= MOST_AT_ONCE:
            raise BadInput(f"a submission holds 1 to {MOST_AT_ONCE} tasks, not {len(specs)}")
        if key == "":
            raise BadInput("an empty key tells no request from another", hint="Leave it out.")
        for spec in specs:
            await self.check(with_budget(spec, self._rules.budget))
        ids = [self._ledger.new_id() for _ in specs]
        specs = await self._linked(specs, ids)
        if key is None:
            return await self._create(specs, ids, {})
        async with self._key_lock:
            return await self._once(specs, ids, key)

    async def _once(self, specs: Sequence[TaskSpec], ids: Sequence[str], key: str) -> Accepted:
        digest = _digest(specs, ids)
        keys = [key if not number else f"{key}#{number}" for number in range(len(specs))]
        used = await self._store.by_key(key)
        if used is None:
            pairs = zip(keys, ids, strict=True)
            return await self._create(specs, ids, {one: (made, digest) for one, made in pairs})
        if used[1] != digest:
            raise KeyReused(f"the key {key!r} made task {used[0]} from another request")
        made = [await self._store.by_key(one) for one in keys]
        tasks = [await self._ledger.get(pair[0]) for pair in made if pair is not None]
        return Accepted(tuple(tasks), new=False)

    async def _create(
        self, specs: Sequence[TaskSpec], ids: Sequence[str], keys: dict[str, tuple[str, str]]
    ) -> Accepted:
        now = self._clock.now()
        drafts = [
            (task_id, with_budget(spec, self._rules.budget), (_first(spec, now),))
            for task_id, spec in zip(ids, specs, strict=True)
        ]
        try:
            return Accepted(await self._ledger.create(self._starting.begun(drafts), keys))
        finally:
            self._starting.settle(ids)

    async def hand_on(self, spec: TaskSpec, handed: e.HandedOver) -> Task:
        """A new task for ``spec`` that another agent has from its beginning, which was checked."""
        drafts = [(self._ledger.new_id(), spec, (handed, e.Readied()))]
        return (await self._ledger.create(drafts, {}))[0]

    async def check(self, spec: TaskSpec) -> None:
        """Refuse what can never run. Raises BadInput, ProviderNotFound, and what its check does."""
        self._check(spec)
        if spec.sandbox is not None:
            await self._check_sandbox(spec)

    def _check(self, spec: TaskSpec) -> None:
        provider = provider_of(self._providers, spec)
        if not spec.role.strip():
            raise BadInput("a role has a name", hint="Leave it out, and the task is a `worker`.")
        if spec.retries < 0:
            raise BadInput("`retries` cannot be negative")
        if not all(check.strip() for check in spec.checks):
            raise BadInput("an empty check checks nothing", hint="Name a command, or leave it out.")
        if not all(command.strip() for command in spec.setup):
            raise BadInput("an empty command sets nothing up", hint="Name one, or leave it out.")
        if spec.setup and spec.workspace is WorkspaceKind.HERE:
            raise BadInput(
                "only a workspace of its own is set up; this one works where you are",
                hint="Say where: --worktree, --copy or --folder (`workspace: worktree` in a file).",
            )
        changes = (WorkspaceKind.WORKTREE, WorkspaceKind.COPY)
        if spec.review and spec.workspace not in changes:
            raise BadInput("`review` needs a worktree: there is no change to look at else")
        if spec.patience is not None:
            self._check_patience(spec.patience, agent=is_agent(spec.provider))
        if spec.budget is not None:
            check_budget(provider, spec)
        check_conversation(spec)
        provider.check(spec)

    async def _check_sandbox(self, spec: TaskSpec) -> None:
        provider = provider_of(self._providers, spec)
        if not isinstance(provider, Confines):
            raise NotConfined(f"What the provider {spec.provider!r} starts cannot be confined.")
        await provider.check_sandbox(spec)

    def _check_patience(self, patience: Patience, *, agent: bool) -> None:
        figures = (patience.deadline, patience.idle, patience.grace, patience.warn_before)
        if any(figure is not None and not 0 <= figure < float("inf") for figure in figures):
            raise BadInput("a limit is a number of seconds, not negative; none for no limit")
        most = self._rules.timeouts().longest(agent=agent)
        if patience.lifted or most is None:
            return
        if patience.deadline is None or patience.deadline > most:
            asked = "none" if patience.deadline is None else f"{patience.deadline:g} s"
            raise DeadlineTooLong(f"the deadline {asked} is above the maximum of {most:g} s")

    async def _linked(self, specs: Sequence[TaskSpec], ids: Sequence[str]) -> list[TaskSpec]:
        """``after`` with full ids and without a circle, and what is taken of earlier tasks."""
        linked = [await self._link(spec, ids) for spec in specs]
        if len(specs) > 1 and any(spec.after for spec in linked):
            self._refuse_circles(linked, ids)
        return linked

    async def _link(self, spec: TaskSpec, ids: Sequence[str]) -> TaskSpec:
        if spec.after:
            after = dict.fromkeys([await self._wanted(wanted, ids) for wanted in spec.after])
            spec = replace(spec, after=tuple(after))
        return spec if spec.continues is None else await follow(spec, self._refs)

    async def _wanted(self, ref: str, ids: Sequence[str]) -> str:
        if not ref.startswith("@"):
            return (await self._refs.task(ref)).id
        number = ref[1:]
        if not number.isascii() or not number.isdigit() or int(number) >= len(ids):
            raise BadInput(f"`after` names {ref}; this submission has @0 to @{len(ids) - 1}")
        return ids[int(number)]

    def _refuse_circles(self, specs: Sequence[TaskSpec], ids: Sequence[str]) -> None:
        label = {
            task_id: f"{number}:{spec.name or short(task_id)}"
            for number, (task_id, spec) in enumerate(zip(ids, specs, strict=True))
        }
        order(
            {
                label[task_id]: [label[one] for one in spec.after if one in label]
                for task_id, spec in zip(ids, specs, strict=True)
            }
        )


def _first(spec: TaskSpec, now: float) -> e.Fact:
    """What is true at once: it may start, or why it may not."""
    if spec.after:
        count = len(spec.after)
        return e.Postponed(Reason("dependency", f"waits for {count} task{'s' * (count > 1)}"))
    if spec.not_before is not None and spec.not_before > now:
        return e.Postponed(Reason("time", "waits for its time"), spec.not_before)
    return e.Readied()


def _digest(specs: Sequence[TaskSpec], ids: Sequence[str]) -> str:
    """The same for the same request: ids made for it are left out."""
    text = json.dumps([dump(spec) for spec in specs], sort_keys=True)
    for number, task_id in enumerate(ids):
        text = text.replace(task_id, f"@{number}")
    return hashlib.sha256(text.encode()).hexdigest()
