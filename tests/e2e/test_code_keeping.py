"""What becomes of named sessions that are left alone: saved and closed, and forgotten one day."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from inspan.control import Pruned, PrunePolicy
from inspan.errors import SessionNotFound
from inspan.model.session import CodeState
from tests.real.daemon import Daemon
from tests.real.named import Named

pytestmark = [pytest.mark.timeout(120), pytest.mark.requirement("D1", "D10")]


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    with Daemon() as running:
        yield running


def prune(daemon: Daemon, policy: PrunePolicy) -> Pruned:
    with daemon.control() as control:
        return control.prune(policy)


def saved(daemon: Daemon, name: str) -> Named:
    """A session that has printed, and has a checkpoint."""
    session = Named(daemon, name)
    session.run("text = 'x' * 1_000_000\nprint(text)")
    with daemon.control() as control:
        control.code.checkpoint(session.id)
    return session


def traces(session: Named) -> list[str]:
    """What the disk still has of it."""
    return sorted(path.name for path in session.daemon.home.glob(f"**/*{session.id}*"))


def test_prune_forgets_sessions_that_are_over_and_no_other(daemon: Daemon) -> None:
    over, open_ = saved(daemon, "over"), saved(daemon, "open")
    assert prune(daemon, PrunePolicy(older_than=0.0)) == Pruned(0, 0)
    with daemon.control() as control:
        control.code.close(over.id)
    assert len(traces(over)) == 3
    would = prune(daemon, PrunePolicy(older_than=0.0, dry_run=True))
    assert (would.sessions, would.bytes > 2_000_000) == (1, True)
    assert prune(daemon, PrunePolicy(older_than=3600.0)).sessions == 0
    over.now()
    assert prune(daemon, PrunePolicy(older_than=0.0)) == Pruned(0, would.bytes, 0, 1)
    assert traces(over) == []
    with pytest.raises(SessionNotFound):
        over.now()
    assert open_.value("len(text)") == 1_000_000
    assert open_.restore().names == ("text",)


def test_prune_keeps_what_is_over_up_to_a_size_the_newest_of_it(daemon: Daemon) -> None:
    sessions = [saved(daemon, f"s{number}") for number in range(3)]
    with daemon.control() as control:
        for session in sessions:
            control.code.close(session.id)
    gone = prune(daemon, PrunePolicy(bytes=5_000_000))
    assert (gone.tasks, gone.sessions) == (0, 1)
    assert traces(sessions[0]) == []
    for session in sessions[1:]:
        assert session.restore().names == ("text",)


def test_a_session_that_is_left_alone_is_saved_and_closed_where_that_is_wanted() -> None:
    with Daemon("code: {idle: 4s}\n") as daemon:  # long enough for the cell to come in time
        busy, idle = Named(daemon, "busy"), Named(daemon, "idle")
        cell = busy.execute("name = input()")
        idle.run("x = 20\nmade = (n for n in 'abc')\nnext(made)")
        over = idle.over()
        assert over.reason.code == "idle"
        assert "saved as 'idle', but for 1 " in over.reason.message
        assert idle.now().state is CodeState.TERMINATED
        assert busy.now().state is CodeState.BUSY
        assert busy.now().cells == cell.number
        assert idle.restore().names == ("x",)
