"""Canaries in every environment that there is: where they are found afterwards, and nowhere else.

One story for all tests: a daemon whose environment is full of secrets, a person whose own is too,
and tasks of every kind that run, fail, crash and are refused. Then everything is searched.
"""

from __future__ import annotations

import base64
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from inspan.client.sync import SyncControl
from inspan.control import EventQuery
from inspan.keeper.recording import RAW
from inspan.model.plain import dump
from inspan.settings import locate
from tests.fakes.repository import make_repository
from tests.real.console import Console
from tests.real.goldens import ROOT
from tests.real.watching import Watched, watching

pytestmark = [pytest.mark.timeout(120), pytest.mark.requirement("C2", "C9")]

PLAYER = Path(__file__).parents[1] / "fakes" / "golden_agent.py"


def canary(name: str) -> str:
    return f"canary-{name}-{os.urandom(8).hex()}"


#: In the daemon's environment: some plainly secret, some whose names begin like harmless ones.
DAEMON = {
    name: canary("daemon")
    for name in (
        *("SOME_TOKEN", "AWS_SECRET_ACCESS_KEY", "DATABASE_URL", "ANTHROPIC_API_KEY"),
        *("OPENAI_API_KEY", "XDG_SECRET_TOKEN", "LC_API_KEY", "PYTHON_PASSPHRASE"),
        *("NODE_AUTH_TOKEN", "RUST_PRIVATE_KEY"),
    )
}
#: In the person's, with the same names, and one that only they have.
PERSON = {name: canary("person") for name in (*DAEMON, "MY_OWN_TOKEN")}
#: What tasks are given on purpose, by a reference of each kind.
GIVEN = {kind: canary(f"given-{kind}") for kind in ("env", "file", "held", "keyring")}
#: One that a program prints, so it is in what was recorded of it.
PRINTED = canary("printed")
#: An agent takes its keys by reference without being asked.
AGENTS_OWN = PERSON["ANTHROPIC_API_KEY"]


