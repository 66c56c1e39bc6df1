"""Settings files of an older form, for ``inspan upgrade``: rehearsed, brought forward, and back."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from inspan.cli import exits
from inspan.cli.finding import FAIL, OK, Finding
from inspan.cli.say import note, out
from inspan.errors import BadInput, InspanError, SettingsInvalid

if TYPE_CHECKING:
    from inspan.settings import Places
    from inspan.settings.forms import Texts


def rehearsed(where: Places) -> Finding | None:
    """What became of files of an older form in another folder; ``None`` where there are none.

    There, back, and there again, each read by what reads the real ones.
    """
    from inspan.settings.forms import back, forward
    from inspan.settings.values import FORM

    try:
        texts = _texts(where)
        if not _old(texts):
            return None
        new = forward(texts)
        _loaded(new)
        if back(new) != texts._replace(timeouts=None) or forward(back(new)) != new:
            return Finding("settings", FAIL, "the way back does not lead to what they were")
    except InspanError as error:
        return Finding("settings", FAIL, error.message, error.hint)
    return Finding(
        "settings",
        OK,
        f"{where.config} has form 1: to form {FORM} and back to the same bytes, done, valid",
    )


def go_forward(where: Places) -> None:
    """Bring them to the form of now, where they are of an older one; they were rehearsed."""
    from inspan.settings.forms import forward
    from inspan.settings.values import FORM

    texts = _texts(where)
    if _old(texts):
        _write(where, forward(texts))
        note(f"{where.config} has form {FORM} now; `inspan upgrade --settings-back` goes back")


def go_back(where: Places) -> int:
    """Undo ``go_forward``. Raises SettingsInvalid where they were changed since."""
    from inspan.settings.forms import back

    _write(where, back(_texts(where)))
    out(f"{where.config} has form 1 again, byte for byte; now install the inspan of before")
    return exits.DONE


def _old(texts: Texts) -> bool:
    from inspan.settings.forms import form_of
    from inspan.settings.values import FORM

    try:
        return form_of(texts.config) < FORM
    except BadInput:
        return False  # whoever reads it says what is wrong


def _texts(where: Places) -> Texts:
    from inspan.settings.forms import Texts

    return Texts(_text(where.config), _text(where.timeouts))


def _text(path: Path) -> str | None:
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsInvalid(f"cannot read {path}: {error}") from error


def _loaded(texts: Texts) -> None:
    """Raises SettingsInvalid."""
    from inspan.settings.places import TIMEOUTS
    from inspan.settings.values import load

    with tempfile.TemporaryDirectory(prefix="inspan-") as name:
        folder = Path(name)
        for file, text in (("config.yaml", texts.config), (TIMEOUTS, texts.timeouts)):
            if text is not None:
                (folder / file).write_bytes(text.encode())
        load(folder / "config.yaml")


def _write(where: Places, texts: Texts) -> None:
    """The timeouts are there before nothing else tells them, and go after it is told again."""
    if texts.timeouts is not None:
        _put(where.timeouts, texts.timeouts)
    _put(where.config, texts.config or "")
    if texts.timeouts is None:
        where.timeouts.unlink(missing_ok=True)


def _put(path: Path, text: str) -> None:
    path = path.resolve()  # it may be a link to where somebody keeps all of theirs
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_bytes(text.encode())
    if path.exists():
        fresh.chmod(path.stat().st_mode & 0o777)
    fresh.replace(path)
