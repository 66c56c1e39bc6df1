"""What Codex says in the items of its turns, and in its errors: words for a person, and endings."""

from __future__ import annotations

import shlex
from typing import Any, Final

from inspan.agents.endings import by_status, by_words
from inspan.agents.json_lines import items, number, object_of, text_of, words_of
from inspan.agents.titles import title
from inspan.model.agent import Ending, Outcome

HINT_LOGIN: Final = "Run `codex login`, or set the key that its config.toml names."

#: The kinds of error that it names.
_ERRORS: Final = {
    "unauthorized": Ending.LOGIN,
    "usageLimitExceeded": Ending.QUOTA,
    "rateLimitExceeded": Ending.QUOTA,
    "sessionBudgetExceeded": Ending.QUOTA,
    "serverOverloaded": Ending.OVERLOADED,
    "internalServerError": Ending.OVERLOADED,
    "flexUnavailable": Ending.OVERLOADED,
    "policyCapacityUnavailable": Ending.OVERLOADED,
    "httpConnectionFailed": Ending.OVERLOADED,
    "responseStreamConnectionFailed": Ending.OVERLOADED,
    "responseTooManyFailedAttempts": Ending.OVERLOADED,
    "responseStreamDisconnected": Ending.OVERLOADED,
    "cyberPolicy": Ending.REFUSED,
    "misalignmentPolicyViolation": Ending.REFUSED,
    "inferenceHookDenied": Ending.REFUSED,
    "tooManyDenials": Ending.REFUSED,
}

#: The share of a usage limit, in per cent, at which nothing is left of it.
_FULL: Final = 100

#: Its words for an answer that broke off, for which it has no kind of error once it gives up.
_BROKE_OFF: Final = "stream disconnected"

#: Its words for a key that its config.toml names and that is not there.
_NO_KEY: Final = "Missing environment variable"


def trouble(error: dict[str, Any]) -> Outcome:
    """What an error of its means: by its status, its kind, or its words."""
    message, info = words_of(error, "message"), error.get("codexErrorInfo")
    kind, status = info if isinstance(info, str) else "", 0
    if isinstance(info, dict):
        kind = next(iter(info), "")
        status = int(number(object_of(info, kind), "httpStatusCode"))
    if status:
        return by_status(status, message, login_hint=HINT_LOGIN)
    ending = _ERRORS.get(kind)
    if message.startswith(_BROKE_OFF):
        ending = Ending.CUT
    elif message.startswith(_NO_KEY):
        ending = Ending.LOGIN
    if ending is None:
        return by_words(message, login_hint=HINT_LOGIN)
    return Outcome(ending, message, HINT_LOGIN if ending is Ending.LOGIN else "")


def lifted_at(limits: dict[str, Any]) -> float | None:
    """When the usage limits that are reached are all lifted, in seconds since the epoch."""
    windows = (object_of(limits, name) for name in ("primary", "secondary"))
    full = (window for window in windows if number(window, "usedPercent") >= _FULL)
    return max((number(window, "resetsAt") for window in full), default=0) or None


#: The kinds of item in which it does something, and how they are called here.
_TOOLS: Final = {
    "commandExecution": "command",
    "fileChange": "change",
    "webSearch": "search",
    "imageView": "view",
    "imageGeneration": "image",
}


def tool(item: dict[str, Any]) -> str | None:
    """What it uses in ``item``; ``None`` where it only speaks."""
    kind = words_of(item, "type")
    if kind.endswith("ToolCall"):
        return ".".join(filter(None, (words_of(item, "server"), words_of(item, "tool"))))
    return _TOOLS.get(kind)


def aim(item: dict[str, Any]) -> str:
    """What it uses it for."""
    match item.get("type"):
        case "commandExecution":
            return _script(words_of(item, "command"))
        case "fileChange":
            return ", ".join(files(item))
        case "webSearch" | "imageView":
            return title(item)
        case _:
            return title(item.get("arguments") or item.get("prompt"))


def files(item: dict[str, Any]) -> tuple[str, ...]:
    """All that a change of files touches: where a file is, and where it is moved to."""
    changes = items(item, "changes")
    moved = [words_of(change, "kind", "move_path") for change in changes]
    return tuple(filter(None, [*(words_of(change, "path") for change in changes), *moved]))


def result(item: dict[str, Any]) -> str:
    """What came of it; of a tool elsewhere its words, or its error."""
    words = words_of(item, "aggregatedOutput") or words_of(item, "error", "message")
    return words or text_of(object_of(item, "result").get("content")) or words_of(item, "status")


def _script(command: str) -> str:
    """The line that a shell is given, where the command is a shell and such a line."""
    try:
        match shlex.split(command):
            case ["/bin/bash" | "/bin/sh" | "/bin/zsh", "-c" | "-lc", line]:
                return title(line)
            case _:
                return title(command)
    except ValueError:
        return title(command)
