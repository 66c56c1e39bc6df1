"""What programs that print line by line show while something moves: drawn by hand.

A spinner says what is waited for, a command prints what looks like questions, Enter alone was an
answer, a list was quoted above a prompt with a name; and beside them what does ask a person, with
something that moves. Half of them is for the writing of rules, and half measures those, as in
``plaindrawings``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from typing import Final

from inspan.model.activity import Doing
from tests.fakes.plaindrawings import BEFORE, CLEAR, HIDE, LINE, SHOW, Case
from tests.fakes.recordings import Step

DOTS: Final = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
#: Seconds for which it goes on moving.
GOES_ON: Final = 9.0


@dataclass(frozen=True, slots=True)
class Moving(Case):
    """A case that is looked at while it goes on: ``frames`` one after the other, each ``every``."""

    frames: tuple[str, ...] = ()
    every: float = 0.1

    def recorded(self) -> tuple[list[Step], float]:
        """It as the steps of a recording, and when it begins to move."""
        # Not super(): a class with slots is another one than that which was written down.
        steps, last = Case.recorded(self)
        shown = cycle(self.frames)
        count = round(GOES_ON / self.every)
        moves: list[Step] = [
            (last + self.every * at, frame.replace("\n", "\r\n").replace("%d", str(at)).encode())
            for at, frame in zip(range(1, count), shown, strict=False)
        ]
        return [*steps[:-1], *moves, (last + GOES_ON + 0.1, b"\x1b[m")], last


#: Behind a spinner: nobody is asked.
AWAITED: Final = (
    "Waiting for response from the API server... %ds",
    "Waiting for the model to answer...",
    "Awaiting reply from m-large (%ds)",
    "Waiting for response",
    "Waiting for answer from the provider…",
    "Awaiting model response",
    "Waiting on upstream (attempt 2)",
    "Waiting for tool results to come back",
    "Waiting for completion of request 12",
    "Waiting for first token…",
    "Waiting for output of `make test`",
    "Awaiting completion, %d s",
    "Awaiting response from localhost:11434",
    "Waiting for input to be tokenized",
    "Requesting an answer from m-large...",
    "Waiting for permission server to start",
    "Contacting the server, no reply yet (%ds)",
    "Waiting for replies of 3 agents",
    "Response pending (%ds)",
    "Answer pending, %d tokens so far",
    "Sending your answer to the model...",
    "Checking whether approval is required",
    "Waiting for rate limit to reset: %ds",
    "Waiting for another request to end",
)
#: What a command prints again and again.
PRINTED: Final = (
    "Proceed with %d? [y/N]",
    "Overwrite file%d.txt? (y/n)",
    "Continue with step %d? yes/no",
    "[%d/40] Press Enter to continue",
    "Are you sure about item %d? (Y/n):",
    "%d. Allow, then deny",
    "Run test %d?",
    "? Use plugin %d (y/N)",
    "Do you want to install package %d? [Y/n] y",
    "INFO waiting for approval of job %d",
    "test_confirm_%d ... Delete it? [yes/no] ok",
    "%d) Enter to confirm, Esc to cancel",
    "Accept change %d? (y)es (n)o",
    "Select an option for %d [1/2/3]:",
    "Enter password for user%d:",
    "permission required: job %d",
)
#: What was asked, and answered by Enter alone at a mark below.
ENTERED: Final = (
    "Run 1 command? Enter to confirm, or say what to do instead\n",
    "Apply this edit? [Y/n]\n",
    "Press Enter to run it, or type a comment\n",
    "Which file? (empty for all)\n",
    "Continue? (default: yes)\n",
    "Accept the plan? Leave empty to accept.\n",
)
MARKS: Final = (">", "❯", ">>>", "»")
#: A list that an answer quoted, above a prompt with a name.
QUOTED: Final = (
    "Do you want to continue? (y/n)\n > 1. Yes\n   2. No, and say why\n",
    "Allow this?\n❯ 1. Yes\n  2. Always\n  3. No\n",
    "Pick one:\n> Allow\n  Deny\n",
    "● 1. First\n○ 2. Second\n",
)
NAMED: Final = ("scripted # ", "agent$ ", "dev@box # ", "m-large $ ", "~/x $ ", "(main) # ")
#: What asks a person, beside something that moves.
ASKING: Final = (
    "Waiting for your approval",
    "Awaiting your reply",
    "Waiting for user input",
    "Waiting for permission to run `touch a`",
    "Waiting for your answer",
    "Approval required: touch a",
    "Waiting for confirmation…",
    "Needs your decision",
)
BELOW: Final = (
    "Run `touch a`? [y/N] ",
    "Allow touch a? (y/n/always): ",
    "Type 'yes' to confirm: ",
    "Your choice [1/2/3]: ",
    "Password: ",
    "Do you want to proceed? (Y/n) ",
)


def _after(name: str, number: int, other: int) -> tuple[tuple[float, str], ...]:
    before = BEFORE[(number + other) % len(BEFORE)]
    return ((0.0, f"{before}{name}"), (3.0, "\0do it\r"), (0.05, "do it\n"))


def cases() -> Iterator[Case]:
    """Every one, each with some of what may stand above it."""
    for number, words in enumerate(AWAITED):
        yield Moving(
            f"spins {words}",
            Doing.WORKING,
            (*_after("> ", number, 0), (0.2, f"{HIDE}{DOTS[0]} {words}")),
            tuple(f"{CLEAR}{sign} {words}" for sign in DOTS),
        )
        yield Moving(
            f"spins and stays {words}",
            Doing.WORKING,
            (*_after("you> ", number, 1), (0.2, f"{LINE}\n| {words}")),
            tuple(f"\r{sign} {words}" for sign in "/-\\|"),
            0.25,
        )
    for number, line in enumerate(PRINTED):
        for other, every in enumerate((0.5, 1.0, 1.4)):
            yield Moving(
                f"prints {line} | {other}",
                Doing.WORKING,
                (*_after("> ", number, other), (0.3, "$ ./install.sh\n")),
                (f"{line}\n",),
                every,
            )
    for number, asked in enumerate(ENTERED):
        for other, mark in enumerate(MARKS):
            asks = ((0.0, BEFORE[(number + other) % len(BEFORE)]), (0.5, f"{asked}{mark} "))
            sent = ((2.0, "\0\r"), (0.05, "\n"))
            yield Case(f"entered {asked}{mark}", Doing.WORKING, (*asks, *sent))
    for number, listed in enumerate(QUOTED):
        for other, prompt in enumerate(NAMED):
            said = f"The script prints:\n\n{listed}\nIt hangs there.\n\n"
            shown = f"{LINE}\n{prompt}" if other % 2 else prompt
            steps = (*_after("> ", number, other), (1.0, said), (0.3, shown))
            yield Case(f"rests below {listed} {prompt}", Doing.IDLE, steps)
    for number, words in enumerate(ASKING):
        yield Moving(
            f"asks and spins {words}",
            Doing.WAITING,
            (*_after("> ", number, 2), (0.4, f"{HIDE}touch a\n\n{words}\n{DOTS[0]}")),
            tuple(f"{CLEAR}{sign}" for sign in DOTS),
        )
    for number, words in enumerate(BELOW):
        clock = tuple(f"\x1b7\x1b[24;1H\x1b[2K {sign} model m\x1b8" for sign in DOTS)
        yield Moving(
            f"asks above {words}",
            Doing.WAITING,
            (
                *_after("> ", number, 3),
                (0.4, f"\x1b[2J\x1b[H{SHOW}I want to run touch a.\n{words}"),
            ),
            clock,
        )
