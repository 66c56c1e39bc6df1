from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspan.control import TaskQuery
from inspan.errors import CyclicPlan
from inspan.model.ids import ulid
from inspan.model.task import Exit, Patience, TaskSpec, TaskState
from inspan.store import legacy_values
from inspan.store.legacy import Imported, changes, read_tasks
from inspan.store.legacy_words import STATES, plain
from inspan.store.memory import MemoryStore
from inspan.store.sqlite import SqliteStore
from inspan.store.verify import verify

pytestmark = pytest.mark.requirement("C1")

DEFAULTS = TaskSpec(cwd="/somewhere", env={"PATH": "/bin"}, labels={"from": "there"})
NOW = 1_780_000_000.0


def read(tmp_path: Path, name: str, content: str | bytes) -> tuple[tuple[Imported, ...], Any]:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_tasks(path, DEFAULTS)


def one(tmp_path: Path, **values: Any) -> Imported:
    (task,), _ = read(tmp_path, "t.json", json.dumps([{"id": "1", "name": "n", **values}]))
    return task


def committed(tasks: tuple[Imported, ...]) -> list[Any]:
    ids = iter(range(1, 10_000))
    return [
        change.tasks[0]
        for change in changes(
            tasks,
            new_id=lambda at: ulid(at, next(ids).to_bytes(10, "big")),
            first_seq=7,
            now=NOW,
        )
    ]


# ── states ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("todo", "pending"),
        ("To Do", "pending"),
        ("open", "pending"),
        ("blocked", "pending"),
        ("ready", "queued"),
        ("in_progress", "running"),
        ("in-progress", "running"),
        ("inProgress", "running"),
        ("IN PROGRESS", "running"),
        ("TaskStatus.RUNNING", "running"),
        ("running", "running"),
        ("waiting_for_input", "waiting"),
        ("waiting-for-input", "waiting"),
        ("in_review", "processing"),
        ("done", "completed"),
        ("success", "succeeded"),
        ("ok", "succeeded"),
        ("✔ passed", "succeeded"),
        ("timeout", "failed"),
        ("timed_out", "failed"),
        ("errored", "error"),
        ("paused", "interrupted"),
        ("killed", "cancelled"),
        ("aborted", "cancelled"),
        ("canceled", "cancelled"),
    ],
)
def test_other_spellings_are_mapped(tmp_path: Path, word: str, state: str) -> None:
    task = one(tmp_path, status=word)
    assert task.state == state
    assert task.spec.labels["imported.state"] == word


def test_every_state_of_ours_is_a_word() -> None:
    assert {STATES[state.value] for state in TaskState} == set(TaskState)
    assert all(plain(word) == word for word in STATES)


def test_an_unknown_word_is_told_and_kept(tmp_path: Path) -> None:
    content = json.dumps([{"name": "a", "id": n, "state": w} for n, w in enumerate("qqr")])
    tasks, report = read(tmp_path, "t.json", content)
    assert report.unknown == {"q": 2, "r": 1}
    assert {task.state for task in tasks} == {TaskState.INTERRUPTED}
    (first, *_) = committed(tasks)
    assert "'q'" in first.reason.message
    assert first.spec.labels["imported.state"] == "q"


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ({"done": True}, "completed"),
        ({"completed": "no"}, "pending"),
        ({"exit_code": 0}, "completed"),
        ({"exit_code": 2}, "failed"),
        ({}, "interrupted"),
    ],
)
def test_a_state_is_guessed_from_what_else_is_told(
    tmp_path: Path, values: dict[str, Any], state: str
) -> None:
    assert one(tmp_path, **values).state == state


# ── columns ───────────────────────────────────────────────────────────────────


