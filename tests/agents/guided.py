"""A real agent under inspan, run as a person would type it, against the model endpoint."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from inspan.control import EventQuery
from inspan.model.agent import Mode
from inspan.model.event import Event
from inspan.model.task import Task, TaskState
from tests.agents.agent import KEY, PROMPT, Agent, Place, Wish
from tests.agents.drive import MARK, end_all, marked
from tests.agents.endpoint.runs import Request
from tests.agents.endpoint.scenario import Turn
from tests.agents.endpoint.serve import Endpoint
from tests.agents.faces.faces import FACES
from tests.agents.play import found_by_name, made, mark
from tests.real.daemon import Daemon, until

INSPAN: Final = str(Path(sys.executable).with_name("inspan"))
#: Seconds in which a run under inspan has ended, whatever its agent tries again meanwhile.
PATIENCE: Final = 180.0


@dataclass(frozen=True)
class Guidance:
    """How a person runs one agent under inspan."""

    #: Without a terminal; the first one is used where none is named.
    modes: tuple[Mode, ...]
    #: Its own arguments, and those with which it asks nobody.
    own: tuple[str, ...] = ()
    unasked: tuple[str, ...] = ()
    #: Whether it asks before it runs a command, and whether a session of it can be taken up.
    asks: bool = True
    resumes: bool = True
    #: Modes in which it answers one prompt and asks nobody.
    one_shot: tuple[Mode, ...] = ()
    #: Whether a prompt in the middle of an answer breaks that answer off.
    breaks_off: bool = False
    #: Whether a session is lost that is killed before its model has answered.
    forgets_young: bool = False
    #: The same on a terminal, where those would be asked about.
    on_terminal: tuple[str, ...] = ()
    #: What is typed on its terminal so that it ends; nothing where it is not run on one.
    quit: str = ""
    #: Whether it has inspan write its files.
    files: bool = False
    #: Rows in which it tries again for minutes.
    tries_long: tuple[str, ...] = ()

    @property
    def mode(self) -> Mode:
        return self.modes[0]

    def asks_in(self, mode: Mode) -> bool:
        return self.asks and mode not in self.one_shot

    def takes_more_in(self, mode: Mode) -> bool:
        """Whether a second prompt of its session is taken."""
        return self.resumes and mode not in self.one_shot


AGENTS: Final[Mapping[str, Guidance]] = {
    "aider": Guidance(
        (Mode.STREAM,),
        own=("--model", "openai/scripted", "--no-show-model-warnings", "--no-gitignore"),
        asks=False,
        resumes=False,
        tries_long=("rate_limited", "quota", "overloaded", "cut"),
    ),
    "claude": Guidance(
        (Mode.STREAM,),
        unasked=("--dangerously-skip-permissions",),
        on_terminal=("--allowedTools", "Bash,Write"),
        quit="/exit",
    ),
    "codex": Guidance((Mode.STREAM,), breaks_off=True, quit="/quit", tries_long=("rate_limited",)),
    "gemini": Guidance(
        (Mode.ACP, Mode.STREAM),
        one_shot=(Mode.STREAM,),
        unasked=("--approval-mode", "yolo"),
        on_terminal=("--approval-mode", "yolo"),
        quit="/quit",
        files=True,
        tries_long=("overloaded",),
    ),
    "opencode": Guidance((Mode.ACP,), quit="/exit", tries_long=("rate_limited",)),
    "pi": Guidance(
        (Mode.STREAM,),
        own=("--provider", "scripted", "--model", "scripted"),
        asks=False,
        forgets_young=True,
        quit="/quit",
        tries_long=("rate_limited",),
    ),
    "vibe": Guidance((Mode.ACP,), on_terminal=("--trust", "--auto-approve"), quit="/exit"),
}


@dataclass(frozen=True)
class Ran:
    """What a person saw of a run, and what is known of it afterwards."""

    status: int
    out: str
    err: str
    task: Task
    events: tuple[Event, ...]


class Guided:
    """One agent in folders of its own, with the daemon that runs it."""

    def __init__(
        self,
        agent: Agent,
        mode: Mode,
        scenario: str,
        prefix: Path,
        daemon: Daemon,
        endpoint: Endpoint,
        *,
        root: Path,
        ask: bool = False,
    ) -> None:
        self._agent = agent
        self._mode = mode
        self._daemon = daemon
        self._prefix = prefix
        self._place = made(Place(root))
        self._ask = ask
        self._endpoint = endpoint
        self._instance = f"inspan-{agent.name}-{mode}-{scenario}"
        base = endpoint.base(scenario, self._instance, bare=agent.bare)
        self._wish = Wish(self._place, base, ask=ask)
        self._own_env = agent.env(self._wish)
        self._settle()

    def _settle(self) -> None:
        """Its settings; on a terminal a person would be asked for some of them."""
        face = FACES.get(self._agent.name) if self._mode is Mode.PTY else None
        files = {**self._agent.files(self._wish), **(face.files(self._wish) if face else {})}
        self._place.put(files)

    @property
    def env(self) -> dict[str, str]:
        """What the person has, who typed the command."""
        env = found_by_name(self._agent, self._wish, self._prefix)
        return {**env, "INSPAN_HOME": str(self._daemon.home)}

    def command(self, verb: str, *flags: str) -> list[str]:
        """``inspan run`` or ``add``: the prompt comes by standard input."""
        words = []
        for name, value in {MARK: "", **self._own_env}.items():
            words += ["--secret" if value == KEY else "--env", name]
        how = ["--agent", self._agent.name, "--mode", self._mode.value, *words]
        guidance = AGENTS[self._agent.name]
        unasked = guidance.on_terminal if self._mode is Mode.PTY else guidance.unasked
        own = guidance.own if self._ask else (*guidance.own, *unasked)
        return [INSPAN, verb, *how, *flags, "--prompt", "-", "--", *own]

    def run(self, *flags: str, prompt: str = PROMPT) -> Ran:
        """Run it to its end."""
        with self._daemon.control() as control:
            known = {task.id for task in control.list().tasks}
        done = self._typed(self.command("run", *flags), prompt)
        with self._daemon.control() as control:
            (task,) = (task.id for task in control.list().tasks if task.id not in known)
        return self._known(task, done)

    def add(self, *flags: str) -> str:
        """Hand it in; the task's id."""
        return self._typed(self.command("add", *flags), PROMPT).stdout.decode().split()[-1]

    def inspan(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        """Another verb, such as ``answer ID allow``."""
        return self._typed([INSPAN, *words], "")

    def ended(self, task: str) -> Ran:
        """Once it rests, by ``inspan wait``."""
        done = self.inspan("wait", task)
        return self._known(task, done)

    def task(self, task: str) -> Task:
        with self._daemon.control() as control:
            return control.get(task)

    def asked(self) -> bool:
        """Whether its model was asked."""
        return bool(self.steps)

    @property
    def steps(self) -> list[Request]:
        """What its model was asked by now."""
        return self._endpoint.steps(self._instance)

    def script(self, *turns: Turn) -> None:
        """What its model does, in the place of the scenario."""
        self._endpoint.script(self._instance, *turns)

    @property
    def told_model(self) -> str:
        """All that its model was told, as JSON."""
        return json.dumps([each.body for each in self._endpoint.requests(self._instance)])

    def until(self, true: Callable[[], object], what: str) -> None:
        until(true, f"{self._agent.name} {self._mode}: {what}", PATIENCE)

    def killed(self, task: str) -> None:
        """Have the system kill its agent: it is interrupted, and nothing of it is left."""
        pid = self.task(task).pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        ran = self.ended(task)
        assert ran.task.state is TaskState.INTERRUPTED, ran
        assert ran.task.reason is not None
        assert ran.task.reason.code == "killed"
        until(lambda: not self.left, "the last of its processes to end", 5)

    @property
    def left(self) -> dict[int, str]:
        """Its processes that are alive."""
        return marked(mark(self._place))

    def end(self) -> None:
        """Kill what is left of it."""
        end_all(mark(self._place))

    def wrote(self, name: str) -> str | None:
        """What is in a file of the workspace."""
        path = self._place.work / name
        return path.read_text() if path.exists() else None

    def _known(self, task: str, done: subprocess.CompletedProcess[bytes]) -> Ran:
        with self._daemon.control() as control:
            found = control.get(task)
            events = control.history(EventQuery(task=task))
        return Ran(done.returncode, done.stdout.decode(), done.stderr.decode(), found, events)

    def _typed(self, command: list[str], stdin: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            command,
            input=stdin.encode(),
            env=self.env,
            cwd=self._place.work,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
