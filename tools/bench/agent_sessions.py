"""What an agent's session costs of ours: to create, to speak to, to hold, and to leave.

The agent is a stand-in (``agent_standin``) that does next to nothing itself: what is
measured is what inspan adds to it.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from inspan.client.sync import SyncControl
from inspan.model.agent import Mode
from inspan.model.task import TaskSpec, TerminalSpec
from tools.bench import agent_standin
from tools.bench.homes import Home, home, until_ended
from tools.bench.measure import Found, Row, Series, digits
from tools.bench.processes import children, cpu, descriptors, memory, terminals, threads

SESSIONS = 20
MANY = 100
ROUNDS = 3
#: Seconds in which screens and caches come to be what they stay.
SETTLING = 3.0
PATIENCE = 60.0
MEGA = 1e6
KINDS = ("open files", "threads", "child processes", "terminals")


def run(folder: Path, *, quick: bool) -> Found:
    seconds = 3.0 if quick else 15.0
    config = f"roles: {{default: {MANY}}}\n"
    rows: list[Row] = []
    with home(folder, config) as made:
        made.start()
        cast = Cast(folder / "lines", made)
        rows += [created(cast, 1 if quick else 5), *spoken(cast, 2 if quick else 10)]
    for mode in (Mode.STREAM, Mode.PTY):
        with home(folder, config) as made:
            made.start()
            rows += held(Cast(folder / mode, made), mode, seconds)
    with home(folder, config) as made:
        made.start()
        rows += left(Cast(folder / "many", made), 1 if quick else ROUNDS)
    return Found(
        tuple(rows),
        (
            "The agent is a stand-in of ours that speaks as Claude Code does and costs little: a"
            " message, or a picture of its screen, every tenth of a second.",
            "Beside it, where a session is created: as many of the same program by `subprocess`,"
            " asked about its login first, as inspan does. Each start is a Python's.",
            f"What is open is counted after a first {MANY} sessions, which fill the daemon's pool"
            " of threads.",
            f"CPU and PSS are those of daemon, keeper and guardian, over {seconds:g} s, less what"
            f" they take with no session, by {SESSIONS}.",
        ),
    )


# ── the stand-ins ─────────────────────────────────────────────────────────────


@dataclass
class Player:
    """One stand-in: where it notes what it heard, and the task that it runs in."""

    heard: Path
    task: str = ""

    def times(self) -> list[float]:
        """When its prompts came."""
        if not self.heard.exists():
            return []
        return [json.loads(line)[0] for line in self.heard.read_text().splitlines()]


class Cast:
    """Stand-ins in a home, each with a ``claude`` of its own."""

    def __init__(self, folder: Path, made: Home) -> None:
        folder.mkdir()
        self.made = made
        self._folder = folder
        self._count = 0

    def player(self) -> Player:
        """A new one, in a folder of its own."""
        self._count += 1
        here = self._folder / str(self._count)
        here.mkdir()
        player = Player(here / "heard")
        words = (sys.executable, "-S", agent_standin.__file__, str(player.heard))
        program = here / "claude"
        program.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
        program.chmod(0o755)
        return player

    def spec(self, player: Player, prompt: str, mode: Mode) -> TaskSpec:
        plain = self.made.spec()
        path = f"{player.heard.parent}:{plain.env['PATH']}"
        return replace(
            plain,
            provider="claude",
            prompt=prompt,
            mode=mode,
            cwd=str(player.heard.parent),
            env={"PATH": path, "HOME": str(player.heard.parent)},
            terminal=TerminalSpec(pty=mode is Mode.PTY),
        )

    def submit(
        self, control: SyncControl, sessions: int, prompt: str, mode: Mode = Mode.STREAM
    ) -> list[Player]:
        players = [self.player() for _ in range(sessions)]
        specs = [self.spec(player, prompt, mode) for player in players]
        for player, task in zip(players, control.submit_all(specs), strict=True):
            player.task = task.id
        return players


def until(met: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not met():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.02)


def all_heard(players: Sequence[Player], prompts: int) -> None:
    """Wait until each has heard that many prompts."""
    until(
        lambda: all(len(player.times()) >= prompts for player in players),
        f"not all agents heard {prompts} prompts",
    )


def end(control: SyncControl, players: Sequence[Player]) -> None:
    """Stop them all."""
    for player in players:
        control.cancel(player.task, force=True)
    until_ended(control, {player.task for player in players})


# ── what is measured ──────────────────────────────────────────────────────────


def created(cast: Cast, rounds: int) -> Row:
    """From ``submit`` until the last of them has its prompt."""
    ours, bare = [], []
    with cast.made.control() as control:
        for _ in range(rounds):
            began = time.monotonic()
            players = cast.submit(control, SESSIONS, "work")
            all_heard(players, 1)
            ours.append(max(player.times()[0] for player in players) - began)
            end(control, players)
            bare.append(by_subprocess([cast.player() for _ in range(SESSIONS)]))
    took, peer = Series.of(ours), Series.of(bare)
    more = took.minus(peer)
    return Row(
        what=f"{SESSIONS} sessions created together: submit → the last agent has its prompt",
        ours=took.text(" s"),
        peer=peer.text(" s"),
        ratio=f"{more.text(' s')} more",
        goal="< 2 s more",
        met=more.median < 2,
    )


def by_subprocess(players: Sequence[Player]) -> float:
    """The same programs, asked for their login and given a prompt, without inspan."""
    began = time.monotonic()
    programs = [player.heard.with_name("claude") for player in players]
    logins = [
        subprocess.Popen([program, "auth", "status"], stdout=subprocess.DEVNULL)
        for program in programs
    ]
    for login in logins:
        login.wait(PATIENCE)
    flags = ("-p", "--input-format", "stream-json")
    talks = [
        subprocess.Popen(
            [program, *flags], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, bufsize=0
        )
        for program in programs
    ]
    content = [{"type": "text", "text": "hello"}]
    prompt = json.dumps({"type": "user", "message": {"role": "user", "content": content}})
    for talk in talks:
        assert talk.stdin is not None
        talk.stdin.write(f"{prompt}\n".encode())
        talk.stdin.close()
    for talk in talks:
        talk.wait(PATIENCE)
    return max(player.times()[0] for player in players) - began


def spoken(cast: Cast, rounds: int) -> list[Row]:
    """From ``send`` until the agent has read it, while all of them work."""
    with cast.made.control() as control:
        players = cast.submit(control, SESSIONS, "work")
        all_heard(players, 1)
        sent: list[list[float]] = [[] for _ in players]
        for prompts in range(rounds):
            for player, times in zip(players, sent, strict=True):
                times.append(time.monotonic())
                control.send(player.task, b"work")
            all_heard(players, prompts + 2)
        end(control, players)
    delays = Series.of(
        heard - told
        for player, times in zip(players, sent, strict=True)
        for heard, told in zip(player.times()[1:], times, strict=True)
    )
    what = f"`send` → the agent has read it, {SESSIONS} at work"
    return [
        Row(
            what=f"{what}, {name}",
            ours=f"{digits(delays.share(part) * 1e3)} ms",
            goal="< 500 ms",
            met=delays.share(part) < 0.5,
        )
        for name, part in (("p50", 0.5), ("p99", 0.99))
    ]


def held(cast: Cast, mode: Mode, seconds: float) -> list[Row]:
    """What daemon and keeper take for each of them while all of them work."""
    daemon, keeper = cast.made.pids()
    pids = (daemon, keeper, *children(keeper))
    before = memory(pids)
    with cast.made.control() as control:
        players = cast.submit(control, SESSIONS, "work", mode)
        all_heard(players, 1)
        time.sleep(SETTLING)
        used = sum(map(cpu, pids))
        time.sleep(seconds)
        share = (sum(map(cpu, pids)) - used) / seconds / SESSIONS
        taken = (memory(pids).pss - before.pss) / SESSIONS
        end(control, players)
    where = "on terminals" if mode is Mode.PTY else "by lines"
    return [
        Row(
            what=f"CPU of ours a session, {SESSIONS} at work {where}",
            ours=f"{digits(share * 100)} %",
            goal="< 5 %",
            met=share < 0.05,
        ),
        Row(
            what=f"memory of ours a session, {SESSIONS} at work {where}, PSS",
            ours=f"{digits(taken / MEGA)} MB",
            goal="< 50 MB",
            met=taken < 50 * MEGA,
        ),
    ]


def left(cast: Cast, rounds: int) -> list[Row]:
    """What is open in daemon and keeper after each hundred of them."""
    pids = cast.made.pids()
    one_round(cast, MANY)  # whatever is made at first need is made
    time.sleep(SETTLING)
    found, first = [counts(pids)], memory(pids)
    for _ in range(rounds):
        one_round(cast, MANY)
        time.sleep(SETTLING)
        found.append(counts(pids))
    grown = (memory(pids).rss - first.rss) / MEGA
    return [
        *(
            Row(
                what=f"{kind} of daemon + keeper, before and after each {MANY} sessions",
                ours=" → ".join(str(one[place]) for one in found),
                goal="as before",
                met=found[-1][place] <= found[0][place],
            )
            for place, kind in enumerate(KINDS)
        ),
        Row(what=f"memory more after {rounds} × {MANY}, RSS of both", ours=f"{grown:.1f} MB"),
    ]


def one_round(cast: Cast, sessions: int) -> None:
    """Open them together; each answers its prompt and ends."""
    with cast.made.control() as control:
        players = cast.submit(control, sessions, "hello")
        until_ended(control, {player.task for player in players}, 2 * PATIENCE)


def counts(pids: Sequence[int]) -> tuple[int, ...]:
    return tuple(
        sum(len_of(pid) for pid in pids)
        for len_of in (descriptors, threads, lambda pid: len(children(pid)), terminals)
    )
