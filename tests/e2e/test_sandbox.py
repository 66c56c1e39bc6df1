"""A program in a sandbox, of a real daemon: what it tries to reach, and that it is led as any."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import anyio
import pytest

import inspan
from inspan.client.remote import RemoteControl
from inspan.client.sync import SyncControl
from inspan.errors import BadInput, NotConfined, SessionNotFound
from inspan.model.sandbox import Network, TaskSandbox
from inspan.model.task import SetupState, Task, TaskSpec, TaskState, TerminalSpec, WorkspaceKind
from tests.fakes.repository import git, make_repository
from tests.real.daemon import Daemon, alive, until
from tests.real.goldens import ROOT as GOLDEN
from tests.real.sandbox import needs_sandbox

pytestmark = [pytest.mark.timeout(120), pytest.mark.requirement("A2", "C9"), needs_sandbox]

TESTS = Path(__file__).parents[1]
PLAYER = TESTS / "fakes" / "golden_agent.py"
ESCAPEE = TESTS / "fakes" / "escapee.py"
CANARY = "canary-of-a-key"
SEALED = "Read-only file system"


@dataclass
class World:
    """A daemon, a person's home with a key in it, and a workspace."""

    daemon: Daemon
    control: SyncControl
    home: Path
    work: Path

    def spec(self, *command: str, **fields: object) -> TaskSpec:
        plain = self.daemon.spec(*command, terminal=TerminalSpec(pty=False), **fields)
        env = {**plain.env, "HOME": str(self.home)}
        sandbox = plain.sandbox or TaskSandbox()
        return replace(plain, cwd=str(self.work), env=env, sandbox=sandbox)

    def ended(self, spec: TaskSpec) -> Task:
        return self.control.wait(self.control.submit(spec).id)

    def tries(self, *steps: tuple[object, ...], **fields: object) -> list[str]:
        """What came of each step."""
        (self.work / "escapee.py").write_bytes(ESCAPEE.read_bytes())
        plan = json.dumps([[str(word) for word in step] for step in steps])
        spec = replace(
            self.spec(sys.executable, "-I", str(self.work / "escapee.py"), plan),
            **fields,  # type: ignore[arg-type]
        )
        task = self.ended(spec)
        assert task.session is not None
        said = self.daemon.output(task.session)
        assert task.state is TaskState.COMPLETED, said
        results: list[str] = json.loads(said)
        return results


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What stands for a disk with homes on it: temporary folders are not shown."""
    return tmp_path_factory.mktemp("root")


@pytest.fixture(scope="module")
def daemon(root: Path) -> Iterator[Daemon]:
    with Daemon(f"roles: {{default: 20}}\nsandbox: {{read: [{root}, {TESTS}]}}\n") as running:
        yield running


@pytest.fixture
def world(daemon: Daemon, root: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    own = root / request.node.name
    home, work = own / "home", own / "work"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh" / "id_ed25519").write_text(CANARY)
    (home / ".netrc").write_text(CANARY)
    work.mkdir()
    with daemon.control() as control:
        yield World(daemon, control, home, work)


def test_it_writes_in_its_workspace_and_nowhere_else(world: World, root: Path) -> None:
    outside = root / "outside"
    outside.write_text("as it was")
    told = world.tries(
        ("write", "inside"),
        ("write", outside),
        ("write", world.home / "new"),
        ("write", "/etc/inspan-was-here"),
        ("write", "/tmp/own"),
        ("write", "/var/tmp/own"),
    )
    assert told[0] == told[4] == told[5] == "ok"
    assert all(SEALED in one for one in told[1:4]), told
    assert (world.work / "inside").read_text() == "was here"
    assert outside.read_text() == "as it was"
    assert not (world.home / "new").exists()
    assert not Path("/tmp/own").exists()


def test_it_sees_no_key_and_nothing_of_ours(world: World) -> None:
    places = world.daemon.places
    told = world.tries(
        ("read", world.home / ".ssh" / "id_ed25519"),
        ("read", world.home / ".netrc"),
        ("names", places.state_dir),
        ("names", places.runtime_dir),
        ("read", places.database),
        ("connect", places.daemon_socket),
        ("connect", places.keeper_socket),
        ("write", places.state_dir / "config.yaml"),
        ("names", "/run"),
    )
    assert CANARY not in "".join(told)
    assert told[2] == told[3] == "ok"  # empty
    assert all(one.startswith("FileNotFoundError") for one in told[4:7]), told
    assert SEALED in told[7]
    assert "docker.sock" not in told[8]


def test_a_link_in_the_workspace_leads_to_nothing_more(world: World) -> None:
    """One that was there before, and one that it makes itself."""
    (world.work / "before").symlink_to(world.home / ".ssh")
    (world.work / "escapes").symlink_to("/etc")
    told = world.tries(
        ("link", world.home / ".ssh" / "id_ed25519", "key"),
        ("read", "key"),
        ("read", "before/id_ed25519"),
        ("write", "escapes/inspan-was-here"),
        ("read", "/proc/self/root" + str(world.home / ".ssh" / "id_ed25519")),
        ("read", "/proc/1/root" + str(world.home / ".ssh" / "id_ed25519")),
    )
    assert told[0] == "ok"
    assert CANARY not in "".join(told)
    assert SEALED in told[3]


def test_a_workspace_that_leads_into_what_is_hidden_is_refused(world: World) -> None:
    (world.work / "sub").symlink_to(world.home / ".ssh")
    with pytest.raises(NotConfined, match="hidden"):
        world.control.submit(replace(world.spec("true"), cwd=str(world.work / "sub")))
    with pytest.raises(NotConfined, match="home"):
        world.control.submit(replace(world.spec("true"), cwd=str(world.home)))
    with pytest.raises(NotConfined, match="home"):
        world.control.submit(replace(world.spec("true"), cwd="/"))


def test_an_agent_keeps_nothing_in_a_workspace_where_a_link_could_stand_for_it(
    world: World,
) -> None:
    (world.work / "kept").symlink_to(world.home / ".ssh")
    (world.work / "claude").write_text("#!/bin/sh\n")
    (world.work / "claude").chmod(0o755)
    plain = world.spec()
    env = {
        **plain.env,
        "PATH": f"{world.work}:{os.environ['PATH']}",
        "CLAUDE_CONFIG_DIR": str(world.work / "kept"),
    }
    with pytest.raises(NotConfined, match="in the workspace"):
        world.control.submit(replace(plain, env=env, provider="claude", prompt="do it"))


def test_it_reaches_no_other_process(world: World) -> None:
    outside = world.control.submit(world.daemon.spec("sleep", "60"))
    until(lambda: world.control.get(outside.id).pid is not None, "it to run")
    pid, mine = world.control.get(outside.id).pid, os.getpid()
    told = world.tries(
        ("kill", mine), ("kill", pid), ("trace", mine), ("environ", mine), ("environ", pid),
        ("capabilities",),
    )  # fmt: skip
    assert all("ProcessLookup" in one for one in told[:3]), told
    assert all(one.startswith("FileNotFoundError") for one in told[3:5]), told
    assert int(told[5], 16) == 0
    world.control.cancel(outside.id)


def test_it_cannot_undo_its_walls(world: World) -> None:
    told = world.tries(
        ("remount", "/"),
        ("unmount", world.home / ".netrc"),
        ("nest", "/"),
        ("unmount", world.home / ".ssh"),
        ("read", world.home / ".ssh" / "id_ed25519"),
        ("setting", "/proc/sys/kernel/core_pattern"),
    )
    assert "ok" not in told
    assert CANARY not in "".join(told)


def test_its_environment_is_what_it_was_given_and_nothing_outside_obeys_it(world: World) -> None:
    """Bytes as they were, no variable more; what a loader would obey, it obeys in the sandbox."""
    (world.work / "loaded").mkdir()
    strange = {
        "EMPTY": "",
        "LC_CTYPE": "C",
        "LINES_TOO": "a\nb",
        "PWD": "/nowhere",
        "UMLAUT": "ü",
        "_": "x",
        "LD_DEBUG": "files",
        "LD_DEBUG_OUTPUT": str(world.work / "loaded" / "by"),
    }
    spec = world.spec("env", "-0")
    task = world.ended(replace(spec, env={**spec.env, **strange}))
    assert task.session is not None
    said = world.daemon.output(task.session).split(b"\0")
    given = {**spec.env, **strange, "INSPAN_TASK": task.id, "INSPAN_ATTEMPT": "1"}
    marks = [
        one for one in said if one.startswith(b"INSPAN_") and one.decode() not in _pairs(given)
    ]
    assert sorted(one for one in said if one and one not in marks) == sorted(
        one.encode() for one in _pairs(given)
    )
    # Its number in the sandbox; one of another would be that of a process outside.
    assert [path.name for path in (world.work / "loaded").iterdir()] == ["by.2"]


def _pairs(env: dict[str, str]) -> list[str]:
    return [f"{name}={text}" for name, text in env.items()]


def test_its_network_is_what_it_was_given(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert world.tries(("call", port)) == ["ok"]
        alone = TaskSandbox(network=Network.NONE)
        assert world.tries(("call", port), sandbox=alone) != ["ok"]


def test_what_a_task_hides_is_hidden_and_its_workspace_can_be_read_only(world: World) -> None:
    (world.work / "private").mkdir()
    (world.work / "private" / "notes").write_text(CANARY)
    narrow = TaskSandbox(read_only=True, hide=(str(world.work / "private"),))
    told = world.tries(("names", "private"), ("write", "new"), sandbox=narrow)
    assert told[0] == "ok"
    assert SEALED in told[1]
    with pytest.raises(BadInput, match="absolute"):
        world.control.submit(replace(world.spec("true"), sandbox=TaskSandbox(hide=("private",))))


def test_a_repository_where_it_stands_is_not_its_to_change(world: World) -> None:
    make_repository(world.work)
    told = world.tries(
        ("write", ".git/hooks/post-checkout"),
        ("write", ".git/config"),
        ("write", ".git/commondir"),
        ("move", ".git", "old"),
        ("write", "file"),
    )
    assert all(SEALED in one for one in told[:3]), told
    assert told[3] != "ok"
    assert told[4] == "ok"


def test_it_commits_in_a_worktree_and_plants_nothing(world: World) -> None:
    repository = make_repository(world.work / "repository")
    common = repository / ".git"
    before = git(repository, "rev-parse", "HEAD")
    script = (
        "echo more >>file && git -c user.name=a -c user.email=a@b commit -qam work && "
        "git rev-parse HEAD && git status --porcelain"
    )
    spec = replace(
        world.spec("sh", "-c", script), cwd=str(repository), workspace=WorkspaceKind.WORKTREE
    )
    task = world.ended(spec)
    assert task.session is not None
    assert task.workspace is not None
    assert task.state is TaskState.COMPLETED, world.daemon.output(task.session)
    assert git(repository, "rev-parse", str(task.workspace.branch)) != before
    assert git(repository, "rev-parse", "HEAD") == before
    world.work = repository
    tree = "."
    told = world.tries(
        ("write", common / "hooks" / "post-checkout"),
        ("write", common / "config"),
        ("write", common / "HEAD"),
        ("write", common / "refs" / "heads" / "main"),
        ("write", common / "commondir"),
        ("write", f"{tree}/.git"),
        ("move", f"{tree}/.git", f"{tree}/old"),
        ("write", common / "objects" / "info" / "alternates"),
        ("write", repository / "file"),
        workspace=WorkspaceKind.WORKTREE,
    )
    assert "ok" not in told
    assert (repository / "file").read_text() == "changed\n"


def test_it_is_typed_to_interrupted_and_its_end_is_its_own(world: World) -> None:
    line = "trap 'echo caught; exit 7' INT; echo ready; read -r word; echo got $word; sleep 60"
    task = world.control.submit(world.spec("sh", "-c", line))
    until(lambda: _said(world, task, b"ready"), "it to be ready")
    world.control.send(task.id, b"hello\n")
    until(lambda: _said(world, task, b"got hello"), "it to have read")
    world.control.interrupt(task.id)
    ended = world.control.wait(task.id)
    assert ended.state is TaskState.INTERRUPTED
    assert ended.exit is not None
    assert ended.exit.code == 7
    assert _said(world, task, b"caught")


def test_its_terminal_is_one(world: World) -> None:
    line = "trap 'stty size; exit 3' WINCH; stty size; while :; do sleep 0.1; done"
    spec = replace(world.spec("sh", "-c", line), terminal=TerminalSpec(cols=91, rows=17))
    task = world.control.submit(spec)
    until(lambda: _said(world, task, b"17 91"), "its size")
    anyio.run(_resize, world, task.id)
    ended = world.control.wait(task.id)
    assert ended.exit is not None
    assert ended.exit.code == 3
    assert _said(world, task, b"30 80")


def test_none_of_it_is_left_and_it_outlives_the_daemon(world: World) -> None:
    """It runs on when the daemon is killed, the next one leads it, and kills all of it."""
    line = "setsid sleep 61 & sleep 62 & trap '' INT TERM; echo ready; while :; do sleep 1; done"
    task = world.control.submit(world.spec("sh", "-c", line))
    until(lambda: _said(world, task, b"ready"), "it to be ready")
    pid = world.control.get(task.id).pid
    assert pid is not None
    world.daemon.kill()
    world.daemon.start()
    with world.daemon.control() as control:
        assert control.get(task.id).state is TaskState.RUNNING
        inside = _below(pid)
        assert len(inside) >= 4
        control.cancel(task.id, force=True)
        assert control.wait(task.id).state is TaskState.CANCELLED
    until(lambda: not any(map(alive, [pid, *inside])), "all of it to be gone")


def test_the_outer_process_alone_killed_takes_all_with_it(world: World) -> None:
    task = world.control.submit(world.spec("sh", "-c", "setsid sleep 63 & echo ready; sleep 64"))
    until(lambda: _said(world, task, b"ready"), "it to be ready")
    pid = world.control.get(task.id).pid
    assert pid is not None
    inside = _below(pid)
    os.kill(pid, signal.SIGKILL)
    assert world.control.wait(task.id).state is TaskState.FAILED
    until(lambda: not any(map(alive, inside)), "all of it to be gone")


def test_an_agent_writes_what_it_keeps_and_no_settings_that_others_obey(world: World) -> None:
    """Whatever its program is: it is asked for its login in the sandbox too."""
    programs, kept = world.work / "bin", world.home / ".claude"
    programs.mkdir()
    (world.home / ".codex").mkdir()
    (world.home / ".codex" / "auth.json").write_text(CANARY)
    play = shlex.join([sys.executable, str(PLAYER), str(GOLDEN / "claude" / "stdio" / "answer")])
    (programs / "claude").write_text(
        "#!/bin/sh\n"
        'if [ "$1" = auth ]; then echo asked >/tmp/asked; echo \'{"loggedIn": true}\'; exit; fi\n'
        f"exec 3>&1 >{world.work}/told 2>&1\n"
        'echo mine >"$HOME/.claude/history.jsonl" && echo kept\n'
        'echo "{}" >"$HOME/.claude/settings.json" || echo sealed\n'
        'touch "$HOME/.claude/hooks/evil" || echo sealed\n'
        'cat "$HOME/.codex/auth.json" || echo unseen\n'
        "exec >&3 2>&3\n"
        f"exec {play}\n"
    )
    (programs / "claude").chmod(0o755)
    plain = world.spec()
    env = {**plain.env, "PATH": f"{programs}:{os.environ['PATH']}"}
    task = world.ended(replace(plain, env=env, provider="claude", prompt="do it"))
    assert task.state is TaskState.COMPLETED, task.reason
    told = (world.work / "told").read_text()
    assert [line for line in told.splitlines() if ":" not in line] == [
        "kept",
        "sealed",
        "sealed",
        "unseen",
    ], told
    assert CANARY not in told
    assert (kept / "history.jsonl").read_text() == "mine\n"
    assert (kept / "settings.json").read_text() == "{}\n"
    assert not list((kept / "hooks").iterdir())
    assert not Path("/tmp/asked").exists()


def test_a_check_is_in_the_same_sandbox(world: World) -> None:
    check = f"! echo x >{world.home}/new && ! cat {world.home}/.netrc && echo x >checked"
    task = world.ended(world.spec("true", checks=(check,)))
    assert task.state is TaskState.SUCCEEDED
    assert (world.work / "checked").exists()


def test_what_sets_its_workspace_up_is_in_the_same_sandbox(world: World) -> None:
    line = f"! echo x >{world.home}/new && ! cat {world.home}/.netrc && echo x >made"
    spec = world.spec("test", "-s", "made", setup=(line,), workspace=WorkspaceKind.FOLDER)
    task = world.ended(spec)
    assert [step.state for step in task.setup] == [SetupState.DONE], task.reason
    assert task.state is TaskState.COMPLETED


def test_a_script_is_played_in_one(world: World) -> None:
    script = json.dumps({"steps": [{"say": "hello"}, {"exit": 0}]})
    task = world.ended(replace(world.spec(), provider="scripted", prompt=script))
    assert task.state is TaskState.COMPLETED
    assert _said(world, task, b"hello")


async def _resize(world: World, task: str) -> None:
    socket = world.daemon.places.daemon_socket
    async with (
        RemoteControl.connect(socket) as control,
        control.attach(task, writer=True) as terminal,
    ):
        await terminal.resize(80, 30)
        await inspan.wait(control, task)


def _below(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [one for child in map(int, children) for one in (child, *_below(child))]


def _said(world: World, task: Task, words: bytes) -> bool:
    session = world.control.get(task.id).session
    with suppress(SessionNotFound):  # it is about to begin
        return session is not None and words in world.daemon.output(session)
    return False


@pytest.mark.parametrize("folder", ["/usr/share", "/tmp/gone"], ids=["read", "gone"])
def test_its_temporary_folder_is_one_that_it_can_write(world: World, folder: str) -> None:
    spec = world.spec("sh", "-c", "f=$(mktemp) && echo $f > where")
    ended = world.ended(replace(spec, env={**spec.env, "TMPDIR": folder}))
    assert ended.state is TaskState.COMPLETED, world.daemon.output(f"{ended.id}-1")
    assert (world.work / "where").read_text().startswith("/tmp/tmp.")