@dataclass
class Story:
    """What was said to people and to programs, and where all of it lies."""

    console: Console
    watched: Watched
    repository: Path
    printing: str = ""
    daemon: bytes = b""
    said: list[tuple[tuple[str, ...], bytes]] = field(default_factory=list)

    def do(self, *words: str, given: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
        ran = self.console.run(*words, given=given, env=PERSON)
        self.said.append((words, ran.stdout + ran.stderr))
        return ran

    def task(self, *words: str, status: int = 0) -> None:
        """Run it to its end."""
        ran = self.do("run", *words)
        assert (ran.returncode == 0) == (status == 0), (words, ran)

    def unwatched(self, *words: str, **more: str) -> str:
        """Run it to its end without anybody who is told what it prints; its id."""
        env = {**PERSON, **more}
        submitted = self.console.run("run", "--detach", *words, env=env)
        assert submitted.returncode == 0, submitted.stderr
        task = submitted.stdout.decode().strip()
        self.do("wait", task)
        return task


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("canary")
    (folder / "key").write_text(GIVEN["file"] + "\n")
    (folder / "canarykeys.py").write_text(_KEYRING)
    (folder / "keyring").write_text(GIVEN["keyring"])
    started = {
        **DAEMON,
        "GIVEN_BY_ENV": GIVEN["env"],
        "PYTHONPATH": str(folder),
        "PYTHON_KEYRING_BACKEND": "canarykeys.Keys",
        "CANARY_KEYRING": str(folder / "keyring"),
    }
    with Console() as console:
        up = console.run("up", env=started)
        assert up.returncode == 0, up.stderr
        health = json.loads(console.say("status", "--json"))
        roots = [health["daemon"]["pid"], health["keeper"]["pid"]]
        repository = make_repository(folder / "repository")
        with watching(lambda: roots) as watched:
            made = Story(
                console, watched, repository, daemon=Path(f"/proc/{roots[0]}/cmdline").read_bytes()
            )
            _play(made, folder)
        yield made


_KEYRING = """\
import os
from keyring.backend import KeyringBackend


class Keys(KeyringBackend):
    priority = 1

    def get_password(self, service, username):
        return open(os.environ["CANARY_KEYRING"]).read()

    def set_password(self, service, username, password):
        raise NotImplementedError

    delete_password = set_password
"""


def _play(story: Story, folder: Path) -> None:
    _programs(story)
    _secrets(story, folder)
    _agents(story)
    _sessions(story)
    _mishaps(story)
    for words in (("ls", "--all", "--json"), ("ls", "--all"), ("events", "--json"), ("status",)):
        story.do(*words)
    for task in json.loads(story.console.say("ls", "--all", "--json"))["tasks"]:
        story.do("show", task["id"], "--json", "--events")
        if task["state"] != "completed":
            story.do("show", task["id"], "--events")
            story.do("why", task["id"])
            story.do("logs", task["id"])
    story.do("doctor")
    story.do("db", "verify")


def _programs(story: Story) -> None:
    story.task("--", "sh", "-c", "env; sleep 0.2")
    story.task("--pty", "--", "env")
    story.task("--check", "env; sleep 0.2", "--", "env")
    story.task("--provider", "scripted", "--prompt", '{"steps": [{"say": "hello"}, {"exit": 0}]}')
    story.task("--worktree", "--cwd", str(story.repository), "--", "sh", "-c", "env >>file")
    story.do("diff", "last")
    story.do("accept", "last")
    story.do("run", "--sandbox", "--", "env")


def _secrets(story: Story, folder: Path) -> None:
    """A program is given one of each kind, looks at its length, and does not print it."""
    look = "test ${#SECRET} -gt 20 && sleep 0.2"
    for reference in ("env:GIVEN_BY_ENV", f"file:{folder / 'key'}", "keyring:service/user"):
        story.task("--secret", f"SECRET={reference}", "--", "sh", "-c", look)
    story.unwatched("--secret", "SECRET", "--", "sh", "-c", look, SECRET=GIVEN["held"])
    printing = ("--secret", "SECRET", "--", "sh", "-c", "echo $SECRET")
    story.printing = story.unwatched(*printing, SECRET=PRINTED)
    story.task(
        "--secret", f"SECRET=file:{folder / 'none'}", "--", "true", status=1
    )  # nothing is behind it


def _agents(story: Story) -> None:
    """Agents that play what real ones said, in two modes; and one whose login is refused."""
    bin_ = story.console.home / "bin"
    bin_.mkdir()
    story.console.env["PATH"] = f"{bin_}:{os.environ['PATH']}"
    for agent, golden in (("claude", "stdio/answer"), ("gemini", "acp/answer")):
        play = shlex.join([sys.executable, str(PLAYER), str(ROOT / agent / golden)])
        _program(bin_ / agent, f"exec {play}")
        story.task("--agent", agent, "--prompt", "do it")
    # It complains with the key that was refused, as some do.
    complaint = 'echo "$ANTHROPIC_API_KEY is no key" >&2; echo "$ANTHROPIC_API_KEY"; exit 1'
    _program(bin_ / "claude", complaint)
    story.unwatched("--agent", "claude", "--prompt", "do it")


def _program(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)


def _sessions(story: Story) -> None:
    code = "import os; print(sorted(os.environ.items()))"
    story.do("py", "--session", "one", "-c", code)
    story.do("py", "--session", "one", "-c", "raise ValueError(sorted(os.environ.items()))")
    story.do("py", "-c", code)
    story.do("py", "ls", "--json")
    durable = story.console.home / "durable.py"
    durable.write_text(_DURABLE)
    ran = subprocess.run(
        [sys.executable, str(durable), str(story.console.home)],
        env={**story.console.env, **PERSON},
        capture_output=True,
        check=True,
    )
    story.said.append((("durable",), ran.stdout + ran.stderr))


_DURABLE = """\
import asyncio, sys
import inspan


async def one():
    return "done"


@inspan.durable
async def work(ctx):
    return await ctx.step("one", one)


async def main():
    async with inspan.durable.open(sys.argv[1]) as runtime:
        print(await runtime.run(work, id="it"))


asyncio.run(main())
"""


def _mishaps(story: Story) -> None:
    story.task("--", "sh", "-c", "kill -SEGV $$", status=1)
    story.task("--retries", "1", "--", "sh", "-c", "exit 3", status=1)
    for words in (
        ("run", "--", "no-such-program-here"),
        ("run", "--cwd", "/nowhere", "--", "true"),
        ("run", "--env", "NOT_SET_AT_ALL", "--", "true"),
        ("run", "--secret", "A=value", "--", "true"),
        ("run", "--agent", "nobody", "--prompt", "x"),
        ("show", "nothing"),
        ("run", "--timeout", "0.2", "--", "sleep", "9"),
    ):
        assert story.do(*words).returncode != 0
    gone = story.console.home / "gone"
    _program(gone, "exit 0")
    story.do("run", "--detach", "--delay", "0.5", "--", str(gone))
    gone.unlink()
    story.do("wait", "last")


# ── where they are ──────────────────────────────────────────────────────────────


def _forms(value: str) -> list[bytes]:
    data = value.encode()
    return [data, base64.b64encode(data).rstrip(b"="), data.hex().encode()]


def _files(*folders: Path) -> Iterator[tuple[Path, bytes]]:
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file() and not path.is_symlink():
                yield path, path.read_bytes()


NOBODYS = sorted({*DAEMON.values(), *PERSON.values()} - {AGENTS_OWN})


def test_what_nobody_was_given_is_in_no_file_and_no_word(story: Story) -> None:
    places = locate(story.console.env)
    found = [
        (path, value)
        for path, data in _files(places.state_dir, places.runtime_dir, story.repository)
        for value in NOBODYS
        if any(form in data for form in _forms(value))
    ]
    # Keys of agents that the person has are held for the agents that use them.
    assert all(path.parent == places.secrets for path, _ in found), found
    assert all(path.stat().st_mode & 0o077 == 0 for path, _ in found)
    said = [words for words, data in story.said for v in NOBODYS if v.encode() in data]
    assert said == []


def test_no_program_has_what_is_in_the_daemons_environment_but_the_daemon(story: Story) -> None:
    """Nor those that it starts itself, git and the like, nor the keeper."""
    for value in DAEMON.values():
        assert story.watched.naming(value) == set()
        # A child of the daemon is the same program until it has become another.
        assert story.watched.having(value) == {story.daemon}
    assert len(story.watched.programs) > 15  # there were some to look at


def test_what_a_person_has_reaches_what_it_is_for_by_its_environment_alone(story: Story) -> None:
    for value in PERSON.values():
        assert story.watched.naming(value) == set()
        if value != AGENTS_OWN:
            assert story.watched.having(value) == set()
    having = story.watched.having(AGENTS_OWN)
    assert having
    assert all(b"claude" in command for command in having), having


def test_what_was_given_is_in_no_file_of_ours_but_where_it_is_held(story: Story) -> None:
    places = locate(story.console.env)
    for kind, value in (*GIVEN.items(), ("agent", AGENTS_OWN)):
        paths = [
            path
            for path, data in _files(places.state_dir, places.runtime_dir, story.repository)
            if any(form in data for form in _forms(value))
        ]
        held = [path for path in paths if path.parent == places.secrets]
        assert bool(held) == (kind in ("held", "agent")), (kind, paths)
        rest = [path for path in paths if path not in held]
        # What an agent itself printed is in its recording, and nowhere else.
        assert all(path.is_relative_to(places.recordings) for path in rest), (kind, rest)
        assert bool(rest) == (kind == "agent"), (kind, rest)
        assert story.watched.naming(value) == set()


def test_what_a_program_printed_is_in_its_recording_alone(story: Story) -> None:
    places = locate(story.console.env)
    paths = {
        path
        for path, data in _files(places.state_dir, places.runtime_dir)
        if PRINTED.encode() in data and path.parent != places.secrets
    }
    assert paths == {places.recordings / f"{story.printing}-1" / RAW}


def test_what_is_told_of_them_names_none(story: Story) -> None:
    """Words to people, and what the interface gives to programs."""
    for value in (*GIVEN.values(), AGENTS_OWN, PRINTED):
        words = [words for words, data in story.said if value.encode() in data]
        # The log of an agent that printed its own key is what it printed.
        assert all(one[0] == "logs" for one in words), words
        assert not words or value == AGENTS_OWN
    with SyncControl(locate(story.console.env).daemon_socket) as control:
        events = control.history(EventQuery(limit=1000))
        told = json.dumps([dump(event) for event in events])
    assert len(events) > 50
    for value in (*NOBODYS, *GIVEN.values(), AGENTS_OWN, PRINTED):
        assert value not in told
