"""What several notices say together: a title, a text, and facts as JSON. Pure.

Nothing goes in but what is known of the tasks: no environment, no command line, no path.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from inspan.model.notice import NEEDS_YOU, Notice, NoticeKind
from inspan.model.value import named_value

#: Tasks that are told one by one in the facts, and in the text.
LISTED: Final = 20
_SHOWN: Final = 5
_ALONE: Final[dict[NoticeKind, str]] = {
    NoticeKind.QUESTION: "{} asks",
    NoticeKind.PERMISSION: "{} asks for a permission",
    NoticeKind.REVIEW: "{} waits for your verdict",
    NoticeKind.BUDGET: "{} has used up its budget",
    NoticeKind.INTERRUPTED: "{} was interrupted",
    NoticeKind.FAILED: "{} has failed",
    NoticeKind.PARKED: "{} is parked at a usage limit",
    NoticeKind.COMPLETED: "{} is done",
}
_MANY: Final[dict[NoticeKind, str]] = {
    NoticeKind.FAILED: "failed",
    NoticeKind.PARKED: "parked at a usage limit",
    NoticeKind.COMPLETED: "done",
}


@named_value
class Message:
    """What one target is told at one time."""

    #: The same however often it is tried.
    id: str
    title: str
    text: str
    notices: tuple[Notice, ...]
    #: How many more tasks there were than anybody could list.
    more: int = 0
    is_test: bool = False

    def facts(self, now: float) -> dict[str, Any]:
        """As programs get it."""
        return {
            "type": "inspan.test" if self.is_test else "inspan.tasks",
            "id": self.id,
            "timestamp": _spelled(now),
            "title": self.title,
            "text": self.text,
            "count": len(self.notices) + self.more,
            "tasks": [_fact(notice) for notice in self.notices[:LISTED]],
        }


def message(name: str, notices: Sequence[Notice], *, more: int = 0, words: bool = True) -> Message:
    """Of what happened, and of ``more`` tasks that are not listed, to the target ``name``."""
    newest = max(notice.seq for notice in notices)
    shown = notices if words else [_wordless(notice) for notice in notices]
    return Message(
        id=f"inspan-{name}-{newest}",
        title=_title(shown, more),
        text=_text(shown, more),
        notices=tuple(shown),
        more=more,
    )


def trial(name: str, now: float) -> Message:
    """A message about nothing, to see whether it arrives."""
    return Message(
        id=f"inspan-{name}-test-{int(now)}",
        title="inspan: a test",
        text=f"Notices for {name} arrive.",
        notices=(),
        is_test=True,
    )


def _title(notices: Sequence[Notice], more: int) -> str:
    if len(notices) + more == 1:
        return _ALONE[notices[0].kind].format(notices[0].name)
    counts = Counter(notice.kind for notice in notices)
    needing = sum(counts[kind] for kind in NEEDS_YOU)
    parts = [f"{needing} need you"] if needing else []
    parts += [f"{counts[kind]} {word}" for kind, word in _MANY.items() if counts[kind]]
    parts += [f"{more} more"] if more else []
    count, _, first = parts[0].partition(" ")
    task = "task" if count == "1" else "tasks"
    return ", ".join([f"{count} {task} {_singular(first, count)}", *parts[1:]])


def _singular(words: str, count: str) -> str:
    return "needs you" if words == "need you" and count == "1" else words


def _text(notices: Sequence[Notice], more: int) -> str:
    if len(notices) + more == 1:
        return notices[0].line
    lines = [f"{notice.name}: {notice.line or notice.kind.value}" for notice in notices[:_SHOWN]]
    rest = len(notices) + more - len(lines)
    return "\n".join([*lines, f"and {rest} more"] if rest else lines)


def _wordless(notice: Notice) -> Notice:
    from dataclasses import replace  # noqa: PLC0415 - few targets are without words

    return replace(notice, line="")


def _fact(notice: Notice) -> dict[str, Any]:
    return {
        "id": notice.task,
        "name": notice.name,
        "role": notice.role,
        "kind": notice.kind.value,
        "state": notice.state.value,
        "line": notice.line,
        "seq": notice.seq,
        "at": _spelled(notice.at),
    }


def _spelled(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
