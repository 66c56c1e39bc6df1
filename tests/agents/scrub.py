"""Makes two recordings of one thing alike: no private path, port, time or identifier is left."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

_UUID = r"(?<![0-9a-f])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9a-f])"
_MOMENT = r"(?<!\d)20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)?"
#: The same in the name of a file.
_STAMP = r"(?<!\d)20\d\d-\d\d-\d\dT\d\d-\d\d-\d\d(?:-\d+)?"
_DAY = r"\b[A-Z][a-z]+day, [A-Z][a-z]+ \d\d?, 20\d\d\b"
#: Seconds or milliseconds since 1970, in this decade and the next.
_EPOCH = r"(?<![\w.-])1[789]\d{8}(?:\d{3})?(?:\.\d+)?(?![\w.])"
#: A figure of time spent, by its name in JSON.
_SPENT = (
    r'("(?:duration|elapsed|ttft|latency|time_)\w*|"\w+_(?:duration|latency)\w*)"'
    r"(\s*:\s*)\d+(?:\.\d+)?"
)
#: One with jitter; a whole number is what a server asked for.
_DELAY = r'("\w*delay\w*"\s*:\s*)\d+\.\d+'
_PORT = r"\b((?:local|remote)Port: )\d+"
_PID = r'("pid"\s*:\s*)\d+'
#: What an agent tells of its own commands and tools at length: theirs, and of no use to a parser.
_PROSE = r'("description"\s*:\s*")(?:[^"\\]|\\.){60,}"'


@dataclass
class Scrubber:
    """One for all the files of a recording, so that what was the same stays the same."""

    #: Exact strings and what stands for each; longer ones are replaced first.
    private: Mapping[str, str]
    #: Patterns of identifiers that vary; where there is a group, only that varies.
    identifiers: Iterable[str] = ()
    _seen: dict[str, str] = field(default_factory=dict)

    def clean(self, text: str) -> str:
        for private in sorted(self.private, key=len, reverse=True):
            text = text.replace(private, self.private[private])
        text = re.sub(_UUID, self._uuid, text)
        for pattern in self.identifiers:
            text = re.sub(pattern, self._identifier, text)
        text = re.sub(_MOMENT, _moment, text)
        text = re.sub(_STAMP, lambda match: "2026-01-01T00-00-00-000000"[: len(match[0])], text)
        text = re.sub(_DAY, "Thursday, January 1, 2026", text)
        text = re.sub(_EPOCH, _epoch, text)
        text = re.sub(_SPENT, r'\1"\g<2>1', text)
        text = re.sub(_DELAY, r"\g<1>500.5", text)
        text = re.sub(_PORT, r"\g<1>4242", text)
        text = re.sub(_PROSE, r'\1…"', text)
        return re.sub(_PID, r"\g<1>1", text)

    def _uuid(self, match: re.Match[str]) -> str:
        new = f"00000000-0000-4000-8000-{len(self._seen) + 1:012d}"
        return self._seen.setdefault(match[0], new)

    def _identifier(self, match: re.Match[str]) -> str:
        found = match[1] if match.re.groups else match[0]
        new = f"{len(self._seen) + 1:0{len(found)}d}"[-len(found) :]
        return match[0].replace(found, self._seen.setdefault(found, new))


def _moment(match: re.Match[str]) -> str:
    whole = "2026-01-01T00:00:00.000000000"
    zone = re.search(r"(?:Z|\+00:00)?$", match[0])
    end = zone[0] if zone else ""
    return whole[: len(match[0]) - len(end)] + end


def _epoch(match: re.Match[str]) -> str:
    whole = "1767225600000" if "." not in match[0] else "1767225600.000000000"
    return whole[: len(match[0])]
