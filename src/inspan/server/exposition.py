"""Figures in the text format of Prometheus, version 0.0.4. Pure; docs/monitor.md names them all.

No label has a value that grows with use: a task's or a session's figures are told by
``Control.metrics``, not here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from inspan.model.metrics import Histogram, Metrics, Sample, Totals
from inspan.model.task import TERMINAL

TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_Values = float | Mapping[str, float]


def written(metrics: Metrics, version: str) -> str:
    """All of it, as one answer to a scraper."""
    return "".join(f"{line}\n" for line in (*_about(metrics, version), *_figures(metrics)))


def _about(metrics: Metrics, version: str) -> Iterator[str]:
    yield from _family("inspan_build_info", "gauge", "The version that runs.")
    yield f'inspan_build_info{{version="{version}"}} 1'
    about = "When counting began, which is when the daemon started."
    yield from _metric("inspan_start_time_seconds", "gauge", about, metrics.totals.since)


def _figures(metrics: Metrics) -> Iterator[str]:
    yield from _tasks(metrics.totals)
    yield from _standing(metrics.now)
    yield from _store(metrics.totals)
    about = "By how many seconds the event loop came too late to what was due."
    yield from _histogram("inspan_event_loop_lag_seconds", about, metrics.totals.loop_lag)
    yield from _processes(metrics)


def _tasks(totals: Totals) -> Iterator[str]:
    about = "Tasks that were handed in."
    yield from _metric("inspan_tasks_submitted_total", "counter", about, totals.tasks_submitted)
    about = "Attempts that began; a task that is retried begins again."
    yield from _metric("inspan_tasks_started_total", "counter", about, totals.tasks_started)
    ended = {f'{{state="{state}"}}': totals.tasks_ended.get(state, 0) for state in sorted(TERMINAL)}
    about = "Tasks that ended, by the state in which they did."
    yield from _metric("inspan_tasks_ended_total", "counter", about, ended)
    about = "Seconds from the start of its last attempt to the end of a task."
    yield from _histogram("inspan_task_duration_seconds", about, totals.durations)


def _standing(now: Sample) -> Iterator[str]:
    about = "Tasks that hold a slot."
    yield from _metric("inspan_tasks_concurrent", "gauge", about, now.concurrent)
    about = "Tasks that a person is to look after."
    yield from _metric("inspan_tasks_needing_you", "gauge", about, now.needs_you)
    about = "Tasks that wait until a usage limit is lifted."
    yield from _metric("inspan_tasks_parked", "gauge", about, now.parked)
    about = "Tasks that wait for a slot."
    yield from _metric("inspan_queue_depth", "gauge", about, now.queued)
    about = "For how long the one of them waits that has waited longest; 0 where none does."
    oldest = now.oldest_queued_seconds or 0.0
    yield from _metric("inspan_queue_oldest_seconds", "gauge", about, oldest)


def _store(totals: Totals) -> Iterator[str]:
    about = "Transactions that are on the disk."
    commits = sum(totals.commits.counts)
    yield from _metric("inspan_store_commits_total", "counter", about, commits)
    about = "Changes that these wrote."
    yield from _metric("inspan_store_changes_total", "counter", about, totals.changes)
    about = "Questions that the database answered."
    yield from _metric("inspan_store_reads_total", "counter", about, totals.reads)
    about = "Seconds that a transaction took until it was on the disk."
    yield from _histogram("inspan_store_commit_seconds", about, totals.commits)


def _processes(metrics: Metrics) -> Iterator[str]:
    now = metrics.now
    own = {"daemon": now.daemon, "keeper": now.keeper}
    memory = {_process(name): use.rss_bytes for name, use in own.items() if use is not None}
    about = "Memory of inspan's own processes (resident set)."
    yield from _metric("inspan_resident_bytes", "gauge", about, memory)
    used = {_process(name): seconds for name, seconds in metrics.totals.cpu_seconds.items()}
    about = "Seconds of processors that inspan's own processes used since each began."
    yield from _metric("inspan_cpu_seconds_total", "counter", about, used)
    free = {f'{{of="{name}"}}': disk.free_bytes for name, disk in now.disks.items()}
    about = "Bytes that are free on the file system of what inspan keeps."
    yield from _metric("inspan_disk_free_bytes", "gauge", about, free)
    size = {f'{{of="{name}"}}': disk.size_bytes for name, disk in now.disks.items()}
    about = "How large that file system is."
    yield from _metric("inspan_disk_size_bytes", "gauge", about, size)
    about = "Sessions that live."
    yield from _metric("inspan_sessions_alive", "gauge", about, now.sessions_alive)
    about = "Memory of all their processes (the sum of resident sets)."
    yield from _metric("inspan_sessions_resident_bytes", "gauge", about, now.sessions_rss_bytes)
    about = "Processors that they use together."
    yield from _metric("inspan_sessions_cpu_cores", "gauge", about, now.sessions_cpu)


def _process(name: str) -> str:
    return f'{{process="{name}"}}'


def _family(name: str, kind: str, about: str) -> Iterator[str]:
    yield f"# HELP {name} {about}"
    yield f"# TYPE {name} {kind}"


def _metric(name: str, kind: str, about: str, values: _Values) -> Iterator[str]:
    """A family with one figure, or one for each set of labels."""
    yield from _family(name, kind, about)
    for labels, figure in ({"": values} if isinstance(values, int | float) else values).items():
        yield f"{name}{labels} {figure!r}"


def _histogram(name: str, about: str, histogram: Histogram) -> Iterator[str]:
    yield from _family(name, "histogram", about)
    count = 0
    for bound, more in zip(histogram.bounds, histogram.counts, strict=False):
        count += more
        yield f'{name}_bucket{{le="{float(bound)!r}"}} {count}'
    count = sum(histogram.counts)
    yield f'{name}_bucket{{le="+Inf"}} {count}'
    yield f"{name}_sum {histogram.total!r}"
    yield f"{name}_count {count}"
