"""All that can be asked of the daemon, in a table: where, by whom, with what, for what.

It is served from here (``app``) and described from here (``describe``), so that a route that is in
one is in the other. Code sessions have a table of their own, ``codetable``.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from inspan.control import Health, Pruned, PrunePolicy, TaskPage
from inspan.model import wire
from inspan.model.activity import Activity
from inspan.model.event import Event
from inspan.model.merging import MergeRequest, MergeResult
from inspan.model.metrics import Metrics
from inspan.model.place import Place, SweepPolicy
from inspan.model.pursuit import Pursuit
from inspan.model.receipt import Receipt
from inspan.model.session import Frame, Hits, Times
from inspan.model.task import Task, TaskSpec
from inspan.server import base, live, replies, rest, schema, sse
from inspan.server.agentapi import AgentApi
from inspan.server.entry import Entry
from inspan.server.live import Live
from inspan.server.rest import Rest
from inspan.server.streams import Streams
from inspan.server.visitor import Scope
from inspan.server.ways import Raw, Socket, Way

_READ: Final = Scope.READ
_WRITE: Final = Scope.WRITE
_CREATED: Final = HTTPStatus.CREATED
_TASK: Final = "/v1/tasks/{ref}"
_AGENT: Final = f"{_TASK}/agentapi"

TASKS: Final[tuple[Way[Rest], ...]] = (
    Way(
        method="POST",
        path="/v1/tasks",
        needs=_WRITE,
        verb=Rest.submit,
        about="Hand in a task, or several of which all are accepted or none.",
        takes=(TaskSpec, schema.Specs),
        query=(base.BASE,),
        gives=(Task, replies.Tasks),
        status=_CREATED,
        keyed=True,
        brief=True,
    ),
    Way(
        method="GET",
        path="/v1/tasks",
        needs=_READ,
        verb=Rest.list,
        about="Tasks, newest first, page by page.",
        query=(
            rest.STATES,
            rest.ROLE,
            rest.NAME,
            rest.CORRELATION,
            rest.BEFORE,
            rest.TASKS_LIMIT,
        ),
        gives=TaskPage,
    ),
    Way(
        method="GET",
        path=_TASK,
        needs=_READ,
        verb=Rest.get,
        about="A task as it is now.",
        gives=Task,
    ),
    Way(
        method="GET",
        path=f"{_TASK}/activity",
        needs=_READ,
        verb=Rest.activity,
        about="What it is doing, and how that is known.",
        gives=Activity,
    ),
    Way(
        method="GET",
        path=f"{_TASK}/diff",
        needs=_READ,
        verb=Rest.diff,
        about="What it changed in its worktree, as a patch.",
        gives=Raw("text/x-diff", "A patch, as git writes it."),
    ),
    Way(
        method="GET",
        path=f"{_TASK}/wait",
        needs=_READ,
        verb=Rest.wait,
        about="The task once it rests, or as it is when the time is over.",
        query=(rest.TIMEOUT,),
        gives=Task,
    ),
    Way(
        method="POST",
        path=f"{_TASK}/send",
        needs=Scope.ATTACH,
        verb=Rest.send,
        about="Type bytes, just as they are.",
        takes=Raw("application/octet-stream", "What is typed."),
        gives=replies.Sent,
    ),
    Way(
        method="POST",
        path=f"{_TASK}/prompt",
        needs=_WRITE,
        verb=Rest.prompt,
        about="A prompt for its agent, and how far it got; the same key, the same receipt.",
        takes=schema.Prompting,
        gives=Receipt,
    ),
    Way(
        method="POST",
        path=f"{_TASK}/answer",
        needs=_WRITE,
        verb=Rest.answer,
        about="Answer what it asks.",
        takes=schema.Answering,
        gives=Task,
    ),
    Way(
        method="POST",
        path=f"{_TASK}/interrupt",
        needs=_WRITE,
        verb=Rest.interrupt,
        about="Stop it so that it can be resumed.",
        takes=schema.Suspending,
        gives=Task,
    ),
    Way(
        method="POST",
        path=f"{_TASK}/resume",
        needs=_WRITE,
        verb=Rest.resume,
        about="Let it go on, with another budget or another agent if one is named.",
        takes=schema.Resuming,
        query=(base.BASE,),
        gives=Task,
    ),
    Way(
        method="POST",
        path=f"{_TASK}/cancel",
        needs=_WRITE,
        verb=Rest.cancel,
        about="Give it up.",
        takes=schema.Stopping,
        gives=Task,
    ),
    Way(
        method="POST",
        path=f"{_TASK}/decide",
        needs=_WRITE,
        verb=Rest.decide,
        about="Accept its result, reject it, or have it done again.",
        takes=schema.Deciding,
        gives=Task,
    ),
    Way(
        method="POST",
        path=f"{_TASK}/merge",
        needs=_WRITE,
        verb=Rest.merge,
        about="Merge the branch of a goal, or of an accepted task, onto a person's branch, or say"
        " what would come of it. Conflicts are told, and then nothing was changed.",
        takes=MergeRequest,
        gives=MergeResult,
    ),
    Way(
        method="GET",
        path=f"{_TASK}/plan",
        needs=_READ,
        verb=Rest.plan,
        about="The newest plan of a goal.",
        gives=replies.Plan,
    ),
    Way(
        method="GET",
        path=f"{_TASK}/goal",
        needs=_READ,
        verb=Rest.goal,
        about="How far a goal is: its newest plan, and what became of each step.",
        gives=Pursuit,
    ),
    Way(
        method="PUT",
        path=f"{_TASK}/plan",
        needs=_WRITE,
        verb=Rest.replan,
        about="Give a goal another plan. `version` is the one that it replaces, 0 where it has none"
        " yet; another than the newest is refused.",
        takes=schema.Planning,
        gives=Task,
    ),
    Way(
        method="GET",
        path="/v1/events",
        needs=_READ,
        verb=Rest.history,
        about="What happened, oldest first. A WebSocket at the same address tells what happens.",
        query=(rest.SINCE, rest.TASK, rest.CORRELATION, rest.EVENTS_LIMIT),
        gives=replies.Events,
    ),
    Way(
        method="GET",
        path="/v1/sessions/{ref}/output",
        needs=_READ,
        verb=Rest.read,
        about=f"What was printed, raw; `{wire.NEXT_HEADER}` says where to go on.",
        query=(rest.OFFSET, rest.BYTES),
        gives=Raw("application/octet-stream", "Bytes as they came; gaps are told in headers."),
    ),
    Way(
        method="GET",
        path="/v1/sessions/{ref}/times",
        needs=_READ,
        verb=Rest.times,
        about="When what was printed came, for a player: marks, fewer where there are too many.",
        query=(rest.OFFSET, rest.UNTIL, rest.MARKS),
        gives=Times,
    ),
    Way(
        method="GET",
        path="/v1/sessions/{ref}/frame",
        needs=_READ,
        verb=Rest.frame,
        about="What its terminal showed there, as what draws it. With `more`: ask again.",
        query=(rest.OFFSET,),
        gives=Frame,
    ),
    Way(
        method="GET",
        path="/v1/search",
        needs=_READ,
        verb=Rest.search,
        about="Lines that were printed and hold a text. A page may be empty and have a `next`.",
        query=(rest.TEXT, rest.IN_TASK, rest.CASE, rest.AFTER, rest.HITS_LIMIT),
        gives=Hits,
    ),
    Way(
        method="GET",
        path="/v1/health",
        needs=_READ,
        verb=Rest.health,
        about="What runs, where it keeps things, and how it is.",
        gives=Health,
    ),
    Way(
        method="GET",
        path="/v1/metrics",
        needs=_READ,
        verb=Rest.metrics,
        about="How much inspan does and what that takes: now, before, and in all.",
        query=(rest.FROM, rest.SAMPLES),
        gives=Metrics,
    ),
    Way(
        method="GET",
        path="/metrics",
        needs=_READ,
        verb=Rest.exposed,
        about="The same in all, for Prometheus.",
        gives=Raw("text/plain", "Prometheus' text format, version 0.0.4."),
    ),
    Way(
        method="POST",
        path="/v1/prune",
        needs=Scope.ADMIN,
        verb=Rest.prune,
        about="Let go of what ended long ago, or say what would go.",
        takes=PrunePolicy,
        gives=Pruned,
    ),
    Way(
        method="GET",
        path="/v1/workspaces",
        needs=_READ,
        verb=Rest.workspaces,
        about="Where tasks worked: what lies there and what it is needed for, and what was saved.",
        gives=replies.Places,
    ),
    Way(
        method="POST",
        path="/v1/workspaces/{ref}/restore",
        needs=_WRITE,
        verb=Rest.restore_workspace,
        about="Bring a worktree back that was removed, with what was not committed.",
        takes=schema.Nothing,
        gives=Place,
    ),
    Way(
        method="POST",
        path="/v1/workspaces/sweep",
        needs=Scope.ADMIN,
        verb=Rest.sweep,
        about="Remove what nobody needs, or say what would go; what is not committed is saved.",
        takes=SweepPolicy,
        gives=replies.SweptPlaces,
    ),
    Way(
        method="POST",
        path="/v1/shutdown",
        needs=Scope.ADMIN,
        verb=Rest.shutdown,
        about="Stop the daemon; what runs, runs on.",
        takes=schema.Nothing,
        gives=replies.Done,
        status=HTTPStatus.ACCEPTED,
    ),
)

STREAMS: Final[tuple[Way[Streams], ...]] = (
    Way(
        method="GET",
        path="/v1/events/stream",
        needs=_READ,
        verb=Streams.events,
        about="Events as they are stored, as server-sent events whose `id` is the `seq`. Who comes"
        " again names the last one, in `Last-Event-ID` as browsers do or in `since`.",
        query=(live.SINCE_OR_NOW, rest.TASK),
        gives=Raw(sse.TYPE, "Events without a name, each with one as JSON; or `failed`."),
    ),
    Way(
        method="GET",
        path="/v1/sessions/{ref}/stream",
        needs=_READ,
        verb=Streams.output,
        about="What a session prints, as server-sent events whose `id` is the byte to go on from.",
        query=(rest.OFFSET,),
        gives=Raw(sse.TYPE, "Events `output` (in base64), `gap`, `resized`, `ended`; or `failed`."),
    ),
)

ENTRY: Final[tuple[Way[Entry], ...]] = (
    Way(
        method="POST",
        path="/v1/logins",
        needs=Scope.ADMIN,
        verb=Entry.invite,
        about="An address that lets a browser in, once and within a minute.",
        takes=schema.Inviting,
        gives=replies.Invited,
    ),
    Way(
        method="POST",
        path="/v1/login",
        needs=None,
        verb=Entry.enter,
        about="A cookie for the code in that address.",
        takes=schema.Entering,
        gives=replies.Done,
    ),
    Way(
        method="POST",
        path="/v1/logout",
        needs=_READ,
        verb=Entry.leave,
        about="The cookie counts no more.",
        takes=schema.Nothing,
        gives=replies.Done,
    ),
)

AGENTAPI: Final[tuple[Way[AgentApi], ...]] = (
    Way(
        method="GET",
        path=f"{_AGENT}/status",
        needs=_READ,
        verb=AgentApi.status,
        about="As agentapi has it: whether the agent takes a message.",
        gives=replies.AgentStatusIs,
    ),
    Way(
        method="GET",
        path=f"{_AGENT}/messages",
        needs=_READ,
        verb=AgentApi.messages,
        about="As agentapi has it: what was said in the newest session of the task.",
        gives=replies.AgentMessages,
    ),
    Way(
        method="POST",
        path=f"{_AGENT}/message",
        needs=_WRITE,
        verb=AgentApi.message,
        about="As agentapi has it: a prompt, or the answer to what is asked. `raw` is typed as it"
        f" is, and needs {Scope.ATTACH}.",
        takes=schema.Messaging,
        gives=replies.AgentHeard,
    ),
    Way(
        method="GET",
        path=f"{_AGENT}/events",
        needs=_READ,
        verb=AgentApi.events,
        about="As agentapi has it: messages and the status, and each time that they change.",
        gives=Raw(sse.TYPE, "Events `message_update` and `status_change`."),
    ),
    Way(
        method="GET",
        path=f"{_AGENT}/screen",
        needs=_READ,
        verb=AgentApi.screen,
        about="What the terminal shows as text, and each time that it changes.",
        gives=Raw(sse.TYPE, "Events `screen`."),
    ),
)

LIVE: Final[tuple[Socket[Live], ...]] = (
    Socket(
        path="/v1/events",
        needs=lambda _: _READ,
        verb=Live.events,
        about="Events as they are stored. Who comes again names the last `seq` that it saw.",
        query=(live.SINCE_OR_NOW, rest.TASK),
        hears=(Event, replies.Problem),
    ),
    Socket(
        path="/v1/sessions/{ref}/terminal",
        needs=lambda query: Scope.ATTACH if query[live.WRITER] else _READ,
        verb=Live.terminal,
        about="A terminal to follow from any byte, and, by one client at a time, to type into.",
        query=(rest.OFFSET, live.WRITER, live.STEAL, live.ANSWERS),
        says=Raw("application/octet-stream", "Frames: `i` types, `s` resizes, `l` stops typing."),
        hears=Raw(
            "application/octet-stream",
            "Frames: `o` output, `e` standard error, `g` a gap, `r` another size, `x` the end,"
            " `k` what was sent is done or refused, `f` an error.",
        ),
    ),
)
