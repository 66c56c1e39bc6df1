"""One step from the hands of a worker to the branch of its goal: done, reviewed, merged.

It is walked from the start by whoever leads the goal, also where others have walked it before:
what was handed in is found by its key, what was decided by the task's state, and what was merged
by git.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from inspan.errors import BadInput
from inspan.model.goal import PlanStep
from inspan.model.ids import filled, short
from inspan.model.task import GOOD, Task, TaskSpec, Verdict, WorkspaceKind
from inspan.swarm import prompts
from inspan.swarm.means import Means
from inspan.swarm.said import object_in, words_of
from inspan.swarm.turns import Turn
from inspan.swarm.verdict import Review, review_of

#: How often a reviewer is asked the same, where its answer cannot be read.
_READ_TRIES: Final = 3
#: How often somebody is asked to bring two sides together, or to mend what merging broke.
_JOIN_TRIES: Final = 2
_SUMMARY_MOST: Final = 500
_RETRIES: Final = 1


class StepFailed(Exception):  # noqa: N818 - what became of it, not a fault of ours
    """A step, or the planning, came to nothing: ``code`` for programs, the rest for people."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint

    @classmethod
    def of(cls, task: Task) -> StepFailed:
        """Since that task of it has ended so."""
        reason = task.reason
        if reason is None:
            return cls(task.state, task.state)
        return cls(reason.code, reason.message, filled(reason.hint, short(task.id)))


