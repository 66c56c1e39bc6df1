"""Traces from a real daemon, to a collector of this machine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from functools import partial

import pytest

from inspan.errors import SessionNotFound
from inspan.model import trace
from inspan.model.task import TaskState
from tests.real.collector import Collector, attributes, collecting
from tests.real.daemon import Daemon, until

pytestmark = pytest.mark.timeout(120)
QUICK = {"OTEL_BSP_SCHEDULE_DELAY": "100"}


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


def tracing(section: str, **env: str) -> Daemon:
    daemon = Daemon(f"roles: {{default: 20}}\ntracing: {section}\n")
    daemon.env |= {**QUICK, **env}
    return daemon


def printed(daemon: Daemon, session: str, text: bytes) -> bool:
    try:
        return text in daemon.output(session)
    except SessionNotFound:
        return False


def test_a_task_over_two_attempts_and_two_daemons_is_one_trace(collector: Collector) -> None:
    section = f"{{endpoint: '{collector.url}', headers: {{x-key: 'env:KEY'}}}}"
    with tracing(section, KEY="hush") as daemon:
        script = 'echo "$TRACEPARENT"; read x; exit $((1 - INSPAN_ATTEMPT / 2))'
        spec = daemon.spec("sh", "-c", script, name="twice", retries=1, checks=("true",))
        with daemon.control() as control:
            task = control.submit(spec)
            until(lambda: "queue" in collector.names(), "the first span")
        daemon.kill()
        daemon.start()
        with daemon.control() as control:
            for attempt in (1, 2):
                session = f"{task.id}-{attempt}"
                handed = trace.handed(session, {})["TRACEPARENT"].encode()
                until(partial(printed, daemon, session, handed), "the attempt")
                control.send(task.id, b"\n")
            assert control.wait(task.id, 30).state is TaskState.SUCCEEDED
            until(lambda: "task" in collector.names(), "the last span")
    found = {span.span_id: span for span in collector.spans}.values()
    names = sorted(span.name for span in found)
    assert names == ["attempt", "attempt", "backoff", "check", "queue", "queue", "task"]
    whole = trace.root(task.id, {})
    assert {span.trace_id.hex() for span in found} == {whole.trace}
    root = next(span for span in found if span.name == "task")
    assert root.span_id.hex() == whole.span
    assert attributes(root.attributes)["inspan.task.name"] == "twice"
    first, second = sorted(
        (span for span in found if span.name == "attempt"),
        key=lambda span: span.start_time_unix_nano,
    )
    assert attributes(first.attributes)["process.exit.code"] == 1
    assert attributes(second.attributes)["process.exit.code"] == 0
    assert root.start_time_unix_nano <= first.start_time_unix_nano < root.end_time_unix_nano
    assert set(collector.paths) == {"/v1/traces"}
    assert collector.headers[0]["x-key"] == "hush"
    assert collector.resources[0]["service.name"] == "inspan"


def test_where_spans_go_is_said_by_the_usual_variables_too(collector: Collector) -> None:
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_SERVICE_NAME": "mine"}
    with tracing("true", **env) as daemon, daemon.control() as control:
        task = control.submit(daemon.spec("true"))
        assert control.wait(task.id, 30).state is TaskState.COMPLETED
        until(lambda: "task" in collector.names(), "the spans")
    assert collector.resources[0]["service.name"] == "mine"


def test_a_collector_that_is_not_there_costs_no_task_anything(collector: Collector) -> None:
    collector.status = 500
    section = f"{{endpoint: '{collector.url}'}}"
    with tracing(section, OTEL_EXPORTER_OTLP_TIMEOUT="1") as daemon, daemon.control() as control:
        tasks = control.submit_all([daemon.spec("true") for _ in range(20)])
        assert {control.wait(task.id, 30).state for task in tasks} == {TaskState.COMPLETED}
        until(lambda: control.health().warnings, "a warning")
        assert "the collector does not take spans" in control.health().warnings[0]
        collector.status = 200
        task = control.submit(daemon.spec("true"))
        assert control.wait(task.id, 30).state is TaskState.COMPLETED
        until(lambda: not control.health().warnings, "the end of the warning")


def test_without_opentelemetry_it_is_said_what_to_install() -> None:
    # As on a machine that has it not: nothing of that name is found.
    hidden = (
        "import sys; sys.modules['opentelemetry'] = None\n"
        "import runpy; sys.argv = ['inspan.daemon']\n"
        "runpy.run_module('inspan.daemon', run_name='__main__', alter_sys=True)"
    )
    daemon = tracing("true")
    try:
        daemon.places.prepare()
        done = subprocess.run(
            [sys.executable, "-c", hidden],
            env=daemon.env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 1
        assert "OpenTelemetry is not installed" in done.stderr
    finally:
        daemon.__exit__(None, None, None)


def test_whoever_traces_nothing_imports_nothing_of_it() -> None:
    code = (
        "import sys, inspan.daemon, inspan.server.serve\n"
        "print(*{name.partition('.')[0] for name in sys.modules} & {'opentelemetry', 'requests'})\n"
        "print(*{'inspan.tracing', 'inspan.notices'} & sys.modules.keys())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == []
