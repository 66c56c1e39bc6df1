"""Runs git so that nothing but git runs, whatever the repository's configuration says.

A repository is a stranger: its configuration can name programs for hooks, filters, monitors,
pagers, signing, transports and more. Here each of these is switched off for every command, and
git gets an argument list and an environment made from nothing. Content filters (Git LFS is one)
are off too, so files that they manage stay as they are stored.

This module knows no task. It raises GitFailed with git's own sentence.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import anyio
import anyio.abc

from inspan.errors import DiskFull, GitFailed
from inspan.git.lingering import MOMENT, outlast
from inspan.model.value import field, replaced, value

#: Seconds for one command; large checkouts on slow disks take their time.
PATIENCE: Final = 120.0
#: The most bytes a command may say unless its caller wants more.
MOST: Final = 8 << 20
#: Of what git complains, this much is read.
_WORDS_MOST: Final = 1 << 16

#: What is switched off, by GIT_CONFIG_COUNT, which needs git 2.31; an older one would ignore it
#: without a word, and ``repository.find`` refuses it.
_OVERRIDES: Final = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.pager": "cat",
    "core.editor": "false",
    "core.askPass": "",
    "core.sshCommand": "false",
    "core.attributesFile": os.devnull,
    "core.quotePath": "true",
    # Milliseconds. Each branch that goes takes this lock, and on a busy disk it is held for longer
    # than the second after which git gives up.
    "core.packedRefsTimeout": "10000",
    "credential.helper": "",
    "diff.external": "",
    "diff.ignoreSubmodules": "all",
    "submodule.recurse": "false",
    "commit.gpgSign": "false",
    "tag.gpgSign": "false",
    "log.showSignature": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "protocol.allow": "never",
    "protocol.ext.allow": "never",
    # A folder that only looks like a repository is none: who sends it could have written it.
    "safe.bareRepository": "explicit",
    "advice.detachedHead": "false",
    "color.ui": "false",
}
_FILTER: Final = re.compile(r"filter\.(.+)\.(?:clean|smudge|process|required)", re.DOTALL)
_DRIVER: Final = re.compile(r"merge\..+\.driver", re.DOTALL)
#: These read and write names and commits, and never what is in a file; nor do they write an index,
#: for which git may compare. They have nothing to give to a filter or to a driver. Most of what is
#: run is one of these.
_NO_CONTENT: Final = frozenset(
    {
        *("branch", "check-ref-format", "commit-tree", "config", "for-each-ref", "ls-files"),
        *("merge-base", "rev-list", "rev-parse", "symbolic-ref", "update-ref"),
    }
)
#: But what is asked so is seen in the files.
_COMPARED: Final = frozenset({"-m", "--modified"})
#: Both sides, with marks where they differ, and a conflict even where none do: who names a driver
#: does not believe what lines alone give. The names are git's own, of files that it makes.
_MARKS: Final = "git merge-file -q --marker-size=%L -L ours -L base -L theirs %A %O %B; false"
#: ENOSPC and EDQUOT in the C locale, which git is run in.
_FULL: Final = (b"No space left on device", b"Disk quota exceeded")
_PREFIX: Final = re.compile(r"^(?:fatal|error|git): ")


@value(frozen=True)
class Said:
    """What a command gave. ``cut`` where it was stopped because it said too much."""

    code: int
    out: bytes
    words: str
    cut: bool = False
    #: Somewhere in its complaint is that the disk, or the user's share of it, is full.
    full: bool = False


@value(frozen=True)
class Git:
    """Git in one folder. ``git_dir`` keeps it from looking for a repository by itself."""

    folder: Path
    git_dir: Path | None = None
    #: Another index than the repository's own.
    index: Path | None = None
    #: Who commits, where the user's configuration does not say.
    identity: Mapping[str, str] = field(default_factory=dict)

    def using(self, index: Path) -> Git:
        """The same with an index of its own."""
        return replaced(self, index=index)

    async def run(self, *arguments: str, patience: float = PATIENCE) -> str:
        """What it prints, without the line end. Raises GitFailed, DiskFull."""
        said = await self.ask(*arguments, patience=patience)
        if said.code and said.full:
            raise DiskFull(f"git found no room: {said.words}")
        if said.code:
            raise GitFailed(said.words or f"git {arguments[0]} ended with {said.code}")
        return said.out.decode(errors="surrogateescape").removesuffix("\n")

    async def ask(
        self, *arguments: str, most: int = MOST, patience: float = PATIENCE, given: bytes = b""
    ) -> Said:
        """Run it with every filter of the repository switched off, and tell how it ended."""
        names_only = arguments[0] in _NO_CONTENT and _COMPARED.isdisjoint(arguments)
        off = {} if names_only else await self._filters()
        return await self._run(arguments, off, most, patience, given)

    async def filters(self) -> frozenset[str]:
        """The filters that its configuration names, none of which runs. Raises GitFailed."""
        off = await self._filters()
        names = (name.removesuffix("clean") for name in off if name.endswith(".clean"))
        return frozenset(name.removeprefix("filter.").removesuffix(".") for name in names)

    async def _filters(self) -> dict[str, str]:
        """Overrides for each filter that is configured; an empty command is none (git-config).

        A driver for merging cannot be none: git's own takes its place.
        """
        said = await self._run(("config", "--list", "--name-only", "-z"), {}, MOST, PATIENCE)
        if said.cut:
            raise GitFailed("the repository's configuration is too large to be looked through")
        off: dict[str, str] = {}
        for name in said.out.decode(errors="surrogateescape").split("\0"):
            found = _FILTER.fullmatch(name)
            if found:
                off |= {f"filter.{found[1]}.{what}": "" for what in ("clean", "smudge", "process")}
                off[f"filter.{found[1]}.required"] = "false"
            elif _DRIVER.fullmatch(name):
                off[name] = _MARKS
        return off

    async def _run(
        self,
        arguments: tuple[str, ...],
        off: dict[str, str],
        most: int,
        patience: float,
        given: bytes = b"",
    ) -> Said:
        if any("\0" in argument for argument in arguments):
            raise GitFailed("an argument for git has a NUL character")
        try:
            # A file and no pipe: git may print before it has read all that it is given.
            # Cancelled while it starts, asyncio would kill git alone: what git has started by then
            # would go on, and make a branch after the next attempt has seen that there is none.
            with _read_from(given) as stdin, anyio.CancelScope(shield=True):
                process = await anyio.open_process(
                    ["git", "--no-pager", "--no-replace-objects", *arguments],
                    stdin=stdin,
                    cwd=self.folder,
                    env=self._environment(off),
                    start_new_session=True,
                )
        except OSError as error:
            raise GitFailed(
                f"git could not be started: {error.strerror}",
                hint="Install git 2.31 or newer, and check that the folder exists.",
            ) from error
        try:
            with anyio.fail_after(patience):
                return await _hear(process, most)
        except TimeoutError:
            raise GitFailed(f"git {arguments[0]} took more than {patience:g} s") from None
        finally:
            with anyio.CancelScope(shield=True):
                await _end(process)

    def _environment(self, off: dict[str, str]) -> dict[str, str]:
        overrides = _OVERRIDES | off
        environment = {
            name: os.environ[name]
            for name in ("PATH", "HOME", "XDG_CONFIG_HOME", "TMPDIR")
            if name in os.environ
        }
        environment |= {
            "LC_ALL": "C",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_ALLOW_PROTOCOL": "none",
            "GIT_CONFIG_COUNT": str(len(overrides)),
        }
        for number, (name, setting) in enumerate(overrides.items()):
            environment[f"GIT_CONFIG_KEY_{number}"] = name
            environment[f"GIT_CONFIG_VALUE_{number}"] = setting
        if self.git_dir is not None:
            environment |= {"GIT_DIR": str(self.git_dir), "GIT_WORK_TREE": str(self.folder)}
        if self.index is not None:
            environment["GIT_INDEX_FILE"] = str(self.index)
        return environment | dict(self.identity)


@contextmanager
def _read_from(given: bytes) -> Iterator[int]:
    if not given:
        yield subprocess.DEVNULL
        return
    with tempfile.TemporaryFile() as file:
        file.write(given)
        file.seek(0)
        yield file.fileno()


async def _hear(process: anyio.abc.Process, most: int) -> Said:
    assert process.stdout is not None
    assert process.stderr is not None
    out, words = bytearray(), bytearray()
    async with anyio.create_task_group() as group:
        group.start_soon(_drain, process.stderr, words)
        cut = False
        async for data in process.stdout:
            out += data
            if len(out) > most:
                cut = True
                process.kill()
                break
    code = await process.wait()
    told = bytes(words)
    full = any(word in told for word in _FULL)
    return Said(0 if cut else code, bytes(out[:most]), _sentence(told), cut, full)


async def _drain(stream: anyio.abc.ByteReceiveStream, into: bytearray) -> None:
    """Read to the end, and keep the beginning."""
    async for data in stream:
        into += data[: _WORDS_MOST - len(into)]


async def _end(process: anyio.abc.Process) -> None:
    """Leave nothing of it behind: git starts helpers, all in its own session.

    They are asked first: git takes its lock files with it on SIGTERM, and a lock that stays refuses
    every later change. Its helpers are git too and may hold the lock, so they have their moments
    where the one that started them is gone before.
    """
    if process.returncode is None:
        _signal(process, signal.SIGTERM)
        with anyio.move_on_after(MOMENT):
            await process.wait()
            await outlast(lambda: _signal(process, 0))
        _signal(process, signal.SIGKILL)
        with anyio.move_on_after(MOMENT):
            await process.wait()
    await process.aclose()


def _signal(process: anyio.abc.Process, number: int) -> bool:
    """To all of its group; false where none of it is left."""
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _sentence(words: bytes) -> str:
    """Git's complaint in one printable line."""
    lines = words.decode(errors="replace").splitlines()
    told = [line for line in lines if _PREFIX.match(line)] or [line for line in lines if line]
    sentence = _PREFIX.sub("", told[0]) if told else ""
    return "".join(letter if letter.isprintable() else "?" for letter in sentence)[:500]
