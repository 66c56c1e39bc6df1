"""What of a screen asks somebody, by what all dialogs have in common: several signs near its end.

No one sign is enough, since an answer may quote any. Options below one another, words of consent
beside words of refusal, keys that choose or leave, a question, and a line that says that it waits
for a person each count for something; so does a place to type that is other than at rest. What is
said below them counts against them: what asks is the last that is shown. It knows no program, no
rule and no time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from inspan.terminal.layout import FRAME, boxes, floating, options
from inspan.terminal.panes import column

#: So many rows with words, from the last, are looked at.
_WINDOW: Final = 22
#: So many rows that tell nothing may be below the last sign.
_BELOW: Final = 2
#: The same in a box of its own.
_BELOW_BOXED: Final = 5
_SIDES: Final = FRAME + "▎▊▉▏▕▔▁▀▄█"
_CONSENT: Final = (
    r"(?:yes|ok|okay|allow(?:ed)?|approve|accept|confirm|always|once|trust|proceed|continue|run"
    r"|apply|submit|save|execute|grant|permit|agree|go ahead)"
)
_REFUSAL: Final = (
    r"(?:no|not now|deny|reject|refuse|decline|cancel|skip|never|abort|don.?t|do not|quit|exit|back"
    r"|dismiss|disallow|stop)"
)
_KEY: Final = (
    r"(?:(?:ctrl|alt|shift|cmd)[ +-]?\w+|\^\w|enter|esc(?:ape)?|tab|space(?:bar)?|arrows?"
    r"|⏎|↵|↑|↓|←|→|⇅|↕|⇥|⎋|j/k)"
)
_KEYS: Final = re.compile(rf"(?i)(?<![\w/]){_KEY}(?!\w)")
_CHOOSES: Final = re.compile(
    r"(?i)\b(?:select|choose|confirm|toggle|pick|navigate|move|answer|approve|allow|accept|reject"
    r"|deny|refuse|decline|cancel|dismiss|submit|skip|go back|back|proceed|continue"
    r"|runs? it)s?e?s?\b"
)
#: The keys of a place to type, and of work; and who says how to stop it.
_SENDS: Final = re.compile(
    r"(?ix)\b(?:new\ ?-?lines?|paste|history|send|commands|shortcuts|help|queue|follow-?ups?"
    r"|interrupts?|to\ stop|suspend|mentions?|background|expand|collapse|transcript|scroll\ to|mode"
    r"|auto|multi-?line|completes?|palette|editor|edits|sidebar)\b"
)
_REFUSE: Final = (
    r"(?:cancels?|dismiss|close|rejects?|deny|denies|refuses?|declines?|skips?|go back|back|exit)"
)
_TAKE: Final = (
    r"(?:select|choose|confirm|pick|submit|approve|allow|accept|answer|proceed|continue|next|runs?"
    r"|toggle|navigate|move)"
)
#: What is left so is work, and no dialog.
_NO_WORK: Final = (
    r"(?! (?:the |this |current |running )*(?:turn|run|generation|task|request|response|agent"
    r"|work|stream(?:ing)?|operation)\b)"
)
_LEAVES: Final = re.compile(rf"(?i)(?<!\w)(?:esc|escape|⎋)\W{{1,3}}(?:to )?{_REFUSE}\b{_NO_WORK}")
_TAKES: Final = re.compile(
    rf"(?i)(?<!\w)(?:enter|⏎|↵|space(?:bar)?|↑/?↓|(?:use )?(?:the )?arrows?|(?<=[\[( ])return)"
    rf"\W{{1,3}}(?:keys? )?(?:to )?{_TAKE}\b"
    r"|(?i:\buse\b.{0,24}\barrow keys\b)"
)
#: Who was interrupted may press a key, and is asked nothing.
_STOPPED: Final = re.compile(r"(?i)\b(?:interrupted|cancell?ed|aborted)\b")
#: What stands below a question that was answered.
_ANSWER: Final = re.compile(r"(?i)\W{0,3}(?:y|n|a|yes|no|always|ok|skip)\W?")
#: What may be the end of a row that was too long.
_END: Final = re.compile(r"\s*[a-z]\w*(?: \w+)?\)?\s*")
_STRONG: Final = frozenset("KBYWO")
_ANCHORS: Final = _STRONG | {"x"}
#: Those by which an answer is chosen, and nothing else is.
_ANSWERS: Final = frozenset("BYWO")
#: How much each counts for.
_WORTH: Final = {"B": 2, "L": 2, "K": 2, "k": 1, "Y": 2, "W": 2, "O": 2, "x": 1, "Q": 1}
_SPINNER: Final = frozenset("s")
#: Between options and where they are answered: what is taken if nobody does.
_NOTE: Final = re.compile(
    r"(?i)\W*(?:[\[(][^\[\]()]{2,70}[\])]\W*){1,2}"
    r"|\W*(?:defaults?|time-?out|times out|auto-\w+)\b[^.!?]{0,60}\W*"
)
#: And a line of status that says no more than that it works.
_BUSY: Final = re.compile(
    r"(?i)\W*(?:thinking|working|running|processing|generating|executing|busy)\b\W*(?:\d+ ?s\W*)?"
)
_NOTES: Final = frozenset({"n"})
#: A row of a box that begins with a question, and the sides of such a box.
_IN_BOX: Final = frozenset({"x"})
_WALLS: Final = frozenset({"││", "┃┃", "║║", "||"})
#: So many columns at the right of a box have no words.
_EDGES: Final = 5
_LONG: Final = 6
#: Rows between one option and the next, at the most; and an option that has no number.
_GAP: Final = 4
_ANY: Final = 99
_STOPS: Final = re.compile(r"(?i)\b(?:esc|escape|ctrl.?c|\^c)\b.{0,20}\b(?:interrupt|stop|abort)")
_MARK: Final = r"(?:[❯›>●▶→◉▸➤»►‣✦]|[-=]>|\([xX•*●]\)|\[[xX✓✔*•]\])"
_NUMBERED: Final = re.compile(
    rf"(?:{_MARK} {{0,3}})?[\[(]?(?:(\d{{1,2}})[\]).:] ?|([a-h])[\]).:] )\S"
)
_TICKED: Final = re.compile(
    rf"(?:{_MARK} {{0,3}})?(?:\([ xX•*●]\)|\[[ xX✓✔*•]\]|[☐☑☒◻◼◯◉○●□⦿]) ?\S"
)
_UNTICKED: Final = re.compile(rf"(?:{_MARK} {{0,3}})?(?:\( \)|\[ \]|[☐◻◼◯○□⦾])")
_MARKED: Final = re.compile(rf"{_MARK} {{0,3}}(?=\S)")
_BRIEF: Final = re.compile(
    rf"(?i)(?:{_MARK} {{0,3}})?(?:[\[(]?\w[\]).:] ?)?(?:[^\w\s] ?)?"
    rf"(?:{_CONSENT}|{_REFUSAL})\b[^.?!]{{0,70}}$"
)
_CONSENTS: Final = re.compile(rf"(?i)(?<![\w'/.-]){_CONSENT}\b")
_REFUSES: Final = re.compile(rf"(?i)(?<![\w'/.-]){_REFUSAL}\b")
#: What allows, and is no command by itself; and what turns that round.
_ALLOWING: Final = r"(?:yes|ok|okay|allow|approve|accept|confirm|always|trust|grant|permit|agree)"
_ALLOWS: Final = re.compile(rf"(?i)(?<![\w'/.-]){_ALLOWING}\b")
_NOT: Final = re.compile(r"(?i)\b(?:don.?t|do not|never|dis(?=allow))")
_LETTER_KEY: Final = r"(?:[\[(<]\w[\])>]:? ?|(?<!\S)\w(?: {1,2}|: ?| ?[=→] ?))"
_KEY_ALLOWS: Final = re.compile(rf"(?i){_LETTER_KEY}{_ALLOWING}\b")
_KEY_REFUSES: Final = re.compile(rf"(?i){_LETTER_KEY}{_REFUSAL}\b")
#: One's own answer, in the place of an option.
_OWN: Final = re.compile(
    r"(?i)\W*(?:or )?(?:type|write|enter|give) (?:an?|your|my|something) ?"
    r"(?:own |custom |different )?(?:answers?|response|reply|else|choice|value|one)\b.{0,24}"
    r"|\W*(?:something else|none of (?:these|the above)|other answer|custom answer)\b.{0,16}"
)
#: A program's own question to its user, beside which a spinner turns.
_ASKS_USER: Final = re.compile(
    r"(?i)\bask(?:s|ing)?[_ -]?(?:the[_ ])?(?:user|human|you|question)"
    r"|\bawaiting (?:answer|reply|choice)\b"
)
#: Parts of a line of status, as its signs divide it.
_PARTS: Final = re.compile(r" [·•|│] ")
#: Words that stand apart from one another, as buttons and keys with their words do.
_APART: Final = re.compile(r" {2,}|[|│·•/,\[\]()<>]|\s[-–]\s")
#: The left side of a panel.
_LEFT: Final = re.compile(rf"^[{re.escape(_SIDES)}]+")
#: A letter that is a key and begins a word.
_LETTER: Final = re.compile(r"[\[(](\w)[\])](?=[a-z])")
_COLUMNS: Final = re.compile(r" {2,}|[|│·•]")
_QUESTION: Final = re.compile(r"\w.*\?\W*$|\w.*\?\s*[\[(].{1,60}[\])]\W*$")
_REQUEST: Final = re.compile(
    r"(?i)^\W*(?:please )?(?:select|choose|pick|allow|approve|confirm|permit|trust|grant)\b"
    r"[^.!]{2,90}$"
)
_YES_NO: Final = re.compile(
    r"(?i)[\[(](?=[^\])]{0,60}(?<!\w)y(?:es)?\b)(?=[^\])]{0,60}(?<!\w)no?\b)[^\])]{3,80}[\])]"
    r"[^\w]{0,6}(?:[(\[]\w{1,4}[)\]])?\W*$"
)
_PERSON: Final = (
    r"(?:permission|approval|confirmation|decision|(?:your|user) (?:\w+ )?"
    r"(?:answer|input|response|reply|choice)|input|answer from you)"
)
_WAITS: Final = re.compile(
    rf"(?i)\b(?:waiting (?:for|on)|awaiting|needs|requires|wants) "
    rf"(?:your |user |an? |the )?{_PERSON}\b"
    r"|\b(?:is )?asking (?:you )?(?:a |the )?questions?\b|\bhas a question\b|\basks you\b"
    rf"|\b{_PERSON} (?:is )?(?:required|requested|needed|pending|request)\b"
)
_SPINS: Final = re.compile(r"^[\u2800-\u28ff◐◓◑◒◴◷◶◵✦✢✶✻✽·∙●⏺] ?\S.*(?:…|\.\.\.|\d ?s\b)")
_PROSE: Final = re.compile(r"(?:\S+ ){5,}\S*[.!:;,]\W*$|(?:\S+ ){9,}")
#: What is needed where nothing is known of the place to type, where it is as at rest, in a box
#: over all else, and in a panel that came beside without words of consent and of refusal.
NEEDED, AT_REST, OVER_ALL, BESIDE = 4, 5, 2, 3
#: Of so many rows it is known what they are signs of: most are looked at again and again.
_KNOWN: Final = 2048


@dataclass(frozen=True, slots=True)
class Asking:
    """The rows that ask, and how many signs of it there are."""

    rows: tuple[int, ...] = ()
    signs: int = 0
    #: Those of them that are options: of a dialog they come together.
    options: tuple[int, ...] = ()
    #: They are answers that allow and refuse: options, or buttons alone in their row.
    chooses: bool = False


def asking(
    rows: Sequence[str],
    typing: range | None,
    always: Callable[[str], bool],
    turning: frozenset[int] = frozenset(),
    *,
    rests: bool,
) -> Asking:
    """What may ask on this screen.

    ``typing``: the rows in which one types; ``always``: whether a row is shown at rest too;
    ``turning``: the rows that turn, as spinners do; ``rests``: the place to type is as at rest.
    """
    over = floating(rows)
    if over is not None:
        found = _signs([*enumerate(over)], [*map(_kind, over)], _BELOW_BOXED)
        if found.signs >= OVER_ALL:
            parts = [over[at] for at in found.rows]
            stands = [at for at, row in enumerate(rows) if any(part in row for part in parts)]
            return Asking(tuple(stands), found.signs + AT_REST)
    cut = column(rows)
    shown = [
        (at, said)
        for at, row in enumerate(cut)
        if any(map(str.isalnum, row)) and not always(row) and (said := _inside(row))
        if not (rests and typing and at in typing)
    ]
    shown = shown[-_WINDOW:]
    kinds = _kinds_of(shown, max(map(len, cut)), turning)
    asked = _boxed(cut, shown, kinds, typing)
    kinds = [
        kind | _IN_BOX if row in asked else kind
        for (row, _), kind in zip(shown, kinds, strict=True)
    ]
    return _signs(shown, kinds, _BELOW, typing)


def asking_beside(rows: Sequence[str], new: Sequence[bool]) -> Asking:
    """What may ask in a pane beside; ``new``: whether a row came after the last prompt.

    A panel that did as a whole needs few signs; but a list, or keys, may tell what is to be done.
    """
    every = [(at, _inside(row)) for at, row in enumerate(rows)]
    worded = [(at, said) for at, said in every if any(map(str.isalnum, said))]
    shown = [(at, said) for at, said in worded if new[at]][-_WINDOW:]
    kinds = [_kind(said) for _, said in shown]
    found = _signs(shown, kinds, _BELOW_BOXED)
    decides = any(kind & _ANSWERS for kind in kinds) or _decides([said for _, said in shown])
    least = OVER_ALL if decides else BESIDE
    least = least if all(new[at] for at, _ in worded) else NEEDED
    return found if found.signs >= least else Asking()


def _boxed(
    rows: Sequence[str],
    shown: Sequence[tuple[int, str]],
    kinds: Sequence[frozenset[str]],
    typing: range | None,
) -> range:
    """The rows of the lowest box with sides that begins with a question and has more below it."""
    for above, below in reversed(boxes(rows)):
        inside = range(above + 1, below)
        if typing and typing.start in inside:
            continue
        sides = {row.strip()[0] + row.strip()[-1] for row in rows[above + 1 : below] if row}
        listed = any(shown[at][0] in inside for at in _block(shown))
        if not listed and (len(sides) != 1 or not sides <= _WALLS):
            continue
        said = [kind for (row, _), kind in zip(shown, kinds, strict=True) if row in inside]
        title = any(
            row == above and "Q" in kind for (row, _), kind in zip(shown, kinds, strict=True)
        )
        if title and said:
            return range(above, below)
        if len(said) > 1 and "Q" in said[0]:
            return inside
    return range(0)


def tells(row: str) -> bool:
    """Whether a row has words, and is neither an option nor keys nor a question of a dialog."""
    said = _inside(row).strip()
    if not any(map(str.isalpha, said)) or _kind(said) - _NOTES:
        return False
    return not any(each.match(said) for each in (_NUMBERED, _TICKED, _MARKED, _BRIEF))


def needed(*, rests: bool, other: bool) -> int:
    """How many signs there have to be, by what is known of the place to type."""
    return AT_REST if rests else NEEDED - other


def _signs(
    shown: Sequence[tuple[int, str]],
    kinds: Sequence[frozenset[str]],
    below: int,
    typing: range | None = None,
) -> Asking:
    """How much of these rows asks, where little that does not is below."""
    block = _block(shown)
    anchors = [at for at, kind in enumerate(kinds) if kind & _ANCHORS or at in block]
    if not anchors:
        return Asking()
    last = anchors[-1]
    if last + 1 < len(shown) and _goes_on(shown[last], shown[last + 1]):
        last += 1  # a row that was broken
    if last not in block and _repeated(shown, last):
        return Asking()
    upto = typing.start if typing else 0
    aside = [_SPINNER | _NOTES if row < upto else _SPINNER for row, _ in shown]
    others = [shown[at] for at in range(last + 1, len(shown)) if not kinds[at] & aside[at]]
    after = [said.strip() for row, said in others if typing is None or row not in typing]
    if typing is not None and any(row < typing.start for row, _ in others):
        return Asking()
    if len(after) > below or any(map(_prose, after)) or any(map(_ANSWER.fullmatch, after)):
        return Asking()
    signs, rows = _counted(shown, kinds, block, last)
    kept = sorted({shown[at][0] for at in rows if "s" not in kinds[at]})
    listed = _decides([shown[at][1] for at in block])
    chooses = listed or ("B" in kinds[last] and _only_buttons(shown[last][1]))
    return Asking(tuple(kept), signs, tuple(shown[at][0] for at in block), chooses)


def _inside(row: str) -> str:
    """Without what is drawn around it; its words stay where they are."""
    return _LEFT.sub(lambda found: " " * len(found[0]), row).rstrip(_SIDES)


def _kinds_of(
    shown: Sequence[tuple[int, str]], width: int, turning: frozenset[int]
) -> list[frozenset[str]]:
    """What each row is a sign of; what was broken off a spinner's row is part of that."""
    kinds: list[frozenset[str]] = []
    for at, (row, said) in enumerate(shown):
        kind = _kind(said)
        if row in turning:
            kind |= {"s", "W"} if _ASKS_USER.search(said) else _SPINNER
        if at and "s" in kinds[-1] and shown[at - 1][0] == row - 1:
            begun = len(shown[at - 1][1]) + len(said.split(maxsplit=1)[0])
            kind = _SPINNER if begun + _EDGES >= width else kind
        kinds.append(kind)
    return kinds


