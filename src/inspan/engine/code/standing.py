"""Where a session stands, as one word beside each event: what an engine that comes later needs.

So a session is taken up from the end of its transcript, however long that is. It knows no file.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
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

    def word(self) -> str:
        """It as text."""
        opened = ",".join(map(str, self.open))
        return f"{self.run} {self.cells} {int(self.over)} {opened} {self.mark}"


def standing(word: str) -> Standing:
    """What ``word`` wrote; of an empty text, the beginning."""
    if not word:
        return Standing()
    run, cells, over, opened, mark = word.split(" ", 4)
    numbers = tuple(int(number) for number in opened.split(",") if number)
    return Standing(int(run), int(cells), over == "1", numbers, mark)
