"""One agent in one mode through one scenario, with what we do meanwhile."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from tests.agents.agent import KEY, PROMPT, SECOND_PROMPT, Agent, Dialogue, Mode, Place, Talk, Wish
from tests.agents.drive import MARK, Act, Transcript, marked, run
from tests.agents.endpoint.scenario import LONG
from tests.agents.endpoint.serve import Endpoint

#: In seconds since its model was first asked: what still tries again by then is told to end.
DEADLINE = 30.0

#: How often it has to be seen that a run stands still; by then the agent has said so itself.
LOOKS = 10


@dataclass(frozen=True)
class Play:
    """``act``: a signal, or "interrupt" in the protocol; sent when the scenario stands still."""

    name: str
    scenario: str
    act: signal.Signals | str | None = None
    ask: bool = False
    allow: bool | None = True
    prompts: tuple[str, ...] = (PROMPT,)
    #: Goes on with the conversation of this play, in the same folders.
    after: str | None = None
    #: The name of a conversation that there is not.
    resume: str | None = None
    #: Whether it is given what it needs to log in.
    key: bool = True
    #: Whether it may have us write its files.
    files: bool = False


#: What every agent does in the same way: nobody asks or interrupts.
PLAIN = (
    "answer",
    "write_file",
    "run_command",
    "unauthorized",
    "rate_limited",
    "rate_limited_then_ok",
    "quota",
    "overloaded",
    "cut",
    "unfinished",
    "slow",
)
_ALIKE = (
    *(Play(name, name) for name in PLAIN),
    Play("no_key", "answer", key=False),
    Play("unknown_session", "answer", resume="00000000-0000-4000-8000-0000000fffff"),
)
_KILLED = (
    Play("long_command_kill", "long_command", act=signal.SIGKILL),
    Play(
        "long_command_kill_resumed",
        "long_command",
        prompts=(SECOND_PROMPT,),
        after="long_command_kill",
    ),
)
ONE_SHOT = (
    *_ALIKE,
    Play("permission", "permission", ask=True),
    Play("hang", "hang", act=signal.SIGINT),
    Play("hang_term", "hang", act=signal.SIGTERM),
    Play("long_command", "long_command", act=signal.SIGINT),
    Play("long_command_term", "long_command", act=signal.SIGTERM),
    *_KILLED,
    Play("two_turns", "two_turns"),
    Play("two_turns_resumed", "two_turns", prompts=(SECOND_PROMPT,), after="two_turns"),
)
TWO_WAY = (
    *_ALIKE,
    Play("permission_allow", "permission", ask=True),
    Play("permission_deny", "permission", ask=True, allow=False),
    Play(
        "permission_interrupt",
        "permission",
        act="interrupt",
        ask=True,
        allow=None,
        prompts=(PROMPT, SECOND_PROMPT),
    ),
    Play("hang", "hang_then_ok", act="interrupt", prompts=(PROMPT, SECOND_PROMPT)),
    Play("long_command", "long_command", act="interrupt", prompts=(PROMPT, SECOND_PROMPT)),
    *_KILLED,
    Play("two_turns", "two_turns", prompts=(PROMPT, SECOND_PROMPT)),
    Play("first_turn", "two_turns"),
    Play("first_turn_resumed", "two_turns", prompts=(SECOND_PROMPT,), after="first_turn"),
)


#: What an agent can do that speaks in plain text.
_IN_TEXT = {
    play.name
    for play in ONE_SHOT
    if play.scenario not in {"run_command", "permission", "long_command", "two_turns"}
    and play.resume is None
}


#: What an agent does that has us write its files.
SERVED = (Play("write_file_served", "write_file", ask=True, files=True),)


def plays(mode: Mode) -> tuple[Play, ...]:
    if mode.dialogue is not None:
        return (*TWO_WAY, *SERVED) if mode.files else TWO_WAY
    if mode.session is not None:
        return ONE_SHOT
    return tuple(play for play in ONE_SHOT if play.name in _IN_TEXT)


@dataclass(frozen=True)
class Performed:
    """A play as it went."""

    argv: list[str]
    wish: Wish
    instance: str
    transcript: Transcript
    session: str | None

    @property
    def place(self) -> Place:
        return self.wish.place

    @property
    def mark(self) -> str:
        return mark(self.place)

    @property
    def files(self) -> list[str]:
        """What is in the workspace now and was not, by name."""
        every = (path.relative_to(self.place.work) for path in self.place.work.rglob("*"))
        return sorted(str(path) for path in every if ".git" not in path.parts[:1])


def perform(
    agent: Agent,
    mode: Mode,
    play: Play,
    endpoint: Endpoint,
    prefix: Path,
    root: Path,
    earlier: Performed | None = None,
) -> Performed:
    """In ``root``, which is new, or in the folders of the play that it goes on with."""
    if earlier is not None and mode.loses_young_sessions:
        next_minute()
    place = earlier.place if earlier else made(Place(root))
    instance = earlier.instance if earlier else f"{agent.name}-{mode.name}-{play.name}"
    base = endpoint.base(play.scenario, instance, bare=agent.bare)
    resume = earlier.session if earlier else play.resume
    wish = Wish(place, base, play.prompts[0], play.ask, resume)
    env = environment(agent, wish, prefix)
    if not play.key:
        env = {name: value for name, value in env.items() if value != KEY}
    place.put(agent.files(wish))
    argv = [str(prefix / (mode.program or agent.program)), *mode.argv(wish)]
    dialogue = (
        mode.dialogue(Talk(str(place.work), play.prompts, play.allow, wish.resume, play.files))
        if mode.dialogue
        else None
    )
    prompt = play.prompts[0].encode() if mode.prompt_in == "stdin" else b""
    asked = len(endpoint.steps(instance))
    transcript = run(
        argv,
        env=env,
        cwd=place.work,
        stdin=dialogue or prompt,
        act=_act(play, endpoint, instance, env[MARK], dialogue),
        deadline=DEADLINE,
        begun=lambda: len(endpoint.steps(instance)) > asked,
    )
    if dialogue is not None:
        session = dialogue.session
    else:
        session = mode.session(transcript.lines) if mode.session else None
    return Performed(argv, wish, instance, transcript, session)


def next_minute() -> None:
    """Wait for it: Gemini CLI loses a session that is loaded in the minute in which it began."""
    began = time.gmtime().tm_min
    while time.gmtime().tm_min == began:
        time.sleep(0.2)


def made(place: Place) -> Place:
    for folder in (place.home, place.work, place.temporary):
        folder.mkdir(parents=True)
    for words in (
        ["init", "-q", "-b", "main"],
        ["config", "user.name", "A Person"],
        ["config", "user.email", "person@example.org"],
        ["commit", "-q", "--allow-empty", "-m", "begin"],
    ):
        subprocess.run(["git", *words], cwd=place.work, check=True)
    return place


def mark(place: Place) -> str:
    """What names the processes of a run."""
    return str(place.root)


def environment(agent: Agent, wish: Wish, prefix: Path) -> dict[str, str]:
    """Made from nothing: what the tests are started with reaches no agent."""
    place = wish.place
    return {
        "HOME": str(place.home),
        "LANG": "C.UTF-8",
        "NO_PROXY": "127.0.0.1",
        "PATH": os.pathsep.join(_path(prefix)),
        "SHELL": "/bin/bash",
        "TERM": "xterm-256color",
        "TMPDIR": str(place.temporary),
        "USER": "person",
        MARK: mark(place),
        **agent.env(wish),
    }


def found_by_name(agent: Agent, wish: Wish, prefix: Path) -> dict[str, str]:
    """``environment``, with the agent's program on its PATH."""
    env = environment(agent, wish, prefix)
    folder = (prefix / agent.program).parent
    return {**env, "PATH": os.pathsep.join([str(folder), env["PATH"]])}


