"""What a scraper reads: parsed by Prometheus' own parser, and by name and number what is meant."""

from __future__ import annotations

import http.client
import socket as sockets
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from prometheus_client.parser import text_string_to_metric_families as parsed

from inspan import __version__
from inspan.model.metrics import Disk, Histogram, Metrics, ProcessUse, Sample, Totals
from inspan.server import exposition
from tests.fakes.control import FakeControl
from tests.fakes.hands import served

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A8")]

METRICS = Metrics(
    Sample(
        at=20.0,
        span=1.5,
        concurrent=3,
        queued=4,
        oldest_queued_seconds=7.5,
        needs_you=2,
        parked=1,
        daemon=ProcessUse(10, 1000, 0.5),
        keeper=ProcessUse(11, 500, 0.25),
        disks={"state": Disk(5, 100), "recordings": Disk(20, 200)},
        sessions_alive=6,
        sessions_rss_bytes=6000,
        sessions_cpu=1.25,
    ),
    (),
    Totals(
        since=12.5,
        tasks_submitted=30,
        tasks_started=25,
        tasks_ended={"completed": 19, "failed": 2},
        changes=100,
        reads=50,
        durations=Histogram((0.5, 1, 30), (10, 5, 3, 2), 81.25),
        commits=Histogram((0.001, 0.01), (40, 9, 1), 0.125),
        loop_lag=Histogram((0.001,), (70, 0), 0.0625),
        cpu_seconds={"daemon": 3.5, "keeper": 0.5},
    ),
)


def read(text: str) -> dict[str, float]:
    """Every figure by its name and labels."""
    found = {}
    for family in parsed(text):
        assert family.documentation
        assert family.type in {"counter", "gauge", "histogram"}, family
        for sample in family.samples:
            labels = ",".join(f"{key}={item}" for key, item in sorted(sample.labels.items()))
            name = f"{sample.name}{{{labels}}}" if labels else sample.name
            assert name not in found
            found[name] = sample.value
    return found


def test_every_figure_is_there_once_and_under_its_name() -> None:
    told = read(exposition.written(METRICS, "1.2.3"))
    assert told.pop("inspan_build_info{version=1.2.3}") == 1
    names = [name for name in told if name.startswith("inspan_tasks_ended")]
    ended = {name: told.pop(name) for name in names}
    assert ended == {
        f"inspan_tasks_ended_total{{state={state}}}": count
        for state, count in {
            "completed": 19, "failed": 2, "succeeded": 0, "error": 0, "cancelled": 0
        }.items()
    }  # fmt: skip
    assert told == {
        "inspan_start_time_seconds": 12.5,
        "inspan_tasks_submitted_total": 30,
        "inspan_tasks_started_total": 25,
        "inspan_task_duration_seconds_bucket{le=0.5}": 10,
        "inspan_task_duration_seconds_bucket{le=1.0}": 15,
        "inspan_task_duration_seconds_bucket{le=30.0}": 18,
        "inspan_task_duration_seconds_bucket{le=+Inf}": 20,
        "inspan_task_duration_seconds_count": 20,
        "inspan_task_duration_seconds_sum": 81.25,
        "inspan_tasks_concurrent": 3,
        "inspan_tasks_needing_you": 2,
        "inspan_tasks_parked": 1,
        "inspan_queue_depth": 4,
        "inspan_queue_oldest_seconds": 7.5,
        "inspan_store_commits_total": 50,
        "inspan_store_changes_total": 100,
        "inspan_store_reads_total": 50,
        "inspan_store_commit_seconds_bucket{le=0.001}": 40,
        "inspan_store_commit_seconds_bucket{le=0.01}": 49,
        "inspan_store_commit_seconds_bucket{le=+Inf}": 50,
        "inspan_store_commit_seconds_count": 50,
        "inspan_store_commit_seconds_sum": 0.125,
        "inspan_event_loop_lag_seconds_bucket{le=0.001}": 70,
        "inspan_event_loop_lag_seconds_bucket{le=+Inf}": 70,
        "inspan_event_loop_lag_seconds_count": 70,
        "inspan_event_loop_lag_seconds_sum": 0.0625,
        "inspan_resident_bytes{process=daemon}": 1000,
        "inspan_resident_bytes{process=keeper}": 500,
        "inspan_cpu_seconds_total{process=daemon}": 3.5,
        "inspan_cpu_seconds_total{process=keeper}": 0.5,
        "inspan_sessions_alive": 6,
        "inspan_sessions_resident_bytes": 6000,
        "inspan_sessions_cpu_cores": 1.25,
        "inspan_disk_free_bytes{of=state}": 5,
        "inspan_disk_free_bytes{of=recordings}": 20,
        "inspan_disk_size_bytes{of=state}": 100,
        "inspan_disk_size_bytes{of=recordings}": 200,
    }


def test_what_is_not_known_is_left_out() -> None:
    told = read(exposition.written(Metrics(Sample(at=1.0, span=1.0), (), Totals(since=0.0)), "1"))
    assert told["inspan_queue_oldest_seconds"] == 0
    assert not any("process=" in name for name in told)


async def test_it_is_served_as_the_format_it_is() -> None:
    fake = FakeControl()
    await fake.submit_running()
    async with served(fake) as socket:
        content, body = await anyio.to_thread.run_sync(_scraped, socket)
    assert content == "text/plain; version=0.0.4; charset=utf-8"
    told = read(body.decode())
    assert told["inspan_tasks_started_total"] == 1
    assert told[f"inspan_build_info{{version={__version__}}}"] == 1


def _scraped(socket: Path) -> tuple[str, bytes]:
    connection = http.client.HTTPConnection("inspan")
    connection.sock = sockets.socket(sockets.AF_UNIX)
    connection.sock.connect(str(socket))
    try:
        connection.request("GET", "/metrics", headers={"inspan-version": __version__})
        reply = connection.getresponse()
        assert reply.status == 200
        return reply.headers["content-type"], reply.read()
    finally:
        connection.close()
