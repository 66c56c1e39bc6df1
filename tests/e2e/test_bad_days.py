"""What can be wrong around inspan: one clear sentence each, and nothing lost."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from inspan.keeper import wire
from inspan.model.task import TaskState
from inspan.settings import Places, locate
from inspan.store.migrate import newest
from tests.real.console import Console
from tests.real.daemon import alive, until
from tests.real.gates import MEMBERS, family, pids

pytestmark = [pytest.mark.timeout(120), pytest.mark.requirement("A4", "B5", "B7")]


@pytest.fixture
def console() -> Iterator[Console]:
    with Console() as console:
        yield console


def places(console: Console) -> Places:
    return locate(console.env)


def status(console: Console) -> dict[str, dict[str, int]]:
    told: dict[str, dict[str, int]] = json.loads(console.run("status", "--json").stdout)
    return told


def complaint(console: Console, *words: str, code: int = 1) -> str:
    """The one sentence of a command that fails, which is followed by a hint and nothing else."""
    ran = console.run(*words)
    told = ran.stderr.decode().splitlines()
    assert (ran.returncode, ran.stdout, len(told)) == (code, b"", 2), (words, ran)
    assert told[0].startswith("inspan: ")
    assert told[1].startswith("  hint: ")
    return "\n".join(told)


def database(console: Console) -> Path:
    """The database of a home that was used; no daemon runs."""
    console.say("run", "--name", "kept", "--", "true")
    console.say("down", "--keeper")
    return places(console).database


# ── the database ─────────────────────────────────────────────────────────────


def test_a_database_that_is_in_use_names_its_holder(console: Console) -> None:
    console.say("run", "--", "true")
    pid = status(console)["daemon"]["pid"]
    assert f"is held by pid {pid}" in complaint(console, "run", "--here", "--", "true", code=125)
    for verb in ("verify", "upgrade"):
        ran = console.run("db", verb)
        assert ran.returncode in (1, 2)
        assert re.search(rf"pid {pid}|the daemon runs", ran.stderr.decode())
        assert ran.stderr.count(b"\n") == 2
    second = console.run("up", "--foreground")
    assert second.returncode == 1
    assert f"is held by pid {pid}".encode() in second.stderr
    assert b"Traceback" not in second.stderr
    assert status(console)["daemon"]["pid"] == pid
    assert console.run("run", "--", "true").returncode == 0


@pytest.mark.parametrize("place", ["head", "middle"])
def test_a_damaged_database_is_not_opened_and_not_replaced(console: Console, place: str) -> None:
    path = database(console)
    raw = bytearray(path.read_bytes())
    at = 0 if place == "head" else 4096
    for offset in range(at, at + 1024):
        raw[offset] ^= 0xA5
    path.write_bytes(raw)
    for words in (("ls",), ("up",)):
        said = complaint(console, *words)
        assert "inspan db verify" in said
        assert "damaged" in said or "not a database" in said
    assert path.read_bytes() == raw
    assert status(console)["daemon"] is None
    verified = console.run("db", "verify")
    assert verified.returncode == 1
    assert b"Traceback" not in verified.stderr
    # The daemon itself names the code, for programs.
    log = (places(console).logs / "daemon.log").read_text()
    assert '"code": "store-corrupt"' in log


def test_a_database_of_a_newer_inspan_is_left_alone(console: Console) -> None:
    path = database(console)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 4711")
    before = path.read_bytes()
    said = complaint(console, "ls")
    assert "4711" in said
    assert "Upgrade inspan" in said
    assert complaint(console, "db", "upgrade").count("4711") == 1
    assert path.read_bytes() == before
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {newest()}")
    assert "kept" in console.say("ls")


def test_an_error_of_the_engine_in_this_process_is_a_sentence_too(console: Console) -> None:
    assert "zzzzzz" in complaint(
        console, "run", "--here", "--after", "zzzzzz", "--", "true", code=125
    )


# ── settings and folders ─────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (b"roles:\n  worker: many\n", "config.yaml:2"),
        (b"roles: {worker: 2\nlimits: [\n", "config.yaml:"),
        (b"rolls: {}\n", "'rolls' is not known here"),
        (b"env: {allow: [\xff]}\n", "cannot read"),
        (None, "cannot read"),
    ],
)
def test_settings_that_cannot_be_used_are_told_with_their_line(
    console: Console, config: bytes | None, said: str
) -> None:
    path = places(console).config
    path.unlink()
    if config is None:
        path.mkdir()
    else:
        path.write_bytes(config)
    for words, code in ((("ls",), 1), (("run", "--", "true"), 125)):
        assert said in complaint(console, *words, code=code)
    assert status(console)["daemon"] is None
    assert not places(console).database.exists()


def test_a_home_that_cannot_be_is_one_sentence(console: Console) -> None:
    blocked = console.home / "file"
    blocked.write_text("")
    places_that_cannot_be = [blocked / "home", Path("/proc/inspan")]
    if os.geteuid():  # root may write everywhere
        (console.home / "closed").mkdir(mode=0o500)
        places_that_cannot_be.append(console.home / "closed" / "home")
    for home in places_that_cannot_be:
        said = complaint(console, "--home", str(home), "ls")
        assert str(home) in said
        assert "INSPAN_HOME" in said
        assert str(home) in complaint(console, "--home", str(home), "run", "--", "true", code=125)


def test_a_home_too_long_for_a_socket_works(console: Console) -> None:
    home = console.home / ("long" * 25) / ("longer" * 20)
    assert len(os.fsencode(home)) > 200
    env = {"INSPAN_HOME": str(home)}
    try:
        ran = console.run("run", "--", "echo", "there", env=env)
        assert (ran.returncode, ran.stdout) == (0, b"there\n")
        told = json.loads(console.run("status", "--json", env=env).stdout)
        assert told["state_dir"] == str(home)
        assert len(told["socket"]) < 100
    finally:
        console.run("down", "--keeper", "--force", env=env)


# ── other versions ───────────────────────────────────────────────────────────


@contextmanager
def _old_keeper(path: Path) -> Iterator[None]:
    """Somebody at the keeper's socket who understands no version of the wire that we speak."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen()

    def serve() -> None:
        while True:
            try:
                link, _ = listener.accept()
            except OSError:
                return
            with link:
                decoder = wire.Decoder()
                while data := link.recv(1 << 16):
                    for message, _ in decoder.feed(data):
                        told = "This keeper speaks versions 7 to 9 of the wire."
                        answer = {"id": message["id"], "error": "keeper-mismatch", "message": told}
                        link.sendall(wire.encode(answer))

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        path.unlink(missing_ok=True)
        thread.join(30)


