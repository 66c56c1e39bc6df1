"""A patch of git's, as files, hunks and lines with their numbers. Pure, and text of whoever.

It is read by the counts that each hunk tells, so that a changed line which looks like a heading is
none. What is not understood is kept as a note: nothing of a patch is left out but binary contents.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, NamedTuple

_BEGINS: Final = "diff --git "
_HUNK: Final = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_NOBODY: Final = "/dev/null"
#: How git writes a byte of a name that is no plain one.
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPED: Final = re.compile(r"\\([0-7]{3}|.)")
_NAMED_BYTES: Final = {"a": 7, "b": 8, "t": 9, "n": 10, "v": 11, "f": 12, "r": 13}


class Kind(IntEnum):
    """What a line is."""

    FILE = 0
    NOTE = 1
    HUNK = 2
    SAME = 3
    ADDED = 4
    REMOVED = 5


class Line(NamedTuple):
    """One line; ``old`` and ``new`` are its numbers, 0 where it has none."""

    kind: Kind
    text: str
    old: int
    new: int


_SIGNED: Final = {" ": Kind.SAME, "+": Kind.ADDED, "-": Kind.REMOVED}


@dataclass(slots=True)
class FilePart:
    """A file of the patch: its lines are those from ``first`` up to ``end``."""

    name: str
    first: int
    end: int = 0
    was: str = ""
    words: list[str] = field(default_factory=list)
    hunks: list[int] = field(default_factory=list)
    added: int = 0
    removed: int = 0


class Patch:
    """All of it; lines are known by their place."""

    def __init__(self) -> None:
        self.files: list[FilePart] = []
        self._texts: list[str] = []
        self._kinds = bytearray()
        self._old = array("L")
        self._new = array("L")
        self._firsts: list[int] = []

    def __len__(self) -> int:
        return len(self._texts)

    def line(self, at: int) -> Line:
        """The line in this place."""
        return Line(Kind(self._kinds[at]), self._texts[at], self._old[at], self._new[at])

    def kind(self, at: int) -> Kind:
        """What is in this place."""
        return Kind(self._kinds[at])

    def file_at(self, at: int) -> int:
        """Which file this line is of; -1 before the first."""
        return bisect_right(self._firsts, at) - 1

    def hunk_at(self, at: int) -> tuple[int, int] | None:
        """From where to where the hunk is that this line is of."""
        number = self.file_at(at)
        if number < 0:
            return None
        part = self.files[number]
        which = bisect_right(part.hunks, at) - 1
        if which < 0:
            return None
        following = part.hunks[which + 1] if which + 1 < len(part.hunks) else part.end
        return part.hunks[which], following

    def find(self, words: str) -> list[int]:
        """The lines that hold them, whatever their case."""
        wanted = words.casefold()
        return [at for at, text in enumerate(self._texts) if wanted in text.casefold()]

    def put(self, kind: Kind, text: str, old: int = 0, new: int = 0) -> None:
        """A line more."""
        self._texts.append(text)
        self._kinds.append(kind)
        self._old.append(old)
        self._new.append(new)

    def begin(self, name: str) -> FilePart:
        """A file more."""
        part = FilePart(name, len(self))
        self.files.append(part)
        self._firsts.append(len(self))
        self.put(Kind.FILE, name)
        return part

    def end(self, part: FilePart) -> None:
        """All of a file was put."""
        part.end = len(self)
        self._texts[part.first] = part.name


def parse(text: str) -> Patch:
    """Read a patch."""
    return _Reading(text).patch


class _Reading:
    """One way through the lines of a patch."""

    def __init__(self, text: str) -> None:
        self.patch = Patch()
        self._raw = text.split("\n")
        if not self._raw[-1]:
            self._raw.pop()
        self._at = 0
        self._part: FilePart | None = None
        while self._at < len(self._raw):
            self._step()
        self._close()

    def _step(self) -> None:
        line = self._raw[self._at]
        self._at += 1
        if line.startswith(_BEGINS):
            self._close()
            self._part = self.patch.begin(_both(line.removeprefix(_BEGINS)))
            self._head(self._part)
        elif self._part is not None and (found := _HUNK.match(line)):
            self._hunk(self._part, found, line)
        else:
            self.patch.put(Kind.NOTE, line)

    def _close(self) -> None:
        if self._part is not None:
            self.patch.end(self._part)

    def _head(self, part: FilePart) -> None:
        """What is told of a file before its hunks."""
        while self._at < len(self._raw):
            line = self._raw[self._at]
            if line.startswith((_BEGINS, "@@ ")):
                return
            self._at += 1
            if line == "GIT binary patch" or line.startswith("Binary files "):
                self._binary(part)
                return
            self._told(part, line)

    def _told(self, part: FilePart, line: str) -> None:
        word, _, rest = line.partition(" ")
        match word, rest.split(" ")[0]:
            case "new", "file":
                part.words.append("new")
            case "deleted", "file":
                part.words.append("deleted")
            case "rename" | "copy", "from":
                part.was = _name(rest.removeprefix("from "))
                part.words.append("renamed" if word == "rename" else "copied")
            case "rename" | "copy", "to":
                part.name = _name(rest.removeprefix("to "))
            case "old", "mode":
                part.words.append(f"mode {rest.removeprefix('mode ')}")
            case "new", "mode":
                part.words.append(f"to {rest.removeprefix('mode ')}")
            case "+++" | "---", _:
                if rest != _NOBODY:
                    part.name = _name(rest)[2:] if word == "+++" or not part.was else part.name
            case "index" | "similarity" | "dissimilarity", _:
                pass
            case _:
                self.patch.put(Kind.NOTE, line)

    def _binary(self, part: FilePart) -> None:
        """Its contents are for `git apply`; no line of them begins as the next file does."""
        part.words.append("binary")
        sizes: list[str] = []
        while self._at < len(self._raw) and not self._raw[self._at].startswith(_BEGINS):
            word, _, size = self._raw[self._at].partition(" ")
            if word in ("literal", "delta") and size.isdigit():
                sizes.append(f"{size} bytes" if word == "literal" else f"changed by {size} bytes")
            self._at += 1
        self.patch.put(Kind.NOTE, f"binary, {sizes[0]}" if sizes else "binary")

    def _hunk(self, part: FilePart, found: re.Match[str], line: str) -> None:
        old, old_left, new, new_left = (1 if one is None else int(one) for one in found.groups())
        patch, raw = self.patch, self._raw
        part.hunks.append(len(patch))
        patch.put(Kind.HUNK, line, old, new)
        while self._at < len(raw) and (old_left > 0 or new_left > 0):
            kind = _SIGNED.get(raw[self._at][:1] or " ")
            if kind is None:
                if not raw[self._at].startswith("\\"):
                    return
                patch.put(Kind.NOTE, raw[self._at])
            elif kind is Kind.ADDED:
                patch.put(kind, raw[self._at][1:], 0, new)
                new, new_left, part.added = new + 1, new_left - 1, part.added + 1
            elif kind is Kind.REMOVED:
                patch.put(kind, raw[self._at][1:], old, 0)
                old, old_left, part.removed = old + 1, old_left - 1, part.removed + 1
            else:
                patch.put(kind, raw[self._at][1:], old, new)
                old, new, old_left, new_left = old + 1, new + 1, old_left - 1, new_left - 1
            self._at += 1


def _both(names: str) -> str:
    """The name in ``a/NAME b/NAME``, which is told twice where nothing else tells it."""
    if names.startswith('"'):
        found = _QUOTED.findall(names)
        return _unescaped(found[-1])[2:] if found else names
    half = (len(names) - 5) // 2
    if half > 0 and names[2 : 2 + half] == names[-half:]:
        return names[-half:]
    return names.rpartition(" b/")[2]


def _name(told: str) -> str:
    """A name as git writes it: quoted where it is no plain one, with a tab behind blanks."""
    quoted = _QUOTED.fullmatch(told.rstrip("\t"))
    return _unescaped(quoted[1]) if quoted else told.removesuffix("\t")


def _unescaped(text: str) -> str:
    def byte(found: re.Match[str]) -> str:
        said = found[1]
        code = int(said, 8) & 0xFF if len(said) == 3 else _NAMED_BYTES.get(said, ord(said))
        return chr(code) if code < 0x100 else said

    # Each byte as a character of its own: what is escaped are bytes of UTF-8.
    plain = text.encode().decode("latin-1")
    return _ESCAPED.sub(byte, plain).encode("latin-1", "replace").decode(errors="replace")
