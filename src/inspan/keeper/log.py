"""The keeper's own words, one line each, on standard error; never on a hot path.

Bounded: after so many bytes it falls silent, and a start sets a long file aside.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any, Final

MOST: Final = 1 << 20

_written = [0]


def say(action: str, **fields: Any) -> None:
    """Write one line; a log that cannot be written is no reason to fail."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
    line = f"{stamp}Z {action} {json.dumps(fields, default=str)}\n".encode()
    _written[0] += len(line)
    if _written[0] <= MOST:
        try:
            os.write(2, line)
        except OSError:
            return
