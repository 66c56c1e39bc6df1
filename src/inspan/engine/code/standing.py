"""Where a session stands, as one word beside each event: what an engine that comes later needs.

So a session is taken up from the end of its transcript, however long that is. It knows no file.
"""

from __future__ import annotations

from inspan.model.value import value


@value(frozen=True)
class Standing:
    """After some event of a session."""

    #: The run that told it.
    run: int = 0
    #: Cells so far.
    cells: int = 0
    #: That run is over.
    over: bool = False
    #: Numbers of the events of what is open: of a cell that has no end, of a line that is wanted.
    open: tuple[int, ...] = ()
    #: From where its provider goes on.
    mark: str = ""


def word(run: int, cells: int, over: bool, opened: tuple[int, ...], mark: str) -> str:
    """A Standing as text; of its fields, for one is written with each event."""
    return f"{run} {cells} {over:d} {','.join(map(str, opened)) if opened else ''} {mark}"


def standing(text: str) -> Standing:
    """What ``word`` wrote; of an empty text, the beginning."""
    if not text:
        return Standing()
    run, cells, over, opened, mark = text.split(" ", 4)
    numbers = tuple(int(number) for number in opened.split(",") if number)
    return Standing(int(run), int(cells), over == "1", numbers, mark)
