"""The figures in words and small charts, as ``inspan top`` shows them. Pure."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, Protocol

from inspan.model.ids import short
from inspan.model.metrics import Disk, ProcessUse, Sample, SessionUse, Spread
from inspan.settings.figures import show_duration, show_size
from inspan.terminal.sanitize import one_line

_BARS: Final = "▁▂▃▄▅▆▇█"
_CHART: Final = 30
_SESSIONS: Final = 20
#: The part of a disk below which its room is shown as little.
_LITTLE: Final = 0.05
_HEAD: Final = f"{'ID':<8}{'ATTEMPT':>8}{'CPU':>8}{'MEMORY':>10}{'PROCESSES':>11}  TASK"

#: A line, and how it is styled.
Line = tuple[str, str]


class Watched(Protocol):
    """What is known."""

    now: Sample
    minute: Sample
    names: dict[str, str]

    @property
    def samples(self) -> Sequence[Sample]: ...

    def name(self) -> None:
        """Find out what tasks are called."""
        ...


def line(now: Sample) -> str:
    """A second on one line."""
    at = time.strftime("%H:%M:%S", time.localtime(now.at))
    own = "".join(
        f"  {name} {show_size(use.rss_bytes)} {_share(use.cpu)}"
        for name, use in (("daemon", now.daemon), ("keeper", now.keeper))
        if use is not None
    )
    return (
        f"{at}  {now.tasks_per_second:.1f} tasks/s  {_standing(now)}"
        f"  {now.operations_per_second:.0f} db ops/s  lag {_seconds(now.loop_lag.most)}{own}"
        f"{_least(now)}  sessions {now.sessions_alive} {show_size(now.sessions_rss_bytes)}"
        f" {_share(now.sessions_cpu)}"
    )


def picture(
    watched: Watched, sort: str, rows: int = _SESSIONS, width: int | None = None
) -> Iterator[Line]:
    """All of it; at most ``rows`` sessions."""
    watched.name()
    now, minute = watched.now, watched.minute
    chart = _charts(watched.samples, _CHART if width is None else max(8, min(_CHART, width - 52)))
    ended = ", ".join(f"{count} {state}" for state, count in sorted(minute.tasks_ended.items()))
    yield f"inspan   {time.strftime('%H:%M:%S', time.localtime(now.at))}  {_standing(now)}", "bold"
    yield _row("tasks", f"{now.tasks_per_second:.1f}/s", chart(lambda s: s.tasks_per_second)), ""
    yield _row("", f"in a minute: {minute.tasks_started} started, {ended or 'none ended'}"), ""
    yield _row("", f"they took {_spread(minute.durations)}"), ""
    yield (
        _row("queue", str(now.queued) + _oldest(now), chart(lambda s: s.queued)),
        "yellow" if now.queued else "",
    )
    yield (
        _row(
            "database",
            f"{now.operations_per_second:.0f} ops/s",
            chart(lambda s: s.operations_per_second),
        ),
        "",
    )
    yield _row("", f"a commit took {_spread(minute.commits)}"), ""
    lag = f"late by {_seconds(now.loop_lag.most)} at most"
    yield _row("loop", lag, chart(lambda s: s.loop_lag.most or 0.0)), ""
    for name, of in _OWN.items():
        use = of(now)
        if use is not None:
            words = f"{show_size(use.rss_bytes)}  {_share(use.cpu)} cpu"
            yield _row(name, words, chart(_of_process(of))), ""
    if now.disks:
        low = any(disk.free < _LITTLE for disk in now.disks.values())
        yield _row("disk", _disks(now.disks)), "yellow" if low else ""
    words = f"{now.sessions_alive}: {show_size(now.sessions_rss_bytes)}"
    words += f"  {_share(now.sessions_cpu)} cpu"
    yield _row("sessions", words, chart(lambda s: s.sessions_cpu)), ""
    if now.sessions and rows > 0:
        yield "", ""
        yield _HEAD, "dim"
        yield from _sessions(now.sessions, watched.names, sort, rows)


def _sessions(
    sessions: Iterable[SessionUse], names: Mapping[str, str], sort: str, rows: int
) -> Iterator[Line]:
    order: Callable[[SessionUse], float] = _cpu_of if sort == "cpu" else _memory_of
    for use in sorted(sessions, key=order, reverse=True)[:rows]:
        attempt = use.session.rpartition(use.owner)[2].strip("-")
        yield (
            f"{short(use.owner):<8}{attempt:>8}{_share(use.cpu):>8}{show_size(use.rss_bytes):>10}"
            f"{use.processes:>11}  {one_line(names.get(use.owner, ''))}",
            "",
        )


def sparkline(figures: Sequence[float], width: int) -> str:
    """The last ``width`` figures as bars, the highest of them as the highest bar."""
    shown = figures[-width:]
    most = max(shown, default=0.0)
    if most <= 0:
        return _BARS[0] * len(shown)
    last = len(_BARS) - 1
    return "".join(_BARS[round(max(0.0, figure) / most * last)] for figure in shown)


def _charts(samples: Sequence[Sample], width: int) -> Callable[[Callable[[Sample], float]], str]:
    """How a figure went, each bar an equal part of the time that is shown."""
    each = max(1, -(-len(samples) // width))
    groups = [[*samples][start : start + each] for start in range(0, len(samples), each)]
    return lambda of: sparkline([max(map(of, group)) for group in groups], width)


_OWN: Final[dict[str, Callable[[Sample], ProcessUse | None]]] = {
    "daemon": lambda sample: sample.daemon,
    "keeper": lambda sample: sample.keeper,
}


def _row(name: str, words: str, chart: str = "") -> str:
    return f"{name:<9}{words:<40} {chart}".rstrip()


def _least(now: Sample) -> str:
    free = [disk.free_bytes for disk in now.disks.values()]
    return f"  disk {show_size(min(free))}" if free else ""


def _disks(disks: Mapping[str, Disk]) -> str:
    """What is free: once, where all is on one file system."""
    told = {
        name: f"{show_size(disk.free_bytes)} free, {_share(disk.free)}"
        for name, disk in disks.items()
    }
    if len({(disk.free_bytes, disk.size_bytes) for disk in disks.values()}) == 1:
        return next(iter(told.values()))
    return "; ".join(f"{name} {words}" for name, words in told.items())


def _standing(now: Sample) -> str:
    words = f"{now.concurrent} running, {now.queued} queued"
    if now.needs_you:
        words += f", {now.needs_you} {'needs' if now.needs_you == 1 else 'need'} you"
    return words + (f", {now.parked} parked" if now.parked else "")


def _oldest(now: Sample) -> str:
    if now.oldest_queued_seconds is None:
        return ""
    return f", for up to {show_duration(now.oldest_queued_seconds)}"


def _spread(spread: Spread) -> str:
    if not spread.count:
        return "-"
    return f"{_seconds(spread.p50)} in the middle, {_seconds(spread.p95)} for 95 %"


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else show_duration(seconds)


def _share(cpu: float) -> str:
    return f"{cpu * 100:.0f} %"


def _of_process(of: Callable[[Sample], ProcessUse | None]) -> Callable[[Sample], float]:
    return lambda sample: _cpu(of(sample))


def _cpu(use: ProcessUse | None) -> float:
    return 0.0 if use is None else use.cpu


def _cpu_of(use: SessionUse) -> float:
    return use.cpu


def _memory_of(use: SessionUse) -> float:
    return use.rss_bytes
