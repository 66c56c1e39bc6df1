"""Recordings of which is known what the program did, and what the screen rules say of them."""

from collections.abc import Sequence
from itertools import pairwise
from math import inf
from pathlib import Path

from inspan.model.activity import Activity, Doing
from inspan.providers.screenrules import rulebooks
from inspan.terminal.playback import Playback
from inspan.terminal.replay import Replay
from inspan.terminal.screen import Backend

#: From when to when, in seconds from the beginning, and what it did.
Label = tuple[float, float, str]


def told(folder: Path, agent: str, backend: Backend) -> list[tuple[float, Activity]]:
    """Each activity, with the second of the recording from which on it was shown."""
    playback = Playback(folder)
    replay = Replay(playback, rulebooks(agent), backend)
    found = [(replay.now, activity) for activity in replay.activities()]
    return [(at - (playback.began or 0.0), activity) for at, activity in found]


def misread(folder: Path, agent: str, labels: Sequence[Label], backend: Backend) -> list[str]:
    """Where the rules said anything but the label, at any moment for which there is one."""
    shown = told(folder, agent, backend)
    spans = [
        (at, activity, until) for (at, activity), (until, _) in pairwise([*shown, (inf, None)])
    ]
    return [
        f"{doing} from {start} to {end}: {activity.doing} from {at:.3f} by {activity.rule}"
        for start, end, doing in labels
        for at, activity, until in spans
        if at < end and until > start and activity is not None and activity.doing != Doing(doing)
    ]
