"""Named code sessions of a real daemon, for tests that kill whatever serves them."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Final

from inspan.client.sync import SyncControl
from inspan.model.code import (
    Cell,
    CellEnd,
    CellEnded,
    CodeEvent,
    CodeLimits,
    CodeSession,
    CodeSpec,
    Grants,
    Printed,
    Restored,
    RunEnded,
)
from inspan.model.session import CodeState
from tests.real.daemon import Daemon, until

NO_LIMITS: Final = CodeLimits()
NO_GRANTS: Final = Grants()


class Named:
    """One session, asked for by its name; a daemon that died meanwhile is no trouble."""

    def __init__(
        self,
        daemon: Daemon,
        name: str,
        *,
        limits: CodeLimits = NO_LIMITS,
        grants: Grants = NO_GRANTS,
    ) -> None:
        self.daemon = daemon
        self.name = name
        spec = replace(plain(daemon, name), limits=limits, grants=grants)
        with daemon.control() as control:
            self.id = control.code.open(spec).id

    @property
    def folder(self) -> Path:
        """Where its runs and its checkpoints are."""
        return self.daemon.places.code / self.id

    def now(self) -> CodeSession:
        with self.daemon.control() as control:
            return control.code.get(self.id)

    def pid(self) -> int:
        """Of its process, which there is."""
        pid = self.now().pid
        assert pid is not None
        return pid

    def execute(self, code: str) -> Cell:
        """Hand it in, and wait for nothing."""
        with self.daemon.control() as control:
            return control.code.execute(self.name, code)

    def run(self, code: str) -> CellEnd:
        """A cell from its beginning to its end."""
        with self.daemon.control() as control:
            return end_of(control, control.code.execute(self.name, code))

    def value(self, code: str) -> object:
        """That of an expression."""
        end = self.run(code)
        assert end.error is None, end.error
        return end.value

    def end(self, cell: Cell) -> CellEnd:
        with self.daemon.control() as control:
            return end_of(control, cell)

    def printed(self, cell: Cell, *, most: int | None = None) -> str:
        """What it printed, up to its end, or until there is more than ``most``."""
        text = ""
        with (
            self.daemon.control() as control,
            control.code.follow(self.id, 0, cell=cell.id) as events,
        ):
            for event in events:
                if isinstance(event.fact, Printed):
                    assert event.fact.dropped == 0
                    text += event.fact.text
                    if most is not None and len(text) > most:
                        break
        return text

    def restore(self, name: str = "") -> Restored:
        with self.daemon.control() as control:
            return control.code.restore(self.id, name)

    def over(self) -> RunEnded:
        """How its process ended, once that is told and stored."""
        until(lambda: self.now().state is CodeState.TERMINATED, "the session to be over")
        told = [event.fact for event in self.events() if isinstance(event.fact, RunEnded)]
        assert told[-1].run == self.now().run
        return told[-1]

    def events(self) -> tuple[CodeEvent, ...]:
        """All that happened in it."""
        with self.daemon.control() as control:
            return control.code.transcript(self.id, limit=100_000)


def plain(daemon: Daemon, name: str) -> CodeSpec:
    """A session with a plain environment and nothing granted."""
    env = {"PATH": os.environ["PATH"], "HOME": str(daemon.home)}
    return CodeSpec(cwd="/usr", name=name, env=env)


def end_of(control: SyncControl, cell: Cell) -> CellEnd:
    """How a cell ends."""
    with control.code.follow(cell.session, cell=cell.id) as events:
        for event in events:
            if isinstance(event.fact, CellEnded):
                return event.fact.end
    raise AssertionError(f"{cell.id} has no end")


def keeper_of(daemon: Daemon) -> int:
    """The pid of who keeps the sessions, which there is."""
    pid = daemon.keeper_pid()
    assert pid is not None
    return pid


def kill(pid: int) -> None:
    """kill -9."""
    os.kill(pid, signal.SIGKILL)
