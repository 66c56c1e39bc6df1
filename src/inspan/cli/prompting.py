"""The prompt of an agent on a command line: a word, or our standard input; flags may follow it."""

from __future__ import annotations

import argparse
import sys
from typing import Final

from inspan.errors import BadInput

#: The most that is read from standard input, in bytes; the daemon takes no larger task.
_MOST: Final = 2 << 20


def take(args: argparse.Namespace) -> None:
    """Move the prompt to ``args.prompt`` and leave the agent's own arguments in ``args.command``.

    Raises BadInput.
    """
    spoken: list[str] = args.spoken
    own = args.command[len(spoken) :]
    if spoken:
        if args.prompt is not None:
            raise BadInput(
                f"there are two prompts: --prompt and {spoken[0]!r}",
                hint="The agent's own arguments go after `--`.",
            )
        args.prompt = spoken[0]
        _flags(args, spoken[1:])
    args.command = own
    if args.prompt == "-":
        args.prompt = _read()


def _flags(args: argparse.Namespace, words: list[str]) -> None:
    """Flags of ours that stand behind the prompt."""
    if not words:
        return
    from inspan.cli.main import parser_of

    parser, _ = parser_of(args.verb)
    args.command = []
    parser.parse_args(words, namespace=args)
    if args.command:
        raise BadInput(
            f"{args.command[0]!r} after the prompt means nothing",
            hint="Put the whole prompt in quotes; the agent's own arguments go after `--`.",
        )


def _read() -> str:
    data = sys.stdin.buffer.read(_MOST + 1)
    if len(data) > _MOST:
        raise BadInput(f"the prompt is larger than {_MOST} bytes")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise BadInput("the prompt on our standard input is no UTF-8") from error
