"""A patch that is reviewed: which of its lines are shown, and what was said of them. Pure.

A row is a line of the patch, or the comment below one. Comments outlive the patch that they were
written on: they are known by file, number and text, and find their line again in the next.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import Any, Final, Self

from inspan.model.value import value
from inspan.terminal.sanitize import unveiled
from inspan.tui.patch import Kind, Patch

#: Characters of a line that are told again with what was said of it.
_QUOTED: Final = 200


@value(frozen=True)
class Anchor:
    """What a comment is about: a line of a file, as it was when it was said."""

    file: str
    old: int
    new: int
    text: str


class Comments:
    """What was said of one task's changes, and not sent yet."""

    def __init__(self) -> None:
        self.said: dict[Anchor, str] = {}
        #: What was made of them by hand, and of which parts: it is gone on with.
        self.draft = ""
        self._told: set[str] = set()

    @classmethod
    def told(cls, plain: dict[str, Any]) -> Self:
        """Those that ``plain`` was made of. Raises KeyError, TypeError where it was not."""
        comments = cls()
        for one in plain["comments"]:
            anchor = Anchor(str(one["file"]), int(one["old"]), int(one["new"]), str(one["text"]))
            comments.said[anchor] = str(one["said"])
        comments.draft, comments._told = str(plain["draft"]), set(map(str, plain["told"]))
        return comments

    def plain(self) -> dict[str, Any]:
        """As it can be written in JSON."""
        said = [
            {"file": at.file, "old": at.old, "new": at.new, "text": at.text, "said": words}
            for at, words in self.said.items()
        ]
        return {"comments": said, "draft": self.draft, "told": sorted(self._told)}

    def __len__(self) -> int:
        return len(self.said)

    def __bool__(self) -> bool:
        return bool(self.said or self.draft)

    def parts(self) -> list[str]:
        """Each comment with where it is and what is there."""
        return [_told(anchor, said) for anchor, said in sorted(self.said.items(), key=_place)]

    def message(self) -> str:
        """All of them as one message, or what was written of them with those that came since."""
        parts = self.parts()
        since = [part for part in parts if part not in self._told]
        return "\n".join([self.draft, *since]).strip() if self.draft else "\n".join(parts)

    def keep(self, draft: str) -> None:
        """It was written of all that was said so far."""
        self.draft, self._told = draft.strip(), set(self.parts())

    def clear(self) -> None:
        """They were sent."""
        self.said.clear()
        self.draft = ""
        self._told.clear()


def _place(item: tuple[Anchor, str]) -> tuple[str, int, int]:
    anchor = item[0]
    return anchor.file, anchor.new or anchor.old, anchor.old


def _told(anchor: Anchor, said: str) -> str:
    number = f":{anchor.new or anchor.old}" if anchor.new or anchor.old else ""
    gone = " (removed)" if anchor.old and not anchor.new else ""
    quoted = f"\n    {unveiled(anchor.text[:_QUOTED]).strip()}" if number else ""
    return f"{unveiled(anchor.file)}{number}{gone}: {said}{quoted}"