@lru_cache(_KNOWN)
def _kind(said: str) -> frozenset[str]:
    """What a row is a sign of, by letters."""
    return frozenset(_kinds(said))


def _kinds(said: str) -> set[str]:
    raw = said.strip()
    said = _LETTER.sub(r"\1", raw)
    found: set[str] = set()
    if _WAITS.search(said) and len(said.split()) < 14:
        found.add("W")
    if _SPINS.match(said) or (_STOPS.search(said) and not _prose(said)):
        return found | {"s"}
    keys = len(_KEYS.findall(said))
    if keys and not _SENDS.search(said) and not _STOPPED.search(said):
        chooses = _CHOOSES.search(said)
        if _LEAVES.search(said) or _TAKES.search(said) or (chooses and keys > 1):
            found.add("K")
        elif keys > 2:
            found.add("k")
    found |= {sign for sign, is_so in _SAYS if is_so(said)}
    if "B" in found and (_keyed(said) or said != raw):
        found.add("L")
    aside = _NOTE.fullmatch(said) or _BUSY.fullmatch(said) or len(_PARTS.findall(said)) > 1
    return {"n"} if not found and not keys and aside else found


def _counted(
    shown: Sequence[tuple[int, str]], kinds: Sequence[frozenset[str]], block: list[int], last: int
) -> tuple[int, list[int]]:
    """How many signs there are up to the last and beside it, and of which rows."""
    said = [shown[at][1].strip() for at in block]
    signs = bool(block) + any(map(_MARKED.match, said)) + _decides(said)
    rows = list(block)
    first = min([*block, last])
    boxed = [at for at, kind in enumerate(kinds) if "x" in kind]
    near = range(max(0, min([first - 8, *boxed])), len(shown))
    for sign, worth in _WORTH.items():
        where = [at for at in near if sign in kinds[at]]
        if sign == "k" and any("K" in kinds[at] for at in near):
            continue
        if sign == "Y" and len(where) > 1:
            continue
        if sign == "Q":
            where = [at for at in where if at <= last]
            where = [at for at in where if at in boxed] or where
        if where:
            signs += worth
            rows += where if sign == "x" else where[-1:] if sign in "YWQ" else where[-2:]
    return signs + _paired(shown, kinds, last) + any("x" in kinds[at] for at in block), rows


