import argparse
import os
import shlex
from datetime import datetime
from pathlib import Path

import pytest

from inspan.cli import asking
from inspan.cli.main import parser_of
from inspan.errors import BadInput, FolderMissing
from inspan.model.budget import Budget, OverBudget
from inspan.model.task import OnCrash, OnLimit, TaskSpec, TerminalSpec, WorkspaceKind
from inspan.settings import EnvRule, Settings
from inspan.settings.values import Agents

pytestmark = pytest.mark.requirement("A11")


def _args(*words: str) -> argparse.Namespace:
    parser, _ = parser_of("run")
    return parser.parse_args(list(words))


def _spec(*words: str, foreground: bool = True) -> TaskSpec:
    return asking.spec_of(
        _args(*words, "true"), Settings(), {"PATH": "/bin"}, TerminalSpec(), foreground=foreground
    )


def test_every_flag_reaches_the_spec() -> None:
    words = shlex.split(
        "--name n --role r --after a,b --after c --timeout 8h --idle 5m --retries 2 --check x"
        " --check y --setup s --setup t --env A=1 --priority 4 --provider scripted --prompt p"
        " --review --on-crash retry --worktree --base main --label k=v --cwd /"
    )
    spec = _spec(*words)
    assert (spec.name, spec.role, spec.after) == ("n", "r", ("a", "b", "c"))
    assert spec.patience is not None
    assert (spec.patience.deadline, spec.patience.idle, spec.patience.lifted) == (28800, 300, True)
    assert (spec.retries, spec.checks, spec.priority) == (2, ("x", "y"), 4)
    assert spec.setup == ("s", "t")
    assert spec.env == {"PATH": "/bin", "A": "1", "PWD": "/"}
    assert (spec.provider, spec.prompt, spec.review) == ("scripted", "p", True)
    assert spec.on_crash is OnCrash.RETRY
    assert (spec.workspace, spec.base) == (WorkspaceKind.WORKTREE, "main")
    assert (spec.labels, spec.cwd, spec.command) == ({"k": "v"}, "/", ("true",))


def test_a_usage_limit_is_an_agents() -> None:
    args = _args("--agent", "claude", "--prompt", "p", "--on-limit", "wait")
    args.verb, args.spoken = "run", []
    spec = asking.spec_of(args, Settings(), {}, TerminalSpec(), foreground=True)
    assert spec.on_limit is OnLimit.WAIT
    assert _spec().on_limit is None
    with pytest.raises(BadInput, match="usage limit"):
        _spec("--on-limit", "wait")


def test_a_budget_is_asked_for_or_is_an_agents_of_the_settings() -> None:
    stop = OverBudget.STOP
    words = ("--budget", "$2", "--budget", "9k", "--over-budget", "stop")
    args = _args("--agent", "claude", "--prompt", "p", *words)
    args.verb, args.spoken = "run", []
    spec = asking.spec_of(args, Settings(), {}, TerminalSpec(), foreground=True)
    assert spec.budget == Budget(cost=2, tokens=9000, over=stop)
    usual = Settings(agents=Agents(budget=Budget(cost=1), over_budget=stop))
    assert asking.budget(usual, [], None, agent=True) == Budget(cost=1)
    assert asking.budget(usual, [], "stop", agent=True) == Budget(cost=1, over=stop)
    assert asking.budget(usual, ["9k"], None, agent=True) == Budget(tokens=9000, over=stop)
    assert asking.budget(usual, ["none"], None, agent=True) == Budget()
    assert asking.budget(usual, [], None, agent=False) is None


def test_in_the_foreground_there_is_no_deadline_unless_asked() -> None:
    patience = _spec().patience
    assert patience is not None
    assert patience.deadline is None
    assert patience.lifted
    assert _spec(foreground=False).patience is None
    asked = _spec("--timeout", "90").patience
    assert asked is not None
    assert asked.deadline == 90
    idle = _spec("--idle", "60", foreground=False).patience
    assert idle is not None
    assert (idle.deadline, idle.idle, idle.lifted) == (300, 60, False)


def test_flags_of_the_command_are_its_own() -> None:
    parser, _ = parser_of("run")
    args = parser.parse_args(["--name", "x", "ls", "--name", "y", "-l"])
    assert args.command == ["ls", "--name", "y", "-l"]
    assert args.name == "x"


def test_a_variable_that_is_named_goes_along_and_is_not_withheld() -> None:
    env = {"PATH": "/bin", "API_TOKEN": "s", "OTHER": "o"}
    given, withheld = asking.environment(env, EnvRule(), ["API_TOKEN", "NEW=v=w", "EMPTY="])
    assert given == {"PATH": "/bin", "API_TOKEN": "s", "NEW": "v=w", "EMPTY": ""}
    assert withheld == ("OTHER",)


def test_everything_can_go_along() -> None:
    given, withheld = asking.environment({"OTHER": "o"}, EnvRule(), [], everything=True)
    assert (given, withheld) == ({"OTHER": "o"}, ())


def test_a_value_that_is_no_utf_8_stays_behind_and_is_told() -> None:
    odd = os.fsdecode(b"\xff")
    given, withheld = asking.environment({"PATH": odd, f"N{odd}": "x"}, EnvRule(), [])
    assert given == {}
    assert withheld == ("N\\udcff", "PATH")


@pytest.mark.parametrize("item", ["", "=v", "A\0=b"])
def test_what_is_no_variable_is_refused(item: str) -> None:
    with pytest.raises(BadInput):
        asking.environment({}, EnvRule(), [item])


def test_a_folder_must_exist(tmp_path: Path) -> None:
    assert asking.folder(str(tmp_path)) == str(tmp_path)
    with pytest.raises(FolderMissing) as refused:
        asking.folder(str(tmp_path / "x"))
    assert refused.value.code == "folder-missing"
    (tmp_path / "file").touch()
    with pytest.raises(FolderMissing, match="file is not a folder"):
        asking.folder(str(tmp_path / "file"))


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--base", "main"], "without a worktree"),
        (["--priority", str(1 << 63)], "too far from 0"),
    ],
)
def test_what_would_be_passed_over_is_refused(words: list[str], why: str) -> None:
    with pytest.raises(BadInput, match=why):
        _spec(*words)


def test_the_start_may_be_told_in_three_ways() -> None:
    now = datetime(2030, 1, 31, 12, 0).astimezone().timestamp()
    assert asking.start(None, None, now) is None
    assert asking.start("5m", None, now) == now + 300
    assert asking.start("0", None, now) is None
    assert asking.start(None, "18:30", now) == now + 6.5 * 3600
    assert asking.start(None, "11:00", now) == now + 23 * 3600
    assert asking.start(None, "2030-01-31T12:01", now) == now + 60
    assert asking.start(None, "1970-01-01T00:00:10+00:00", now) == 10
    for wrong in ("25:00", "soon", "2030-13-01"):
        with pytest.raises(BadInput):
            asking.start(None, wrong, now)
