"""Every verb of Control as a request and a reading of its answer, for both clients.

No I/O. What a verb is on the wire is said here once; the server's ``rest`` is the other end.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from inspan import __version__
from inspan.client import wire
from inspan.errors import (
    BadInput,
    DaemonMismatch,
    DaemonUnreachable,
    InspanError,
    SessionNotFound,
    TaskNotFound,
    by_code,
)
from inspan.model import plain
from inspan.model.budget import Budget
from inspan.model.task import Handover, Task, TaskSpec, Verdict

if TYPE_CHECKING:
    from inspan.control import (
        EventQuery,
        Health,
        Pruned,
        PrunePolicy,
        SearchQuery,
        TaskPage,
        TaskQuery,
    )
    from inspan.model.activity import Activity
    from inspan.model.event import Event
    from inspan.model.goal import GoalPlan
    from inspan.model.metrics import Metrics, MetricsQuery
    from inspan.model.receipt import Receipt, Stage
    from inspan.model.session import Answers, Chunk, Frame, Hits, Times

T = TypeVar("T")

#: What an ``Address`` adds is in no request of these.
_HEADERS: Final = {"inspan-version": __version__}
_TASKS: Final = "/v1/tasks"
_BRIEF: Final = {"prefer": "return=minimal"}
#: The longest that one question waits in the daemon; see ``server.rest.WAIT_MOST``.
WAIT_STEP: Final = 30.0
#: The target of the WebSocket on which cells are run and followed; see ``codecalls``.
CELLS: Final = "/v1/cells"
#: Connections of one kind at rest that a client keeps, as many as were in use at once but no more
#: than this; a new one costs more than a short cell, and one at rest 50 kB of the daemon.
IDLE_MOST: Final = 128


class Call(Generic[T]):
    """One request and how its answer is read."""

    __slots__ = ("again", "any_version", "raw", "read")

    def __init__(
        self,
        method: str,
        target: str,
        read: Callable[[wire.Response], T],
        *,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        again: bool = False,
        any_version: bool = False,
    ) -> None:
        self.raw = wire.request(method, target, {**_HEADERS, **(headers or {})}, body)
        self.read = read
        #: Asking twice does no harm.
        self.again = again or method == "GET"
        #: A daemon of another version may be asked this.
        self.any_version = any_version

    def answered(self, answer: wire.Response) -> T:
        """What the answer says. Raises the error that it tells of, or DaemonMismatch."""
        raise_for(answer)
        if not self.any_version:
            check_version(answer)
        try:
            return self.read(answer)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DaemonUnreachable(f"the daemon's answer cannot be read: {error!r}") from error


def check_version(answer: wire.Response) -> None:
    """Raises DaemonMismatch where the daemon is of another version than this client."""
    theirs = answer.headers.get("inspan-version", "unknown")
    if theirs != __version__:
        raise DaemonMismatch(f"the daemon is inspan {theirs}, this command is {__version__}")


def raise_for(answer: wire.Response) -> None:
    """Raises the error that an answer tells of."""
    if answer.status >= 400:
        raise error_of(answer.body)


def error_of(body: bytes | str) -> InspanError:
    """The error in a problem document."""
    try:
        told = json.loads(body)
        return by_code(told["code"], told["detail"], told.get("hint"))
    except (ValueError, KeyError, TypeError, AttributeError):
        return DaemonUnreachable("the daemon refused, and its reason cannot be read")


def upgrade(target: str, *, far: bool) -> tuple[bytes, str]:
    """The request for a WebSocket, and the key to check its answer with.

    Who is ``far`` asks to be pinged: by a socket that was brought here the daemon cannot see that.
    """
    key = wire.upgrade_key()
    asked = {**_HEADERS, **wire.upgrade_headers(key)}
    if far:
        from inspan.model.wire import PINGED_HEADER  # noqa: PLC0415  most are near

        asked[PINGED_HEADER] = "1"
    return wire.request("GET", target, asked), key


def invite(scopes: Sequence[str]) -> Call[str]:
    """The address that lets a browser in, once."""
    return Call(
        "POST",
        "/v1/logins",
        lambda answer: str(plain_of(answer)["url"]),
        body=json.dumps({"scopes": list(scopes)}).encode(),
    )


# ── tasks ─────────────────────────────────────────────────────────────────────


def submit(spec: TaskSpec, key: str | None, *, base: bool = False) -> Call[Task]:
    """``base``: what it lacks is the daemon's own."""
    return Call(
        "POST",
        _TASKS + of_base(base),
        lambda answer: _made(plain_of(answer), spec),
        body=written(spec),
        headers=keyed(key) | _BRIEF,
        again=bool(key),
    )


