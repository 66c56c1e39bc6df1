"""One round of no-op tasks through DBOS, in a process of its own.

    python -m tools.bench.noop_dbos FOLDER TASKS (queue POLL | direct)

On SQLite in WAL mode, set beforehand, with ``synchronous=FULL`` as it is by default. pysqlite3
stands in for a stock sqlite3 that is too old for DBOS (before 3.42). ``queue`` enqueues all and
lets them be drained, polling every ``POLL`` seconds; ``direct`` calls one workflow after another,
without a queue.
"""

from __future__ import annotations

import importlib
import json
import logging
import sqlite3
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

#: DBOS uses ``unixepoch('subsec')``.
OLDEST_SQLITE = (3, 42)
PATIENCE = 120.0


def modern_sqlite() -> str:
    """Let everything imported from here on use a SQLite that DBOS works with; its version."""
    if sqlite3.sqlite_version_info >= OLDEST_SQLITE:
        return sqlite3.sqlite_version
    newer: Any = importlib.import_module("pysqlite3")
    sys.modules["sqlite3"] = newer
    sys.modules["sqlite3.dbapi2"] = importlib.import_module("pysqlite3.dbapi2")
    return f"{newer.sqlite_version} of pysqlite3"


def main() -> None:
    folder, tasks, mode, *poll = sys.argv[1:]
    version = modern_sqlite()
    with tempfile.TemporaryDirectory(dir=folder, ignore_cleanup_errors=True) as here:
        path = Path(here) / "dbos.db"
        connection = sys.modules["sqlite3"].connect(path)
        connection.execute("PRAGMA journal_mode = WAL").fetchall()
        connection.close()
        logging.disable(logging.ERROR)
        seconds, settings = run(path, int(tasks), mode, float(poll[0]) if poll else 0.0)
    print(json.dumps({"seconds": seconds, "sqlite": version, "settings": settings}))


def run(path: Path, tasks: int, mode: str, poll: float) -> tuple[float, str]:
    dbos: Any = importlib.import_module("dbos").DBOS
    dbos(
        config={
            "name": "bench",
            "system_database_url": f"sqlite:///{path}",
            "log_level": "CRITICAL",
            "run_admin_server": False,
        }
    )

    def step() -> None:
        """Do nothing."""

    recorded_step = dbos.step()(step)

    def steps() -> None:
        recorded_step()

    workflow = dbos.workflow()(steps)
    dbos.launch()
    if mode == "queue":
        dbos.register_queue("bench", polling_interval_sec=poll)
        dbos.enqueue_workflow("bench", workflow)
    else:
        workflow()
    until_ended(
        path, 1
    )  # whatever is made at first need is made: DBOS takes 1 s to see a new queue
    began = time.perf_counter()
    if mode == "queue":
        for _ in range(tasks):
            dbos.enqueue_workflow("bench", workflow)
        until_ended(path, tasks + 1)
    else:
        for _ in range(tasks):
            workflow()
    took = time.perf_counter() - began
    found = settings_of(path)
    dbos.destroy()
    return took, found


def until_ended(path: Path, tasks: int) -> None:
    """Look through another connection, which takes no lock of a writer in WAL mode."""
    end = time.monotonic() + PATIENCE
    query = "SELECT count(*) FROM workflow_status WHERE status = 'SUCCESS'"
    connection = sys.modules["sqlite3"].connect(path)
    while connection.execute(query).fetchone()[0] < tasks:
        if time.monotonic() > end:
            raise TimeoutError("DBOS did not end its workflows in time")
        time.sleep(0.01)
    connection.close()


def settings_of(path: Path) -> str:
    connection = sys.modules["sqlite3"].connect(path)
    journal = connection.execute("PRAGMA journal_mode").fetchone()[0]
    synchronous = connection.execute("PRAGMA synchronous").fetchone()[0]
    connection.close()
    return f"journal_mode={journal}, synchronous={synchronous}"


if __name__ == "__main__":
    main()
