"""The rows of a run of no-op tasks, written anew by a bare sqlite3 loop.

    python -m tools.bench.noop_bare FOLDER KEPT

The same tables, settings, statements, rows and groups as the engine's; the rows are ready-made.
"""

from __future__ import annotations

import json
import pickle
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from inspan.store.connection import connect
from inspan.store.migrate import migrate
from tools.bench.noop_engine import Step


def main() -> None:
    folder, kept = map(Path, sys.argv[1:])
    # Written by ``noop_engine`` a moment ago, for this process.
    transactions: list[list[Step]] = pickle.loads(kept.read_bytes())
    with tempfile.TemporaryDirectory(dir=folder) as here:
        path = Path(here) / "bare.db"
        with closing(connect(path)) as connection:
            migrate(connection, path)
            began = time.perf_counter()
            for steps in transactions:
                for sql, rows in steps:
                    if rows:
                        connection.executemany(sql, rows)
                    elif not sql.startswith(("INSERT", "UPDATE")):
                        connection.execute(sql)
            took = time.perf_counter() - began
    print(json.dumps({"seconds": took, "batches": len(transactions)}))


if __name__ == "__main__":
    main()
