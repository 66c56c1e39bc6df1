"""What a reviewer says of a result, as it has to be told, and as it is read."""

from __future__ import annotations

from typing import Any, Final

from inspan.errors import BadInput
from inspan.model.task import Verdict
from inspan.model.value import value

#: How many findings are taken up, and how long each may be, in characters.
_FINDINGS_MOST: Final = 50
_FINDING_MOST: Final = 2_000
_KNOWN: Final = {
    "accept": Verdict.ACCEPT,
    "reject": Verdict.SEND_BACK,
    "ask": None,
}


@value
class Review:
    """``verdict`` is ``None`` where a person is to decide; ``findings`` are a line each."""

    verdict: Verdict | None
    findings: tuple[str, ...] = ()
    summary: str = ""


def review_of(told: dict[str, Any]) -> Review:
    """What was told, checked. Raises BadInput with a sentence for the reviewer."""
    word = told.get("verdict")
    if not isinstance(word, str) or word not in _KNOWN:
        raise BadInput(f'"verdict" is {word!r}; it has to be one of: {", ".join(_KNOWN)}')
    given = told.get("findings", [])
    if not isinstance(given, list):
        raise BadInput('"findings" is not a list')
    findings = tuple(_finding(one) for one in given[:_FINDINGS_MOST])
    verdict = _KNOWN[word]
    if verdict is Verdict.SEND_BACK and not findings:
        raise BadInput('a result is rejected for something: "findings" is empty')
    summary = told.get("summary", "")
    return Review(verdict, findings, str(summary)[:_FINDING_MOST])


def _finding(told: Any) -> str:
    """A text, or an object with ``file``, ``line`` and ``what``."""
    if isinstance(told, str) and told.strip():
        return told.strip()[:_FINDING_MOST]
    if not isinstance(told, dict) or not str(told.get("what", "")).strip():
        raise BadInput('a finding is {"file": ..., "line": ..., "what": ...}, with "what" at least')
    file, line = told.get("file"), told.get("line")
    place = f"{file}:{line}: " if file and line else f"{file}: " if file else ""
    return f"{place}{str(told['what']).strip()}"[:_FINDING_MOST]