class Review:
    """Rows of a patch. A row below zero is the comment of the line ``~row``."""

    def __init__(self, patch: Patch, comments: Comments) -> None:
        self.patch = patch
        self.comments = comments
        self.rows: list[int] = []
        self._folded: set[int] = set()
        #: Where each comment stands now, by line.
        self._at: dict[int, list[Anchor]] = {}
        for anchor in comments.said:
            if len(patch):
                self._at.setdefault(self.find(anchor), []).append(anchor)
        self._arrange()

    # ── comments ──────────────────────────────────────────────────────────────

    def anchor(self, line: int) -> Anchor:
        """What a comment on this line is about."""
        patch = self.patch
        number, one = patch.file_at(line), patch.line(line)
        name = patch.files[number].name if number >= 0 else ""
        return Anchor(name, one.old, one.new, "" if one.kind is Kind.FILE else one.text)

    def said(self, line: int) -> str:
        """What was said of a line."""
        return " · ".join(self.comments.said[anchor] for anchor in self._at.get(line, ()))

    def say(self, line: int, words: str) -> None:
        """Say it of the line, instead of what was said before; nothing takes that back."""
        for anchor in self._at.pop(line, ()):
            del self.comments.said[anchor]
        if words.strip():
            anchor = self.anchor(line)
            self.comments.said[anchor] = words.strip()
            self._at[line] = [anchor]
        self._arrange()

    def find(self, anchor: Anchor) -> int:
        """The same line, else one with its text, else its file, else the first line of all."""
        for part in self.patch.files:
            if part.name == anchor.file:
                alike = [at for at in range(part.first, part.end) if self._alike(at, anchor)]
                wanted = anchor.new or anchor.old
                return min(alike, key=lambda at: abs(self._number(at) - wanted), default=part.first)
        return 0

    def _alike(self, at: int, anchor: Anchor) -> bool:
        now = self.patch.line(at)
        sides = (bool(now.old), bool(now.new)) == (bool(anchor.old), bool(anchor.new))
        return sides and now.text == anchor.text

    def _number(self, at: int) -> int:
        line = self.patch.line(at)
        return line.new or line.old

    # ── rows ──────────────────────────────────────────────────────────────────

    def fold(self, line: int) -> int:
        """Fold the file or the hunk of this line, or unfold it; the line that stands for it."""
        patch = self.patch
        number = patch.file_at(line)
        if number < 0:
            return line
        hunk = patch.hunk_at(line)
        first = patch.files[number].first
        at = first if patch.kind(line) is Kind.FILE or hunk is None else hunk[0]
        self._folded ^= {at}
        self._arrange()
        return at

    def fold_all(self) -> None:
        """Show the names of files alone, or all there is where that is so."""
        firsts = {part.first for part in self.patch.files}
        self._folded = set() if firsts <= self._folded else firsts
        self._arrange()

    def is_folded(self, line: int) -> bool:
        """Whether what this line heads is not shown."""
        return line in self._folded

    def reveal(self, line: int) -> None:
        """Unfold what hides it."""
        number, hunk = self.patch.file_at(line), self.patch.hunk_at(line)
        hiding = {self.patch.files[number].first} if number >= 0 else set()
        hiding |= {hunk[0]} if hunk is not None else set()
        hiding = (hiding & self._folded) - {line}
        if hiding:
            self._folded -= hiding
            self._arrange()

    def row_of(self, line: int) -> int:
        """The row of a line; where it is not shown, of what stands for it."""
        at = bisect_left(self.rows, line, key=line_of)
        if at < len(self.rows) and line_of(self.rows[at]) == line:
            return at
        return max(0, at - 1)

    def next_of(self, line: int, kind: Kind, step: int) -> int | None:
        """The next file or hunk from here, or the one before."""
        starts = self._starts(kind)
        at = bisect_left(starts, line)
        if step > 0:
            at += at < len(starts) and starts[at] == line
        else:
            at -= 1
        return starts[at] if 0 <= at < len(starts) else None

    def _starts(self, kind: Kind) -> list[int]:
        if kind is Kind.FILE:
            return [part.first for part in self.patch.files]
        return [at for part in self.patch.files for at in part.hunks]

    def _arrange(self) -> None:
        rows: list[int] = []
        self.rows = rows
        commented = sorted(self._at)
        for begin, end in self._shown():
            at = begin
            for line in commented[bisect_left(commented, begin) : bisect_left(commented, end)]:
                rows.extend(range(at, line + 1))
                rows.append(~line)
                at = line + 1
            rows.extend(range(at, end))

    def _shown(self) -> Iterator[tuple[int, int]]:
        """Lines that are shown, from where to where."""
        files = self.patch.files
        yield 0, files[0].first if files else len(self.patch)
        for part in files:
            if part.first in self._folded:
                yield part.first, part.first + 1
                continue
            yield part.first, part.hunks[0] if part.hunks else part.end
            for number, hunk in enumerate(part.hunks):
                last = number + 1 == len(part.hunks)
                end = part.end if last else part.hunks[number + 1]
                yield hunk, hunk + 1 if hunk in self._folded else end


def line_of(row: int) -> int:
    """The line that a row is, or is the comment of."""
    return row if row >= 0 else ~row
