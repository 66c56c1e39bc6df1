"""Where the session of an attempt is in its life: one path, whatever runs in it.

Derived from what is known of the task and of what it does: nothing of it is stored, and a new
daemon comes to the same. A new attempt has a new session.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from inspan.model.activity import Activity, Doing
from inspan.model.agent import is_agent
from inspan.model.task import ACTIVE, Task, TaskState, WorkspaceKind


class SessionState(StrEnum):
    """In the order in which they come."""

    CREATED = "created"  #: the attempt is due, and nothing of it has begun
    STARTING = "starting"  #: its place is made, or its program is about to run
    AUTHENTICATING = "authenticating"  #: the agent's login is looked at, and then it is started
    READY = "ready"  #: it takes a prompt
    BUSY = "busy"  #: it works
    WAITING = "waiting"  #: it has asked a person
    CLOSING = "closing"  #: it was told to stop
    TERMINATED = "terminated"  #: its process has ended, or there never was one; the task says why


_S = SessionState
_ENDS: Final = frozenset({_S.CLOSING, _S.TERMINATED})
_LIVE: Final = frozenset({_S.READY, _S.BUSY, _S.WAITING})

#: state → the states that may follow it.
TABLE: Final[dict[SessionState, frozenset[SessionState]]] = {
    _S.CREATED: frozenset({_S.STARTING, _S.AUTHENTICATING, _S.TERMINATED}),
    _S.STARTING: _LIVE | _ENDS | {_S.AUTHENTICATING},
    _S.AUTHENTICATING: _LIVE | _ENDS,
    _S.READY: _LIVE - {_S.READY} | _ENDS,
    _S.BUSY: _LIVE - {_S.BUSY} | _ENDS,
    _S.WAITING: _LIVE - {_S.WAITING} | _ENDS,
    _S.CLOSING: frozenset({_S.TERMINATED}),
    _S.TERMINATED: frozenset(),
}


def session_state(task: Task, activity: Activity | None = None) -> SessionState:
    """The state of the task's present session; only ``activity`` tells that it is ready."""
    if task.state in (TaskState.PENDING, TaskState.QUEUED):
        return _S.CREATED
    if task.state not in ACTIVE or task.state is TaskState.PROCESSING:
        return _S.TERMINATED
    if task.stop is not None:
        return _S.CLOSING
    if task.state is TaskState.WAITING:
        return _S.WAITING
    if task.pid is None:
        return _starting(task)
    return _S.READY if activity is not None and activity.doing is Doing.IDLE else _S.BUSY


def _starting(task: Task) -> SessionState:
    placed = task.spec.workspace is WorkspaceKind.HERE or task.workspace is not None
    return _S.AUTHENTICATING if placed and is_agent(task.spec.provider) else _S.STARTING
