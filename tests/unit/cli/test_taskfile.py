import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspan.cli import taskfile
from inspan.errors import BadInput, CyclicPlan
from inspan.model.agent import Mode
from inspan.model.budget import Budget, OverBudget
from inspan.model.task import OnCrash, OnLimit, TaskSpec, TerminalSpec, WorkspaceKind
from inspan.settings import Settings

pytestmark = pytest.mark.requirement("A11")

_PIPES = TerminalSpec(pty=False)
_ENV = {"PATH": "/bin", "HOME": "/", "SECRET_TOKEN": "x"}


def _parse(text: str, folder: Path) -> tuple[TaskSpec, ...]:
    return taskfile.parse(text, str(folder / "tasks.yaml"), Settings(), _ENV, _PIPES)


def test_a_list_of_commands(tmp_path: Path) -> None:
    specs = _parse("- echo one\n- run: [echo, 'two words']\n- echo a | wc -c\n", tmp_path)
    assert [spec.command for spec in specs] == [
        ("/bin/sh", "-c", "echo one"),
        ("echo", "two words"),
        ("/bin/sh", "-c", "echo a | wc -c"),
    ]
    assert all(spec.cwd == str(tmp_path) for spec in specs)
    assert specs[0].env["PATH"] == "/bin"
    assert specs[0].withheld == ("SECRET_TOKEN",)


