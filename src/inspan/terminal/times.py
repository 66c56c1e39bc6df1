"""When what a recording holds was printed, in few enough marks for a slider, or for a player.

It knows the recording through ``playback`` alone, and nothing of who plays it.
"""

from __future__ import annotations

from array import array

from inspan.errors import BadInput
from inspan.model.session import Mark, Times
from inspan.terminal.playback import Playback


def times(playback: Playback, offset: int, until: int | None, most: int) -> Times:
    """Marks for the bytes from ``offset`` up to ``until``, at most ``most`` of them.

    Raises SessionNotFound, BadInput.
    """
    if offset < 0 or most < 2 or (until is not None and until < offset):
        raise BadInput("an offset is 0 or more, `until` not before it, and marks are 2 or more")
    ended, size, began = playback.ended, playback.size, playback.began or 0.0
    if until is not None:
        until = min(until, size)
    moments, offsets = array("d"), array("Q")
    last = began
    for at, where in playback.stamps(offset, until):
        last = max(last, at)  # the wall clock may have been set back
        moments.append(last)
        offsets.append(min(where, size))
    shape = playback.size_at(offset)
    return Times(
        size=size,
        ended=ended,
        began=began,
        until=max(last, playback.latest),
        marks=_thinned(moments, offsets, most),
        cols=shape.cols if shape else 0,
        rows=shape.rows if shape else 0,
    )


def _thinned(moments: array[float], offsets: array[int], most: int) -> tuple[Mark, ...]:
    """The first of each stretch of time, of ``most`` equal ones, and the last of all."""
    if len(moments) <= most:
        return tuple(map(Mark, moments, offsets))
    first, span = moments[0], moments[-1] - moments[0]
    kept: list[Mark] = []
    stretch = -1
    for at, offset in zip(moments, offsets, strict=True):
        now = int((at - first) / span * (most - 1)) if span else 0
        if now > stretch:
            stretch = now
            kept.append(Mark(at, offset))
    kept[-1] = Mark(moments[-1], offsets[-1])
    return tuple(kept)
