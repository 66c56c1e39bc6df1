"""What the task that is watched asks, put to the person right there, and their answer.

Where nobody sits at the terminal, a line says how it can be answered. It reads the task's events
beside its output, and one line of our input for each question; it decides nothing.
"""

from __future__ import annotations

import os
import sys
import termios
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from inspan.cli import permitting
from inspan.cli.say import clean, note, styled
from inspan.errors import BadInput, Conflict, DaemonUnreachable, IllegalTransition
from inspan.model import event as e
from inspan.model.ids import short
from inspan.model.permission import Decision
from inspan.model.session import Output
from inspan.model.task import Needs
from inspan.telling import replying

if TYPE_CHECKING:
    from inspan.cli.reach import Reached, Watched

_STDIN: Final = 0
_LINE_MOST: Final = 1 << 16
#: A stream that is readable so often within a second and tells nothing has ended.
_EMPTY_MOST: Final = 200


class Questions:
    """Those of one task, while its session is shown. ``rest`` ends a line that is half written."""

    def __init__(
        self, task_id: str, rest: Callable[[], None], *, person: bool | None = None
    ) -> None:
        self._id = task_id
        self._rest = rest
        self._person = permitting.person() if person is None else person
        self._control: Reached
        self._watch: Watched | None = None
        #: What was put to the person and is not answered.
        self._open: Needs | None = None
        #: Something else was told in the line of the question.
        self._gave_way = False
        self._empty = 0
        self._since = 0.0

    def begin(self, control: Reached) -> None:
        """Read along from now on, through this ``control``."""
        self.close()
        self._control = control
        task = control.get(self._id)
        self._watch = control.watch(task.seq, task=task.id)
        self._asked(task.needs)
        self._news()

    def close(self) -> None:
        """Read no more."""
        if self._watch is not None:
            self._watch.close()
            self._watch = None

    def watched(self) -> dict[int, Callable[[], None]]:
        """The descriptors to wait for, and what is to be done when one can be read."""
        if self._watch is None:
            return {}
        beside = {self._watch.fileno(): self._news}
        return beside | {_STDIN: self._typed} if self._open and self._person else beside

    def give_way(self) -> None:
        """Something else is about to be told: not in the line in which the person answers."""
        if self._open is not None and self._person and not self._gave_way:
            self._gave_way = True
            print(file=sys.stderr, flush=True)

    def around(self, render: Callable[[Output], None]) -> Callable[[Output], None]:
        """``render``, and a question that gave way to it is put again."""

        def rendered(chunk: Output) -> None:
            render(chunk)
            if self._gave_way and self._open is not None:
                self._rest()
                self._ask(self._open)
            self._gave_way = False

        return rendered

    def _news(self) -> None:
        told = False
        while self._watch is not None and (event := self._watch.recv(0)) is not None:
            told = True
            match event.fact:
                case e.NeedsInput(_, needs):
                    self._asked(needs)
                case e.PermissionDecided(_, _, question, Decision.DENY, by):
                    self._withdraw()
                    self._rest()
                    note(f"denied: {question} ({by})")
                case e.Answered() | e.Exited() | e.Interrupted() | e.Cancelled() | e.Errored():
                    self._withdraw()
                case _:
                    continue
        self._refuse_to_spin(told=told)

    def _refuse_to_spin(self, *, told: bool) -> None:
        now = time.monotonic()
        if told or now - self._since > 1:
            self._empty, self._since = 0, now
        self._empty += 1
        if self._empty > _EMPTY_MOST:
            raise DaemonUnreachable("the daemon has closed the stream of events")

    # ── the person ────────────────────────────────────────────────────────────

    def _asked(self, needs: Needs | None) -> None:
        same = needs is not None and self._open is not None and needs.id == self._open.id
        if needs is None or same:
            return
        self._withdraw()
        self._rest()
        self._open = needs
        if not self._person:
            words = "|".join((*needs.options, "TEXT"))
            note(f"it asks: {needs.question}; `inspan answer {short(self._id)} {words}` answers")
            return
        # What was typed before the question was there is no answer to it.
        with suppress(termios.error):
            termios.tcflush(_STDIN, termios.TCIFLUSH)
        self._ask(needs)

    def _ask(self, needs: Needs) -> None:
        choice = "allow? [y/N/text]"
        if needs.options != ("allow", "deny"):
            choice = f"[{'/'.join(needs.options) or 'text'}]"
        words = f"{clean(needs.question)} — {clean(choice)} "
        sys.stdout.flush()
        print(styled(words, "yellow"), end="", file=sys.stderr, flush=True)

    def _withdraw(self) -> None:
        """It is asked no more; the line of the question ends here."""
        if self._open is not None and self._person:
            print(file=sys.stderr, flush=True)
        self._open = None

    def _typed(self) -> None:
        needs = self._open
        line = os.read(_STDIN, _LINE_MOST)
        if needs is None:
            return
        if not line:  # Ctrl-D
            self._person = False
            self._open = None
            print(file=sys.stderr)
            self._asked(needs)
            return
        words = line.decode(errors="replace").strip()
        try:
            text = replying.meant(needs, words or "deny")
            self._control.answer(self._id, text, question=needs.id)
        except BadInput as error:
            note(f"{error.message}; {error.hint}")
            self._ask(needs)
        except (Conflict, IllegalTransition) as error:
            self._open = None
            note(error.message)
        else:
            self._open = None
