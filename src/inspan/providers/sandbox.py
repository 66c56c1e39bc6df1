"""The sandbox of one program: what it sees, by whose word, and the command line that makes it so.

Four have a say, and each may narrow what those before it gave: what is hidden from everybody, the
user's settings, the needs of the program and its workspace, and the task. Nothing that lies in a
workspace is read for it.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

import anyio.to_thread

from inspan.agents.dialect import OwnFolder
from inspan.engine.ports import Order
from inspan.errors import BadInput, NotConfined, WorkspaceFailed
from inspan.git.shares import Shares, shares_of
from inspan.model.ids import task_of
from inspan.model.sandbox import Network, SandboxRules, TaskSandbox
from inspan.model.task import TaskSpec, WorkspaceKind
from inspan.providers import bubblewrap, secretplaces
from inspan.providers.mounts import Access, Mounts, arguments
from inspan.providers.workspacefiles import Fence

_TEMPORARY: Final = ("/tmp", "/var/tmp")  # noqa: S108 - what is mounted there is new and nobody else's
_ROOT: Final = Path("/")
#: What an agent's settings are made of where there are none yet, so that nobody can plant some.
_EMPTY: Final = {".json": "{}\n"}


class Confined(NamedTuple):
    """What is started in the program's place, and with which environment in the end."""

    argv: list[str]
    env: dict[str, str]


class _Place(NamedTuple):
    """Where a program works: the folder that is its own, and of a repository what it shares."""

    top: Path
    shares: Shares


class Sandboxes:
    """Makes them, by the user's ``rules``."""

    def __init__(
        self,
        rules: SandboxRules,
        *,
        ours: Sequence[Path],
        agents: Sequence[OwnFolder],
        guests: Path | None = None,
    ) -> None:
        """``ours``: what is inspan's alone. ``agents``: what every agent keeps, hidden from all
        others. ``guests``: the socket of ours for agents that may hand in tasks.
        """
        self._guests = guests
        self._rules = rules
        self._ours = ours
        self._agents = agents
        #: Once it has made a sandbox here it is taken to go on doing so.
        self._program: Path | None = None

    async def check(self, spec: TaskSpec, own: Sequence[OwnFolder]) -> None:
        """Refuse what cannot be confined as it asks. Raises NotConfined, BadInput."""
        if spec.sandbox is None:
            return
        await self._proved()
        for path in spec.sandbox.hide:
            if not Path(path).is_absolute() or "\0" in path:
                raise BadInput(f"to be hidden, {path!r} is not absolute")
        if spec.workspace is WorkspaceKind.HERE and not spec.after:
            place = _Place(Path(spec.cwd), Shares((), ()))
            await anyio.to_thread.run_sync(self._mounts, spec.sandbox, spec.env, place, own)

    async def confine(
        self,
        order: Order,
        sandbox: TaskSandbox,
        argv: Sequence[str],
        own: Sequence[OwnFolder],
        *,
        cwd: str,
    ) -> Confined:
        """What starts ``argv`` in its sandbox, in the folder ``cwd``.

        Raises NotConfined, NotARepository, GitFailed, WorkspaceFailed.
        """
        program = await self._proved()
        place = await _place(order)
        mounts = await anyio.to_thread.run_sync(self._mounts, sandbox, order.env, place, own)
        if order.delegates and self._guests is not None:
            mounts.put(Access.READ, [self._guests])
        env = _environment(order.env, mounts)
        _refuse_unseen(argv[0], cwd, env, mounts)
        network = self._rules.reach(sandbox) is Network.HOST
        begin = os.path.realpath(cwd)
        inside = bubblewrap.command(program, arguments(mounts), argv, cwd=begin, network=network)
        return Confined(inside, env)

    async def fence(self, order: Order, own: Sequence[OwnFolder]) -> Fence:
        """What of the workspace is read and written for its program, by us and from outside.

        In a sandbox that is what the program could itself; else all but what holds secrets, where
        the workspace is a folder that such a thing lies in. Raises NotConfined, NotARepository,
        GitFailed, WorkspaceFailed.
        """
        place = await _place(order)
        if order.sandbox is None:
            mounts = await anyio.to_thread.run_sync(self._without, order.env, place.top)
        else:
            given = (order.sandbox, order.env, place, own)
            mounts = await anyio.to_thread.run_sync(self._mounts, *given)
        return Fence(os.path.realpath(place.top), mounts)

    def _without(self, env: Mapping[str, str], top: Path) -> Mounts:
        mounts = Mounts()
        mounts.put(Access.HIDE, (*self._secret(_homes(env), env), *self._ours))
        mounts.put(Access.WRITE, [top])
        return mounts

    async def _proved(self) -> Path:
        known = self._program
        if known is not None and known.exists():
            return known
        found, _ = await anyio.to_thread.run_sync(bubblewrap.prove)
        self._program = found
        return found

    def _mounts(
        self,
        sandbox: TaskSandbox,
        env: Mapping[str, str],
        place: _Place,
        own: Sequence[OwnFolder],
    ) -> Mounts:
        homes = _homes(env)
        mounts = Mounts()
        put = mounts.put
        put(Access.FRESH, _TEMPORARY)
        put(Access.HIDE, self._secret(homes, env))
        put(Access.READ, secretplaces.NEEDED)
        rules = self._rules
        for access, paths in (
            (Access.HIDE, rules.hide),
            (Access.READ, rules.read),
            (Access.WRITE, rules.write),
        ):
            named = (path for written in paths for path in _at_home(written, homes))
            (put if access is Access.HIDE else mounts.show)(access, named)
        put(Access.HIDE, self._ours)
        self._refuse_place(place.top, mounts, homes)
        for folder in own:
            for path in _where(folder, env, homes):
                _refuse_inside(path, place.top)
                _put_own(folder, path, mounts)
        put(Access.READ if sandbox.read_only else Access.WRITE, (place.top, *place.shares.write))
        put(Access.READ, (place.top / ".git", *place.shares.fixed, *_installed()))
        put(Access.HIDE, sandbox.hide)
        return mounts

    def _secret(self, homes: Sequence[Path], env: Mapping[str, str]) -> Iterator[Path]:
        yield from map(Path, (*secretplaces.SYSTEM, *secretplaces.SERVICES))
        for home in homes:
            yield from (home / name for name in secretplaces.HOME)
        for folder in self._agents:
            yield from _where(folder, env, homes)
        for runtime in {env.get("XDG_RUNTIME_DIR", ""), os.environ.get("XDG_RUNTIME_DIR", "")}:
            if Path(runtime).is_absolute():
                yield Path(runtime)

    def _refuse_place(self, top: Path, mounts: Mounts, homes: Sequence[Path]) -> None:
        """A workspace that holds what must not be written, or lies in what must not be seen."""
        real = top.resolve()
        if any(home.resolve().is_relative_to(real) for home in homes) or real == _ROOT:
            raise NotConfined(
                f"In {top} a sandbox would leave your home open.",
                hint="Work in a folder below it, or give the task one of its own: --folder.",
            )
        mine = any(real.is_relative_to(path.resolve() / "workspaces") for path in self._ours)
        if mounts.at(real) is Access.HIDE and not mine:
            raise NotConfined(
                f"{top} is in a folder that is hidden from sandboxes.", hint="Work elsewhere."
            )


