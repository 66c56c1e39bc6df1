"""What one row of a screen is a sign of, by its words alone: keys, buttons, a question, a spinner.

It reads one row at a time, and knows no screen, no program, no rule and no time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from enum import StrEnum
from functools import lru_cache
from typing import Final, TypeAlias

from inspan.terminal.layout import FRAME


class Sign(StrEnum):
    """What a row is a sign of."""

    KEYS = "keys"  #: that choose or leave
    SOME_KEYS = "some keys"  #: whatever they do
    YES_OR_NO = "yes or no"  #: ``(y/n)`` at its end
    WAITS = "waits"  #: it says that it waits for a person
    OWN_ANSWER = "own answer"  #: a line for one's own
    BUTTONS = "buttons"  #: words of consent beside words of refusal
    LETTERS = "letters"  #: such words with letters for keys
    QUESTION = "question"
    IN_BOX = "in box"  #: it is of a box that begins with a question
    SPINNER = "spinner"  #: it tells of work
    NOTE = "note"  #: it tells nothing: a line of status, what is taken if nobody answers


#: All that one row is a sign of.
Signs: TypeAlias = frozenset[Sign]
#: An option that has no number.
ANY: Final = 99
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
ANSWER: Final = re.compile(r"(?i)\W{0,3}(?:y|n|a|yes|no|always|ok|skip)\W?")
#: The same behind the words that say how to: ``enter y to allow, n to deny: y``.
_TYPED: Final = re.compile(r"(?i)\b[yn]\b.*\b[yn]\b.*: (?:y|n|yes|no)$")
#: What may be the end of a row that was too long.
END: Final = re.compile(r"\s*[a-z]\w*(?: \w+)?\)?\s*")
#: Between options and where they are answered: what is taken if nobody does.
_NOTE: Final = re.compile(
    r"(?i)\W*(?:[\[(][^\[\]()]{2,70}[\])]\W*){1,2}"
    r"|\W*(?:defaults?|time-?out|times out|auto-\w+)\b[^.!?]{0,60}\W*"
)
#: And a line of status that says no more than that it works.
_BUSY: Final = re.compile(
    r"(?i)\W*(?:thinking|working|running|processing|generating|executing|busy)\b\W*(?:\d+ ?s\W*)?"
)
_STOPS: Final = re.compile(r"(?i)\b(?:esc|escape|ctrl.?c|\^c)\b.{0,20}\b(?:interrupt|stop|abort)")
_MARK: Final = r"(?:[❯›>●▶→◉▸➤»►‣✦]|[-=]>|\([xX•*●]\)|\[[xX✓✔*•]\])"
_NUMBERED: Final = re.compile(
    rf"(?:{_MARK} {{0,3}})?[\[(]?(?:(\d{{1,2}})[\]).:] ?|([a-h])[\]).:] )\S"
)
_TICKED: Final = re.compile(
    rf"(?:{_MARK} {{0,3}})?(?:\([ xX•*●]\)|\[[ xX✓✔*•]\]|[☐☑☒◻◼◯◉○●□⦿]) ?\S"
)
UNTICKED: Final = re.compile(rf"(?:{_MARK} {{0,3}})?(?:\( \)|\[ \]|[☐◻◼◯○□⦾])")
MARKED: Final = re.compile(rf"{_MARK} {{0,3}}(?=\S)")
_BRIEF: Final = re.compile(
    rf"(?i)(?:{_MARK} {{0,3}})?(?:[\[(]?\w[\]).:] ?)?(?:[^\w\s] ?)?"
    rf"(?:{_CONSENT}|{_REFUSAL})\b[^.?!]{{0,70}}$"
)
CONSENTS: Final = re.compile(rf"(?i)(?<![\w'/.-]){_CONSENT}\b")
REFUSES: Final = re.compile(rf"(?i)(?<![\w'/.-]){_REFUSAL}\b")
#: What allows, and is no command by itself; and what turns that round.
_ALLOWING: Final = r"(?:yes|ok|okay|allow|approve|accept|confirm|always|trust|grant|permit|agree)"
_ALLOWS: Final = re.compile(rf"(?i)(?<![\w'/.-]){_ALLOWING}\b")
_NOT: Final = re.compile(r"(?i)\b(?:don.?t|do not|never|dis(?=allow))")
#: The letter may stand behind it too: Yes (y).
_BEHIND: Final = r"\b[^\[\]().?!]{0,20}[\[(](?:(?:ctrl|alt|shift)[+-])?\w[\])]"
_ALLOWS_BEHIND: Final = re.compile(rf"(?i)(?<![\w'/.-]){_ALLOWING}{_BEHIND}")
_REFUSES_BEHIND: Final = re.compile(rf"(?i)(?<![\w'/.-]){_REFUSAL}{_BEHIND}")
_LETTER_KEY: Final = r"(?:[\[(<]\w[\])>]:? ?|(?<!\S)\w(?: {1,2}|: ?| ?[=→] ?))"
#: A key and what it does, with nothing more: N Deny, Enter Once.
_KEY_WORD: Final = re.compile(rf"(?i)(?:\w|{_KEY})(?: {{1,2}}|: ?| ?[=→] ?)\w+(?: \w+)?")
_KEY_ALLOWS: Final = re.compile(rf"(?i){_LETTER_KEY}{_ALLOWING}\b")
_KEY_REFUSES: Final = re.compile(rf"(?i){_LETTER_KEY}{_REFUSAL}\b")
#: One's own answer, in the place of an option.
_OWN: Final = re.compile(
    r"(?i)\W*(?:or )?(?:type|write|enter|give) (?:an?|your|my|something) ?"
    r"(?:own |custom |different )?(?:answers?|response|reply|else|choice|value|one)\b.{0,24}"
    r"|\W*(?:something else|none of (?:these|the above)|other answer|custom answer)\b.{0,16}"
)
#: A program's own question to its user, beside which a spinner turns.
ASKS_USER: Final = re.compile(
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
QUESTION: Final = re.compile(
    r"\w.*\?\W*$|\w.*\?\s*[\[(].{1,60}[\])]\W*$|^\W*(?:\w\S* ){0,8}\w\S*\? {2,}\S"
)
REQUEST: Final = re.compile(
    r"(?i)^\W*(?:please )?(?:select|choose|pick|allow|approve|confirm|permit|trust|grant)\b"
    r"[^.!]{2,90}$"
)
_YES_NO: Final = re.compile(
    r"(?i)[\[(](?=[^\])]{0,60}(?<!\w)y(?:es)?\b)(?=[^\])]{0,60}(?<!\w)no?\b)[^\])]{3,80}[\])]"
    r"[^\w]{0,6}(?:[(\[]\w{1,4}[)\]])?\W*$"
    r"|\? +y(?:es)?/no?(?:/\w{1,8}){0,3}\W*$"
)
_PERSON: Final = (
    r"(?:permission|approval|confirmation|decision|(?:your|user) (?:\w+ )?"
    r"(?:answer|input|response|reply|choice)|input|answer from you)"
)
_WAITS: Final = re.compile(
    rf"(?i)\b(?:waiting (?:for|on)|awaiting|needs|requires|wants) "
    rf"(?:your |user |an? |the )?{_PERSON}\b"
    r"|^\W*(?:question|clarification) from (?:the |your )?(?:agent|assistant|model)\b"
    r"|\b(?:is )?asking (?:you )?(?:a |the )?questions?\b|\bhas a question\b|\basks you\b"
    rf"|\b{_PERSON} (?:is )?(?:required|requested|needed|pending|request)\b"
)
#: What turns at work, as a part of a class of characters.
SPINNER: Final = r"\u2800-\u28ff◐◓◑◒◴◷◶◵✦✢✶✻✽"
_SPINS: Final = re.compile(rf"^[{SPINNER}·∙●⏺] ?\S.*(?:…|\.\.\.|\d ?s\b)")
_PROSE: Final = re.compile(r"(?:\S+ ){5,}\S*[.!:;,]\W*$|(?:\S+ ){9,}")
#: Of so many rows it is known what they are signs of: most are looked at again and again.
_KNOWN: Final = 2048


def inside(row: str) -> str:
    """Without what is drawn around it; its words stay where they are."""
    return _LEFT.sub(lambda found: " " * len(found[0]), row).rstrip(_SIDES)


@lru_cache(_KNOWN)
def signs_of(said: str) -> Signs:
    """What a row is a sign of."""
    return frozenset(_signs(said))


def _signs(said: str) -> set[Sign]:
    raw = said.strip()
    said = _LETTER.sub(r"\1", raw)
    found: set[Sign] = set()
    if _WAITS.search(said) and len(said.split()) < 14:
        found.add(Sign.WAITS)
    if _SPINS.match(said) or (_STOPS.search(said) and not prose(said)):
        return found | {Sign.SPINNER}
    keys = len(_KEYS.findall(said))
    if keys and not _SENDS.search(said) and not _STOPPED.search(said):
        chooses = _CHOOSES.search(said)
        if _LEAVES.search(said) or _TAKES.search(said) or (chooses and keys > 1):
            found.add(Sign.KEYS)
        elif keys > 2:
            found.add(Sign.SOME_KEYS)
    if not _TYPED.search(said):
        found |= {sign for sign, is_so in _SAYS if is_so(said)}
    if Sign.BUTTONS in found and (_keyed(said) or said != raw):
        found.add(Sign.LETTERS)
    aside = _NOTE.fullmatch(said) or _BUSY.fullmatch(said) or len(_PARTS.findall(said)) > 1
    return {Sign.NOTE} if not found and not keys and aside else found


def decides(said: Iterable[str]) -> bool:
    """Whether one of these allows, and another refuses."""
    brief = [*filter(_BRIEF.match, map(str.strip, said))]
    return any(map(CONSENTS.search, brief)) and any(map(REFUSES.search, brief))


def prose(said: str) -> bool:
    """Whether a row is of a text, and not words apart from one another."""
    return any(map(_PROSE.search, _COLUMNS.split(said)))


def _buttons(said: str) -> bool:
    """Whether words of consent and of refusal stand in a row, apart from one another.

    Among the keys of a place to type these are the words of an answer, and of no command.
    """
    parts = [part.strip() for part in _APART.split(said) if part.strip()]
    words = [part for part in parts if len(part.split()) < 6]
    consents = _ALLOWS if _KEYS.search(said) and _SENDS.search(said) else CONSENTS
    refused = {part for part in words if REFUSES.search(part)}
    agreed = {part for part in words if consents.search(part) and not _NOT.search(part)}
    return len(words) > 1 and bool(agreed and refused) and not agreed & refused


def only_buttons(said: str) -> bool:
    """Whether a row has nothing but brief words apart from one another, which allow and refuse."""
    parts = [part.strip() for part in _APART.split(said) if any(map(str.isalpha, part))]
    words = [part for part in parts if CONSENTS.search(part) or REFUSES.search(part)]
    return len(words) > 1 and all(part in words or len(part.split()) == 1 for part in parts)


def _keyed(said: str) -> bool:
    """Whether words of consent and of refusal each have a letter for a key: [y] Yes, or Yes (y).

    Or every part of the row is a key and its word, whichever comes first.
    """
    parts = [part.strip() for part in _PARTS.split(said)]
    if len(parts) > 1 and all(map(_KEY_WORD.fullmatch, parts)):
        return True
    if _ALLOWS_BEHIND.search(said) and _REFUSES_BEHIND.search(said):
        return True
    found = [each.span() for each in _KEY_ALLOWS.finditer(said)]
    return bool(found) and any(each.start() > found[0][0] for each in _KEY_REFUSES.finditer(said))


def is_option(said: str) -> bool:
    """Whether a row is one, by its number, its box, its mark or its words."""
    return any(each.match(said) for each in (_NUMBERED, _TICKED, MARKED, _BRIEF))


def number(said: str) -> int:
    found = _NUMBERED.match(said)
    if not found:
        return 0
    return int(found[1]) if found[1] else ord(found[2]) - ord("a") + 1


def ticked(said: str) -> int:
    return ANY if _TICKED.match(said) else 0


def worded(said: str) -> int:
    return ANY if _BRIEF.match(said) else 0


#: What a row says by its words alone.
_SAYS: Final[tuple[tuple[Sign, Callable[[str], object]], ...]] = (
    (Sign.YES_OR_NO, _YES_NO.search),
    (Sign.BUTTONS, lambda said: not prose(said) and _buttons(said)),
    (Sign.OWN_ANSWER, _OWN.fullmatch),
    (Sign.QUESTION, lambda said: QUESTION.search(said) or REQUEST.match(said)),
)
