"""What a person's words mean as an answer to what a task asks."""

from __future__ import annotations

from typing import Final

from inspan.errors import BadInput
from inspan.model.task import Needs

_SHORT: Final = {"y": "allow", "yes": "allow", "n": "deny", "no": "deny"}


def meant(needs: Needs, words: str) -> str:
    """The text to answer with: to a permission an option (or y, n), or a sentence, which denies.

    There a single word that is no option is likelier a slip than a reason; and where nothing can be
    denied, a sentence is no answer. Raises BadInput.
    """
    text = words.strip()
    if needs.kind != "permission" or not needs.options:
        return words
    known = {option.casefold(): option for option in (*needs.options, "deny")}
    for wanted in (text.casefold(), _SHORT.get(text.casefold())):
        if wanted in known:
            return known[wanted]
    deniable = "deny" in needs.options
    if " " in text and deniable:
        return text
    choice = ", ".join(needs.options)
    otherwise = ", or a sentence, which denies and is told to it" if deniable else ""
    raise BadInput(
        f"{text!r} is none of what can be answered",
        hint=f"Write {choice}{otherwise}.",
    )


def told(needs: Needs, text: str) -> str:
    """What the answer did, for a person."""
    if needs.kind != "permission":
        return f"answered {text!r} to: {needs.question}"
    if text == "allow":
        return f"allowed: {needs.question}"
    if text == "deny":
        return f"denied: {needs.question}"
    if text in needs.options:
        return f"answered {text!r} to: {needs.question}"
    return f"denied, with {text!r}: {needs.question}"
