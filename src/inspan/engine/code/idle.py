"""Sessions in which nothing happens for long: saved and closed, so that their memory is free.

One that cannot be saved stays open. It knows no clock's pace: who calls it does.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Final

from inspan.engine.code.lives import Lives
from inspan.engine.code.place import Place
from inspan.errors import InspanError
from inspan.model.code import Saved
from inspan.model.task import Reason

log = logging.getLogger(__name__)

#: What the checkpoint is called.
NAME: Final = "idle"
#: Seconds for what is registered at exit.
_LAST: Final = 5.0

Save = Callable[[str, str], Awaitable[Saved]]


async def close_idle(lives: Lives, save: Save, now: float, longest: float) -> int:
    """Close those in which nothing has happened for ``longest`` seconds; how many those were."""
    count = 0
    for place in tuple(lives.places.values()):
        if _idle(lives, place) and now - place.touched >= longest:
            count += await _close(lives, place, save, now)
    return count


async def _close(lives: Lives, place: Place, save: Save, now: float) -> bool:
    session = place.session.id
    hours = (now - place.touched) / 3600
    try:
        saved = await save(session, NAME)
    except InspanError as error:
        log.warning("it stays open, idle: %s", error, extra={"session": session})
        place.touched = now
        return False
    if not _idle(lives, place):
        return False
    lost = f", but for {len(saved.lost)} that could not be" if saved.lost else ""
    why = f"Nothing happened in it for {hours:.1f} hours; its names are saved as {NAME!r}{lost}."
    hint = "`code.idle` of the settings says when."
    await lives.close(session, _LAST, Reason("idle", why, hint))
    return True


def _idle(lives: Lives, place: Place) -> bool:
    """Nothing runs, and no task of its code waits for its host."""
    return place.run is not None and not place.cells and not lives.asks.waits(place.session.id)
