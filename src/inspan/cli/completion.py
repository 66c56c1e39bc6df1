"""``inspan completion``: the script that completes commands in bash, zsh or fish."""

from __future__ import annotations

import argparse

from inspan.cli import exits
from inspan.cli.say import out

HELP = """\
Print a completion script:
  bash:  eval "$(inspan completion bash)"       in ~/.bashrc
  zsh:   eval "$(inspan completion zsh)"        in ~/.zshrc, after compinit
  fish:  inspan completion fish > ~/.config/fish/completions/inspan.fish"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=("bash", "zsh", "fish"))


def run(args: argparse.Namespace) -> int:
    from inspan.cli import shells

    out(shells.script(args.shell))
    return exits.DONE