def test_a_keeper_of_another_version_is_told_and_left_alone(console: Console) -> None:
    where = places(console)
    where.prepare()
    with _old_keeper(where.keeper_socket):
        said = complaint(console, "run", "--", "echo", "never", code=125)
        assert "speaks versions 7 to 9" in said
        assert "inspan down --keeper" in said
        assert console.run("ls").stdout.count(b" error ") == 1
        told = status(console)
        assert told["daemon"]["pid"] > 0
        assert "versions 7 to 9" in str(told["keeper"])
        console.say("down")


#: The daemon as another version of inspan would be.
_OTHER = """\
import inspan, sys
inspan.__version__ = "0.0.9"
from inspan.daemon import main
sys.exit(main([]))
"""


def test_a_daemon_of_another_version_is_replaced_and_the_agents_run_on(console: Console) -> None:
    with (console.home / "other.log").open("wb") as log:
        other = subprocess.Popen([sys.executable, "-c", _OTHER], env=console.env, stderr=log)
    try:
        socket_path = places(console).daemon_socket
        until(socket_path.exists, "the other daemon")
        until(lambda: b"runs already" in console.run("up").stdout, "it to answer")
        said = complaint(console, "ls")
        assert "the daemon is inspan 0.0.9" in said
        assert "inspan up --restart" in said
        assert complaint(console, "run", "--", "true", code=125).startswith("inspan: the daemon")
        console.say("up", "--restart")
        assert other.wait(30) == 0
        assert status(console)["daemon"]["pid"] != other.pid
    finally:
        if other.poll() is None:
            other.kill()
            other.wait()


# ── coming and going ─────────────────────────────────────────────────────────


def _running(console: Console, task: str) -> dict[str, int]:
    told: dict[str, int] = {}

    def runs() -> bool:
        told.update(json.loads(console.say("show", task, "--json")))
        return told["state"] == TaskState.RUNNING and bool(told["pid"])  # type: ignore[comparison-overlap]

    until(runs, "it to run")
    return told


def test_a_restart_leaves_what_runs_as_it_is(console: Console) -> None:
    task = console.say("add", "--timeout", "none", "--", "sleep", "1000")
    before = _running(console, task)
    daemons = [status(console)["daemon"]["pid"]]
    keeper = status(console)["keeper"]["pid"]
    console.say("up", "--restart")
    daemons.append(status(console)["daemon"]["pid"])
    os.kill(daemons[-1], signal.SIGTERM)
    until(lambda: not alive(daemons[-1]), "the daemon to end")
    assert alive(before["pid"])
    console.say("ls")
    daemons.append(status(console)["daemon"]["pid"])
    console.say("down")
    assert alive(before["pid"])
    after = _running(console, task)
    assert (after["pid"], after["session"]) == (before["pid"], before["session"])
    assert status(console)["keeper"]["pid"] == keeper
    assert len(set(daemons)) == 3
    console.say("cancel", task)
    assert not alive(before["pid"])


def test_the_keeper_refuses_to_go_while_something_runs_unless_it_is_forced(
    console: Console,
) -> None:
    marks = console.home / "family.pids"
    task = console.say("add", "--timeout", "none", "--", *family(marks))
    until(lambda: len(pids(marks)) == MEMBERS, "the whole family")
    told = status(console)
    said = complaint(console, "down", "--keeper", code=2)
    assert "1 session" in said
    assert "--force" in said
    assert all(map(alive, pids(marks)))
    assert status(console)["daemon"]["pid"] == told["daemon"]["pid"]
    console.say("down", "--keeper", "--force")
    assert [pid for pid in pids(marks) if alive(pid)] == []
    assert not alive(told["keeper"]["pid"])
    assert not alive(told["daemon"]["pid"])
    again = json.loads(console.say("show", task, "--json"))
    assert again["state"] == "interrupted"


def test_force_belongs_to_the_keeper(console: Console) -> None:
    assert "--keeper" in complaint(console, "down", "--force", code=2)


def _daemons(console: Console) -> list[int]:
    """Every process that is a daemon of this home."""
    found = []
    home = f"INSPAN_HOME={console.home}".encode()
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
            environment = (process / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if any(b"inspan.daemon" in word for word in words) and home in environment:
            found.append(int(process.name))
    return found


def test_many_first_commands_at_once_start_one_daemon(console: Console) -> None:
    assert _daemons(console) == []
    first = [console.start("run", "--", "echo", f"n{number}") for number in range(4)]
    for number, process in enumerate(first):
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out, err) == (0, b"n%d\n" % number, b"")
    assert _daemons(console) == [status(console)["daemon"]["pid"]]
    assert console.say("ls").count("completed") == 5  # four lines and their sum
