"""The keeper's own words, one line each, on standard error; never on a hot path.

Bounded: where standard error is its log file, that makes room for itself.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any, Final

from inspan.keeper.logfile import LogFile

#: Bytes of one file, and how many old ones are kept.
MOST: Final = 1 << 20
KEPT: Final = 2

_file: list[LogFile] = []


def keep(path: str) -> None:
    """Standard error is the file at ``path`` from now on."""
    _file[:] = [LogFile(path, MOST, KEPT)]


def say(action: str, **fields: Any) -> None:
    """Write one line; a log that cannot be written is no reason to fail."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
    line = f"{stamp}Z {action} {json.dumps(fields, default=str)}\n"
    try:
        if _file:
            _file[0].write(line)
        else:
            os.write(2, line.encode())
    except OSError:
        return