def test_columns_are_known_by_their_usual_names(tmp_path: Path) -> None:
    task = one(
        tmp_path,
        title="ignored, since name is better",
        cmd="make && ls",
        description="why",
        taskStatus="done",
        queue="builders",
        priority="High",
        workingDirectory="sub",
        environment={"A": 1},
        createdAt="2026-01-02T03:04:05Z",
        start_time=1_767_322_000_000,
        finished_at="2026-01-02 05:00:00",
        max_retries="2",
        timeout=60,
        trace_id="c",
        tags=["x", "y"],
        metadata={"deep": {"er": [1]}},
        extra=None,
        empty="",
        owner={"name": "somebody"},
    )
    assert task.old_id == "1"
    assert task.spec.name == "n"
    assert task.spec.command == ("/bin/sh", "-c", "make && ls")
    assert task.spec.prompt is None
    assert task.spec.role == "builders"
    assert task.spec.priority == 10
    assert task.spec.cwd == "/somewhere/sub"
    assert task.spec.env == {"PATH": "/bin", "A": "1"}
    assert task.spec.retries == 2
    assert task.spec.patience == Patience(deadline=60)
    assert task.spec.correlation == "c"
    assert task.created_at == 1767323045.0
    assert task.started_at == 1767322000.0
    assert task.ended_at == 1767330000.0
    assert task.spec.labels == {
        "from": "there",
        "x": "",
        "y": "",
        "title": "ignored, since name is better",
        "description": "why",
        "metadata": '{"deep": {"er": [1]}}',
        "owner": '{"name": "somebody"}',
        "imported.id": "1",
        "imported.state": "done",
    }


def test_a_text_without_a_command_is_a_prompt(tmp_path: Path) -> None:
    task = one(tmp_path, status="todo", description="write it", agent="claude")
    assert (task.spec.prompt, task.spec.command) == ("write it", ())
    assert task.spec.provider == "claude"


def test_what_was_not_understood_is_kept_and_told(tmp_path: Path) -> None:
    content = json.dumps(
        [
            {
                "id": 1,
                "name": "n",
                "status": "done",
                "created_at": "yesterday",
                "started_at": 12,
                "priority": "very",
                "timeout": -1,
                "retries": 1.5,
                "exit_code": True,
                "env": "A=1",
                "after": {"a": 1},
                "max_retries": -2,
                "x" * 100: "y",
            }
        ]
    )
    (task,), report = read(tmp_path, "t.json", content)
    for column in ("created_at", "started_at", "priority", "timeout", "retries", "exit_code"):
        assert column in task.spec.labels
        assert report.columns[column] == "label"
        assert any(f"item 1: {column} " in note for note in report.notes)
    assert task.spec.labels["env"] == "A=1"
    assert task.spec.labels["x" * 100] == "y"
    assert report.columns["status"] == "state"


def test_text_that_only_looks_like_json_is_text(tmp_path: Path) -> None:
    task = one(
        tmp_path, cmd="[ -e x ] && y", done="perhaps", correlation_id=float("inf"), rc="1e400"
    )
    assert task.spec.command == ("/bin/sh", "-c", "[ -e x ] && y")
    assert task.spec.labels["done"] == "perhaps"
    assert task.spec.labels["rc"] == "1e400"


def test_two_columns_of_one_name_are_both_kept(tmp_path: Path) -> None:
    task = one(tmp_path, Name="other", status="done")
    assert (task.spec.name, task.spec.labels["Name"]) == ("n", "other")


def test_notes_are_bounded(tmp_path: Path) -> None:
    content = json.dumps([{"id": n, "name": "n", "priority": "?"} for n in range(150)])
    _, report = read(tmp_path, "t.json", content)
    assert len(report.notes) == 101
    assert report.notes[-1] == "and 50 more notes"


# ── links ─────────────────────────────────────────────────────────────────────


def test_links_lead_to_the_new_ids_and_a_missing_one_is_told(tmp_path: Path) -> None:
    rows = [
        {"id": "b", "name": "n", "status": "todo", "depends_on": ["a", "gone", "a"]},
        {"id": "a", "name": "n", "status": "done"},
        {"id": "a", "name": "n", "status": "done"},
        {"id": "c", "name": "n", "status": "todo", "depends_on": "a, b"},
    ]
    tasks, report = read(tmp_path, "t.json", json.dumps(rows))
    b, a, again, c = committed(tasks)
    assert b.spec.after == (a.id, a.id)
    assert c.spec.after == (a.id, b.id)
    assert again.id not in c.spec.after
    assert b.spec.labels["imported.after"] == "gone"
    assert [note.partition(":")[0] for note in report.notes] == ["item 3", "item 1"]


