"""Maps what a script wants done onto a tool that the agent offered, by names and schemas alone."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tests.agents.endpoint.scenario import Ask, Execute, Write
from tests.agents.endpoint.wire import Call, Tool

#: In the order in which they are taken where several are offered.
_WRITERS = (
    "Write",
    "write_file",
    "write",
    "create_file",
    "WriteFile",
    "save",
    "file_write",
    "editor",
    "create",
    "CreateFile",
    "Edit",
)
_SHELLS = (
    "Bash",
    "bash",
    "run_shell_command",
    "shell_command",
    "exec_command",
    "shell",
    "run_command",
    "Shell",
    "execute_bash",
    "run_commands",
    "execute",
    "terminal",
    "execute_command",
    "RunBashCode",
    "run_shell",
    "ShellCommand",
    "bash_exec",
    "shell_exec",
    "run_terminal_command",
)
_PATHS = ("file_path", "filePath", "path", "absolute_path", "filename", "filepath")
_CONTENTS = ("content", "new_text", "file_text")
#: The last but one is a list of whole commands, the last is code in any language.
_COMMANDS = ("command", "cmd", "script", "commands", "code")


_ASKERS = (
    "AskUserQuestion",
    "ask_user",
    "request_user_input",
    "ask_question",
    "choice",
    "ask_user_question",
    "question",
    "AskQuestion",
    "clarify",
    "AskUser",
    "Ask",
    "ask_user_choice",
    "plan_question",
    "ask_questions",
)


def call(turn: Write | Execute | Ask, offered: Sequence[Tool]) -> Call:
    """Raises LookupError where no tool fits: the test then learns what was offered."""
    tools = {tool.name: tool for tool in offered}
    if isinstance(turn, Execute):
        return _execute(turn, tools)
    if isinstance(turn, Ask):
        return _ask(turn, tools)
    for name in _WRITERS:
        if (tool := tools.get(name)) is not None:
            if "edits" in _properties(tool):  # a row of them, of which one makes the file
                made = {"op": "create", "content": turn.content}
                return Call(name, {"path": turn.path, "edits": [made]})
            return _write(turn, tool)
    if (tool := tools.get("apply_patch")) is not None and tool.schema is None:
        return Call(tool.name, _patch(turn))
    quoted = shlex.quote(turn.content)
    return _execute(Execute(f"printf %s {quoted} > {shlex.quote(turn.path)}"), tools)


def spelled(turn: Write | Execute | Ask) -> str:
    """The same in plain text, for an agent that offers no tools and reads what its model says."""
    if isinstance(turn, Execute):
        return f"Run this: {turn.command}"
    if isinstance(turn, Ask):
        return f"{turn.question} {' or '.join(turn.options)}"
    return f"{turn.path}\n```\n{turn.content}```\n"


def _write(turn: Write, tool: Tool) -> Call:
    given = {_argument(tool, _PATHS): turn.path, _argument(tool, _CONTENTS): turn.content}
    return Call(tool.name, _filled(tool, given))


def _execute(turn: Execute, tools: Mapping[str, Tool]) -> Call:
    for name in _SHELLS:
        if (tool := tools.get(name)) is not None:
            key = _argument(tool, _COMMANDS)
            words = [turn.command] if key == "commands" else ["bash", "-lc", turn.command]
            listed = _properties(tool)[key].get("type") == "array"
            given: dict[str, Any] = {key: words if listed else turn.command}
            if "language" in _properties(tool):
                given["language"] = "shell"
            if turn.outside and "sandbox_permissions" in _properties(tool):
                given["sandbox_permissions"] = "require_escalated"
                given["justification"] = "May it leave the sandbox?"
            return Call(name, _filled(tool, given))
    raise LookupError(f"no tool runs a command among {sorted(tools)}")


def _ask(turn: Ask, tools: Mapping[str, Tool]) -> Call:
    for name in _ASKERS:
        if (tool := tools.get(name)) is None:
            continue
        if "options" in (known := _properties(tool)):
            return Call(name, {"question": turn.question, "options": _options(turn, known)})
        if set(known) == {"question"}:  # in words only, and so is the answer
            return Call(name, {"question": spelled(turn)})
        if "choices" in known:
            return Call(name, {"question": turn.question, "choices": list(turn.options)})
        if '"choices"' in json.dumps(tool.schema):
            return Call(name, {"questions": [_chosen(turn, known)]})
        if "requestedSchema" in known:  # a form, as MCP has them
            field = {"type": "string", "enum": list(turn.options)}
            form = {"message": turn.question, "requestedSchema": {"properties": {"one": field}}}
            return Call(name, form)
        return Call(name, {"questions": [_asked(turn, tool)]})
    raise LookupError(f"no tool asks a person among {sorted(tools)}")


def _asked(turn: Ask, tool: Tool) -> Mapping[str, Any]:
    """One of several questions with options; its words may go by another name."""
    known = _properties(tool)
    items = known.get("questions", {}).get("items", {})
    named = items.get("$ref", "").rpartition("/")[2]
    one = (tool.schema or {}).get("$defs", {}).get(named, items).get("properties", {})
    if "prompt" in one and "question" not in one:
        return {"id": "colour", "prompt": turn.question, "options": list(turn.options)}
    asked = {"question": turn.question, "header": "Colour", "options": _several(turn, known)}
    return {**asked, "id": "colour", "multiSelect": False}


def _chosen(turn: Ask, known: Mapping[str, Any]) -> Mapping[str, Any]:
    """One of several questions with choices: mere words, or things with a value."""
    question: Mapping[str, Any] = known.get("questions", {}).get("items", {})
    choices = question.get("properties", {}).get("choices", {})
    if choices.get("items", {}).get("type") == "string":
        return {"question": turn.question, "choices": list(turn.options)}
    things = [{"value": word} for word in turn.options]
    return {"question": turn.question, "type": "multiple_choice", "choices": things}


def _several(turn: Ask, known: Mapping[str, Any]) -> Any:
    """The options of one of several questions: words where just these are wanted."""
    wanted = known.get("questions", {}).get("items", {}).get("properties", {}).get("options", {})
    if wanted.get("items", {}).get("type") == "string":
        return list(turn.options)
    return [{"label": word, "description": f"{word} it is."} for word in turn.options]


def _options(turn: Ask, known: Mapping[str, Any]) -> Any:
    """As a tool wants them that asks one thing: words, things with a label, or lines."""
    if known["options"].get("type") != "array":
        return "\n".join(turn.options)
    if known["options"].get("items", {}).get("type") == "object":
        return [{"label": word, "description": f"{word} it is."} for word in turn.options]
    return list(turn.options)


def _patch(turn: Write) -> str:
    lines = "".join(f"+{line}\n" for line in turn.content.splitlines())
    return f"*** Begin Patch\n*** Add File: {turn.path}\n{lines}*** End Patch\n"


def _properties(tool: Tool) -> Mapping[str, Any]:
    properties: Mapping[str, Any] = (tool.schema or {}).get("properties", {})
    return properties


def _argument(tool: Tool, names: Iterable[str]) -> str:
    properties = _properties(tool)
    for name in names:
        if name in properties:
            return name
    raise LookupError(f"{tool.name} takes none of {names}, but {sorted(properties)}")


def _filled(tool: Tool, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """With a word for what else the schema requires, such as a description."""
    required = (tool.schema or {}).get("required", ())
    missing = {name: _blank(_properties(tool)[name]) for name in required if name not in given}
    return {**missing, **given}


def _blank(wanted: Mapping[str, Any]) -> Any:
    if choices := wanted.get("enum"):
        return choices[0]
    blanks: Mapping[str, Any] = {"boolean": False, "integer": 120_000, "number": 120_000}
    return blanks.get(wanted.get("type", ""), "as asked")
