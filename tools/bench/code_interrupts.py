"""How soon a cell of one side's session ends when it is interrupted, in a process of its own.

python -m tools.bench.code_interrupts SIDE FOLDER TIMES
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from pathlib import Path

from tools.bench.code_cells import AWAITED, BLOCKED, INTO
from tools.bench.code_sides import opened


async def main(name: str, folder: Path, times: int) -> dict[str, list[float]]:
    """Seconds, by the names of the cells."""
    found: dict[str, list[float]] = {}
    async with opened(name, folder) as side:
        session = await side.open()
        await session.run("1+1")
        await side.settle()
        for _ in range(times):
            for what, code in {**BLOCKED, **AWAITED}.items():
                found.setdefault(what, []).append(await session.interrupted(code, INTO))
        # It is of use still.
        await session.run("1+1")
    return found


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=sys.argv[2]) as here:
        print(json.dumps(asyncio.run(main(sys.argv[1], Path(here), int(sys.argv[3])))))