def _decides(said: Sequence[str]) -> bool:
    """Whether one of these allows, and another refuses."""
    brief = [*filter(_BRIEF.match, map(str.strip, said))]
    return any(map(_CONSENTS.search, brief)) and any(map(_REFUSES.search, brief))


def _paired(shown: Sequence[tuple[int, str]], kinds: Sequence[frozenset[str]], last: int) -> bool:
    """Whether a question stands just above the last buttons, in a row of its own."""
    lower = next((at for at in range(last, -1, -1) if "B" in kinds[at]), 0)
    above = shown[max(0, lower - _GAP) : lower]
    return any(_QUESTION.search(said.strip()) for _, said in above)


def _repeated(shown: Sequence[tuple[int, str]], at: int) -> bool:
    """Whether a row is the one above it but for a number, as what a command prints."""
    said = "".join(filter(str.isalpha, shown[at][1]))
    above = "".join(filter(str.isalpha, shown[at - 1][1])) if at else ""
    return len(said) > _LONG and said == above


def _goes_on(row: tuple[int, str], after: tuple[int, str]) -> bool:
    """Whether a row is the end of one that was too long."""
    return after[0] == row[0] + 1 and _END.fullmatch(after[1]) is not None


def _prose(said: str) -> bool:
    """Whether a row is of a text, and not words apart from one another."""
    return any(map(_PROSE.search, _COLUMNS.split(said)))


