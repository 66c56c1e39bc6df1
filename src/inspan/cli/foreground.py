"""One task in the foreground, from its place in the queue to its exit status, through retries.

The task belongs to the daemon: when this process dies the task goes on, and when the daemon dies
the output is taken up again where it stopped. Nothing of the output is changed on the way.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Final

from inspan.cli import exits, rawtty
from inspan.cli.following import Follower
from inspan.cli.pump import Pump, Source
from inspan.cli.say import advise, note
from inspan.errors import (
    DaemonUnreachable,
    FellBehind,
    InspanError,
    NotFound,
    NotGranted,
    WriterTaken,
)
from inspan.model import setup
from inspan.model.agent import Ending, is_agent
from inspan.model.ids import session_id, short
from inspan.model.session import Answers
from inspan.model.task import GOOD, Exit, Task, TaskState, WorkspaceKind
from inspan.telling.outcome import asleep, ended, hint_of, left_to_do

if TYPE_CHECKING:
    from inspan.cli.questions import Questions
    from inspan.cli.reach import Reached
    from inspan.cli.speech import Speech

#: How long a task may wait for a slot before we say so.
_PATIENT: Final = 1.0
#: How often signals are looked at while nothing else happens; also bounds a lost wake-up.
_LOOK: Final = 0.1
#: How long a task may take to rest after its process, before it is looked at what becomes of it.
_RESTS: Final = 0.25
#: How often in a row a lost daemon is looked for again before we give up.
_TRIES: Final = 9
#: Reasons for which a task was interrupted that whoever watches it does not know.
_NOT_BY_HAND: Final = frozenset(
    ending.value for ending in (Ending.BUDGET, Ending.FORGOTTEN, Ending.KILLED)
)


_ROBBED: Final = "somebody else types into it now"


class Foreground:
    """Follows one task. ``connect`` gives a Control, starting the daemon where it is gone."""

    def __init__(self, control: Reached, connect: Callable[[], Reached]) -> None:
        self._connect = connect
        self._control = control
        #: Made when there is something to wait for: a short command has ended before that.
        self._follower: Follower | None = None
        self._since = 0
        self._source = Source(0)
        self._exit: Exit | None = None
        self._stops = 0
        self._tries = 0
        self._told = False
        self._parked = 0
        #: What was told last of those that set its workspace up.
        self._set_up = ""
        self._notes: list[str] = []

    def run(self, task: Task) -> int:
        """Follow ``task`` to its end; the exit status."""
        attempt, before = 0, _begun(task)
        with rawtty.wakes(signal.SIGINT, signal.SIGTERM, signal.SIGWINCH) as (wake, came):
            self._since = task.seq
            try:
                if _begins_at_once(task):
                    first = session_id(task.id, task.attempt)
                    if self._follow(task, first, self._answers(task, ours=True), wake, came):
                        attempt = task.attempt
                while True:
                    task = self._next(task, attempt, came)
                    if _begun(task) <= attempt:
                        break
                    attempt += 1
                    answers = self._answers(task, ours=attempt > before)
                    self._follow(task, session_id(task.id, attempt), answers, wake, came)
            except BrokenPipeError:
                self._stop(task.id, force=False)
                raise
            finally:
                self._unfollow()
        for line in self._notes:
            note(line)
        return self._verdict(task)

    # ── between the sessions ──────────────────────────────────────────────────

    def _next(self, task: Task, last: int, came: list[int]) -> Task:
        """The task when the attempt after ``last`` has a process, or when the task is over."""
        since = time.monotonic()
        ending = last > 0
        while True:
            try:
                # What a session leaves is mostly a task that is over, and told so in one answer.
                now = self._control.wait(task.id, _RESTS) if ending else self._control.get(task.id)
                ending = False
                if _begun(now) > last or _over(now):
                    return now
                self._since = now.seq
                self._say_set_up(now)
                self._wait(now, last, since, came)
                self._tries = 0
            except (DaemonUnreachable, FellBehind) as error:
                self._again(error)

    def _wait(self, task: Task, last: int, since: float, came: list[int]) -> None:
        """Until something happened to the task."""
        if self._follower is None:
            self._follower = Follower(self._control, self._since, task.id)
        while True:
            self._obey(task, came)
            if task.parked > self._parked and (words := asleep(task)):
                self._parked = task.parked
                note(f"{short(task.id)} {words}")
            if not self._told and time.monotonic() - since > _PATIENT:
                self._say_why(task, last)
            if self._follower.next(_LOOK) is not None:
                return

    def _say_why(self, task: Task, last: int) -> None:
        self._told = True
        if last and task.state in (TaskState.QUEUED, TaskState.PENDING):
            how = ended(task) or "stopped"
            note(f"attempt {last} ended with {how}; another one is due")
        elif task.state in (TaskState.QUEUED, TaskState.PENDING):
            why = task.reason.message if task.reason else f"all {task.spec.role} slots are taken"
            note(f"{short(task.id)} is {task.state.value}: {why}")

    def _say_set_up(self, task: Task) -> None:
        step = setup.running(task)
        if step is not None and step.session != self._set_up:
            self._set_up = step.session
            note(f"setting up: {step.command}")

    def _again(self, error: InspanError) -> None:
        """Reach the daemon again after it was lost. Raises ``error`` when that does not help."""
        self._unfollow()
        self._tries += 1
        if self._tries > _TRIES:
            raise error
        self._control = self._connect()  # which looks for it as long as that makes sense

    def _unfollow(self) -> None:
        if self._follower is not None:
            self._since = self._follower.since or 0
            self._follower.close()
            self._follower = None

    # ── signals ───────────────────────────────────────────────────────────────

    def _obey(self, task: Task, came: list[int]) -> None:
        while came:
            if (number := came.pop()) != signal.SIGWINCH:
                self._stops += 1
                force = self._stops > 1
                import threading

                # Stopping may take the task's whole grace; its output is shown meanwhile.
                threading.Thread(
                    target=self._stop, args=(task.id, force, number), daemon=True
                ).start()

    def _stop(self, task_id: str, force: bool, number: int = signal.SIGPIPE) -> None:
        reason = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
        with suppress(InspanError):  # it may have ended by itself
            self._connect().interrupt(task_id, reason=reason, force=force)

    # ── one session ───────────────────────────────────────────────────────────

    def _follow(
        self, task: Task, session: str, answers: Answers, wake: int, came: list[int]
    ) -> bool:
        """Until it has ended; false where there is no such session, or not yet."""
        speech = _speech(task)
        writer, steal, why = speech is None, False, _ROBBED
        raw = task.spec.terminal.pty and self._source.tty
        with ExitStack() as stack:
            if raw:
                stack.enter_context(rawtty.raw(0))
            screen = task.spec.terminal.pty and _on_terminal()
            pump = Pump(self._source, wake, screen=screen, resizes=screen)
            if speech is not None:
                pump.watch_only()
                pump.render = speech.feed
                stack.callback(speech.close)
            questions = _questions(task, speech, pump, stack)
            while True:
                shown = pump.shown
                try:
                    with self._control.attach(
                        session, offset=shown, writer=writer, steal=steal, answers=answers
                    ) as attached:
                        self._told = True
                        if questions is not None:
                            questions.begin(self._control)
                        answers = pump.answer(attached, answers)
                        self._exit = pump.run(attached, lambda: self._obey(task, came))
                except NotFound:
                    return False
                except (WriterTaken, NotGranted) as error:
                    pump.robbed, why = True, _not_ours(error, writer=writer)
                except (DaemonUnreachable, FellBehind) as error:
                    if pump.shown > shown:
                        self._tries = 0
                    steal = writer
                    self._again(error)
                    continue
                if not pump.robbed:
                    self._notes += pump.notes
                    return True
                # The terminal is our own again, so that Ctrl-C is a signal.
                stack.close()
                note(f"{why}; Ctrl-C interrupts it")
                writer = steal = False
                answers = Answers.NONE
                pump.watch_only()

    def _answers(self, task: Task, *, ours: bool) -> Answers:
        """What our terminal answers; what began after we asked for it was started for it."""
        if not (task.spec.terminal.pty and self._source.tty and _on_terminal()):
            return Answers.NONE
        return Answers.DUE if ours else Answers.NEW

    # ── the end ───────────────────────────────────────────────────────────────

    def _verdict(self, task: Task) -> int:
        exit_ = self._exit or task.exit
        own = exit_.status if exit_ is not None else None
        if task.outcome is not None:  # an agent's exit status tells nothing
            own = None if task.outcome.ok else exits.FAILED
        if task.awaits_verdict or task.state in GOOD:
            if words := left_to_do(task):
                note(f"its work is in a worktree of its own: {words}")
            return own or exits.DONE
        if task.state is TaskState.ERROR:
            self._explain(task)
            return exits.OURS
        if task.state in (TaskState.INTERRUPTED, TaskState.CANCELLED):
            if task.reason is not None and task.reason.code in _NOT_BY_HAND:
                self._explain(task)
            else:
                note(f"{short(task.id)} was {task.state.value}{_resumable(task)}")
            return exits.INTERRUPTED if own is None else own
        if not own or (task.reason is not None and task.reason.code not in ("exit", "signal")):
            self._explain(task)
        return own or exits.FAILED

    def _explain(self, task: Task) -> None:
        if task.reason is None:
            note(f"{short(task.id)} ended as {task.state.value}")
            return
        note(task.reason.message)
        advise(hint_of(task))


def _speech(task: Task) -> Speech | None:
    """What makes text of an agent's lines."""
    if not is_agent(task.spec.provider):
        return None
    from inspan.cli.speech import of

    return of(task, watched=True)


