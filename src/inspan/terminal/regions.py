"""Where on a screen a rule looks, by the names of a rule file. It reads no screen, and no rule."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from inspan.model.value import value


class Place(StrEnum):
    """Where on the screen a pattern is looked for."""

    TITLE = "osc_title"  #: the window title
    TURNING = "turning_title"  #: the same, unless a spinner in it has stopped
    PROGRESS = "progress"  #: the progress that was set: ``value 40``, ``busy 0``, or nothing
    BOTTOM = "bottom_lines"  #: the last lines that are not empty
    AFTER_RULE = "after_last_horizontal_rule"  #: what is below the last line across the screen
    CURSOR = "cursor_line"  #: the cursor's line, up to the cursor
    ROW = "cursor_row"  #: the cursor's line, all of it
    BOX = "cursor_box"  #: between the lines across the screen above and below the cursor
    LAST_BOX = "last_box"  #: between the last two lines across the screen with something between
    WORDS = "bottom_words"  #: the last lines that have a letter or a digit
    TYPING = "typing"  #: the line in which one types, where that is a single one
    ABOVE = "above_typing"  #: the last lines above those that have a letter or a digit
    BOX_ABOVE = "box_above"  #: in the box with sides that stands just above them
    BOX_TITLE = "box_title"  #: the upper line of that box
    LIST_ABOVE = "list_above"  #: the list of options that is the last thing above them
    ABOVE_LIST = "above_list"  #: the two lines above that list
    ASKED = "asked"  #: the paragraph in front of what is typed, in one line
    LOW_BOX = "low_box"  #: the line in the last box, where little stands below that
    QUESTIONED = "above_options"  #: the two lines above a list of options of which one is marked
    FLOATING = "floating_box"  #: in the lowest box that begins right of the left edge
    PRINTED = "printed"  #: the last line of all, where the cursor has left it
    FRESH = "fresh_line"  #: up to the cursor, which is shown, where no line is newer than its own
    LIVE = "live"  #: the last line, where a cursor that is hidden stands at the end of all
    LEFT = "left"  #: the same, where the cursor is shown
    USUAL = "usual"  #: where one types, where it stands as it did when a prompt was sent
    AGAIN = "usual_cursor"  #: up to the cursor, where that is so below words that ask nothing
    UNLIKE = "unlike"  #: the last line with words, where one was sent and no such place is left
    OTHERWISE = "otherwise"  #: up to the cursor, where that is no look of a prompt that was sent
    ASKING = "asking"  #: the rows that ask, by several signs together
    MAYBE = "maybe_asking"  #: the same where there are few signs
    BESIDE = "asking_beside"  #: the rows that ask in a pane beside the one to talk in
    OVER = "laid_over"  #: in a box that came over what was said before, of itself
    UNANSWERED = "unanswered"  #: the last line of a prompt that was sent, where nothing came of it
    STOPPED = "stopped"  #: what a program said last when somebody stopped it
    UNTOUCHED = "untouched"  #: an empty line, where nobody has typed anything yet
    READY = "ready"  #: the same, where one types somewhere
    WHOLE = "whole"  #: every line that is not empty


#: Told by the program itself, and not read off its picture.
TOLD: Final = frozenset({Place.TITLE, Place.TURNING, Place.PROGRESS})


#: Of so many lines as the rule says.
COUNTED: Final = frozenset({Place.BOTTOM, Place.WORDS, Place.ABOVE})


@value(frozen=True)
class Region:
    """A place; ``lines`` is how many, for the bottom."""

    place: Place
    lines: int = 0