def submit_all(
    specs: Sequence[TaskSpec], key: str | None, *, base: bool = False
) -> Call[tuple[Task, ...]]:
    return Call(
        "POST",
        _TASKS + of_base(base),
        lambda answer: tuple(map(_made, plain_of(answer)["tasks"], specs)),
        body=written({"specs": specs}),
        headers=keyed(key) | _BRIEF,
        again=bool(key),
    )


def submit_written(
    specs: Sequence[TaskSpec], bodies: Sequence[bytes], *, base: bool = False
) -> Call[Sequence[Task]]:
    """``submit_all`` of what is ``written`` already."""

    def read(answer: wire.Response) -> Sequence[Task]:
        told = plain_of(answer)
        return tuple(map(_made, told["tasks"] if len(bodies) > 1 else [told], specs))

    body = b'{"specs":[%b]}' % b",".join(bodies) if len(bodies) > 1 else bodies[0]
    return Call("POST", _TASKS + of_base(base), read, body=body, headers=_BRIEF)


def _made(told: dict[str, Any], spec: TaskSpec) -> Task:
    """A task that was handed in; its spec is told where it is another than was sent."""
    return plain.load(Task, {"spec": spec, **told})


def get(task: str) -> Call[Task]:
    return Call("GET", _of_task(task), _task)


def listed(query: TaskQuery | None) -> Call[TaskPage]:
    def read(answer: wire.Response) -> TaskPage:
        from inspan.control import TaskPage  # noqa: PLC0415  a third of the import

        return plain.load(TaskPage, plain_of(answer))

    asked = (
        wire.query(
            states=",".join(query.states) or None,
            role=query.role,
            name=query.name,
            correlation=query.correlation,
            before=query.before,
            limit=query.limit,
        )
        if query
        else ""
    )
    return Call("GET", f"/v1/tasks{asked}", read)


def activity(task: str) -> Call[Activity]:
    def read(answer: wire.Response) -> Activity:
        from inspan.model.activity import Activity  # noqa: PLC0415  few commands ask

        return plain.load(Activity, plain_of(answer))

    return Call("GET", f"{_of_task(task)}/activity", read)


def history(query: EventQuery | None) -> Call[tuple[Event, ...]]:
    asked = (
        wire.query(
            task=query.task, correlation=query.correlation, since=query.since, limit=query.limit
        )
        if query
        else ""
    )
    return Call(
        "GET",
        f"/v1/events{asked}",
        lambda answer: tuple(plain.load_event(item) for item in plain_of(answer)["events"]),
    )


def wait(task: str, seconds: float) -> Call[Task]:
    return Call("GET", f"{_of_task(task)}/wait{wire.query(timeout=f'{seconds:.3f}')}", _task)


def watched(since: int | None, task: str | None) -> str:
    """The target of the WebSocket with events."""
    return f"/v1/events{wire.query(since=since, task=task)}"


# ── steering ──────────────────────────────────────────────────────────────────


