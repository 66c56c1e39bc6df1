"""What is drawn is drawn once, nothing that is covered is, and what stays is looked up once.

A screen that is gone to again has all its styles found anew, though they are those that it had; it
is laid out and drawn, and then drawn whole a second time; of what holds other widgets all lines are
drawn below them, also where one line became otherwise; and the style of a widget, or whether the
theme is a dark one, is put together for each of its lines, from all the widgets around it. A key
waits for each of them. All of it is Textual's own and may be otherwise in its next version: that is
pinned, and tests tell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

from rich.style import Style
from rich.terminal_theme import TerminalTheme
from textual import events
from textual._compositor import Compositor
from textual.app import App
from textual.dom import DOMNode
from textual.geometry import Region
from textual.screen import Screen
from textual.strip import Strip

_render_update = Compositor.render_update
_on_timer_update = Screen._on_timer_update  # noqa: SLF001 - see above
_on_screen_resume = Screen._on_screen_resume  # noqa: SLF001 - see above
_rich_style: Final = vars(DOMNode)["rich_style"].fget
_ansi_theme: Final = vars(App)["ansi_theme"].fget
#: What was looked up of a widget since a drawing began; ``None``: nothing is drawn now.
_known: dict[tuple[int, str], Any] | None = None


def _rendered(compositor: Compositor, *args: Any, **given: Any) -> Any:
    """Nothing that is styled becomes otherwise meanwhile, and no widget goes."""
    global _known  # noqa: PLW0603 - there is one loop, and it draws one screen at a time
    before, _known = _known, {}
    try:
        return _render_update(compositor, *args, **given)
    finally:
        _known = before


#: The parts of a line, by the column at which each begins; ``None`` until it is drawn.
_Line: TypeAlias = dict[int, Strip | None]


def _parts(
    compositor: Compositor, crop: Region, is_rendered_line: Callable[[int], bool]
) -> Sequence[_Line]:
    """What lies in front is drawn first, and of what lies behind it those lines that are seen."""
    cuts = compositor.cuts
    parts: list[_Line] = [dict.fromkeys(line[:-1]) for line in cuts]
    for widget, (region, clip) in compositor.visible_widgets.items():
        seen = region.intersection(clip)
        if not seen or not crop.overlaps(seen):
            continue
        left, right = seen.column_span
        lines = [
            y
            for y in range(max(seen.y, crop.y), min(seen.bottom, crop.bottom))
            if is_rendered_line(y)
            and any(left <= cut < right and part is None for cut, part in parts[y].items())
        ]
        if not lines:
            continue
        top, high = lines[0], lines[-1] + 1 - lines[0]
        strips = widget.render_lines(Region(left - region.x, top - region.y, seen.width, high))
        for y in lines:
            line, inner = parts[y], [cut for cut in cuts[y] if left <= cut <= right]
            drawn = strips[y - top].divide([cut - left for cut in inner[1:]])
            for cut, strip in zip(inner, drawn, strict=False):
                if line.get(cut) is None:
                    line[cut] = strip
    return parts


def _style(node: DOMNode) -> Style:
    if _known is None:
        return _rich_style(node)  # type: ignore[no-any-return]
    found: Style | None = _known.get((id(node), "style"))
    if found is None:
        found = _known[id(node), "style"] = _rich_style(node)
    return found


def _theme(app: App[Any]) -> TerminalTheme:
    if _known is None:
        return _ansi_theme(app)  # type: ignore[no-any-return]
    found: TerminalTheme | None = _known.get((id(app), "theme"))
    if found is None:
        found = _known[id(app), "theme"] = _ansi_theme(app)
    return found


def _drawn_with_its_layout(screen: Screen[Any]) -> None:
    """Where it is laid out and all of it drawn, both are one drawing."""
    seen = screen.is_current and not screen.app._batch_count  # noqa: SLF001 - as theirs
    if seen and screen._layout_required and screen._repaint_required:  # noqa: SLF001 - as theirs
        screen._repaint_required = False  # noqa: SLF001 - as theirs
        screen._dirty_widgets.add(screen)  # noqa: SLF001 - as theirs
    _on_timer_update(screen)


def _resumed(screen: Screen[Any], event: events.ScreenResume) -> None:
    """Its styles are found anew where anything changed on which all styles hang."""
    app = screen.app
    around = (app._css_update_count, app.classes, frozenset(app.pseudo_classes))  # noqa: SLF001
    if vars(screen).get("_dressed") == around:
        event.refresh_styles = False
    vars(screen)["_dressed"] = around
    _on_screen_resume(screen, event)


def mend() -> None:
    """From now on, in this process."""
    for owner, name, ours in (
        (Compositor, "render_update", _rendered),
        (Compositor, "_render_chops", _parts),
        (DOMNode, "rich_style", property(_style)),
        (App, "ansi_theme", property(_theme)),
        (Screen, "_on_timer_update", _drawn_with_its_layout),
        (Screen, "_on_screen_resume", _resumed),
    ):
        setattr(owner, name, ours)
