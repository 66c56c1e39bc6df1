"""Named code sessions in numbers: alive and answering at once, and what they leave behind."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from inspan.client.sync import SyncControl
from inspan.model.code import CodeSession
from inspan.model.session import CodeState
from tests.real.daemon import Daemon, alive, until
from tests.real.many import Holdings, holdings, no_more
from tests.real.named import end_of, keeper_of, plain

#: Requests that are made at a time.
_WIDE: Final = 8
#: The keeper's children at rest: its guardian, the worker that others are forked from, and a spare,
#: which comes a moment after it is of use, and not everywhere.
_AT_REST: Final = 3
#: What allocators may keep of what is free again (bytes), for both processes together.
_KEPT: Final = 16 << 20


class Many:
    """A daemon and its keeper, whose goods are counted."""

    def __init__(self, daemon: Daemon, control: SyncControl, threads: ThreadPoolExecutor) -> None:
        self._daemon = daemon
        self._control = control
        self._threads = threads
        self._keeper = keeper_of(daemon)
        # What is loaded and pooled once is there after a first round.
        self._close(self._open(_WIDE, "first"))
        self._before = self._settled()
        self._memory = self._used()

    def at_once(self, count: int, turn: int) -> None:
        """``count`` sessions, each alive and answering while all are, and then none."""
        sessions = self._open(count, f"at{turn}")
        pids = {session.pid for session in sessions}
        assert len(pids) == count
        assert all(alive(pid) for pid in pids if pid is not None)
        for _ in range(2):
            answers = [*self._threads.map(self._answer, sessions)]
            assert answers == [f"{session.spec.name} 42" for session in sessions]
        states = {one.state for one in self._control.code.list()}
        assert states == {CodeState.READY}
        held = self._used() - self._memory
        print(
            f"{count} at once: daemon and keeper hold {held >> 20} MB more, and after it", end=" "
        )
        self._close(sessions)
        self._back(f"{count} at once")

    def in_turn(self, count: int, turn: int) -> None:
        """``count`` sessions, each opened, asked and closed before the next."""
        for number in range(count):
            (session,) = self._open(1, f"turn{turn}-{number}")
            assert self._answer(session) == f"{session.spec.name} 42"
            self._close([session])
        self._back(f"{count} in turn")

    def _open(self, count: int, name: str) -> list[CodeSession]:
        specs = [plain(self._daemon, f"{name}-{number}") for number in range(count)]
        return [*self._threads.map(self._control.code.open, specs)]

    def _answer(self, session: CodeSession) -> object:
        code = f"name = {session.spec.name!r}\nf'{{name}} {{6 * 7}}'"
        return end_of(self._control, self._control.code.execute(session.id, code)).value

    def _close(self, sessions: list[CodeSession]) -> None:
        closed = self._threads.map(lambda session: self._control.code.close(session.id), sessions)
        assert {session.state for session in closed} <= {CodeState.TERMINATED}
        assert self._control.code.list() == ()

    def _settled(self) -> Holdings:
        self._control.close()  # what rests with the client is held by the daemon, too
        until(lambda: self._held().children[1] <= _AT_REST, "the keeper to be at rest")
        held = self._held()
        # Idle threads wait for work, at most as many as were busy at a time.
        return replace(held, threads=(held.threads[0] + _WIDE, held.threads[1]))

    def _back(self, after: str) -> None:
        pids = {one.pid for one in self._control.code.list(ended=True)}
        assert pids == {None}
        self._control.close()
        until(lambda: no_more(self._held(), self._before), f"{self._before} after {after}")
        print(f"{(self._used() - self._memory) >> 20} MB")
        until(lambda: self._used() - self._memory < _KEPT, f"memory to be given back after {after}")
        runs = [path for path in self._daemon.places.code.glob("*/[0-9]*") if path.is_dir()]
        assert runs == [], "the folders of runs that are over"

    def _held(self) -> Holdings:
        held = holdings(self._daemon, self._keeper)
        # With a spare or without one is the same.
        return replace(held, children=(held.children[0], max(held.children[1], _AT_REST)))

    def _used(self) -> int:
        assert self._daemon.process is not None
        return sum(map(_resident, (self._daemon.process.pid, self._keeper)))


def _resident(pid: int) -> int:
    """Its memory (bytes)."""
    words = Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()
    return int(words[0]) << 10


@contextmanager
def many() -> Iterator[Many]:
    """With a daemon of its own."""
    with (
        Daemon() as daemon,
        daemon.control() as control,
        ThreadPoolExecutor(_WIDE) as threads,
    ):
        yield Many(daemon, control, threads)