def send(task: str, data: bytes) -> Call[Stage]:
    def read(answer: wire.Response) -> Stage:
        from inspan.model.receipt import Stage  # noqa: PLC0415  few commands send

        return Stage(plain_of(answer)["stage"])

    return Call("POST", f"{_of_task(task)}/send", read, body=data)


def prompt(task: str, text: str, key: str, wait: float) -> Call[Receipt]:
    def read(answer: wire.Response) -> Receipt:
        from inspan.model.receipt import Receipt  # noqa: PLC0415  few commands send

        return plain.load(Receipt, plain_of(answer))

    body = written({"text": text, "key": key, "wait": wait})
    return Call("POST", f"{_of_task(task)}/prompt", read, body=body, again=True)


def new_key() -> str:
    """A key for what may have to be asked for twice."""
    return os.urandom(8).hex()


def answer(task: str, text: str, question: str | None) -> Call[Task]:
    return _verb(task, "answer", text=text, question=question)


def interrupt(task: str, reason: str, by: str, *, force: bool) -> Call[Task]:
    return _verb(task, "interrupt", reason=reason, by=by, force=force)


def resume(
    task: str, budget: Budget | None, to: Handover | None, *, base: bool = False
) -> Call[Task]:
    given = {"budget": budget, "to": to}
    verb = "resume" + of_base(base and to is not None)
    return _verb(task, verb, **{key: item for key, item in given.items() if item is not None})


def cancel(task: str, reason: str, *, force: bool) -> Call[Task]:
    return _verb(task, "cancel", reason=reason, force=force)


def decide(task: str, verdict: Verdict, findings: Sequence[str], by: str) -> Call[Task]:
    return _verb(task, "decide", verdict=verdict, findings=list(findings), by=by)


def replan(task: str, plan: GoalPlan, version: int, by: str) -> Call[Task]:
    body = written({"plan": plan, "version": version, "by": by})
    return Call("PUT", f"{_of_task(task)}/plan", _task, body=body)


def diff(task: str) -> Call[str]:
    return Call(
        "GET",
        f"{_of_task(task)}/diff",
        lambda answer: answer.body.decode(errors="surrogateescape"),
    )


# ── sessions ──────────────────────────────────────────────────────────────────


def read(session: str, offset: int, limit: int) -> Call[tuple[Chunk, ...]]:
    from inspan.model import wire as frames  # noqa: PLC0415  few commands read

    return Call(
        "GET",
        f"{_of_session(session)}/output{wire.query(offset=offset, limit=limit)}",
        lambda answer: frames.unpack(answer.body),
        headers={"accept": frames.FRAMES_TYPE},
    )


def times(session: str, offset: int, until: int | None, most: int) -> Call[Times]:
    def read(answer: wire.Response) -> Times:
        from inspan.model.session import Times  # noqa: PLC0415  few commands ask

        return plain.load(Times, plain_of(answer))

    asked = wire.query(offset=offset, until=until, most=most)
    return Call("GET", f"{_of_session(session)}/times{asked}", read)


def frame(session: str, offset: int) -> Call[Frame]:
    def read(answer: wire.Response) -> Frame:
        from inspan.model.session import Frame  # noqa: PLC0415  few commands ask

        return plain.load(Frame, plain_of(answer))

    return Call("GET", f"{_of_session(session)}/frame{wire.query(offset=offset)}", read)


def search(query: SearchQuery) -> Call[Hits]:
    def read(answer: wire.Response) -> Hits:
        from inspan.model.session import Hits  # noqa: PLC0415  few commands ask

        return plain.load(Hits, plain_of(answer))

    asked = wire.query(
        text=query.text,
        task=query.task,
        case=query.case or None,
        after=query.after,
        limit=query.limit,
    )
    return Call("GET", f"/v1/search{asked}", read)


def terminal(
    session: str, offset: int, *, answers: Answers, writer: bool = False, steal: bool = False
) -> str:
    """The target of the WebSocket with a terminal."""
    asked = wire.query(
        offset=offset, writer=writer or None, steal=steal or None, answers=answers.value
    )
    return f"{_of_session(session)}/terminal{asked}"


