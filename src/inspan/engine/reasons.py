"""Why a task is where it is, in words: by an error, an exit, or how an agent's work ended."""

from __future__ import annotations

import signal
from dataclasses import replace
from typing import Final

from inspan.engine.ports import Decided
from inspan.engine.watchdog import Alarm, Look
from inspan.errors import InspanError
from inspan.model.agent import Ending, Outcome
from inspan.model.event import DeadlineWarned, IdleWarned, PermissionDecided, SetupFailed
from inspan.model.ids import short
from inspan.model.task import Exit, Needs, Reason, Task

_HINTS: Final = {
    Ending.FORGOTTEN: "`inspan resume ID` begins anew, in the same folder.",
    Ending.KILLED: "`inspan resume ID` takes its session up again.",
    Ending.QUOTA: "With `--on-limit wait` a task waits until the limit is lifted, and goes on;"
    " `inspan resume ID --agent NAME` hands it to another agent.",
}
_LONGER: Final = "`{}` gives a task more; `timeouts.yaml` has what counts for those that name none."


def of_error(error: InspanError) -> Reason:
    """What inspan could not do."""
    return Reason(error.code, error.message, error.hint)


def same_question(needs: Needs, known: Needs | None) -> bool:
    """True where this is asked already, since whenever."""
    return known is not None and replace(known, since=needs.since) == needs


def is_about(needs: Needs | None, known: Needs | None) -> bool:
    """True where an answer to ``needs``, or to anything, is one to what is asked now."""
    if needs is None or known is None:
        return needs is None
    return (needs.id, needs.question) == (known.id, known.question)


def of_outcome(outcome: Outcome) -> Reason:
    """How an agent's work ended."""
    hint = outcome.hint or _HINTS.get(outcome.ending, "")
    return Reason(outcome.ending.value, outcome.message, hint)


def of_rule(attempt: int, decided: Decided) -> PermissionDecided:
    """What a rule decided of what an agent asked for."""
    return PermissionDecided(
        attempt, decided.request, decided.question, decided.decision, decided.rule
    )


def of_alarm(seen: Look) -> Reason:
    """Which of its limits it has reached."""
    if seen.alarm is Alarm.DEADLINE:
        return Reason("deadline", f"ran longer than {seen.limit:g} s", _LONGER.format("--timeout"))
    return Reason("idle", f"was silent for {seen.silent:.0f} s", _LONGER.format("--idle"))


def of_warning(attempt: int, seen: Look) -> IdleWarned | DeadlineWarned:
    """Which of its limits it will soon have reached."""
    if seen.alarm is Alarm.DEADLINE_SOON:
        return DeadlineWarned(attempt, seen.left, seen.limit)
    return IdleWarned(attempt, seen.silent, seen.limit)


def of_exit(how: Exit) -> Reason:
    """How a process ended."""
    if how.signal:
        return Reason("signal", f"was ended by {_signal_name(how.signal)}")
    return Reason("exit", f"exited with status {how.code}")


def of_setup(task: Task, failed: SetupFailed) -> Reason:
    """Why a workspace could not be set up."""
    log = f"`inspan logs {short(task.id)} --setup` shows what it printed."
    what = f"the set-up command `{failed.command}`"
    if not failed.late:
        return Reason("setup-failed", f"{what} {of_exit(failed.exit).message}", log)
    limit = task.workspace.setup_timeout if task.workspace else None
    more = "`workspaces: {setup_timeout: TIME}` in the settings gives more."
    return Reason("setup-timed-out", f"{what} ran longer than {limit or 0:g} s", f"{log} {more}")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