def _buttons(said: str) -> bool:
    """Whether words of consent and of refusal stand in a row, apart from one another.

    Among the keys of a place to type these are the words of an answer, and of no command.
    """
    parts = [part.strip() for part in _APART.split(said) if part.strip()]
    words = [part for part in parts if len(part.split()) < 6]
    consents = _ALLOWS if _KEYS.search(said) and _SENDS.search(said) else _CONSENTS
    refused = {part for part in words if _REFUSES.search(part)}
    agreed = {part for part in words if consents.search(part) and not _NOT.search(part)}
    return len(words) > 1 and bool(agreed and refused) and not agreed & refused


def _only_buttons(said: str) -> bool:
    """Whether a row has nothing but them."""
    parts = [part.strip() for part in _APART.split(said) if any(map(str.isalpha, part))]
    return all(_CONSENTS.search(part) or _REFUSES.search(part) for part in parts)


def _keyed(said: str) -> bool:
    """Whether words of consent and of refusal each have a letter for a key: [y] Yes  [n] No."""
    found = [each.span() for each in _KEY_ALLOWS.finditer(said)]
    return bool(found) and any(each.start() > found[0][0] for each in _KEY_REFUSES.finditer(said))


def _block(shown: Sequence[tuple[int, str]]) -> list[int]:
    """The lowest options that are below one another, by their numbers, boxes, words or mark."""
    for at in range(len(shown) - 1, 0, -1):
        for kind in (_number, _ticked, _worded):
            if run := _run(shown, at, kind):
                return run
    return _listed(shown)


