"""What an agent tells of a turn over the Agent Client Protocol: ``session/update``, by kind.

A fold of its own beneath the conversation (``acp``), which knows its requests and their replies.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

from inspan.agents.acp_terminals import shown_by
from inspan.agents.json_lines import items, number, object_of, parsed, words_of
from inspan.agents.signs import Permission, Said, Sign, Thought, ToolBegan, ToolEnded
from inspan.agents.titles import telling
from inspan.model.agent import Usage
from inspan.model.ids import SESSION_ID

_SAID: Final = "agent_message_chunk"
_THOUGHT: Final = "agent_thought_chunk"
_ENDED: Final = ("completed", "failed")
#: The name of a tool, as a title may begin with.
_TOOL: Final = re.compile(r"[\w-]+", re.ASCII)
#: The kinds of tools that are about files and nothing else.
_OF_FILES: Final = ("read", "edit", "delete", "move")


class Updates:
    """One session of an agent, as it tells of it."""

    def __init__(self, shown: Callable[[str], str] = lambda _: "") -> None:
        """``shown``: what the output of a terminal was when the agent was told it last."""
        self._shown = shown
        #: It said or did something in this turn.
        self.busy = False
        #: The tokens of its model that the last turn had.
        self.written = 0
        #: It gave an answer in the last turn, and counts no token of it.
        self.uncounted = False
        self._open = False
        self._retelling = False
        #: The kind and the message of the text that the next chunk may go on with.
        self._speaking = ("", "")
        #: What is known of each tool call, and of those that have begun.
        self._calls: dict[str, dict[str, Any]] = {}
        self._begun: set[str] = set()
        #: What was used since we took the session up, and what it had used before.
        self._total = Usage()
        self._before = Usage()
        #: US dollars of the whole session.
        self._cost: float | None = None

    def opened(self, *, retelling: bool) -> None:
        """The session is there: what it told before was told in an earlier life of it.

        ``retelling``: it tells that now, and goes on with what commands there are.
        """
        self._open = not retelling
        self._retelling = retelling
        self._calls.clear()

    def turned(self) -> None:
        """Its turn has ended."""
        self.busy = False
        self._speaking = ("", "")
        self._calls.clear()
        self._begun.clear()

    def heard(self, update: dict[str, Any]) -> Iterator[Sign]:
        """What an update says. A kind that is not named here tells nothing that a sign could."""
        kind = words_of(update, "sessionUpdate")
        if kind == "usage_update":
            self._counted(update)
        elif not self._open:
            self._open = self._retelling and kind == "available_commands_update"
        elif kind in (_SAID, _THOUGHT):
            yield from self._chunk(kind, update)
        elif kind in ("tool_call", "tool_call_update"):
            yield from self._tool(update)

    def asks(self, request: str, update: dict[str, Any]) -> Permission:
        """It may not go on with this call; of what it states apart, nothing is read in a title."""
        self.busy = True
        earlier = self._calls.get(words_of(update, "toolCallId"), {})
        quoted = _quoted(earlier, update)
        call = self._known(update)
        name, title = _described(call)
        if quoted is not None:
            title = _with(quoted, title)
        command = object_of(call, "rawInput").get("command") if name == "execute" else None
        return Permission(
            request,
            name,
            title,
            line=command if isinstance(command, str) else None,
            argv=_argv(command),
            paths=_paths(call) if name in _OF_FILES else (),
            quoted=quoted,
        )

    def count(self, result: dict[str, Any], *, whole_session: bool) -> Usage:
        """What was used since we took the session up, now that a turn has ended with ``result``.

        ``whole_session``: its counts are of the session from its beginning, and not of the turn.
        """
        quota = object_of(object_of(result, "_meta"), "quota")
        told = _usage(object_of(result, "usage"), object_of(quota, "token_count"))
        total = _difference(told, self._before) if whole_session else self._total.plus(told)
        self.written = total.written - self._total.written
        self.uncounted = bool(quota) and self.busy and not self.written
        cost = None if self._cost is None else self._cost - (self._before.cost or 0.0)
        self._total = replace(total, turns=self._total.turns + 1, cost=cost)
        return self._total

    def _counted(self, update: dict[str, Any]) -> None:
        cost = object_of(update, "cost")
        if words_of(cost, "currency") == "USD":
            self._cost = float(number(cost, "amount"))
        if not self._open:
            counts = object_of(update, "_meta")
            self._before = Usage(
                read=int(number(counts, "promptTokens")),
                written=int(number(counts, "completionTokens")),
                cost=self._cost,
            )

    def _chunk(self, kind: str, update: dict[str, Any]) -> Iterator[Sign]:
        text = _content(object_of(update, "content"))
        if not text:
            return
        self.busy = True
        speaking = (kind, words_of(update, "messageId"))
        more = speaking == self._speaking
        self._speaking = speaking
        yield Said(text, more) if kind == _SAID else Thought(text, more)

    def _tool(self, update: dict[str, Any]) -> Iterator[Sign]:
        """A call that is pending has not begun: its input comes yet, or a permission."""
        self.busy = True
        call = self._known(update)
        call_id, status = words_of(call, "toolCallId"), words_of(call, "status")
        if call_id not in self._begun and status in ("in_progress", *_ENDED):
            self._begun.add(call_id)
            self._speaking = ("", "")
            yield ToolBegan(call_id, *_described(call))
        if status in _ENDED:
            self._calls.pop(call_id, None)
            yield ToolEnded(call_id, status == "completed", _result(call, self._shown))

    def _known(self, update: dict[str, Any]) -> dict[str, Any]:
        """The call with what ``update`` tells of it; it tells only what has changed."""
        call = self._calls.setdefault(words_of(update, "toolCallId"), {})
        call.update({name: found for name, found in update.items() if found is not None})
        return call


def _described(call: dict[str, Any]) -> tuple[str, str]:
    """Its tool by the protocol's names, which are the same for every agent; and what it is for."""
    for_what = telling(call.get("rawInput")) or telling(call.get("title"))
    return words_of(call, "kind") or "other", for_what


