"""Which code session a word of a person's means: a name, an id, one end of an id, or ``last``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from inspan.errors import AmbiguousId, SessionNotFound
from inspan.model.ids import short

if TYPE_CHECKING:
    from inspan.client.synccode import SyncCode
    from inspan.model.code import CodeSession

#: Fewer characters are no id: too much would begin or end with them.
_LEAST: Final = 4
_LAST: Final = "last"


def which(code: SyncCode, word: str) -> CodeSession:
    """The session that ``word`` means. Raises SessionNotFound, AmbiguousId."""
    if word != _LAST:
        try:
            return code.get(word)
        except SessionNotFound:
            pass
    return among(code.list(ended=True), word)


def among(sessions: Sequence[CodeSession], word: str) -> CodeSession:
    """Of ``sessions``, oldest first, the one that ``word`` means where it is no name."""
    fitting = (one for one in sessions if _fits(one.id, word))
    found = [*sessions[-1:]] if word == _LAST else [*fitting]
    if len(found) > 1:
        raise AmbiguousId(f"{word!r} fits {len(found)} sessions: {', '.join(map(called, found))}")
    if not found:
        said = "there is no session yet" if word == _LAST else f"there is no session {word!r}"
        raise SessionNotFound(
            said, hint="`inspan py ls --all` lists them; `inspan py --session NAME` opens one."
        )
    return found[0]


def called(session: CodeSession) -> str:
    """What a person calls it, and may type."""
    return session.spec.name or short(session.id)


def _fits(full: str, word: str) -> bool:
    if len(word) < _LEAST:
        return False
    return full.endswith(word) or full.removeprefix("py-").startswith(word)