def _path(prefix: Path) -> list[str]:
    node = shutil.which("node")
    own = [str(prefix / "bin")] + ([str(Path(node).parent)] if node else [])
    return [*dict.fromkeys([*own, "/usr/local/bin", "/usr/bin", "/bin"])]


def _act(
    play: Play, endpoint: Endpoint, instance: str, mark: str, dialogue: Dialogue | None
) -> Act | None:
    if play.act is None:
        return None

    looks = 0

    def stands_still() -> bool:
        nonlocal looks
        if dialogue is not None and play.allow is None:
            standing = dialogue.asking
        elif play.scenario == "long_command":
            standing = LONG in marked(mark).values()
        else:
            standing = any(step.turn == "hang" for step in endpoint.requests(instance))
        looks = looks + 1 if standing else 0
        return looks >= LOOKS

    return Act(stands_still, play.act if isinstance(play.act, signal.Signals) else None)


def version(agent: Agent, prefix: Path, root: Path) -> str:
    """What it says of itself to ``--version``."""
    wish = Wish(made(Place(root)), "http://127.0.0.1:9")
    argv = [str(prefix / agent.program), "--version"]
    env = environment(agent, wish, prefix)
    transcript = run(argv, env=env, cwd=wish.place.work, stdin=b"", deadline=DEADLINE)
    return (transcript.stdout + transcript.stderr).decode()