def _quoted(earlier: dict[str, Any], update: dict[str, Any]) -> str | None:
    """The command among the arguments of a call, where those are a text of their own.

    So Kimi CLI tells them: as JSON, before it asks, and of no kind. Only what a title can have
    whole and as it is, for that is what a person reads and allows.
    """
    stated = (earlier.get(name) or update.get(name) for name in ("kind", "rawInput"))
    texts = items(earlier, "content")
    if any(stated) or len(texts) != 1:
        return None
    command = parsed(_content(object_of(texts[0], "content")).encode(errors="replace"))
    found = command.get("command")
    whole = isinstance(found, str) and found.isprintable() and telling(found) == found
    return found if whole and found else None


def _with(quoted: str, title: str) -> str:
    """The title with the whole command at its end, so that nobody allows another than is read."""
    tool = title.partition(": ")[0]
    return f"{tool}: {quoted}" if _TOOL.fullmatch(tool) else f"{title}, to run: {quoted}"


def _argv(command: Any) -> tuple[str, ...] | None:
    words = command if isinstance(command, list) else []
    return tuple(words) if words and all(isinstance(word, str) for word in words) else None


def _paths(call: dict[str, Any]) -> tuple[str, ...]:
    """The files that it names, once each."""
    diffs = [item for item in items(call, "content") if item.get("type") == "diff"]
    found = (words_of(item, "path") for item in (*items(call, "locations"), *diffs))
    return tuple(dict.fromkeys(path for path in found if path))


def _result(call: dict[str, Any], shown: Callable[[str], str]) -> str:
    parts = [_content(object_of(item, "content")) for item in items(call, "content")]
    parts += [shown(terminal) or f"[terminal {terminal}]" for terminal in _ours(call)]
    return "\n".join(part for part in parts if part)


def _ours(call: dict[str, Any]) -> tuple[str, ...]:
    """Of the terminals that it shows those that we made: some show what they made themselves."""
    return tuple(filter(SESSION_ID.fullmatch, shown_by(call)))


def _content(block: dict[str, Any]) -> str:
    """The text of a block, or what stands for it."""
    match block.get("type"):
        case "text":
            return words_of(block, "text")
        case "resource_link":
            return words_of(block, "uri")
        case "resource":
            return words_of(block, "resource", "text") or words_of(block, "resource", "uri")
        case "image" | "audio" as kind:
            return f"[{kind}]"
        case _:
            return ""


def _usage(counts: dict[str, Any], quota: dict[str, Any]) -> Usage:
    """Tokens by the protocol's names, or by those that one agent had before it named them."""
    cached = int(number(counts, "cachedReadTokens"))
    made = int(number(counts, "cachedWriteTokens"))
    read = int(number(counts, "inputTokens") or number(quota, "input_tokens"))
    written = int(number(counts, "outputTokens") or number(quota, "output_tokens"))
    return Usage(
        read=read + cached + made,
        cached=cached,
        written=written + int(number(counts, "thoughtTokens")),
    )


def _difference(now: Usage, before: Usage) -> Usage:
    """What was used between the two; what was cached is told only now."""
    return Usage(
        read=max(now.read - before.read, 0),
        cached=now.cached,
        written=max(now.written - before.written, 0),
    )
