"""A run whose daemon dies in the middle, next to one that nobody disturbed; and other doors."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import pytest

import inspan
from inspan.client.remote import RemoteControl
from inspan.client.sync import SyncControl
from inspan.control import EventQuery, TaskQuery
from inspan.model.session import Output
from inspan.model.task import Exit, Patience, TaskSpec, TaskState, TerminalSpec
from tests.real.daemon import Daemon, alive, until
from tests.real.gates import MEMBERS, family, gate, pids

pytestmark = [pytest.mark.timeout(180)]

#: Colours, a cursor game, bytes that are no text, errors apart: with a rest in between.
PLAY = r"""
i=0
while [ $i -lt 60 ]; do
  i=$((i+1))
  printf '\033[3%dm%s:%d\033[0m \303\251\377\r\n' $((i % 8)) "$1" $i
  [ $((i % 10)) -eq 0 ] && printf 'err %d\n' $i >&2
  sleep 0.02
done
exit "$2"
"""


def _specs(daemon: Daemon) -> list[TaskSpec]:
    made = []
    for number in range(6):
        pty = TerminalSpec(pty=number % 2 == 0)
        command = ("sh", "-c", PLAY, "sh", f"n{number}", str(number))
        made.append(daemon.spec(*command, terminal=pty, name=f"n{number}"))
    return made


def _streams(control: SyncControl, task: str) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    offset = 0
    while True:
        chunks = [chunk for chunk in control.read(task, offset) if isinstance(chunk, Output)]
        if not chunks:
            return found
        for chunk in chunks:
            found[chunk.stream] = found.get(chunk.stream, b"") + chunk.data
            offset = chunk.offset + len(chunk.data)


def _size(control: SyncControl, task: str) -> int:
    """How many bytes it has printed, before it has begun as well."""
    if control.get(task).session is None:
        return 0
    return sum(map(len, _streams(control, task).values()))


@pytest.mark.requirement("A1", "B1", "B6", "B7")
def test_outputs_and_ends_are_those_of_an_undisturbed_run() -> None:
    with Daemon() as calm, Daemon() as rough:
        with calm.control() as control:
            undisturbed = control.submit_all(_specs(calm))
        with rough.control() as control:
            disturbed = control.submit_all(_specs(rough))
        for _ in range(3):
            with rough.control() as control:
                more = _size(control, disturbed[0].id) + 100
                until(
                    lambda: _size(control, disturbed[0].id) > more  # noqa: B023
                    or control.get(disturbed[0].id).done,
                    "more output",
                )
            rough.kill()
            rough.start()
        with calm.control() as control:
            wanted = [(control.wait(t.id).exit, _streams(control, t.id)) for t in undisturbed]
        with rough.control() as control:
            ended = [control.wait(task.id) for task in disturbed]
            found = [(task.exit, _streams(control, task.id)) for task in ended]
            counts = control.list(TaskQuery(limit=1)).counts
    assert found == wanted
    assert all(task.attempt == 1 for task in ended)
    assert counts == {"completed": 1, "failed": 5}


@contextmanager
def _home(home: Path) -> Iterator[None]:
    """What `inspan.open` reads from the environment, for a while."""
    kept = os.environ.get("INSPAN_HOME")
    os.environ["INSPAN_HOME"] = str(home)
    try:
        yield
    finally:
        del os.environ["INSPAN_HOME"]
        if kept is not None:
            os.environ["INSPAN_HOME"] = kept


@pytest.mark.anyio
@pytest.mark.requirement("A9", "B5")
async def test_here_runs_without_a_daemon_and_interrupts_the_rest_at_its_end() -> None:
    rough = Daemon()  # only its home, and its end
    marks = rough.home / "family.pids"
    with _home(rough.home):
        async with inspan.open(here=True) as control:
            task = await control.submit(rough.spec("sh", "-c", "echo done; exit 3"))
            ended = await inspan.wait(control, task.id)
            assert (ended.state, ended.exit) == (TaskState.FAILED, Exit(3))
            patience = Patience(deadline=None, lifted=True, grace=0.4)
            rest = await control.submit(rough.spec(*family(marks), patience=patience))
            begun = lambda: len(pids(marks)) == MEMBERS  # noqa: E731 - one condition
            await anyio.to_thread.run_sync(until, begun, "the whole family")
            assert (await control.health()).daemon.pid == os.getpid()
    assert [pid for pid in pids(marks) if alive(pid)] == []
    with rough, rough.control() as later:
        assert later.get(rest.id).state is TaskState.INTERRUPTED
        assert later.get(task.id).state is TaskState.FAILED


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    with Daemon("roles: {default: 20}\n") as running:
        yield running


@pytest.mark.anyio
@pytest.mark.requirement("A4", "A5", "B2")
async def test_many_clients_at_once_see_the_same_things_in_the_same_order(daemon: Daemon) -> None:
    socket = daemon.places.daemon_socket
    clients, each = 12, 5
    made: dict[str, str] = {}
    seen: list[list[int]] = [[] for _ in range(4)]
    total = clients * each

    async def watch(number: int) -> None:
        async with RemoteControl.connect(socket) as control:
            events = control.watch(0)
            ended = 0
            async for event in events:
                seen[number].append(event.seq)
                ended += event.kind == "task.completed"
                if ended == total:
                    break
            await events.aclose()

    async def work(number: int) -> None:
        async with RemoteControl.connect(socket) as control:
            for turn in range(each):
                spec = daemon.spec("sh", "-c", f"echo {number}-{turn}", name=f"{number}-{turn}")
                # Twice with one key, as after an answer that was lost.
                task = await control.submit(spec, key=f"k{number}-{turn}")
                assert (await control.submit(spec, key=f"k{number}-{turn}")).id == task.id
                ended = await inspan.wait(control, task.id)
                assert ended.state is TaskState.COMPLETED
                chunks = await control.read(task.id)
                data = b"".join(c.data for c in chunks if isinstance(c, Output))
                made[task.id] = data.decode().strip()

    with anyio.fail_after(120):
        async with anyio.create_task_group() as group:
            for number in range(len(seen)):
                group.start_soon(watch, number)
            for number in range(clients):
                group.start_soon(work, number)
    names = {f"{number}-{turn}" for number in range(clients) for turn in range(each)}
    assert len(made) == total
    assert set(made.values()) == names
    with daemon.control() as control:
        stored = [event.seq for event in control.history(EventQuery(limit=1000))]
    for one in seen:
        assert one == stored[: len(one)]


@pytest.mark.requirement("A5")
def test_a_watch_is_taken_up_again_where_it_broke_off(daemon: Daemon) -> None:
    door = daemon.home / "door"
    with daemon.control() as control:
        task = control.submit(daemon.spec(*gate(door)))
        watch = control.watch(task.seq, task=task.id)
        first = watch.recv(30)
        assert first is not None
        watch.close()
        daemon.kill()
        daemon.start()
        again = control.watch(first.seq, task=task.id)
        door.touch()
        kinds: list[str] = []
        while not kinds or kinds[-1] != "task.completed":
            event = again.recv(30)
            assert event is not None
            kinds.append(event.kind)
        again.close()
        whole = [event.kind for event in control.history(EventQuery(task=task.id))]
    assert kinds == whole[-len(kinds) :]
