from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from inspan.errors import BadInput
from inspan.model.task import TaskSpec, TaskState
from inspan.store import legacy_files
from inspan.store.legacy import Imported, read_tasks

pytestmark = pytest.mark.requirement("C1")

DEFAULTS = TaskSpec(cwd="/somewhere")


def read(tmp_path: Path, name: str, content: str | bytes) -> tuple[tuple[Imported, ...], Any]:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_tasks(path, DEFAULTS)


ROWS = [
    {"id": "1", "title": "one, two", "status": "done"},
    {"id": "2", "title": "x\ny", "status": "?"},
]


def as_csv(delimiter: str) -> str:
    lines = [["id", "title", "status"], *(list(row.values()) for row in ROWS)]
    return "".join(
        delimiter.join('"' + field.replace('"', '""') + '"' for field in line) + "\r\n"
        for line in lines
    )


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("t.json", json.dumps(ROWS), "JSON"),
        ("t.json", json.dumps({"version": 1, "Tasks": ROWS}), "JSON"),
        ("t.json", json.dumps({row["id"]: row for row in ROWS}), "JSON"),
        ("t", json.dumps(ROWS, indent=2), "JSON"),
        ("t", json.dumps({"tasks": ROWS}), "JSON"),
        ("t", json.dumps({"tasks": ROWS}, indent=2), "JSON"),
        ("t", "\n".join(map(json.dumps, ROWS)), "JSON lines"),
        ("t.ndjson", "\n\n".join(map(json.dumps, ROWS)) + "\n\n", "JSON lines"),
        ("t.csv", "\ufeff" + as_csv(","), "CSV"),
        ("t.tsv", as_csv("\t"), "CSV"),
        ("t", as_csv(";"), "CSV"),
    ],
)
def test_each_format_is_read_alike(tmp_path: Path, name: str, content: str, kind: str) -> None:
    tasks, report = read(tmp_path, name, content)
    assert report.format == kind
    assert [(task.old_id, task.spec.name, task.state) for task in tasks] == [
        ("1", "one, two", TaskState.COMPLETED),
        ("2", "x\ny", TaskState.INTERRUPTED),
    ]


def test_one_object_is_one_task(tmp_path: Path) -> None:
    (task,), _ = read(tmp_path, "t.json", json.dumps(ROWS[0]))
    assert task.spec.name == "one, two"


def test_tables_that_look_like_tasks_are_read_and_others_told(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute('CREATE TABLE "my ""jobs""" (id, cmd, status, blob)')
        connection.execute(
            'INSERT INTO "my ""jobs""" VALUES (1, \'["a", "b c"]\', \'success\', x\'00ff\')'
        )
        connection.execute("CREATE TABLE users (email)")
    before = path.read_bytes()
    (task,), report = read_tasks(path, DEFAULTS)
    assert task.where == 'my "jobs" row 1'
    assert task.spec.command == ("a", "b c")
    assert task.spec.labels["blob"] == "00ff"
    assert (report.format, report.left_out) == ("SQLite", ("users",))
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["old.sqlite"]


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("t.json", '[\n{"id": 1},\n{"id" 2}]', "line 3: Expecting ':' delimiter"),
        ("t.json", "[1]", "item 1: this is not an object"),
        ("t.json", "3", "no list of tasks"),
        ("t.json", "{}", "no list of tasks"),
        ("t.json", '{"x": 1}', "no list of tasks"),
        ("t.json", "", "line 1: Expecting value"),
        ("t.json", "[" * 100_000, "line 1: "),
        ("t.jsonl", '{"id": 1}\n' + "9" * 5000, "line 2: this is too large"),
        ("t.jsonl", '{"id": 1}\n\n{', "line 3: Expecting property name"),
        ("t.jsonl", '{"id": 1}\n[]', "line 2: this is not an object"),
        ("t.csv", "", "line 1: these are not the names"),
        ("t.csv", "a,b\n1,2\n", "line 1: these are not the names"),
        ("t.csv", 'id,name\n1,"a\nb"\n2,b,c\n', "line 4: 3 fields under 2 names"),
        ("t.csv", 'id,name\n1,"a" b\n', "line 2: ',' expected"),
        ("t.csv", 'id,name\n1,"a\n', "line 2: unexpected end"),
        ("t.csv", b"id,name\n1,a\n2,\xff\n", "line 3: this is not UTF-8"),
        ("t.sqlite", b"SQLite format 3\0" + b"\xff" * 500, "cannot be read"),
    ],
)
def test_a_bad_file_is_told_with_its_line(
    tmp_path: Path, name: str, content: str | bytes, word: str
) -> None:
    with pytest.raises(BadInput, match=word):
        read(tmp_path, name, content)


def test_a_database_that_is_in_use_is_read_as_it_is_now(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE tasks (id, name, status)")
        connection.execute("INSERT INTO tasks VALUES (1, 'n', 'done')")
        tasks, _ = read_tasks(path, DEFAULTS)
        assert len(tasks) == 1
    tasks, _ = read_tasks(path, DEFAULTS)
    assert len(tasks) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["old.db"]


def test_a_database_without_tasks_is_told(tmp_path: Path) -> None:
    path = tmp_path / "t.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE users (email)")
    with pytest.raises(BadInput, match="no table of tasks"):
        read_tasks(path, DEFAULTS)


def test_a_file_that_is_not_there_or_too_large_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadInput, match="cannot be read: No such file"):
        read_tasks(tmp_path / "missing", DEFAULTS)
    monkeypatch.setattr(legacy_files, "_LARGEST", 1000)
    with pytest.raises(BadInput, match="larger than"):
        read(tmp_path, "t.json", " " * 2000)


def test_empty_lines_and_short_rows_of_csv_are_taken_as_they_are(tmp_path: Path) -> None:
    tasks, _ = read(tmp_path, "t.csv", "id,name,status\n\n1,a\n")
    assert [(task.where, task.spec.name, task.state) for task in tasks] == [
        ("line 3", "a", TaskState.INTERRUPTED)
    ]
