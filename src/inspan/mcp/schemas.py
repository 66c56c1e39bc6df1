"""What each tool takes, as JSON Schema for models, and its reading: a mistake is told by its name.

The table is what clients are shown and what arguments are held against; no tool is called from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from inspan.errors import BadInput
from inspan.model.task import TaskState

_TEXT: Final = {"type": "string"}
_TEXTS: Final = {"type": "array", "items": _TEXT}
_WORDS_MOST: Final = 1 << 20
_ITEMS_MOST: Final = 1000
_ID: Final = {**_TEXT, "description": "an id, a unique part of one, or a name"}

#: How long `wait` waits unless it is told, in seconds: less than the minute that clients wait.
WAIT: Final = 45.0
WAIT_MOST: Final = 3600.0
#: How much of what a task said is shown unless it is told, and at most, in characters.
SHOWN: Final = 4_000
SHOWN_MOST: Final = 200_000
PAGE: Final = 20
PAGE_MOST: Final = 200


def _object(required: tuple[str, ...] = (), **properties: Any) -> Mapping[str, Any]:
    told: dict[str, Any] = {"type": "object", "properties": properties}
    if required:
        told["required"] = list(required)
    return {**told, "additionalProperties": False}


def _said(kind: Mapping[str, Any], about: str) -> dict[str, Any]:
    return {**kind, "description": about}


def _whole(about: str, most: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": 1, "maximum": most, "description": about}


SUBMIT: Final = _object(
    prompt=_said(_TEXT, "what an agent is asked to do"),
    agent=_said(_TEXT, "which agent is asked, such as claude"),
    command=_said(
        _TEXTS, "in place of an agent: a program and its arguments, each a word of its own"
    ),
    name=_said(_TEXT, "a short name"),
    cwd=_said(_TEXT, "the folder that it works in; an absolute path (default: this one)"),
    workspace={
        "type": "string",
        "enum": ["here", "worktree", "folder", "copy"],
        "description": "work in the folder itself (default), a git worktree, a new folder, a copy",
    },
    base=_said(_TEXT, "the commit or branch that a worktree starts from (default: HEAD)"),
    after=_said(_TEXTS, "ids of tasks that have to end well before it begins"),
    checks=_said(_TEXTS, "shell commands that have to succeed, or the task fails"),
    timeout=_said(_TEXT, "stop it after this long: 90, 5m, 8h"),
    budget=_said(_TEXTS, "what an agent may use: '$2', or 200k tokens"),
    retries={"type": "integer", "minimum": 0, "description": "try again so often if it fails"},
    review={"type": "boolean", "description": "wait for somebody's verdict; needs a worktree"},
    delegates={"type": "boolean", "description": "its agent may hand in tasks of its own"},
    key=_said(_TEXT, "the same key with the same request makes no second task"),
)
WAIT_FOR: Final = _object(
    ("tasks",),
    tasks={"type": "array", "items": _ID, "minItems": 1, "description": "which tasks"},
    timeout={
        "type": "number",
        "minimum": 0,
        "maximum": WAIT_MOST,
        "description": f"seconds (default: {WAIT:g}); call again for those that are still at work",
    },
    any={"type": "boolean", "description": "until the first of them"},
)
LIST: Final = _object(
    states={
        "type": "array",
        "items": {"type": "string", "enum": [state.value for state in TaskState]},
        "description": "only tasks in these states",
    },
    name=_said(_TEXT, "only tasks of this name"),
    limit=_whole(f"how many, the newest first (default: {PAGE})", PAGE_MOST),
    before=_said(_TEXT, "the `next` of the page before"),
)
SHOW: Final = _object(
    ("task",),
    task=_ID,
    output=_whole(f"characters of its last words (default: {SHOWN})", SHOWN_MOST),
    diff={"type": "boolean", "description": "also what it changed in its worktree, as a patch"},
)
SEND: Final = _object(
    ("task", "text"),
    task=_ID,
    text=_said(_TEXT, "what to tell it: an agent as a prompt, a program as a line"),
    key=_said(_TEXT, "the same key with the same text is handed over once"),
)
ANSWER: Final = _object(
    ("task", "text"),
    task=_ID,
    text=_said(_TEXT, "the answer; of what may be chosen from, one of the options"),
    question=_said(_TEXT, "the id of the question that is meant"),
)
CANCEL: Final = _object(("task",), task=_ID, reason=_said(_TEXT, "why"))
PLAN: Final = _object(
    ("goal",),
    goal=_ID,
    plan={
        "type": "object",
        "description": "a plan in the place of the one that is there: `steps`, each with `name`,"
        " `prompt` and `after` (names of steps), and a `summary`",
    },
    version={
        "type": "integer",
        "minimum": 0,
        "description": "with `plan`: the version whose place it takes; 0: there is none",
    },
)


def checked(given: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """``given``, which is as ``schema`` has it. Raises BadInput."""
    known = schema["properties"]
    unknown = next((str(name) for name in given if name not in known), None)
    if unknown is not None:
        raise BadInput(f"there is no argument {unknown!r}; there are {', '.join(known)}")
    missing = next((name for name in schema.get("required", ()) if name not in given), None)
    if missing is not None:
        raise BadInput(f"the argument {missing!r} is missing")
    for name, item in given.items():
        _check(f"`{name}`", item, known[name])
    return given


def _check(where: str, item: Any, kind: Mapping[str, Any]) -> None:
    _CHECKS[kind["type"]](where, item, kind)
    if "enum" in kind and item not in kind["enum"]:
        raise BadInput(f"{where} has to be one of {', '.join(kind['enum'])}")


def _check_text(where: str, item: Any, _kind: Mapping[str, Any]) -> None:
    if not isinstance(item, str) or len(item) > _WORDS_MOST:
        raise BadInput(f"{where} has to be a text of {_WORDS_MOST} characters at most")
    if not _utf8(item) or "\0" in item:
        raise BadInput(f"{where} holds what is no character")


def _check_list(where: str, item: Any, kind: Mapping[str, Any]) -> None:
    if not isinstance(item, list) or not kind.get("minItems", 0) <= len(item) <= _ITEMS_MOST:
        raise BadInput(f"{where} has to be a list of {_ITEMS_MOST} at most")
    for number, each in enumerate(item):
        _check(f"{where}[{number}]", each, kind["items"])


def _check_flag(where: str, item: Any, _kind: Mapping[str, Any]) -> None:
    if not isinstance(item, bool):
        raise BadInput(f"{where} has to be true or false")


def _check_object(where: str, item: Any, _kind: Mapping[str, Any]) -> None:
    if not isinstance(item, dict):
        raise BadInput(f"{where} has to be an object")


def _check_number(where: str, item: Any, kind: Mapping[str, Any]) -> None:
    whole = kind["type"] == "integer"
    if not isinstance(item, int | float) or isinstance(item, bool):
        raise BadInput(f"{where} has to be a number")
    least, most = kind.get("minimum", 0), kind.get("maximum", 1 << 31)
    # Written so that NaN, which JSON of some has, is refused too.
    if not least <= item <= most:
        raise BadInput(f"{where} has to be from {least} to {most}")
    # JSON has no whole numbers of its own: 20.0 is one.
    if whole and item != int(item):
        raise BadInput(f"{where} has to be a whole number")


_CHECKS: Final = {
    "string": _check_text,
    "array": _check_list,
    "boolean": _check_flag,
    "object": _check_object,
    "integer": _check_number,
    "number": _check_number,
}


def _utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
