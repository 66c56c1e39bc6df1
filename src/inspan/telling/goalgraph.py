"""What waits for what in a goal, as text for Mermaid and as a picture in SVG. Pure.

What a planner wrote stands in both as text alone, and never as markup.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Final

from inspan.model.goal import PlanStep
from inspan.model.pursuit import StepState, StepTold
from inspan.telling import layers
from inspan.telling.goals import MARKS, STYLES
from inspan.telling.story import Story
from inspan.terminal.sanitize import one_line

#: So many columns of a title have room in a box.
_WORDS: Final = 24
#: style → border and ground, readable on a light and on a dark page.
_COLOURS: Final = {
    "green": ("#2e7d32", "#e3f4e4"),
    "cyan": ("#0277bd", "#e1f3fb"),
    "blue": ("#4353b3", "#e7e9f8"),
    "yellow": ("#a86200", "#fff3d6"),
    "red": ("#c62828", "#fdecea"),
    "dim": ("#7a7f87", "#f2f3f5"),
}


def mermaid(story: Story) -> str:
    """A flowchart, as Mermaid and the sites that draw it take it."""
    found, steps = story.pursuit.steps, _steps(story)
    ids = {one.name: f"s{number}" for number, one in enumerate(found)}
    lines = ["graph LR"]
    for one in found:
        label = f"{MARKS[one.state]} {one.name}<br/>{_quoted(_second(one))}"
        lines.append(f'  {ids[one.name]}["{label}"]:::{STYLES[one.state]}')
    for one in found:
        befores = dict.fromkeys(steps[one.name].after)
        lines += [f"  {ids[before]} --> {ids[one.name]}" for before in befores]
    used = dict.fromkeys(STYLES[one.state] for one in found)
    for style in used:
        line, ground = _COLOURS[style]
        lines.append(f"  classDef {style} fill:{ground},stroke:{line},color:#1c1e21")
    return "\n".join(lines)


def _steps(story: Story) -> dict[str, PlanStep]:
    plan = story.pursuit.plan
    return {} if plan is None else {step.name: step for step in plan.steps}


def _quoted(text: str) -> str:
    """As Mermaid takes it within quotes: what it would obey goes by number."""
    return "".join(char if char.isalnum() or char in " .,-_" else f"#{ord(char)};" for char in text)


def _second(one: StepTold) -> str:
    """How it is, who has it, and how often it was reviewed."""
    told = [one.state.value, *([one.agent] if one.agent else [])]
    told += [f"{one.rounds} reviews"] if one.rounds > 1 else []
    return one_line(", ".join(told))


def svg(story: Story) -> str:
    """A picture that needs nothing beside it."""
    found, steps = {one.name: one for one in story.pursuit.steps}, _steps(story)
    drawn = layers.drawing({name: step.after for name, step in steps.items()})
    size = f'width="{drawn.width:g}" height="{drawn.height:g}"'
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {drawn.width:g}'
        f' {drawn.height:g}" font-family="system-ui, sans-serif" font-size="12" role="img">'
    )
    lines = (
        f'<path d="{path}" fill="none" stroke="#8a9099" stroke-width="1.3" marker-end="url(#tip)"/>'
        for _, _, path in drawn.lines
    )
    boxes = (_box(steps[name], found[name], box) for name, box in drawn.boxes.items())
    return "\n".join((head, f"<title>{escape(_title(story))}</title>", _TIP, *lines, *boxes, _END))


_TIP: Final = (
    '<defs><marker id="tip" viewBox="0 0 6 6" refX="5" refY="3" markerWidth="6" markerHeight="6"'
    ' orient="auto"><path d="M0 0L6 3L0 6z" fill="#8a9099"/></marker></defs>'
)
_END: Final = "</svg>"


def _title(story: Story) -> str:
    return one_line(story.goal.spec.name or story.goal.spec.prompt or "a goal", 120)


def _box(step: PlanStep, one: StepTold, box: layers.Box) -> str:
    return "".join(_pieces(step, one, box))


def _pieces(step: PlanStep, one: StepTold, box: layers.Box) -> Iterator[str]:
    line, ground = _COLOURS[STYLES[one.state]]
    words = one_line(step.title or step.name, _WORDS)
    yield f'<g transform="translate({box.x:g} {box.y:g})">'
    yield f"<title>{escape(one_line(f'{step.name}: {step.title or step.prompt}', 300))}"
    yield "</title>"
    yield (
        f'<rect width="{layers.WIDTH:g}" height="{layers.HEIGHT:g}" rx="5" fill="{ground}"'
        f' stroke="{line}"{_DASHED if one.state is StepState.WAITS else ""}/>'
    )
    yield f'<text x="10" y="18" fill="#1c1e21" font-weight="600">{escape(words)}</text>'
    second = one_line(f"{MARKS[one.state]} {_second(one)}", _WORDS + 4)
    yield f'<text x="10" y="35" fill="{line}" font-size="11">{escape(second)}</text></g>'


_DASHED: Final = ' stroke-dasharray="4 3"'
