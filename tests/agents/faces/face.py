"""What an agent's terminal face needs beside what ``kinds`` knows of the agent."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tests.agents.agent import Agent, Wish
from tests.agents.endpoint.scenario import Execute, Finish, Hang, Say, Slowly, Turn, Write
from tests.agents.endpoint.tools import spelled

_THOUGHT = "That took a while to think about."
_LATE = Slowly(_THOUGHT, 1.0)


def _no_files(wish: Wish) -> Mapping[str, str]:  # noqa: ARG001  # none are needed
    return {}


def notes(wish: Wish) -> Mapping[str, str]:
    """A folder of the workspace, for those who write no file in one that is not there."""
    return {f"../{wish.place.work.name}/notes/README.md": "Notes.\n"}


@dataclass(frozen=True)
class Face:
    """How it is started on a terminal, and which keys a person presses there."""

    agent: Agent
    #: What is shown once it takes a prompt; of an agent that is held out nobody knows.
    ready: str
    argv: Callable[[Wish], Sequence[str]]
    #: Seconds from its first output until it takes a prompt, where that cannot be seen; else from
    #: when ``ready`` is first seen until it counts.
    starts: float = 0.0
    #: Relative to HOME, beside the agent's own.
    files: Callable[[Wish], Mapping[str, str]] = _no_files
    env: Mapping[str, str] = field(default_factory=dict)
    #: Seconds from the call of a tool that needs a person until the question surely stands.
    ponders: float = 2.0
    #: Seconds within which all that its model said is drawn, of one that may be far behind it.
    draws: float = 0.0
    #: What is shown once all of an answer is, of one whose last word may be out of sight.
    rested: str = ""
    #: Seconds for which it shows nothing new where it is at rest; one that halts in its work for a
    #: while needs more of them.
    rests: float = 1.5
    #: How often it may ask before it does one thing.
    rounds: int = 1
    #: Sends what was typed.
    send: tuple[str, ...] = ("enter",)
    #: Says yes to a request for permission: the first of what is offered, everywhere.
    allow: tuple[str, ...] = ("enter",)
    #: Says no to a request for permission.
    deny: tuple[str, ...] = ("escape",)
    #: Leaves a question with options unanswered, where that is another key.
    leave: tuple[str, ...] = ()
    #: Stops what it does.
    stop: tuple[str, ...] = ("escape",)
    #: Of one that stops only once its model says more, or not at all: seconds until a model that
    #: hangs does.
    listens: float = 0.0
    #: Answers what it asks at each start, before it takes a prompt.
    greets: tuple[str, ...] = ()
    #: Lets it do everything unasked, where nothing on its command line does.
    lets: tuple[str, ...] = ()
    #: Stands before each prompt, of one that runs what begins with the name of a command, or that
    #: takes no prompt before its window is come back to.
    polite: str = ""
    #: Nothing stops it before its model has answered: a model of it never hangs.
    patient: bool = False
    #: The command by which its model says that it has finished, of one that else goes on.
    ends: str = ""
    #: Runs the command that a person is to be asked for, of one that asks before some only.
    through: str = ""
    #: It asks before each command and each edit: nothing lets it do them unasked.
    wary: bool = False
    #: It ends where its model refuses it.
    frail: bool = False
    #: It asks a person for another key where its model refuses it, and waits.
    begs: bool = False
    #: Its question is looked at in larger sizes only: in a smaller one it may be out of sight.
    grows: bool = False
    #: The situations that it has.
    situations: tuple[str, ...] = ("answer", "slow", "hang", "command", "permission", "error")
    #: What is shown where it asks for permission, and only there.
    dialog: str = ""
    #: Whether it asks for permission at all.
    asks: bool = True
    #: Names of environment variables without which nobody is logged in.
    keys: tuple[str, ...] = ()
    #: What is shown where it wants a login.
    login: str = ""
    #: Files in the place of those, in a situation by its name.
    instead: Mapping[str, Callable[[Wish], Mapping[str, str]]] = field(default_factory=dict)
    #: What is shown where it asks whether the folder is trusted.
    trusts: str = ""

    def spoken(self, turns: Sequence[Turn]) -> tuple[Turn, ...]:
        """What its model does, in words where it is offered no tools, and late where it hangs."""
        if self.agent.bare:
            return tuple(_spoken(turn) for turn in turns)
        return tuple(self._heard(turn) for turn in turns)

    def _heard(self, turn: Turn) -> Turn:
        if self.ends and isinstance(turn, Say | Slowly):
            pause = turn.pause if isinstance(turn, Slowly) else 0.0
            return Finish(turn.text, self.ends, pause)
        if self.through and isinstance(turn, Execute) and turn.outside:
            return replace(turn, command=f"{self.through} {shlex.quote(turn.command)}")
        if not isinstance(turn, Hang):
            return turn
        if self.patient:
            return Say(_THOUGHT, after=self.listens) if self.listens else _LATE
        return Slowly("So.", self.listens) if self.listens else turn


def _spoken(turn: Turn) -> Turn:
    if isinstance(turn, Execute):
        return Say(f"Run this:\n\n```bash\n{turn.command}\n```\n")
    return Say(spelled(turn)) if isinstance(turn, Write) else turn