def is_task(ref: str) -> bool:
    """True for a whole id, which means the same task also when it is asked for again."""
    from inspan.model.ids import TASK_ID  # noqa: PLC0415  most commands are led nowhere again

    return TASK_ID.fullmatch(ref) is not None


def is_session(ref: str) -> bool:
    """True for the id of a session; a task's is that of its newest, which may be another then."""
    from inspan.model.ids import CODE_RUN, SESSION_ID  # noqa: PLC0415  as above

    return (SESSION_ID.fullmatch(ref) or CODE_RUN.fullmatch(ref)) is not None


def answers_from(answer: wire.Response) -> int | None:
    """Behind which offset the terminal itself answers, as the answer to the upgrade tells."""
    from inspan.model.wire import ANSWERS_HEADER  # noqa: PLC0415  most commands attach to nothing

    told = answer.headers.get(ANSWERS_HEADER)
    return None if told is None else int(told)


# ── service ───────────────────────────────────────────────────────────────────


def health() -> Call[Health]:
    def read(answer: wire.Response) -> Health:
        from inspan.control import Health  # noqa: PLC0415  a third of the import

        return plain.load(Health, plain_of(answer))

    return Call("GET", "/v1/health", read, any_version=True)


def metrics(query: MetricsQuery | None) -> Call[Metrics]:
    def read(answer: wire.Response) -> Metrics:
        from inspan.model.metrics import Metrics  # noqa: PLC0415  few commands ask

        return plain.load(Metrics, plain_of(answer))

    asked = wire.query(since=query.since, limit=query.limit) if query else ""
    return Call("GET", f"/v1/metrics{asked}", read)


def prune(policy: PrunePolicy) -> Call[Pruned]:
    def read(answer: wire.Response) -> Pruned:
        from inspan.control import Pruned  # noqa: PLC0415  a third of the import

        return plain.load(Pruned, plain_of(answer))

    return Call("POST", "/v1/prune", read, body=written(policy))


def shutdown() -> Call[None]:
    return Call("POST", "/v1/shutdown", lambda _: None, any_version=True)


# ── pieces ────────────────────────────────────────────────────────────────────


def _verb(task: str, verb: str, **given: Any) -> Call[Task]:
    return Call("POST", f"{_of_task(task)}/{verb}", _task, body=written(given))


def _of_task(ref: str) -> str:
    if not ref:
        raise TaskNotFound("no task has an empty id")
    return f"/v1/tasks/{segment(ref)}"


def _of_session(ref: str) -> str:
    if not ref:
        raise SessionNotFound("no session has an empty id")
    return f"/v1/sessions/{segment(ref)}"


def segment(ref: str) -> str:
    """A reference, which may be any name, as one segment of a path.

    It is quoted twice, since a server undoes it once before it looks where a segment ends.
    """
    return wire.quote(wire.quote(ref))


def of_base(base: bool) -> str:
    """The query that has the daemon fill in what is missing."""
    return "?base=true" if base else ""


def keyed(key: str | None) -> dict[str, str]:
    """The headers of a request that may be made twice."""
    return {} if key is None else {"idempotency-key": key}


#: Text that is not UTF-8 is refused, and so are numbers that JSON has no word for.
_dumps: Final = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=plain.shallow
).encode


def written(value: Any) -> bytes:
    """A value of ours as JSON. Raises BadInput."""
    try:
        return _dumps(value).encode()
    except (UnicodeEncodeError, ValueError) as error:
        raise BadInput("what is asked for holds text that is not UTF-8, or no number") from error


def plain_of(answer: wire.Response) -> Any:
    """What the JSON of an answer holds."""
    return json.loads(answer.body)


def _task(answer: wire.Response) -> Task:
    return plain.load(Task, plain_of(answer))
