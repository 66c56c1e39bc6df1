"""The cells that all sides run, what they print, and what is amiss in what came of it."""

from __future__ import annotations

from typing import Final, NamedTuple

LINES: Final = "for n in range(100_000): print('line', n, 'of a hundred thousand in one cell')"
FLUSHED: Final = "for n in range(20_000): print(n, flush=True)"
#: Twenty lines that say when they were printed, by the clock that all processes share.
STAMPED: Final = (
    "import time\nfor _ in range(20):\n    print(time.perf_counter())\n    time.sleep(0.02)"
)

#: Seconds from the start of a cell until it is interrupted.
INTO: Final = 0.5
#: Seconds that a wait lasts where nothing ends it.
WAIT: Final = 2
_ASYNC: Final = f"await asyncio.sleep({WAIT})"
#: What is interrupted, by its name in the table, and whether it awaits.
BLOCKED: Final = {
    "busy loop": "while True: pass",
    "time.sleep": f"import time; time.sleep({10 * WAIT})",
    "lock": "import threading; held = threading.Lock(); held.acquire(); held.acquire()",
}
AWAITED: Final = {
    "await sleep": f"import asyncio; {_ASYNC}",
    "await gather": (
        f"import asyncio\nasync def some(): {_ASYNC}\nawait asyncio.gather(some(), some())"
    ),
    "await to_thread": (f"import asyncio, time; await asyncio.to_thread(time.sleep, {WAIT})"),
}


def wanted(code: str) -> bytes:
    """What ``code`` prints, every byte of it in order."""
    if code == LINES:
        lines = [f"line {n} of a hundred thousand in one cell\n" for n in range(100_000)]
    else:
        lines = [f"{n}\n" for n in range(20_000)]
    return "".join(lines).encode()


class Amiss(NamedTuple):
    """Bytes: of lines that did not come whole, and of lines that came where they do not belong."""

    lost: int
    displaced: int


def amiss(code: str, came: bytes) -> Amiss:
    """What differs from what ``code`` prints; no two of its lines are the same."""
    want = wanted(code)
    if came == want:
        return Amiss(0, 0)
    places = {line: place for place, line in enumerate(want.splitlines(keepends=True))}
    displaced, last = 0, -1
    lines = came.splitlines(keepends=True)
    for line in lines:
        place = places.get(line, -1)
        if place <= last:
            displaced += len(line)
        last = max(last, place)
    return Amiss(sum(map(len, places.keys() - set(lines))), displaced)
