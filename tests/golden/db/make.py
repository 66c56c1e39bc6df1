"""Makes the databases of this folder, one for each schema version; run it once per version.

    python -m tests.golden.db.make

A file that is there is left alone: what an older inspan wrote must stay as it was.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from dataclasses import replace
from pathlib import Path

from inspan.engine.code.ports import Room
from inspan.engine.ports import Change
from inspan.model import event as e
from inspan.model.code import CodeLimits, CodeSession, CodeSpec, Grants, Sandbox
from inspan.model.promise import TIMER, Promise, PromiseState
from inspan.model.session import CodeState
from inspan.model.task import Exit, Needs, Reason, StopKind, Verdict, Workspace, WorkspaceKind
from inspan.monitor.tally import Tally
from inspan.store.migrate import backup, downgrade, newest
from inspan.store.sqlite import SqliteStore
from tests.fakes.lives import SPEC, Author

FOLDER = Path(__file__).parent
#: What code keeps: of a session, and shared.
KEPT = ((f"py-{'1' * 26}", "kéy \udcff", '{"a":[1,null]}'), ("shared:mine", "key", '"\\u2603"'))

#: What was measured: when the span ended, how long it was, and what the monitor says of it.
#: As it was written before the room on disks was measured.
MEASURED = (
    1_700_000_060.5,
    60.25,
    json.dumps({name: told for name, told in Tally().plain().items() if name != "disks"}),
)


def main() -> None:
    for version in range(1, newest() + 1):
        target = FOLDER / f"v{version}.db"
        if not target.exists():
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "inspan.db"
                asyncio.run(fill(path))
                downgrade(path, version)
                backup(path, target)
            target.chmod(0o644)
            print(f"made {target.name}")


async def fill(path: Path) -> None:
    """A database with every kind of fact in it."""
    store = await SqliteStore.open(path)
    for change in (*story(), *promised(), *coded()):
        await store.commit(change)
    for space, key, value in KEPT:
        await store.put_value(space, key, value, Room(9, 999))
    await store.put_sample(*MEASURED, 0.0)
    await store.close()


def story() -> list[Change]:
    """Some lives that have every fact between them."""
    author = Author()
    return [
        *author.no_op(replace(SPEC, name="\udcff\x1b]0;odd\x07", labels={"k": "v"})),
        *checked(author),
        *stopped(author),
        *reviewed(author),
        *lost(author),
        *failed(author),
    ]


def promised() -> tuple[Change, ...]:
    """A promise of each state, and one that was settled when it was made."""
    made = tuple(
        Promise(
            id=f"promise-{state}",
            param={"for": [state, 1.5, None]},
            timeout_at=1_700_000_100.0,
            create_key="key",
            tags={TIMER: "true"},
            created_at=1_700_000_000.0,
        )
        for state in PromiseState
    )
    done = Promise(
        id="promise-pending/1",
        state=PromiseState.RESOLVED,
        value="☃",
        created_at=1_700_000_001.0,
        completed_at=1_700_000_001.0,
    )
    settled = tuple(
        replace(promise, state=state, value=[state], complete_key="done", completed_at=1.7e9 + 5)
        for promise, state in zip(made, PromiseState, strict=True)
        if state is not PromiseState.PENDING
    )
    return Change(promised=(*made, done)), Change(settled=settled)


def coded() -> tuple[Change, ...]:
    """A code session that is open, one that is over, and all that one can say."""
    spec = CodeSpec(
        cwd="/work",
        name="n\u00e4me \udcff",
        env={"PATH": "/bin"},
        python="/usr/bin/python3",
        grants=Grants(read=("/a",), write=("/b",), net=True, sandbox=Sandbox.REQUIRE),
        limits=CodeLimits(memory=1 << 30, cpu=60.0, files=64),
    )
    one = CodeSession(id=f"py-{'1' * 26}", spec=spec, state=CodeState.STARTING, created_at=1.7e9)
    two = replace(one, id=f"py-{'2' * 26}", spec=CodeSpec(cwd="/"), created_at=1.7e9 + 1)
    over = replace(
        two,
        state=CodeState.TERMINATED,
        run=2,
        ended_at=1.7e9 + 2,
        reason=Reason("session-died", "It was killed.", "Restore it."),
    )
    return Change(code=(one, two), keys={"code-key": (one.id, "d")}), Change(code=(over,))


def checked(author: Author) -> list[Change]:
    submitted = author.submit(replace(SPEC, checks=("true",), retries=1), key="key", digest="d")
    task = submitted.tasks[0].id
    return [
        submitted,
        author.tell(task, e.Postponed(Reason("not-before", "its time has not come"), 1.5)),
        author.tell(task, e.Readied()),
        author.start(task),
        author.tell(
            task,
            e.WorkspaceReady(1, Workspace(WorkspaceKind.FOLDER, "/workspaces/1")),
            e.Spawned(1, 4711),
            e.IdleWarned(1, 20.0, 30.0),
            e.NeedsInput(1, Needs("question", "which one?", ("a", "b"))),
            e.Answered(1),
            e.Exited(1, Exit(1), 10),
            e.Retried(1, Reason("exit", "it ended with 1"), author.at + 1),
        ),
        author.start(task),
        author.tell(task, e.Spawned(2, 4712), e.Exited(2, Exit(0), 2048)),
        author.tell(task, e.CheckEnded(2, "true", Exit(0), f"{task}-2-c0"), e.Succeeded(2)),
        author.tell(task, e.Judged(Verdict.ACCEPT, "person"), e.WorkspaceSaved(None)),
    ]


def stopped(author: Author) -> list[Change]:
    submitted = author.submit(correlation="together")
    task = submitted.tasks[0].id
    return [
        submitted,
        author.tell(task, e.Readied()),
        author.start(task),
        author.tell(task, e.StopRequested(StopKind.INTERRUPT, "person", "enough")),
        author.tell(task, e.Interrupted(Reason("interrupted", "a person stopped it"))),
        author.tell(task, e.Resumed("person")),
        author.tell(task, e.Cancelled(Reason("cancelled", "a person gave it up"))),
    ]


def reviewed(author: Author) -> list[Change]:
    changes = []
    for last in (e.Accepted(2, "queen"), e.Rejected(2, "queen", ("no",))):
        submitted = author.submit(replace(SPEC, review=True), correlation="together")
        task = submitted.tasks[0].id
        changes += [submitted, author.tell(task, e.Readied()), author.start(task)]
        changes += [author.tell(task, e.Exited(1, Exit(0), 1), e.SentBack(1, "queen", ("more",)))]
        changes += [author.start(task), author.tell(task, e.Exited(2, Exit(0), 1), last)]
    return changes


def lost(author: Author) -> list[Change]:
    submitted = author.submit(replace(SPEC, role="planner", priority=-3))
    task = submitted.tasks[0].id
    return [
        submitted,
        author.tell(task, e.Readied()),
        author.start(task),
        author.tell(task, e.Errored(Reason("spawn-failed", "no such file"))),
    ]


def failed(author: Author) -> list[Change]:
    submitted = author.submit()
    task = submitted.tasks[0].id
    return [
        submitted,
        author.tell(task, e.Readied()),
        author.start(task),
        author.tell(task, e.Exited(1, Exit(signal=9), 7)),
        author.tell(task, e.Failed(1, Reason("signal", "it was killed by signal 9"))),
        author.submit(replace(SPEC, after=(task,), env={"HOME": "/home/somebody"})),
    ]


if __name__ == "__main__":
    main()