def _questions(task: Task, speech: Speech | None, pump: Pump, stack: ExitStack) -> Questions | None:
    """Those of an agent, while ``stack`` is open; where its terminal is shown, they are there."""
    if speech is None and (_on_terminal() or not is_agent(task.spec.provider)):
        return None
    from inspan.cli.questions import Questions

    # What is typed goes to its terminal where it has one, and is no answer of ours.
    person = None if speech is not None else False
    rest = (lambda: None) if speech is None else speech.end_line
    questions = Questions(task.id, rest, person=person)
    stack.callback(questions.close)
    pump.beside = questions.watched
    if speech is not None:
        speech.before = questions.give_way
        pump.render = questions.around(speech.feed)
    return questions


def _not_ours(error: InspanError, *, writer: bool) -> str:
    """Why it can only be watched. Raises ``error`` where not even that was granted."""
    if isinstance(error, NotGranted):
        if not writer:
            raise error
        return f"{error.message}, and it is only watched"
    return _ROBBED


def _on_terminal() -> bool:
    return sys.stdout.isatty()


def _begins_at_once(task: Task) -> bool:
    """Whether it is tried to follow the first attempt without asking whether it has begun.

    The daemon lets us wait for one that is about to begin. A workspace, or an agent's login, may
    take longer than anybody should wait without a word.
    """
    soon = task.state is TaskState.QUEUED or _about_to_begin(task)
    new = soon and task.attempt == 1
    return new and task.spec.workspace is WorkspaceKind.HERE and not is_agent(task.spec.provider)


def _begun(task: Task) -> int:
    """The newest attempt that has a process, or had one; 0 before the first."""
    if task.session is None:
        return 0
    newest = int(task.session.rpartition("-")[2])
    return newest - 1 if _about_to_begin(task) else newest


def _about_to_begin(task: Task) -> bool:
    """Whether it has a slot, and its process is not there yet."""
    return task.state is TaskState.RUNNING and task.pid is None


def _over(task: Task) -> bool:
    return task.done or task.state is TaskState.INTERRUPTED or task.awaits_verdict


def _resumable(task: Task) -> str:
    if task.state is TaskState.INTERRUPTED:
        return f"; `inspan resume {short(task.id)}` lets it go on"
    return ""
