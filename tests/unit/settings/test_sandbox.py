"""What a settings file and a task file say of sandboxes, and that the second widens nothing."""

from __future__ import annotations

import pytest

from inspan.cli import taskfile
from inspan.errors import BadInput, SettingsInvalid
from inspan.model.sandbox import Network, Sandboxed, SandboxRules, TaskSandbox
from inspan.model.task import TaskSpec, TerminalSpec
from inspan.settings import Settings
from inspan.settings.values import load

pytestmark = pytest.mark.requirement("C9")

PIPES = TerminalSpec(pty=False)
PLAIN = SandboxRules()


def _task(text: str, rules: SandboxRules = PLAIN) -> TaskSpec:
    (spec,) = taskfile.parse(text, "/tasks.yaml", Settings(sandbox=rules), {}, PIPES)
    return spec


def test_the_settings_say_what_all_may_do(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("settings") / "config.yaml"
    path.write_text(
        "sandbox:\n  tasks: agents\n  network: none\n  read: ~/sdk\n"
        "  write: [~/.npm, /srv]\n  hide: [~/notes]\n"
    )
    assert load(path).sandbox == SandboxRules(
        tasks=Sandboxed.AGENTS,
        network=Network.NONE,
        read=("~/sdk",),
        write=("~/.npm", "/srv"),
        hide=("~/notes",),
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sandbox: true", "not a mapping"),
        ("sandbox: {writes: [/]}", "'writes' is not known"),
        ("sandbox: {network: lan}", "none of: host, none"),
        ("sandbox: {write: [etc]}", "not a whole path"),
        ("sandbox: {write: {a: b}}", "not a list of paths"),
        ("sandbox: {tasks: some}", "none of: none, agents, all"),
    ],
)
def test_a_mistake_in_the_settings_is_told_with_its_line(
    text: str, words: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("settings") / "config.yaml"
    path.write_text(text)
    with pytest.raises(SettingsInvalid, match=words):
        load(path)


def test_the_settings_put_agents_or_all_into_one() -> None:
    agents, everything = SandboxRules(tasks=Sandboxed.AGENTS), SandboxRules(tasks=Sandboxed.ALL)
    plain, claude = "- {run: ls}", "- {agent: claude, prompt: p}"
    assert _task(plain).sandbox is None
    assert _task(plain, agents).sandbox is None
    assert _task(claude, agents).sandbox == TaskSandbox()
    assert _task(plain, everything).sandbox == TaskSandbox()


def test_a_task_file_asks_for_one_and_makes_it_narrower() -> None:
    assert _task("- {run: ls, sandbox: true}").sandbox == TaskSandbox()
    narrow = _task("- {run: ls, sandbox: {network: none, read_only: true, hide: /a}}").sandbox
    assert narrow == TaskSandbox(network=Network.NONE, read_only=True, hide=("/a",))
    assert narrow.told(Network.NONE) == "no network; its workspace read-only; hidden: /a"


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ("false", "does not take it out"),
        ("{network: host}", "no network"),
        ("{write: [/]}", "'write' is not known"),
        ("{read: [~/.ssh]}", "'read' is not known"),
        ("{tasks: none}", "'tasks' is not known"),
        ("{read_only: maybe}", "neither true nor false"),
        ("yes please", "not a mapping"),
    ],
)
def test_a_task_file_never_makes_one_wider(wish: str, words: str) -> None:
    rules = SandboxRules(tasks=Sandboxed.ALL, network=Network.NONE)
    with pytest.raises(BadInput, match=words):
        _task(f"- {{run: ls, sandbox: {wish}}}", rules)


@pytest.mark.parametrize(
    ("agent", "name"),
    [("claude", "CLAUDE_CONFIG_DIR"), ("codex", "CODEX_HOME"), ("opencode", "XDG_DATA_HOME")],
)
def test_a_task_file_moves_no_folder_that_an_agent_may_write(agent: str, name: str) -> None:
    rules = SandboxRules(tasks=Sandboxed.AGENTS)
    for variable in (name, "HOME"):
        text = f"- {{agent: {agent}, prompt: p, env: {{{variable}: /}}}}"
        assert _task(text).env[variable] == "/"
        with pytest.raises(BadInput, match=f"{variable} says what a sandbox lets it write"):
            _task(text, rules)


def test_of_two_networks_the_narrower_counts_however_the_task_was_made() -> None:
    rules = SandboxRules(network=Network.NONE)
    assert rules.reach(TaskSandbox(network=Network.HOST)) is Network.NONE
    assert SandboxRules().reach(TaskSandbox(network=Network.NONE)) is Network.NONE
    assert SandboxRules().reach(TaskSandbox()) is Network.HOST
    # A task that names none says what is true of it.
    assert _task("- {run: ls, sandbox: {hide: /a}}", rules).sandbox == TaskSandbox(
        network=Network.NONE, hide=("/a",)
    )
