"""What the monitor reports is what happened: counted again by the test, by its own clock."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import anyio
import pytest

from inspan.client.stream import Watch
from inspan.client.sync import SyncControl
from inspan.control import EventQuery
from inspan.model import event as e
from inspan.model.event import Event
from inspan.model.metrics import Metrics, MetricsQuery, SessionUse
from inspan.model.task import TERMINAL, TaskSpec
from tests.real.console import Console
from tests.real.daemon import Daemon, until
from tools.bench.engines import engine_of_nothing

pytestmark = [pytest.mark.timeout(180), pytest.mark.requirement("A8")]

TASKS = 160
#: What two ways of counting may differ by.
WITHIN = 0.05
TICKS = os.sysconf("SC_CLK_TCK")
ENDS = (e.Completed, e.Succeeded, e.Failed, e.Errored, e.Cancelled)
#: Holds 60 MB and a processor.
BURNS = "held = bytearray(b'x' * (60 << 20))\nopen('burns', 'w')\nwhile True: pass"


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with Daemon("roles: {default: 4}\n") as daemon:
        yield daemon


def history(control: SyncControl) -> list[Event]:
    found: list[Event] = []
    while more := control.history(EventQuery(since=found[-1].seq if found else 0, limit=5000)):
        found += more
    return found


def heard(watch: Watch, ends: int) -> list[tuple[float, Event]]:
    """Events with when this process heard of them, until so many tasks have ended."""
    found: list[tuple[float, Event]] = []
    while ends:
        event = watch.recv(30)
        assert event is not None
        found.append((time.time(), event))
        ends -= isinstance(event.fact, ENDS)
    return found


def until_told(control: SyncControl, fits: Callable[[Metrics], bool]) -> Metrics:
    deadline = time.monotonic() + 30
    while not fits(told := control.metrics(MetricsQuery(limit=3600))):
        assert time.monotonic() < deadline, told
        time.sleep(0.1)
    return told


def test_rates_and_counts_are_those_of_another_who_counts(daemon: Daemon) -> None:
    with daemon.control() as control:
        spec = daemon.spec("sh", "-c", "sleep 0.1; exit $((${#INSPAN_TASK_ID} % 2))")
        bad = daemon.spec("sh", "-c", "sleep 0.1; exit 3")
        with control.watch() as watch:
            control.submit_all([bad if number % 4 == 0 else spec for number in range(TASKS)])
            events = heard(watch, TASKS)
        last = events[-1][0]
        told = until_told(control, lambda told: bool(told.samples) and told.samples[-1].at > last)
        _agree_on_rates(told, events)
        _agree_on_counts(told, history(control))


def _agree_on_rates(told: Metrics, events: list[tuple[float, Event]]) -> None:
    """Over the whole seconds in which nothing but this happened."""
    first, last = events[0][0], events[-1][0]
    whole = [s for s in told.samples if s.at - s.span > first and s.at < last]
    assert len(whole) >= 3
    begin, end = whole[0].at - whole[0].span, whole[-1].at
    for kind, reported in (
        (ENDS, sum(sum(s.tasks_ended.values()) for s in whole)),
        (e.AttemptStarted, sum(s.tasks_started for s in whole)),
    ):
        own = sum(isinstance(event.fact, kind) and begin < at <= end for at, event in events)
        assert own > 20
        # One that began or ended at an edge may be on the other side of it.
        assert reported == pytest.approx(own, rel=WITHIN, abs=3)
    rate = sum(s.tasks_per_second * s.span for s in whole) / (end - begin)
    own = sum(isinstance(event.fact, ENDS) and begin < at <= end for at, event in events)
    assert rate == pytest.approx(own / (end - begin), rel=WITHIN, abs=3 / (end - begin))
    assert max(s.concurrent for s in whole) == 4
    assert max(s.queued for s in whole) > TASKS / 4


def _agree_on_counts(told: Metrics, events: list[Event]) -> None:
    """Exactly, over all that ever happened here."""
    totals = told.totals
    assert totals.tasks_submitted == sum(isinstance(x.fact, e.Submitted) for x in events)
    assert totals.tasks_started == sum(isinstance(x.fact, e.AttemptStarted) for x in events)
    ended = Counter(x.fact.kind.rpartition(".")[2] for x in events if isinstance(x.fact, ENDS))
    assert totals.tasks_ended == ended
    for kind in ("tasks_submitted", "tasks_started"):
        assert sum(getattr(s, kind) for s in told.samples) == getattr(totals, kind)
    started = {x.task: x.at for x in events if isinstance(x.fact, e.AttemptStarted)}
    took = [x.at - started[x.task] for x in events if isinstance(x.fact, ENDS)]
    assert sum(totals.durations.counts) == len(took)
    assert totals.durations.total == pytest.approx(sum(took), rel=1e-6)


def test_memory_and_processors_are_those_of_proc(daemon: Daemon) -> None:
    with daemon.control() as control:
        task = control.submit(daemon.spec("python3", "-c", BURNS))
        until((daemon.home / "burns").exists, "a program that burns")
        pid = control.get(task.id).pid
        assert pid is not None
        # It may have looked by itself less than a second before the task began.
        until(lambda: task.id in {u.owner for u in control.metrics().now.sessions}, "a look at it")
        # Whoever else wants the processor takes more of one second than of the next, and the daemon
        # looks at other moments than this: what differs by that does not differ always.
        until(lambda: _agrees(control, task.id, pid), "the processor's time to be the kernel's")
        use = _use(control, task.id)
        assert use.rss_bytes == pytest.approx(_rss(pid), rel=WITHIN)
        assert use.rss_bytes > 60 << 20
        metrics = control.metrics()
        assert daemon.process is not None
        for process, drawn in (
            (daemon.process.pid, metrics.now.daemon),
            (daemon.keeper_pid(), metrics.now.keeper),
        ):
            assert drawn is not None
            assert process == drawn.pid
            assert drawn.rss_bytes == pytest.approx(_rss(process), rel=WITHIN)
        cpu = metrics.totals.cpu_seconds["daemon"]
        assert cpu == pytest.approx(_ticks(daemon.process.pid) / TICKS, rel=WITHIN, abs=0.1)
        control.cancel(task.id)


def _agrees(control: SyncControl, task: str, pid: int) -> bool:
    """Whether over some seconds the time that is told is the kernel's."""
    at, own, told = time.monotonic(), _ticks(pid), 0.0
    for _ in range(4):
        time.sleep(1.2)  # it looks at most once a second
        now, use = time.monotonic(), _use(control, task)
        told += use.cpu * (now - at)
        at = now
    used = (_ticks(pid) - own) / TICKS
    return used > 0.5 and told == pytest.approx(used, rel=WITHIN, abs=0.05)