def test_a_graph_with_everything(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    specs = _parse(
        """\
defaults: {retries: 1, role: builder}
tasks:
  fetch: git fetch
  build:
    run: make -j2
    after: fetch
    cwd: sub
    env: {CC: clang, SECRET_TOKEN: mine}
    timeout: 8h
    idle: none
    checks: [make check]
    workspace: worktree
    base: main
    on_crash: retry
    on_limit: wait
    budget: [$2, 9k]
    over_budget: stop
    review: true
    priority: 3
    labels: {team: a}
  talk: {prompt: "say hello", provider: scripted, after: [fetch, build], retries: 0}
""",
        tmp_path,
    )
    fetch, build, talk = specs
    assert [spec.name for spec in specs] == ["fetch", "build", "talk"]
    assert (fetch.retries, fetch.role) == (1, "builder")
    assert build.after == ("@0",)
    assert build.cwd == build.env["PWD"] == str(tmp_path / "sub")
    assert build.env["SECRET_TOKEN"] == "mine"
    assert build.withheld == ()
    assert build.patience is not None
    assert (build.patience.deadline, build.patience.idle, build.patience.lifted) == (
        28800,
        None,
        True,
    )
    assert build.checks == ("make check",)
    assert build.workspace is WorkspaceKind.WORKTREE
    assert build.on_crash is OnCrash.RETRY
    assert build.on_limit is OnLimit.WAIT
    assert build.budget == Budget(cost=2, tokens=9000, over=OverBudget.STOP)
    assert build.review
    assert (build.priority, build.labels, build.base) == (3, {"team": "a"}, "main")
    assert talk.after == ("@0", "@1")
    assert (talk.prompt, talk.provider, talk.command, talk.retries) == (
        "say hello",
        "scripted",
        (),
        0,
    )


def test_json_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "tasks.json"
    path.write_text(json.dumps([{"name": "a", "run": "true"}, {"run": "false", "after": ["a"]}]))
    specs = taskfile.load(path, Settings(), _ENV, _PIPES)
    assert specs[1].after == ("@0",)


def test_json_may_escape_a_character_as_two_halves(tmp_path: Path) -> None:
    name = "rocket \U0001f680"
    path = tmp_path / "t.json"
    path.write_text(json.dumps([{"name": name, "run": "true", "labels": {name: name}}]))
    (spec,) = taskfile.load(path, Settings(), _ENV, _PIPES)
    assert (spec.name, spec.labels) == (name, {name: name})
    path.write_text('[{"name": "x",\n "run": "\\ud83d"}]')
    with pytest.raises(BadInput, match=r"t\.json:2: half a character"):
        taskfile.load(path, Settings(), _ENV, _PIPES)


def test_a_nameless_task_can_be_waited_for_by_its_place(tmp_path: Path) -> None:
    assert _parse("- 'true'\n- {run: 'true', after: 0}\n".replace("0}", "['0']}"), tmp_path)[
        1
    ].after == ("@0",)


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("", 0, "no list of tasks"),
        ("just words", 1, "no list of tasks"),
        ("[]", 1, "empty"),
        ("tasks: {}\n", 1, "empty"),
        ("task:\n  - a\n", 1, "'task' is not known"),
        ("- run: a\n  retires: 2\n", 2, "'retires' is not known"),
        ("defaults: {colour: red}\ntasks: [a]\n", 1, "'colour' is not known"),
        ("- a\n- 3\n", 2, "command or a mapping"),
        ("- name: a\n", 1, "no `run`"),
        ("- run: a\n- agent: nosuch\n  prompt: b\n", 2, "no agent is called 'nosuch'"),
        ("- run: a\n- prompt: b\n  provider: nosuch\n", 3, "no agent is called 'nosuch'"),
        ("- run: ''\n", 1, "not a command"),
        ("- run: a\n  after: b\n", 2, "'b', which is not in this file"),
        ("- {name: a, run: x}\n- {name: a, run: y}\n", 2, "two tasks are called 'a'"),
        ("- run: a\n  timeout: soon\n", 2, "not a duration"),
        ("- run: a\n  retries: -1\n", 2, "negative"),
        ("- run: a\n  retries: some\n", 2, "whole number"),
        ("- run: a\n  priority: true\n", 2, "whole number"),
        (f"- run: a\n  priority: {1 << 63}\n", 2, "too far from 0"),
        ("- run: a\n  cwd: nowhere\n", 2, "does not exist"),
        ("- run: a\n  review: perhaps\n", 2, "true nor false"),
        ("- run: a\n  workspace: moon\n", 2, "here, folder, worktree"),
        ("- run: a\n  on_crash: cry\n", 2, "resume, retry, ask"),
        ("- prompt: a\n  on_limit: cry\n", 2, "wait, fail"),
        ("- prompt: a\n  budget: cry\n", 2, "no budget"),
        ("- run: a\n  env: [x]\n", 2, "mapping"),
        ("- run: a\n  checks: {a: b}\n", 2, "list of texts"),
        ("- run: a\n  name: [x]\n", 2, "not a text"),
        ("- run: a\n  after: {x: y}\n", 2, "list of names"),
        ("- run: a\n  run: b\n", 2, "twice"),
        ("- run: [a\n", 2, ""),
        ("\t- a", 1, "token"),
    ],
)
def test_a_mistake_is_told_with_its_line(text: str, line: int, word: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as refused:
        _parse(text, tmp_path)
    assert word in refused.value.message
    if line:
        assert f"tasks.yaml:{line}:" in refused.value.message


@pytest.mark.parametrize(
    ("key", "meant"),
    [("command", "run"), ("depends_on", "after"), ("retires", "retries"), ("comand", "run")],
)
def test_a_key_that_has_another_name_here_is_told_by_it(
    key: str, meant: str, tmp_path: Path
) -> None:
    with pytest.raises(BadInput) as refused:
        _parse(f"- {key}: a\n", tmp_path)
    assert refused.value.hint is not None
    assert refused.value.hint.startswith(f"Did you mean `{meant}`? Known: ")


def test_a_circle_is_named_with_its_line(tmp_path: Path) -> None:
    text = "a: {run: x, after: c}\nb: {run: x, after: a}\nc: {run: x, after: b}\n"
    with pytest.raises(CyclicPlan) as refused:
        _parse("tasks:\n" + "".join(f"  {line}\n" for line in text.splitlines()), tmp_path)
    assert "a → c → b → a" in refused.value.message
    assert "tasks.yaml:2" in refused.value.message
    assert refused.value.code == "cyclic-plan"


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        taskfile.load(tmp_path, Settings(), _ENV, _PIPES)
    (tmp_path / "a.yaml").write_bytes(b"\xff")
    with pytest.raises(BadInput) as refused:
        taskfile.load(tmp_path / "a.yaml", Settings(), _ENV, _PIPES)
    assert "UTF-8" in refused.value.message


_NAMES = st.sampled_from(["a", "b", "c", "d"])


@given(st.dictionaries(_NAMES, st.lists(_NAMES, max_size=3), min_size=1))
def test_what_waits_refers_to_what_is_there_and_never_in_a_circle(
    links: dict[str, list[str]],
) -> None:
    tasks = {name: {"run": "true", "after": after} for name, after in links.items()}
    text = json.dumps({"tasks": tasks})
    try:
        specs = taskfile.parse(text, "/tasks.json", Settings(), {}, _PIPES)
    except BadInput:
        return
    names = [spec.name for spec in specs]
    for spec in specs:
        assert [names[int(ref[1:])] for ref in spec.after] == links[spec.name]


@given(st.text(max_size=80))
def test_any_text_is_tasks_or_is_refused(text: str) -> None:
    try:
        specs = taskfile.parse(text, f"{os.sep}t.yaml", Settings(), {}, _PIPES)
    except BadInput:
        return
    assert specs


def test_a_task_of_an_agent_gets_its_variables_its_keys_and_pipes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INSPAN_HOME", str(tmp_path / "home"))
    env = {"ANTHROPIC_BASE_URL": "http://127.0.0.1:1", "ANTHROPIC_API_KEY": "key-0123456789"}
    path = tmp_path / "tasks.yaml"
    path.write_text("- {agent: claude, prompt: fix it, mode: stream, mcp: true}\n")
    (spec,) = taskfile.load(path, Settings(), env, TerminalSpec())
    assert (spec.provider, spec.mode, spec.prompt) == ("claude", Mode.STREAM, "fix it")
    assert spec.delegates
    assert spec.env["ANTHROPIC_BASE_URL"] == env["ANTHROPIC_BASE_URL"]
    assert "ANTHROPIC_API_KEY" not in spec.env
    assert spec.secrets["ANTHROPIC_API_KEY"].startswith("held:")
    assert "ANTHROPIC_API_KEY" not in spec.withheld
    assert spec.terminal == TerminalSpec(pty=False, record_input=True)


def test_a_program_hands_in_no_tasks_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"tasks.yaml:2: only an agent"):
        _parse("- run: echo\n  mcp: true\n", tmp_path)
    (spec,) = _parse("- {run: echo, mcp: false}\n", tmp_path)
    assert not spec.delegates


@pytest.mark.parametrize(
    ("line", "wrong"),
    [("mode: telepathy", "mode"), ("secrets: {KEY: sk-012}", "reference")],
)
def test_what_an_agent_cannot_be_told_is_refused_with_its_line(
    tmp_path: Path, line: str, wrong: str
) -> None:
    path = tmp_path / "tasks.yaml"
    path.write_text(f"- agent: claude\n  prompt: fix it\n  {line}\n")
    with pytest.raises(BadInput, match=rf"tasks.yaml:3.*{wrong}"):
        taskfile.load(path, Settings(), {}, TerminalSpec())