class Leading:
    """``before``: what the steps that it waits for said of themselves, by name.

    ``turn``: the place of the step in the plan, by which those who work take turns.
    """

    def __init__(self, means: Means, step: PlanStep, turn: int, before: Mapping[str, str]) -> None:
        self._means = means
        self._step = step
        self._turn = turn
        self._before = before
        #: The commit in which its result came onto the branch; empty: it changed nothing there.
        self.merged = ""

    async def lead(self, done: Iterable[str]) -> str:
        """Have it done; what its worker says of it. Raises StepFailed, InspanError.

        ``done``: the steps that are, when it is merged.
        """
        means, step = self._means, self._step
        async with means.handing:
            task = await means.hand_in(await self._spec(), f"step:{step.name}")
        means.voice.say(f"▸ {step.name}: {task.spec.provider} ({short(task.id)})")
        async with means.merging.of(step.name) as turn:
            # What is accepted is merged before another is accepted: so it is known by that.
            task = await self._well_done(task, step.prompt, turn)
            if task.spec.workspace is WorkspaceKind.WORKTREE:
                await turn.come()
                await self._merge(task, done)
        words = await words_of(means.control, task, means.dialects)
        return " ".join(words.split())[-_SUMMARY_MOST:]

    async def _spec(self) -> TaskSpec:
        """What is handed in: as it was, where it was before; a key takes no other words."""
        means, step = self._means, self._step
        known = means.spec_of(step.name, "apply")
        if known is not None:
            return known
        provider = step.provider or means.wishes.worker(self._turn)
        prompt = step.prompt or None
        if means.dialects(provider) is not None:  # another program takes its words as they are
            prompt = prompts.work(means.goal.spec.prompt or "", step, self._before)
        place = step.workspace or WorkspaceKind.WORKTREE
        in_tree = place is WorkspaceKind.WORKTREE
        return means.spec(
            phase="apply",
            step=step.name,
            provider=provider,
            role="worker",
            name=step.title or step.name,
            prompt=prompt,
            command=step.command,
            workspace=place,
            base=await means.branch.tip() if in_tree else "HEAD",
            checks=means.wishes.checks if in_tree else (),
            review=in_tree,
            retries=_RETRIES,
        )

    # ── the work and its review ───────────────────────────────────────────────

    async def _well_done(self, task: Task, asked: str, turn: Turn | None = None) -> Task:
        """The task when it is accepted, in its ``turn``, or has ended well without a review."""
        means = self._means
        while True:
            task = await means.chronicle.task(task.id, _rests)
            if task.state in GOOD:
                return task
            if task.done:
                raise StepFailed.of(task)
            review = await self._reviewed(task, asked)
            rounds = task.attempt - task.retried
            if review.verdict is Verdict.SEND_BACK and rounds > means.wishes.rounds:
                found = "; ".join(review.findings)
                review = await self._asked_person(task, f"rejected {rounds} times: {found}", review)
            elif review.verdict is None:
                review = await self._asked_person(task, review.summary or "asks for you", review)
            verdict = review.verdict or Verdict.REJECT
            if verdict is Verdict.ACCEPT and turn is not None:
                await turn.come()
                now = means.chronicle.tasks[task.id]
                if not now.awaits_verdict or now.attempt != task.attempt:
                    # A person has decided meanwhile; what is done again holds nobody up.
                    if now.state not in GOOD:
                        turn.leave()
                    continue
            told = f": {review.findings[0]}" if review.findings else ""
            means.voice.say(f"  {self._step.name}: {verdict.value.replace('_', ' ')}{told}")
            decided = await means.control.decide(task, verdict, review.findings)
            means.chronicle.know(decided)

    async def _reviewed(self, task: Task, asked: str) -> Review:
        means = self._means
        who = means.wishes.reviewer(task.spec.provider)
        if who is None or not self._step.review:
            return Review(Verdict.ACCEPT)
        complaint = ""
        for number in range(_READ_TRIES):
            reviewer = await self._reviewer(who, task, asked, number, complaint)
            if reviewer.state not in GOOD:
                break
            try:
                words = await words_of(means.control, reviewer, means.dialects)
                return review_of(object_in(words))
            except BadInput as error:
                complaint = str(error)
        return Review(None, (), f"no review could be had of it: {complaint or 'it failed'}")

    async def _reviewer(
        self, who: str, task: Task, asked: str, number: int, complaint: str
    ) -> Task:
        """The task that reviewed this attempt, when it has ended."""
        means, name = self._means, f"{task.id}:{task.attempt}:{number}"
        known = means.spec_of(self._step.name, "review", of=name)
        if known is None:
            diff = await means.control.diff(task.id)
            known = means.spec(
                phase="review",
                step=self._step.name,
                provider=who,
                role="reviewer",
                name=f"review {self._step.title or self._step.name}",
                prompt=prompts.review(asked, diff, means.wishes.checks, complaint),
                workspace=WorkspaceKind.WORKTREE,
                base=await means.branch.snapshot(task),
                of=name,
            )
        reviewer = await means.hand_in(known, f"review:{name}")
        reviewer = await means.chronicle.task(reviewer.id, lambda one: one.done)
        await means.clear(reviewer)
        return reviewer

    async def _asked_person(self, task: Task, why: str, review: Review) -> Review:
        name, options = self._step.name, ("accept", "send back", "reject")
        question = f"{name} ({short(task.id)}): {why}. Accept it all the same?"
        answer = await self._means.voice.ask(question, options, about=name)
        if answer == "accept":
            return Review(Verdict.ACCEPT)
        if answer == "send back" and review.findings:
            return Review(Verdict.SEND_BACK, review.findings)
        return Review(Verdict.REJECT, review.findings)

    # ── merging ───────────────────────────────────────────────────────────────

    async def _merge(self, task: Task, done: Iterable[str]) -> None:
        """Bring its result onto the branch, checked as it is there."""
        means, branch = self._means, self._means.branch
        commit = await branch.result(task)
        if commit is None:
            return
        if await branch.has(commit):
            self.merged = commit
            return
        broken: Sequence[str] = ()
        for number in range(_JOIN_TRIES + 1):
            message = f"{self._step.title or self._step.name}\n\nInspan-Task: {task.id}\n"
            joined = await branch.join(commit, message)
            # Where somebody was asked to mend it before, that goes on.
            asked = means.spec_of(self._step.name, "resolve", str(number))
            if asked is None:
                broken = joined.conflicts or await self._broken(joined.commit)
                if not broken:
                    means.warn_of(await branch.advance(joined.commit))
                    self.merged = joined.commit
                    return
                if number == _JOIN_TRIES:
                    break
                what = "in conflict" if joined.conflicts else "these fail after the merge"
                means.voice.say(f"  {self._step.name}: {what}: {', '.join(broken)}")
                asked = self._to_resolve(joined.commit, broken, done, number)
            commit = await self._resolved(asked, number)
        raise StepFailed("unmerged", f"it could not be merged: {', '.join(broken)}")

    def _to_resolve(
        self, commit: str, broken: Sequence[str], done: Iterable[str], number: int
    ) -> TaskSpec:
        """That somebody brings the two sides together, which lie in ``commit``."""
        step = self._step
        return self._means.spec(
            phase="resolve",
            step=step.name,
            of=str(number),
            provider=self._means.wishes.worker(self._turn),
            role="worker",
            name=f"merge {step.title or step.name}",
            prompt=prompts.resolve(step.prompt, broken, done),
            workspace=WorkspaceKind.WORKTREE,
            base=commit,
            review=True,
            retries=_RETRIES,
        )

    async def _resolved(self, spec: TaskSpec, number: int) -> str:
        """The commit in which that was done."""
        task = await self._means.hand_in(spec, f"resolve:{self._step.name}:{number}")
        task = await self._well_done(task, spec.prompt or "")
        resolved = await self._means.branch.result(task)
        if resolved is None:
            raise StepFailed("unmerged", "nobody brought the two sides together")
        return resolved

    async def _broken(self, commit: str) -> tuple[str, ...]:
        """Those of the checks that fail on ``commit``."""
        means = self._means
        if not means.wishes.checks:
            return ()
        spec = means.spec(
            phase="check",
            step=self._step.name,
            provider="shell",
            role="check",
            name=f"check {self._step.title or self._step.name}",
            command=("true",),
            workspace=WorkspaceKind.WORKTREE,
            base=commit,
            checks=means.wishes.checks,
        )
        task = await means.hand_in(spec, f"check:{commit}")
        task = await means.chronicle.task(task.id, lambda one: one.done)
        await means.clear(task)
        if task.state in GOOD:
            return ()
        failed = tuple(check.command for check in task.checks if not check.exit.ok)
        if not failed:
            raise StepFailed.of(task)
        return failed


def _rests(task: Task) -> bool:
    return task.done or task.awaits_verdict
