"""The worker's process from start to end: parts are made here, and messages handed to them.

It imports nothing of the rest of inspan and no third party: the Python may be anyone's.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
import time
from typing import Any, Final, NoReturn

from . import clib, confine, signals, stdin, tracebacks
from .ask import Host, Questions
from .board import Board
from .boot import CHECKPOINTS, FORKER, HOME, TOKEN_VARIABLE
from .display import Displays
from .ear import Ear
from .execute import Executor
from .interrupt import CELL, Interrupts
from .link import Link
from .namespace import Namespace
from .output import Capture
from .spawned import Spawning
from .threads import tag_pools
from .turns import Turns, import_loop

Message = dict[str, Any]

#: Exit statuses.
_BROKEN: Final = 70
_USAGE: Final = 64


class Worker:
    """A session."""

    def __init__(self, *, session: str, socket: str, folder: str, token: str) -> None:
        ear = Ear()
        self._turns = Turns(ear)
        self._closing = False
        self._folder = folder
        self._confined: Message | None = None
        self._pid = os.getpid()
        self._clock = (time.monotonic(), time.process_time())
        board = Board(folder)
        self._interrupts = Interrupts(board, self._turns)
        self._interrupts.boundary(Turns.run.__code__)
        self._link = Link(
            socket,
            session=session,
            token=token,
            receive=self._receive,
            state=self._state,
            beat=self._beat,
            broken=self._break,
            ear=ear,
            board=board,
        )
        self._capture = Capture(folder, self._link.send, CELL.get, board)
        here = self._capture.here
        self._questions = Questions(self._capture.send, here, f"{session}-{self._pid}")
        displays = Displays(self._capture.send, here)
        self._namespace = Namespace(
            {
                "display": displays.display,
                "clear_output": displays.clear,
                "host": Host(self._questions),
            }
        )
        self._executor = Executor(
            self._turns, self._namespace, self._interrupts, self._capture, self._link.send
        )
        self._lines = stdin.Lines(self._capture.send, here, self._executor.allows_input)
        os.register_at_fork(after_in_child=self._forked)
        # Before the working directory is looked in, see ``_look_here``.
        self._turns.rests = tracebacks.prepare
        # No code gets at a pool of threads before there is a loop.
        self._turns.begun.append(lambda _: tag_pools(here))
        self._turns.begun.append(self._keep_loop)
        if "asyncio" in sys.modules:  # in the fork of a zygote
            self._turns.begin_loop()

    def confine(
        self, wanted: dict[str, Any] | None, ground: confine.Ground | confine.Plan | None
    ) -> None:
        """Give up what is not granted. To be called before ``run``, while there is one thread."""
        if wanted is None:
            return
        done = confine.confine(wanted, needed=confine.needed(os.environ), ground=ground)
        self._confined = {"by": list(done.by), "open": list(done.open)}
        self._executor.advise = done.advice.add

    def run(self) -> NoReturn:
        """Answer a host until it says shutdown; ends the process."""
        self._capture.install()
        stdin.install(self._lines)
        sys.breakpointhook = _no_debugger
        self._namespace.install()
        Spawning(f"{self._folder}/{HOME}/spawned", self._namespace.names).install()
        self._interrupts.install()
        if self._turns.loop is None:
            # asyncio is Python's own, whatever lies in the working directory.
            self._turns.begun.append(_look_here)
        else:
            _look_here(self._turns.loop)
        # All that is here stays, and no collection has to go through it.
        gc.freeze()
        gc.enable()
        self._link.start()
        while not self._closing:
            self._turn()
            if os.getpid() != self._pid:
                os._exit(0)
            self._executor.run_alone()
        self._end()

    def _turn(self) -> None:
        """Let the loop run until something stops it, as user code may; nothing of that ends us."""
        try:
            self._turns.run()
        except BaseException:  # noqa: BLE001 - a task's SystemExit, or an interrupt of it
            cell = self._executor.running
            if cell is not None and self._interrupts.named(cell):
                self._interrupts.cancel(cell)

    def _end(self) -> NoReturn:
        atexit._run_exitfuncs()  # noqa: SLF001 - a normal exit would wait for user threads
        self._capture.close()
        self._link.drain()
        os._exit(0)

    def _forked(self) -> None:
        """A forked child that goes on to the loop leaves it, and then ends."""
        self._turns.stop()

    def _keep_loop(self, _: object) -> None:
        """What comes with the loop stays, as what was here before."""
        if not self._namespace.count:
            gc.freeze()

    # ── from the link's thread ────────────────────────────────────────────────

    def _receive(self, message: Message) -> None:
        match message["type"]:
            case "execute":
                self._executor.execute(message)
            case "cancel":
                self._executor.cancel(message["execution_id"])
            case "input_response":
                self._lines.answer(message["request"], message["value"])
            case "answer":
                self._questions.answer(
                    message["promise"],
                    ok=message["ok"],
                    value=message["value"],
                    error=message["error"],
                    code=message["code"],
                )
            case "checkpoint" | "restore":
                self._executor.then(lambda: self._keep(message))
            case "complete" | "inspect":
                self._turns.soon_threadsafe(self._look_up, message)
            case "shutdown":
                self._turns.soon_threadsafe(self._close)

    def _state(self) -> Message:
        cell = self._executor.running
        running = {} if cell is None else {"execution_id": cell.execution_id, "number": cell.number}
        return {"execution_id": None, "number": 0, **running, "confined": self._confined}

    def _beat(self) -> Message:
        then, used = self._clock
        self._clock = now, uses = time.monotonic(), time.process_time()
        cell = self._executor.running
        return {
            "memory_usage": _memory(),
            "cpu_percent": round(100 * (uses - used) / max(now - then, 1e-3), 1),
            "namespace_size": self._namespace.size,
            "execution_id": None if cell is None else cell.execution_id,
        }

    def _break(self) -> None:
        # User code may hold the main thread for ever: nothing more can be said, so nothing is kept.
        os._exit(_BROKEN)

    # ── on the main thread ────────────────────────────────────────────────────

    def _close(self) -> None:
        self._closing = True
        self._turns.stop()

    def _keep(self, message: Message) -> None:
        from . import checkpoint  # noqa: PLC0415  # it imports cloudpickle, which few sessions need

        saves = message["type"] == "checkpoint"
        reply: Message = {"type": "checkpointed" if saves else "restored"}
        reply["request"] = message["request"]
        try:
            key = bytes.fromhex(message["key"])
            act = checkpoint.save if saves else checkpoint.load
            folder = os.path.join(self._folder, CHECKPOINTS)  # noqa: PTH118 - pathlib would cost start-up
            os.makedirs(folder, mode=0o700, exist_ok=True)  # noqa: PTH103 - the same
            reply |= act(self._namespace.names, message["path"], key, folder=folder)
            self._namespace.reinstall()
        except BaseException as error:  # noqa: BLE001 - the user's classes have a part in it
            reply["error"] = f"{type(error).__name__}: {error}"
        self._link.send(reply)

    def _look_up(self, message: Message) -> None:
        from . import completion  # noqa: PLC0415  # most sessions are a program's

        code, cursor, names = message["code"], message["cursor"], self._namespace.names
        request = {"request": message["request"]}
        if message["type"] == "complete":
            matches, start, end = completion.complete(code, cursor, names)
            found = {"matches": matches, "start": start, "end": end}
            self._link.send({"type": "completion", **request, **found})
            return
        data = completion.inspect(code, cursor, names, message["detail"])
        self._link.send({"type": "inspection", **request, "data": data})


#: Who sets it wants nothing imported from the working directory.
_SAFE_PATH: Final = "PYTHONSAFEPATH"
#: In the environment of all that a keeper starts.
_KEEPER_VARIABLE: Final = "INSPAN_KEEPER"


def main(argv: list[str]) -> NoReturn:
    """Run a worker. ``argv`` is --session ID --socket PATH --folder DIR; or --forker."""
    ground: confine.Ground | confine.Plan | None = None
    if argv == [FORKER]:
        import_loop()
        from . import zygote  # noqa: PLC0415  # no session needs it

        argv, ground = zygote.serve()
    given = dict(zip(argv[::2], argv[1::2], strict=False))
    token = os.environ.pop(TOKEN_VARIABLE, "")
    if set(given) != {"--session", "--socket", "--folder"} or not token:
        sys.stderr.write(f"a worker needs --session, --socket, --folder, and {TOKEN_VARIABLE}\n")
        sys.exit(_USAGE)
    _prepare()
    wanted = confine.taken()
    worker = Worker(
        session=given["--session"], socket=given["--socket"], folder=given["--folder"], token=token
    )
    worker.confine(wanted, ground)
    worker.run()


def _prepare() -> None:
    """Make this process ready for user code: a worker that was started, and one that was forked."""
    signals.handle(signals.INT, signals.IGNORE)
    signals.mask(signals.UNBLOCK, {signals.INT})
    sys.argv = [""]
    if _KEEPER_VARIABLE in os.environ:  # a keeper that is killed leaves no session behind
        clib.die_with_parent()


def _look_here(_: object) -> None:
    """Code may import what lies in the working directory, from now on."""
    if not os.environ.get(_SAFE_PATH):
        sys.path.insert(0, "")


def _no_debugger(*_: object, **__: object) -> None:
    raise RuntimeError("breakpoint() needs a terminal, which a session has not")


def _memory() -> int:
    """Bytes in memory now; where the system does not tell, the most there ever were."""
    try:
        with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - pathlib would cost start-up
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        import resource  # noqa: PLC0415  # not on Linux

        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024