async def _place(order: Order) -> _Place:
    """The whole workspace, though the program may begin in a folder of it."""
    here, workspace = Path(order.cwd), order.workspace
    if workspace is None or workspace.kind is not WorkspaceKind.WORKTREE:
        return _Place(here, Shares((), ()))
    name = task_of(order.session)
    tree = next((path for path in (here, *here.parents) if path.name == name), None)
    if tree is None or workspace.repository is None:
        raise WorkspaceFailed(f"{here} is no worktree of inspan's")
    return _Place(tree, await shares_of(Path(workspace.repository), tree))


def _refuse_inside(path: Path, top: Path) -> None:
    """What an agent keeps in a workspace others there replace by a link. Raises NotConfined."""
    named = Path(os.path.abspath(path))  # noqa: PTH100 - links are kept
    if named.is_relative_to(top.resolve()) or named.is_relative_to(top):
        raise NotConfined(
            f"The agent keeps its own things in the workspace, at {path}.",
            hint="Have it keep them elsewhere: its own variable names the place.",
        )


def _put_own(folder: OwnFolder, path: Path, mounts: Mounts) -> None:
    """Let an agent write what it keeps, but for what would have others run something."""
    if not folder.file:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    mounts.put(Access.WRITE, [path])
    for name in folder.fixed:
        _make(path / name.rstrip("/"), folder=name.endswith("/"))
    mounts.put(Access.READ, (path / name.rstrip("/") for name in folder.fixed))


def _make(path: Path, *, folder: bool) -> None:
    if os.path.lexists(path):
        return
    if folder:
        path.mkdir(mode=0o700)
        return
    with suppress(FileExistsError), path.open("x") as file:
        file.write(_EMPTY.get(path.suffix, ""))


def _where(folder: OwnFolder, env: Mapping[str, str], homes: Sequence[Path]) -> Iterator[Path]:
    named = env.get(folder.variable, "") if folder.variable else ""
    if Path(named).is_absolute():
        if not folder.file:
            yield Path(named, folder.below)
    else:
        yield homes[0] / folder.path


def _homes(env: Mapping[str, str]) -> tuple[Path, ...]:
    """The task's own first, and the user's."""
    given = env.get("HOME", "")
    mine = Path.home()
    return (Path(given), mine) if Path(given).is_absolute() and given != str(mine) else (mine,)


def _at_home(path: str, homes: Sequence[Path]) -> Iterator[Path]:
    if path == "~" or path.startswith("~/"):
        yield from (home / path[2:] for home in homes)
    else:
        yield Path(path)


def _installed() -> Iterator[str]:
    """Our own code and Python: whoever changed them would be outside the next time they start."""
    yield from bubblewrap.needed()
    yield sys.prefix
    yield str(Path(__file__).parents[1])


def _environment(env: Mapping[str, str], mounts: Mounts) -> dict[str, str]:
    kept = {name: text for name, text in env.items() if name not in secretplaces.VARIABLES}
    for name in ("TMPDIR", "TMP", "TEMP"):
        # A folder that is there and cannot be written fails later, and where nobody looks.
        if name in kept and mounts.at(os.path.realpath(kept[name])) is not Access.WRITE:
            kept[name] = _TEMPORARY[0]
    return kept


def _refuse_unseen(program: str, cwd: str, env: Mapping[str, str], mounts: Mounts) -> None:
    """A program that is there, and is hidden. Raises NotConfined."""
    if "/" in program:
        found: str | None = str(Path(cwd, program))
    else:
        found = shutil.which(program, path=env.get("PATH"))
    if found is None:
        return
    real = os.path.realpath(found)
    if not mounts.sees(real):
        raise NotConfined(
            f"The program {program!r} is at {real}, which is hidden from sandboxes.",
            hint="Name its folder under `sandbox: read` in the settings.",
        )
