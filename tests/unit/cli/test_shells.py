import shutil
import subprocess

import pytest

from inspan.cli import shells
from inspan.cli.main import VERBS

_VERBS = [verb for group in VERBS.values() for verb in group]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_names_every_verb_and_is_accepted_by_its_shell(shell: str) -> None:
    script = shells.script(shell)
    for verb in _VERBS:
        assert verb in script
    assert "--worktree" in script or "-l worktree" in script
    if shutil.which(shell):
        checked = subprocess.run(
            [shell, "-n"], input=script, text=True, capture_output=True, check=False, timeout=30
        )
        assert checked.stderr == ""
        assert checked.returncode == 0


@pytest.mark.parametrize(
    ("words", "among"),
    [
        (["inspan", ""], {"run", "ls", "send-back"}),
        (["inspan", "st"], {"status"}),
        (["inspan", "run", "--wor"], {"--worktree"}),
        (["inspan", "run", "--on-crash", ""], {"resume", "retry", "ask"}),
        (["inspan", "db", "up"], {"upgrade"}),
        (["inspan", "--home", "/", "wai"], {"wait"}),
        (["inspan", "show", ""], {"last", "abcdef"}),
        (["inspan", "run", "--after", "ab"], {"abcdef"}),
        (["inspan", "show", "--ev"], {"--events"}),
        (["inspan", "plan", ""], {"show", "edit", "approve"}),
        (["inspan", "plan", "edit", ""], {"last", "abcdef"}),
        (["inspan", "plan", "edit", "--file", "/et"], {"/etc"}),
        (["inspan", "py", ""], {"ls", "log", "restore"}),
        (["inspan", "py", "--me"], {"--memory"}),
        (["inspan", "py", "--read", "/et"], {"/etc"}),
        (["inspan", "kernel", "--prefix", "/et"], {"/etc"}),
        (["inspan", "py", "close", ""], {"last", "abcdef"}),
        (["inspan", "py", "--session", "ab"], {"abcdef"}),
    ],
)
def test_bash_completes(words: list[str], among: set[str]) -> None:
    asked = " ".join(f"'{word}'" for word in words)
    state = f"COMP_WORDS=({asked}); COMP_CWORD={len(words) - 1}"
    ids = "inspan() { printf 'last\\nabcdef\\n'; }"
    code = f"{ids}; {state}; _inspan; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    told = subprocess.run(
        ["bash", "-c", f"{shells.script('bash')}\n{code}"],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert among <= set(told.stdout.split())
    assert told.stderr == ""
