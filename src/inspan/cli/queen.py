"""The Queen's program: ``python -m inspan.cli.queen``, which the daemon starts for each goal.

No verb for people: it speaks lines of JSON. Which goal it leads its environment tells.
"""

from __future__ import annotations

import logging
import os
import sys
from functools import partial

import anyio

from inspan.cli import reach
from inspan.cli.dialects import dialect_of
from inspan.client.launch import launch
from inspan.client.rejoin import Rejoin
from inspan.client.remote import RemoteControl
from inspan.errors import InspanError
from inspan.leaving import first, on_signal
from inspan.model.agent import Ending, Outcome
from inspan.swarm.leading import StepFailed
from inspan.swarm.queen import Queen
from inspan.swarm.steady import Steady
from inspan.swarm.wishes import wishes


def main() -> int:
    """Lead the goal of this process; 0 where that came to an end, good or not."""
    logging.basicConfig(level=logging.WARNING)
    anyio.run(_lead)
    return 0


async def _lead() -> None:
    places = reach.places()
    start = partial(launch, places.daemon_socket, places.state_dir, places.logs)
    # Work goes on without a daemon: she waits for one as long as it takes.
    async with RemoteControl.connect(
        places.daemon_socket, Rejoin(tries=None, start=start)
    ) as control:
        # It may be killed in the moment in which she begins.
        goal = await Steady(control).get(os.environ["INSPAN_TASK"])
        queen = Queen(control, goal, wishes(sys.argv[1:]), dialect_of)
        async with anyio.create_task_group() as group:
            group.start_soon(queen.voice.listen)
            with anyio.CancelScope() as reign:
                # Those that work for the goal are stopped after it.
                group.start_soon(on_signal, lambda _: reign.cancel())
                await _reign(queen)
            if reign.cancel_called:
                await queen.stop()
            group.cancel_scope.cancel()


async def _reign(queen: Queen) -> None:
    try:
        await queen.reign()
    except* (StepFailed, InspanError) as group:
        error = first(group)
        queen.voice.ended(Outcome(Ending.FAILED, error.message, error.hint))


if __name__ == "__main__":
    sys.exit(main())