def _use(control: SyncControl, task: str) -> SessionUse:
    (use,) = [use for use in control.metrics().now.sessions if use.owner == task]
    return use


def _ticks(pid: int) -> int:
    after = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(after[11]) + int(after[12])


def _rss(pid: int | None) -> int:
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    (line,) = [line for line in status if line.startswith("VmRSS:")]
    return int(line.split()[1]) * 1024


def test_what_was_measured_outlives_the_daemon(daemon: Daemon) -> None:
    began = time.time()
    with daemon.control() as control:
        task = control.submit(daemon.spec("true"))
        control.wait(task.id)
    daemon.stop()
    daemon.start()
    with daemon.control() as control:
        told = control.metrics(MetricsQuery(since=began - 1))
        assert sum(sample.tasks_ended.get("completed", 0) for sample in told.samples) >= 1
        assert told.totals.tasks_ended == {}  # of this daemon
        assert {control.get(task.id).state} <= TERMINAL


@pytest.mark.anyio
async def test_transactions_and_changes_are_those_that_the_database_had(tmp_path: Path) -> None:
    async with engine_of_nothing(tmp_path, 8) as (engine, store, provider):
        spec = TaskSpec(command=("nothing",), cwd="/", provider=provider.name)
        tasks = await engine.submit_all([spec] * 300)
        with anyio.fail_after(60):
            for task in tasks:
                async for _ in engine.watch(0, task=task.id):
                    if (await engine.get(task.id)).done:
                        break
        totals = (await engine.metrics()).totals
        assert totals.tasks_ended == {"completed": 300}
        assert totals.changes == store.changes
        assert sum(totals.commits.counts) == store.batches


# ── inspan top ────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    with Console() as console:
        yield console


def test_top_prints_all_of_it_once_or_a_line_each_second(console: Console) -> None:
    console.say("add", "--name", "evil\x1b]0;owned\x07", "--", "sleep", "600")
    until(lambda: json.loads(console.say("top", "--json"))["sessions"], "its session")
    disks = json.loads(console.say("top", "--json"))["disks"]
    there = shutil.disk_usage(console.home)
    for kept in ("state", "recordings"):
        assert disks[kept]["size_bytes"] == there.total
        # Others write on this disk, too.
        assert abs(disks[kept]["free_bytes"] - there.free) < 1 << 30
    told = console.say("top", "--once")
    assert re.search(r"^disk +\S+ [GTM]B free, \d+ %", told, re.MULTILINE)
    for word in ("tasks", "queue", "database", "loop", "daemon", "keeper", "sessions", "PROCESSES"):
        assert word in told
    assert "\x1b" not in told
    assert "evil" in told


def test_top_shows_each_second_until_somebody_leaves(console: Console) -> None:
    for key in (b"q", b"\x03"):
        with console.terminal("top") as screen:
            before = screen.settings()
            screen.until("▁".encode())
            screen.press(key)
            assert screen.finish() == 0
            assert screen.settings() == before
