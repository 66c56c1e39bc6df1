"""``inspan why``: what a task is doing and how that is known, or why it is where it is.

What is known is read from its recording, as the daemon would: an agent's own lines, or what its
terminal shows under the screen rules. Nothing is guessed: `unknown` is an answer.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from inspan.cli import exits, reach
from inspan.cli.outcome import ended, left_to_do
from inspan.cli.parsing import add_json, add_task
from inspan.cli.say import clean, json, out, styled
from inspan.errors import SessionNotFound
from inspan.model.activity import Activity, Confidence, Doing, Reading, Source, judge
from inspan.model.ids import short
from inspan.settings.figures import show_duration

if TYPE_CHECKING:
    from inspan.agents.signs import Sign
    from inspan.model.task import Task

HELP = """\
What a task is doing right now, and how that is known: which source says so (its protocol, its
window title, a rule about its screen), by which rule, and on what evidence. Of one that is not
running: why it is where it is."""
#: A rule may want to see that nothing moves; so often a screen is looked at again at most.
_LOOKS: Final = 8
_EVIDENCE: Final = 120


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_task(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    with reach.control() as control:
        task = control.get(args.task)
    now = time.time()
    activity = _activity(task, now) if task.pid is not None else None
    if args.json:
        facts = {"state": task.state, "needs": task.needs, "reason": task.reason}
        json({"task": task.id, **facts, "outcome": task.outcome, "activity": activity})
        return exits.DONE
    out(f"{styled(short(task.id), 'bold')} is {task.state.value}")
    for name, value in _lines(task, activity, now):
        out(f"  {styled(name.ljust(9), 'dim')} {value}")
    return exits.DONE


def _lines(task: Task, activity: Activity | None, now: float) -> Iterator[tuple[str, str]]:
    if activity is not None:
        yield from _doing(activity, now)
    if task.needs is not None:
        yield "asks", clean(task.needs.question)
    if task.reason is not None:
        yield "why", clean(f"{task.reason.message} ({task.reason.code})")
        if task.reason.hint:
            yield "hint", clean(task.reason.hint)
    if task.outcome is not None:
        yield "it said", clean(f"{task.outcome.ending.value} {task.outcome.message}".strip())
    if how := ended(task):
        yield "process", how
    if task.wake_at is not None and not task.done:
        yield "wakes", f"in {show_duration(max(0.0, task.wake_at - now))}"
    if words := left_to_do(task):
        yield "next", words


def _doing(activity: Activity, now: float) -> Iterator[tuple[str, str]]:
    yield "doing", f"{activity.doing.value}, for {show_duration(now - activity.since)}"
    if activity.source is not None:
        rule = f", rule {activity.rule}" if activity.rule else ""
        yield "known by", clean(f"{activity.source.value}{rule} ({activity.confidence.value})")
    if activity.evidence:
        yield "evidence", clean(activity.evidence)


def _activity(task: Task, now: float) -> Activity:
    """What it does, by the strongest source that says so."""
    if task.session is None:
        return judge((), now)
    folder = reach.places().recordings / task.session
    try:
        reading = _said(task, folder) if _by_lines(task) else _shown(task, folder, now)
    except SessionNotFound:
        return judge((), now)
    asked = None
    if task.needs is not None:
        asked = Reading(Doing.WAITING, Source.PROTOCOL, task.needs.since, "asks", needs=task.needs)
    best = asked or reading
    found = judge([] if best is None else [best], now)
    return found if best is None else _since(found, best.at)


def _since(found: Activity, at: float) -> Activity:
    from dataclasses import replace

    return replace(found, since=min(at, found.since))


def _by_lines(task: Task) -> bool:
    from inspan.cli.speech import mode_of
    from inspan.model.agent import Mode

    return mode_of(task.spec) not in (None, Mode.PTY)


def _said(task: Task, folder: Path) -> Reading | None:
    """By the last of its lines that says what it does."""
    from inspan.agents.json_lines import Lines
    from inspan.cli.dialects import dialect_of
    from inspan.cli.speech import talk_of
    from inspan.model.session import Output
    from inspan.terminal.playback import Playback, Typed

    dialect = dialect_of(task.spec.provider)
    assert dialect is not None
    talk = talk_of(task, dialect)
    heard, typed, last = Lines(), Lines(), None
    for moment in Playback(folder).timeline():
        if isinstance(moment.what, Typed):
            for line in typed.feed(moment.what.data):
                talk.sent(line)
                last = _reading(Doing.WORKING, moment.at, "prompted", "it was written to")
        elif isinstance(moment.what, Output) and moment.what.stream == "out":
            for line in heard.feed(moment.what.data):
                for sign in talk.heard(line):
                    last = _of_sign(sign, moment.at) or last
    return last


def _of_sign(sign: Sign, at: float) -> Reading | None:
    from inspan.agents import signs as s

    doing, found = Doing.WORKING, None
    match sign:
        case s.ToolBegan(_, name, title):
            found = ("tool", f"{name} {title}")
        case s.ToolEnded(_, ok, _):
            found = ("tool", "it ended" if ok else "it failed")
        case s.Said(text, _) | s.Thought(text, _):
            found = ("said", text)
        case s.BacksOff(seconds, why):
            found = ("backs-off", f"it tries its model again after {seconds:.0f} s: {why}")
        case s.TurnEnded(outcome):
            doing, found = Doing.IDLE, ("turn-ended", outcome.message or outcome.ending.value)
        case s.Began(session):
            found = ("began", f"its session {session.id}")
        case _:
            pass
    return None if found is None else _reading(doing, at, *found)


def _reading(doing: Doing, at: float, rule: str, evidence: str) -> Reading:
    return Reading(doing, Source.PROTOCOL, at, rule, clean(evidence)[:_EVIDENCE])


def _shown(task: Task, folder: Path, now: float) -> Reading | None:
    """By what its terminal shows, under the rules for its agent or for any program."""
    import anyio

    from inspan.cli.dialects import screen_rules
    from inspan.providers.screenrules import rulebooks
    from inspan.providers.seeing import Eyes
    from inspan.terminal.screen import backend

    terminal = task.spec.terminal
    raw = folder / "output.raw"
    try:
        about = os.stat(raw)  # noqa: PTH116 - one call for both figures
    except OSError as error:
        raise SessionNotFound(f"there is no recording {folder.name}") from error
    if not terminal.pty:
        return _silent(about.st_mtime)
    eyes = Eyes(
        folder,
        rulebooks(task.spec.provider, screen_rules(task.spec.provider)),
        backend(),
        cols=terminal.cols,
        rows=terminal.rows,
        whole=about.st_size < 1 << 20,
    )
    try:
        anyio.run(eyes.see, about.st_size, about.st_mtime)
        reading = eyes.look(about.st_mtime)
        for _ in range(_LOOKS):
            if eyes.due > now:
                break
            reading = eyes.look(max(eyes.due, about.st_mtime))
    finally:
        eyes.close()
    return reading if reading.doing is not Doing.UNKNOWN else _silent(about.st_mtime)


def _silent(at: float) -> Reading:
    """Nothing says what it does; when it printed last is all that is known."""
    return Reading(
        Doing.UNKNOWN, Source.SILENCE, at, "", "no rule fits what it shows", Confidence.GUESS
    )