def test_a_circle_of_open_tasks_is_refused(tmp_path: Path) -> None:
    rows = [
        {"id": "a", "name": "n", "status": "todo", "after": "b"},
        {"id": "b", "name": "n", "status": "todo", "after": "a"},
    ]
    with pytest.raises(CyclicPlan, match=r"a → b → a|b → a → b"):
        read(tmp_path, "t.json", json.dumps(rows))
    rows[1]["status"] = "done"
    tasks, _ = read(tmp_path, "t.json", json.dumps(rows))
    assert len(tasks) == 2


# ── lives ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("state", list(TaskState))
@pytest.mark.parametrize("told", [{}, {"started_at": NOW - 5, "ended_at": NOW - 1}])
@pytest.mark.anyio
async def test_every_state_is_reached_by_legal_facts(
    tmp_path: Path, state: TaskState, told: dict[str, float]
) -> None:
    imported = one(tmp_path, status=state.value, created_at=NOW - 9, error="why", **told)
    found = changes((imported,), new_id=lambda at: ulid(at, bytes(10)), first_seq=1, now=NOW + 100)
    store = await SqliteStore.open(tmp_path / "inspan.db")
    for change in found:
        await store.commit(change)
    (task,) = (await store.list(TaskQuery())).tasks
    await store.close()
    assert verify(tmp_path / "inspan.db").problems == ()
    assert task.state is state
    assert task.created_at == NOW - 9
    if told and state not in (TaskState.PENDING, TaskState.QUEUED):
        assert task.started_at == NOW - 5
    if task.ended_at is not None:
        assert task.ended_at == told.get("ended_at", NOW - 9)
    if task.reason is not None:
        assert (task.reason.code, task.reason.message) == ("imported", "why")


@pytest.mark.parametrize(
    ("state", "code", "exit_"),
    [
        ("done", None, Exit(0)),
        ("failed", 3, Exit(3)),
        ("failed", -9, Exit(signal=9)),
        ("failed", None, Exit()),
        ("success", None, Exit(0)),
    ],
)
def test_how_it_ended_is_kept(tmp_path: Path, state: str, code: int | None, exit_: Exit) -> None:
    (task,) = committed((one(tmp_path, status=state, returncode=code),))
    assert task.exit == exit_


def test_times_that_run_backwards_are_straightened(tmp_path: Path) -> None:
    (task,) = committed(
        (one(tmp_path, status="done", created_at=NOW, started_at=NOW - 50, ended_at=NOW - 70),)
    )
    assert task.created_at <= task.started_at <= task.ended_at


@pytest.mark.anyio
async def test_the_changes_of_many_go_into_a_store(tmp_path: Path) -> None:
    words = sorted(STATES)
    tasks, report = read(
        tmp_path,
        "t.jsonl",
        "".join(
            json.dumps({"id": number, "cmd": ["true"], "state": word}) + "\n"
            for number, word in enumerate(words)
        ),
    )
    assert report.tasks == len(words)
    assert report.unknown == {}
    store = MemoryStore()
    ids = iter(range(1, 1000))
    for change in changes(
        tasks, new_id=lambda at: ulid(at, next(ids).to_bytes(10, "big")), first_seq=1, now=NOW
    ):
        await store.commit(change)
    counts = (await store.list(TaskQuery())).counts
    assert sum(counts.values()) == len(words)


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(
                [
                    "id",
                    "name",
                    "status",
                    "created",
                    "priority",
                    "tags",
                    "after",
                    "cmd",
                    "odd",
                    "env",
                ]
            ),
            st.none()
            | st.booleans()
            | st.integers()
            | st.floats(allow_nan=False)
            | st.text(max_size=5)
            | st.lists(st.text(max_size=3), max_size=2)
            | st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
        ),
        max_size=4,
    )
)
def test_nothing_is_dropped(records: list[dict[str, Any]]) -> None:
    """Whatever the values, each record is a task, and each value of it is somewhere in it."""
    import tempfile  # noqa: PLC0415  a folder for each example

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.json"
        path.write_text(json.dumps(records))
        try:
            tasks, _ = read_tasks(path, DEFAULTS)
        except CyclicPlan:
            return
    assert len(tasks) == len(records)
    for task, record in zip(committed(tasks), records, strict=True):
        for name in ("odd", "name", "id"):
            if record.get(name) not in (None, ""):
                where = {"odd": "odd", "id": "imported.id"}.get(name)
                kept = task.spec.name if where is None else task.spec.labels[where]
                assert kept == legacy_values.text(record[name])