def _listed(shown: Sequence[tuple[int, str]]) -> list[int]:
    """The lowest rows of which one is marked, and the words of the others begin below its."""
    numbers = {row: at for at, (row, _) in enumerate(shown)}
    rows = [""] * (max(numbers, default=-1) + 1)
    for row, said in shown:
        rows[row] = said
    found = options(rows)
    return [numbers[row] for row in found if row in numbers] if found else []


def _run(shown: Sequence[tuple[int, str]], last: int, kind: Callable[[str], int]) -> list[int]:
    """The rows that end with ``last`` and follow one another as ``kind`` tells; or nothing."""
    run, at = [last], last
    if not (number := kind(shown[last][1].strip())):
        return []
    while at > 0 and shown[run[-1]][0] - shown[at - 1][0] < _GAP:
        at -= 1
        said = shown[at][1].strip()
        if kind(said) == number - 1 and number > 1:
            number -= 1
            run.append(at)
        elif kind(said) == number == _ANY:
            run.append(at)
    enough = number == 1 if number < _ANY else True
    if kind is _ticked:
        enough = any(_UNTICKED.match(shown[each][1].strip()) for each in run)
    if kind is _worded:
        words = [shown[each][1].strip() for each in run]
        enough = any(map(_CONSENTS.search, words)) and any(map(_REFUSES.search, words))
    return run[::-1] if len(run) > 1 and enough else []


def _number(said: str) -> int:
    found = _NUMBERED.match(said)
    if not found:
        return 0
    return int(found[1]) if found[1] else ord(found[2]) - ord("a") + 1


def _ticked(said: str) -> int:
    return _ANY if _TICKED.match(said) else 0


def _worded(said: str) -> int:
    return _ANY if _BRIEF.match(said) else 0


#: What a row says by its words alone, by letters.
_SAYS: Final[tuple[tuple[str, Callable[[str], object]], ...]] = (
    ("Y", _YES_NO.search),
    ("B", lambda said: not _prose(said) and _buttons(said)),
    ("O", _OWN.fullmatch),
    ("Q", lambda said: _QUESTION.search(said) or _REQUEST.match(said)),
)
