"""The program of the agent ``api``: ``python -m inspan.cli.api``, which asks a model one question.

No verb for people: it speaks lines of JSON. Which model it asks, and by which key, its environment
tells; the key is never an argument.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence

import anyio

from inspan.agents.json_lines import LINE_MOST, parsed, words_of
from inspan.clock import SystemClock
from inspan.errors import BadInput, InspanError
from inspan.model.agent import Ending, Outcome
from inspan.providers.completion import KINDS, Model, asked
from inspan.providers.web import HttpWeb
from inspan.swarm.voice import Voice

_KEYS = {"anthropic": "ANTHROPIC_API_KEY", "openai": "OPENAI_API_KEY"}


def main() -> int:
    """Ask what comes in by standard input; 0 where something was said, good or not."""
    anyio.run(_ask)
    return 0


async def _ask() -> None:
    voice = Voice()
    line = await anyio.to_thread.run_sync(sys.stdin.buffer.readline, LINE_MOST)
    try:
        model = model_of(sys.argv[1:], os.environ)
        voice.began(model.name)
        prompt = words_of(parsed(line), "prompt")
        answer = await asked(model, prompt, HttpWeb(), SystemClock(), voice.warn)
    except InspanError as error:
        voice.ended(Outcome(Ending.FAILED, error.message, error.hint))
        return
    if answer.text:
        voice.say(answer.text)
    voice.used(answer.usage)
    voice.ended(answer.outcome)


def model_of(arguments: Sequence[str], env: Mapping[str, str]) -> Model:
    """Which model is meant. Raises BadInput."""
    parser = argparse.ArgumentParser(prog="api", allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--model", default=env.get("INSPAN_API_MODEL", ""))
    try:
        name = parser.parse_args(arguments).model
    except (argparse.ArgumentError, SystemExit) as error:
        raise BadInput("api takes --model NAME and nothing else") from error
    kind = env.get("INSPAN_API_KIND") or next((one for one in _KEYS if env.get(_KEYS[one])), "")
    if kind not in KINDS:
        raise BadInput(
            "there is no key for a model",
            hint="Set ANTHROPIC_API_KEY or OPENAI_API_KEY, or INSPAN_API_KIND to one of"
            f" {', '.join(KINDS)}.",
        )
    if not name:
        raise BadInput(
            "no model is named", hint="Set INSPAN_API_MODEL, or write `-- --model NAME`."
        )
    key = env.get(_KEYS[kind], "").strip()
    if not (key.isascii() and key.isprintable()):
        # What refuses a header would quote it.
        raise BadInput(f"{_KEYS[kind]} holds what is no key")
    read, written = _prices(env.get("INSPAN_API_PRICE", ""))
    return Model(
        kind=kind,
        name=name,
        key=key,
        url=env.get("INSPAN_API_URL", ""),
        read_price=read,
        written_price=written,
    )


def _prices(text: str) -> tuple[float | None, float | None]:
    if not text:
        return None, None
    read, slash, written = text.partition("/")
    try:
        return float(read), float(written if slash else read)
    except ValueError:
        raise BadInput(
            f"INSPAN_API_PRICE is {text!r}", hint="Write dollars per million tokens, as in 3/15."
        ) from None


if __name__ == "__main__":
    sys.exit(main())
