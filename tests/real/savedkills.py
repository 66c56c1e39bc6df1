"""kill -9 while a checkpoint of a named session is made: what is left is the old one or the new.

Where it strikes is seen from outside, by what lies in the session's folders: nothing in the
product waits for it.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from inspan.client.sync import SyncControl
from inspan.errors import InspanError
from inspan.kernel.worker.boot import CHECKPOINTS
from inspan.model.code import Saved
from inspan.model.session import CodeState
from tests.real.daemon import Daemon, alive
from tests.real.named import Named, kill

NAME: Final = "kept"
#: Large enough that writing it takes longer than a look at the folders.
BULK: Final = 4 << 20
#: Names that tell whether all of them are of the same moment, and two that share a list.
STAMP: Final = f"""
stamp = {{0}}
bulk = bytes([stamp % 256]) * ({BULK} + stamp)
shared = [stamp]
twin = {{{{"of": shared}}}}
def say(): return stamp
"""
CHECK: Final = f"""
whole = (bulk == bytes([stamp % 256]) * ({BULK} + stamp)
         and shared == [stamp] and twin["of"] is shared and say() == stamp)
f"{{stamp}} {{whole}}"
"""
#: Where, as seen in the folders of the run and of what is saved.
POINTS: Final = (
    "at once",
    "the worker writes",
    "the worker has written",
    "the daemon takes it over",
    "the manifest is written",
    "the manifest is in place",
    "any moment",
)
VICTIMS: Final = ("worker", "daemon", "both")
#: Seconds in which something is to be seen, before it is killed all the same.
_LOOK: Final = 5.0


class Kills:
    """A session whose checkpoint is killed again and again, and restored each time."""

    def __init__(self, daemon: Daemon, seed: int) -> None:
        self._daemon = daemon
        self._chance = random.Random(seed)
        self._session = Named(daemon, "victim")
        #: What the newest checkpoint has that is known to be whole.
        self._old = self._new = 0
        self.found: Counter[tuple[str, str, str]] = Counter()
        self._took = 0.0
        self._session.run(STAMP.format(0))
        began = time.monotonic()
        self._checkpoint()
        self._took = time.monotonic() - began

    def strike(self, point: str, victim: str) -> None:
        """One kill, and what it left."""
        self._new += 1
        new = self._new
        session = self._session
        session.run(STAMP.format(new))
        asked = _Asked(self._daemon, session.id)
        before = _Look(session, None)
        worker = session.pid()
        asked.start()
        self._wait(point, before, asked)
        self._kill(victim, worker)
        asked.join()
        self._again(victim, worker, new)
        stamp = self._restored()
        assert stamp in (self._old, new), f"neither {self._old} nor {new}: {stamp}"
        if asked.saved is not None:
            assert stamp == new, "it was said to be saved"
        self.found[point, victim, "new" if stamp == new else "old"] += 1
        self._old = stamp

    def last(self) -> None:
        """One more that nobody disturbs: nothing else is left on the disk."""
        saved = self._checkpoint()
        files = sorted(path.name for path in (self._session.folder / "saved").iterdir())
        assert [Path(name).suffix for name in files] in (
            [".checkpoint", ".json"],
            [".json", ".checkpoint"],
        )
        (file,) = (self._session.folder / "saved").glob("*.checkpoint")
        assert file.stat().st_size == saved.size
        assert not [*self._session.folder.glob(f"*/{CHECKPOINTS}/*")]

    def _checkpoint(self) -> Saved:
        with self._daemon.control() as control:
            return control.code.checkpoint(self._session.id, NAME)

    def _wait(self, point: str, before: _Look, asked: _Asked) -> None:
        if point == "any moment":
            # A moment, not a wait for something: that is what is tested.
            time.sleep(self._chance.uniform(0, 1.2 * self._took))
            return
        end = time.monotonic() + _LOOK
        while not (SEEN[point](_Look(self._session, before)) or asked.done.is_set()):
            assert time.monotonic() < end, f"it was never seen that {point}"

    def _kill(self, victim: str, worker: int) -> None:
        if victim != "worker":
            self._daemon.kill()
        if victim != "daemon":
            kill(worker)

    def _again(self, victim: str, worker: int, new: int) -> None:
        """As after such a death: another daemon, and a session that says how it is."""
        session = self._session
        if victim != "worker":
            self._daemon.start()
        if victim == "daemon":
            assert session.value("stamp") == new, "the session lives on, with its names"
            session.run("del stamp, bulk, shared, twin, say")
            assert alive(worker)
            return
        over = session.over()
        assert over.reason.code == "session-died"
        assert session.now().state is CodeState.TERMINATED

    def _restored(self) -> int:
        with self._daemon.control() as control:
            saved = control.code.checkpoints(self._session.id)
        assert [one.name for one in saved] == [NAME]
        restored = self._session.restore()
        assert restored.lost == ()
        assert {"stamp", "bulk", "shared", "twin", "say"} <= {*restored.names}
        stamp, whole = str(self._session.value(CHECK)).split()
        assert whole == "True", f"mixed: {stamp}"
        return int(stamp)


class _Asked(threading.Thread):
    """Asks for the checkpoint; what came of that may be an error."""

    def __init__(self, daemon: Daemon, session: str) -> None:
        super().__init__()
        self._control: SyncControl = daemon.control()
        self._id = session
        self.saved: Saved | None = None
        self.trouble: InspanError | None = None
        self.done = threading.Event()

    def run(self) -> None:
        with self._control as control:
            try:
                self.saved = control.code.checkpoint(self._id, NAME)
            except InspanError as error:
                self.trouble = error
        self.done.set()


class _Look:
    """What lies in the folders now; what lay there ``before`` is not new."""

    def __init__(self, session: Named, before: _Look | None) -> None:
        files = [path.name for path in session.folder.glob(f"*/{CHECKPOINTS}/*")]
        self.files: set[str] = {*files}
        self.kept: dict[str, int] = _times(session.folder / "saved")
        then = {} if before is None else before.kept
        came = self.files - (set() if before is None else before.files)
        self.parts: set[str] = {name for name in came if name.startswith(".")}
        self.written: set[str] = came - self.parts
        self.fresh: set[str] = {name for name, at in self.kept.items() if then.get(name) != at}


def _times(folder: Path) -> dict[str, int]:
    times = {}
    for path in folder.glob("*"):
        with suppress(FileNotFoundError):
            times[path.name] = path.stat().st_mtime_ns
    return times


SEEN: Final[dict[str, Callable[[_Look], bool]]] = {
    "at once": lambda _: True,
    "the worker writes": lambda look: bool(look.parts),
    "the worker has written": lambda look: bool(look.written) or bool(look.fresh),
    "the daemon takes it over": lambda look: bool(look.fresh),
    "the manifest is written": lambda look: any(name.endswith(".part") for name in look.fresh),
    "the manifest is in place": lambda look: f"{NAME}.json" in look.fresh,
}


def kills(count: int, seed: int) -> None:
    """``count`` of them, at every point and of every victim in turn."""
    print(f"seed {seed}")
    with Daemon() as daemon:
        kills = Kills(daemon, seed)
        for turn in range(count - 1):
            # Seven of one and three of the other: each meets each.
            kills.strike(POINTS[turn % len(POINTS)], VICTIMS[turn % len(VICTIMS)])
        # The worker lives on with what nobody took from it.
        kills.strike("the worker has written", "daemon")
        kills.last()
        for (point, victim, state), number in sorted(kills.found.items()):
            print(f"{point}, {victim}: {state} {number}")
