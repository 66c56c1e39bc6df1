"""Keys out of what is stored and shown: an agent's complaint may quote the key that was refused."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final
from urllib.parse import quote

from inspan.model.activity import Activity
from inspan.model.agent import Outcome
from inspan.model.task import Needs

#: A shorter value is no key, and would be found in innocent words.
_LEAST: Final = 8
_GONE: Final = "[secret]"


class Redaction:
    """Takes the values of secrets out of text, also in base64 and as part of an address."""

    def __init__(self, values: Iterable[str]) -> None:
        forms = {form for value in values if len(value) >= _LEAST for form in _forms(value)}
        self._forms = sorted(forms, key=len, reverse=True)

    def text(self, text: str) -> str:
        """``text`` without them."""
        for form in self._forms:
            text = text.replace(form, _GONE)
        return text

    def needs(self, needs: Needs) -> Needs:
        """``needs`` without them."""
        options = tuple(self.text(option) for option in needs.options)
        return replace(needs, question=self.text(needs.question), options=options)

    def activity(self, activity: Activity) -> Activity:
        """``activity`` without them."""
        needs = None if activity.needs is None else self.needs(activity.needs)
        return replace(activity, evidence=self.text(activity.evidence), needs=needs)

    def outcome(self, outcome: Outcome) -> Outcome:
        """``outcome`` without them."""
        failed = tuple(
            replace(part, why=self.text(part.why), hint=self.text(part.hint))
            for part in outcome.failed
        )
        message, hint = self.text(outcome.message), self.text(outcome.hint)
        told = replace(outcome, message=message, hint=hint, failed=failed)
        return outcome if told == outcome else told


def _forms(value: str) -> Iterator[str]:
    data = value.encode(errors="surrogateescape")
    yield value
    yield quote(value, safe="")
    yield base64.b64encode(data).decode().rstrip("=")
    yield base64.urlsafe_b64encode(data).decode().rstrip("=")
