import re
from dataclasses import replace

import pytest

from inspan.errors import BadInput
from inspan.model.activity import Confidence, Doing, Source
from inspan.model.task import Needs
from inspan.terminal.layout import LINE_MOST
from inspan.terminal.regions import Place, Region
from inspan.terminal.rulefile import parse
from inspan.terminal.rules import Verdict
from inspan.terminal.view import View

pytestmark = pytest.mark.requirement("B4")

VIEW = View(
    rows=(
        "$ agent",
        "╭──────────────────────────╮",
        "│ edit a.py                │",
        "╰──────────────────────────╯",
        "",
        "  Do you want to edit a.py?",
        "  ❯ 1. Yes",
        "    2. No, and say why",
        "",
        "(esc)   ",
        "",
    ),
    cursor=(4, 6),
    title="✳ agent",
    progress="busy 0",
)


@pytest.mark.parametrize(
    ("region", "lines"),
    [
        (Region(Place.TITLE), ("✳ agent",)),
        (Region(Place.PROGRESS), ("busy 0",)),
        (Region(Place.BOTTOM, 1), ("(esc)   ",)),
        (Region(Place.BOTTOM, 2), ("    2. No, and say why", "(esc)   ")),
        (Region(Place.AFTER_RULE), VIEW.rows[5:8] + VIEW.rows[9:10]),
        (Region(Place.CURSOR), ("  ❯ ",)),
        (Region(Place.ROW), ("  ❯ 1. Yes",)),
        (Region(Place.BOX), ()),
        (Region(Place.WHOLE), tuple(row for row in VIEW.rows if row)),
    ],
)
def test_regions(region: Region, lines: tuple[str, ...]) -> None:
    assert VIEW.lines(region) == lines


def test_regions_of_an_empty_screen() -> None:
    empty = View()
    for place in (Place.BOTTOM, Place.AFTER_RULE, Place.WHOLE):
        assert empty.lines(Region(place, 5)) == ()
    assert empty.lines(Region(Place.CURSOR)) == ("",)
    assert View(rows=("a",), cursor=(3, 9)).lines(Region(Place.CURSOR)) == ("   ",)
    assert View(rows=("你好 x",), cursor=(4, 0)).lines(Region(Place.CURSOR)) == ("你好",)
    assert View(rows=("$",), cursor=(2, 0)).lines(Region(Place.CURSOR)) == ("$ ",)
    assert View(rows=("x" * 9999,)).lines(Region(Place.WHOLE)) == ("x" * LINE_MOST,)
    assert View(rows=("no rule here", "at all")).lines(Region(Place.AFTER_RULE)) == ()


def test_the_box_around_the_cursor() -> None:
    box = Region(Place.BOX)
    rows = ("above", "╭──────────╮", "│ > word   │", "│          │", "╰──────────╯", "below")
    assert View(rows=rows, cursor=(4, 2)).lines(box) == ("> word",)
    assert View(rows=rows, cursor=(0, 0)).lines(box) == ()
    assert View(rows=rows, cursor=(0, 5)).lines(box) == ()
    empty = ("─" * 20, "", "", "─" * 20, "a status line")
    assert View(rows=empty, cursor=(0, 1)).lines(box) == ("",)
    last = Region(Place.LAST_BOX)
    assert View(rows=(*rows, *empty)).lines(last) == ("",)
    assert View(rows=(*empty, *rows, "─" * 20)).lines(last) == ("> word",)
    assert View(rows=("─" * 20, "one line")).lines(last) == ()


BOOK = r"""
agent = "example"

[[rule]]
id = "ready"
kind = "idle"
region = "whole"
all = ['agent']
none = ['busy']

[[rule]]
id = "asks"
kind = "waiting"
priority = 9
region = "after_last_horizontal_rule"
all = ['Do you want to', { region = "osc_title", match = '^✳' }]
any = ['never this', '1\. Yes']
asks = { kind = "permission", question = 'Do you .+', options = '\d\. (.+)' }

[[rule]]
id = "spins"
kind = "working"
priority = 20
region = "osc_title"
all = ['^⠋ ']
holds = 30
"""


def test_the_first_that_fits_by_priority() -> None:
    book = parse(BOOK, "example.toml")
    assert [rule.id for rule in book.rules] == ["spins", "asks", "ready"]
    assert book.judge(VIEW) == Verdict(
        Doing.WAITING,
        Source.SCREEN,
        "example/asks",
        "Do you want to … ✳ … 1. Yes",
        Confidence.LIKELY,
        Needs("permission", "Do you want to edit a.py?", ("Yes", "No, and say why")),
    )
    spins = book.judge(replace(VIEW, title="⠋ agent"))
    assert (spins.doing, spins.source, spins.holds) == (Doing.WORKING, Source.TITLE, 30)
    reading = spins.reading(5.0)
    assert (reading.rule, reading.until, reading.needs) == ("example/spins", 35.0, None)
    assert book.judge(replace(VIEW, title="agent")).rule == "example/ready"
    assert book.judge(View(rows=("agent", "busy"))) == Verdict()
    assert book.judge(View()).doing is Doing.UNKNOWN


def test_a_rule_may_want_a_still_screen() -> None:
    book = parse(BOOK.replace("none = ['busy']", "still = 2"), "example.toml")
    view = View(rows=("agent",), now=11.0, since=10.9, calm=10.0)
    assert book.judge(view) == Verdict(again=12.0)
    assert book.judge(replace(view, now=12.0)).doing is Doing.IDLE


def test_what_somebody_types_ends_no_rest_and_what_changes_by_itself_does() -> None:
    book = parse(BOOK.replace("none = ['busy']", "still = 2"), "example.toml")
    echo = View(rows=("agent",), now=20.1, since=20.0, calm=20.0, own=10.0)
    assert book.judge(echo) == Verdict(again=22.0)
    assert book.judge(echo, "example/ready").doing is Doing.IDLE
    assert book.judge(replace(echo, own=20.0), "example/ready") == Verdict(again=22.0)


def test_a_rule_may_want_one_of_the_screens() -> None:
    for name, alternate in (("primary", False), ("alternate", True)):
        book = parse(BOOK.replace("none = ['busy']", f'screen = "{name}"'), "example.toml")
        for shown in (False, True):
            found = book.judge(View(rows=("agent",), alternate=shown))
            assert (found.doing is Doing.IDLE) is (shown is alternate)


def test_a_rule_may_want_the_cursor_shown_or_hidden() -> None:
    for name, hidden in (("shown", False), ("hidden", True)):
        book = parse(BOOK.replace("none = ['busy']", f'cursor = "{name}"'), "example.toml")
        for is_hidden in (False, True):
            found = book.judge(View(rows=("agent",), hidden=is_hidden))
            assert (found.doing is Doing.IDLE) is (hidden is is_hidden)


def test_a_rule_may_want_motion() -> None:
    book = parse(BOOK.replace("none = ['busy']", "moves = 2"), "example.toml")
    view = View(rows=("agent",), now=12.5, since=12.4, moving=10.0, moved=11.9, rests=13.5)
    assert book.judge(view) == Verdict()
    moves = replace(view, moved=12.4)
    found = book.judge(moves)
    assert (found.doing, found.again) == (Doing.IDLE, 13.5)
    assert book.judge(replace(moves, now=13.5)) == Verdict()


def test_what_is_shown_is_safe_and_short() -> None:
    text = "Do you want to \u202eevil " + "x" * 300
    rows = ("─" * 20, text, *(f"{n}. option\u200b {n % 25}" for n in range(60)))
    found = parse(BOOK.replace("1\\. Yes", "option"), "e.toml").judge(View(rows=rows, title="✳"))
    assert found.needs is not None
    assert len(found.evidence) <= 120
    assert "\u202e" not in found.needs.question
    assert len(found.needs.options) == 20
    assert len(found.needs.question) <= 500


def test_a_rule_may_know_the_keys_of_an_answer() -> None:
    keys = """allow = { keys = "1", option = '^Yes$' }, deny = "\\u001b", menu = true }"""
    book = parse(BOOK.replace("(.+)' }", f"(.+)', {keys}"), "example.toml")
    asks, needs = book.asks("example/asks"), book.judge(VIEW).needs
    assert asks is not None
    assert needs is not None
    assert (asks.keys(needs, "allow"), asks.keys(needs, "deny")) == ("1", "\x1b")
    assert asks.keys(replace(needs, options=("Yes, always", "No")), "allow") is None
    assert asks.keys(needs, "No") is None, "Enter would choose what is marked"
    assert book.asks("example/ready") is None
    plain = parse(BOOK, "example.toml").asks("example/asks")
    assert plain is not None
    assert (plain.keys(needs, "allow"), plain.keys(needs, "deny")) == (None, None)
    assert plain.keys(needs, "a file") == "a file\r"


RULE = """
agent = "x"
[[rule]]
id = "a"
kind = "idle"
region = "whole"
all = ["ok"]
"""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("agent = ", "x.toml: this is no TOML"),
        ('agent = "x"\nrules = []', "x.toml, rules: there is no such field"),
        ("agent = 1", "x.toml, agent: this is text"),
        ('agent = "A b"', "x.toml, agent: a name is small letters"),
        ('agent = "x"', "x.toml, rule: a file has 1 to 100 tables"),
        ('agent = "x"\nrule = [1]', "x.toml, rule 1: this is no table"),
        (
            RULE.replace('agent = "x"', 'agent = "x"\nconfidence = "certain"'),
            "confidence: this is one of",
        ),
        (RULE + RULE.partition('"x"')[2], "rule a, id: another rule has the same"),
        (RULE.replace('id = "a"', 'id = "A"'), "rule 1, id: an id is small letters"),
        (RULE.replace('id = "a"', ""), "rule 1, id: this is text"),
        (RULE.replace("idle", "busy"), "rule a, kind: this is one of working, waiting, idle"),
        (RULE.replace("whole", "top"), "rule a, region: a region is osc_title"),
        (RULE.replace("whole", "bottom_lines(0)"), "rule a, region: a region is"),
        (
            RULE.replace('region = "whole"', ""),
            "rule a, all.1: neither it nor its rule names a region",
        ),
        (RULE.replace('"ok"', '"(ok"'), "rule a, all.1: this is no regular expression"),
        (RULE.replace('"ok"', f'"{"x" * 501}"'), "rule a, all.1: a pattern is at most 500"),
        (RULE.replace('"ok"', "3"), "rule a, all.1: this is no table"),
        (RULE.replace('["ok"]', '"ok"'), "rule a, all: this is a list"),
        (RULE.replace('["ok"]', "[]"), "rule a: it has neither `all` nor `any`"),
        (RULE.replace('"ok"', '{ regex = "ok" }'), "rule a, all.1.regex: there is no such field"),
        (
            RULE.replace('"ok"', '{ match = "ok", region = "up" }'),
            "rule a, all.1.region: a region is",
        ),
        (RULE + "priority = 1.5", "rule a, priority: this is a whole number"),
        (RULE + "still = -1", "rule a, still: this is a number from 0"),
        (RULE + "holds = true", "rule a, holds: this is a number from 0"),
        (RULE + 'screen = "both"', "rule a, screen: this is one of primary, alternate"),
        (RULE + 'cursor = "up"', "rule a, cursor: this is one of shown, hidden"),
        (RULE + "moves = -1", "rule a, moves: this is a number from 0"),
        (RULE + 'screen = ""', "rule a, screen: this is one of primary, alternate"),
        (RULE + 'asks = { kind = "question" }', "rule a, asks: a rule of kind waiting says"),
        (RULE.replace("idle", "waiting"), "rule a, asks: a rule of kind waiting says"),
        (
            RULE.replace("idle", "waiting") + 'asks = { kind = "question", menu = 1 }',
            "rule a, asks.menu: this is true or false",
        ),
        (
            RULE.replace("idle", "waiting")
            + 'asks = { kind = "question", allow = {option = "[", keys = "1"}}',
            "rule a, asks.allow.option: this is no regular expression",
        ),
        (
            RULE.replace("idle", "waiting") + 'asks = { kind = "question", allow = {option = "x"}}',
            "rule a, asks.allow.keys: this is text",
        ),
        (
            RULE.replace("idle", "waiting") + 'asks = { kind = "x" }',
            "rule a, asks.kind: this is one of",
        ),
        (RULE + "wait = 1", "rule 1, wait: there is no such field"),
        ("#" * 140_000, "x.toml: a file is at most"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(text: str, says: str) -> None:
    with pytest.raises(BadInput, match=re.escape(says)) as caught:
        parse(text, "x.toml")
    assert caught.value.code == "bad-input"
    assert str(caught.value).startswith("x.toml")


def test_a_hostile_screen_is_judged_in_bounded_time() -> None:
    book = parse(RULE.replace('"ok"', r"'\s*\S*\s*ok$'"), "x.toml")
    assert book.judge(View(rows=(" a" * 5000,) * 300)).doing is Doing.UNKNOWN


def test_a_rule_may_want_its_lines_to_have_stood_whatever_moves_beside_them() -> None:
    book = parse(BOOK.replace("asks = {", "stands = 0.5\nasks = {"), "example.toml")
    spins = ("⠋ agent", *VIEW.rows[1:])
    view = replace(VIEW, rows=spins, stood=(9.3,) * 5 + (9.0,) * 6, now=9.4, calm=9.3)
    assert book.judge(view) == Verdict(again=9.5), "and no other is said in its place"
    assert book.judge(view, "example/ready").doing is Doing.IDLE
    assert book.judge(replace(view, now=9.5)).doing is Doing.WAITING
    drawn = replace(view, now=9.6, stood=(9.0,) * 6 + (9.2,) * 5)
    assert book.judge(drawn, "example/ready").doing is Doing.IDLE
    assert book.judge(drawn, "example/asks").doing is Doing.WAITING


DIALOG = (
    "text",
    "╭──────────────────────────╮",
    "│ Run it?                  │",
    "│ ❯ Allow                  │",
    "│   Deny                   │",
    "╰──────────────────────────╯",
    " waits for 3 s",
    "╭──────────────────────────╮",
    "│ >                        │",
    "╰──────────────────────────╯",
    " model",
)


def test_where_one_types_and_what_is_above_it() -> None:
    view = View(rows=DIALOG, cursor=(4, 8))
    assert view.lines(Region(Place.TYPING)) == (">",)
    assert view.lines(Region(Place.LOW_BOX)) == (">",)
    assert view.lines(Region(Place.BOX_ABOVE)) == ("Run it?", "❯ Allow", "Deny")
    assert view.lines(Region(Place.ABOVE, 2)) == (DIALOG[4], DIALOG[6])
    far = replace(view, rows=(*DIALOG[:6], *["text"] * 4, *DIALOG[7:]), cursor=(4, 11))
    assert far.lines(Region(Place.BOX_ABOVE)) == ()
    assert View(rows=DIALOG[:1]).lines(Region(Place.ABOVE, 2)) == ()
    assert View(rows=(*DIALOG, *"abc")).lines(Region(Place.LOW_BOX)) == ()


def test_what_stands_above_a_list_of_options() -> None:
    place = Region(Place.QUESTIONED)
    rows = ("Which colour?", "", "  ❯ Red", "    Green", "  • Blue", "", "keys")
    assert View(rows=rows).lines(place) == ("Which colour?",)
    assert View(rows=rows[:4]).lines(place) == (), "the second may be a hint below a prompt"
    assert View(rows=(*rows, *"abcdef")).lines(place) == ()


def test_a_list_above_a_prompt_and_what_is_above_that() -> None:
    rows = ("said", "Run it?", "> Yes", "  No", "", "╭────────╮", "│ Type   │", "╰────────╯")
    for cursor, hidden in (((2, 6), False), ((0, 0), True)):
        view = View(rows=rows, cursor=cursor, hidden=hidden)
        assert view.lines(Region(Place.LIST_ABOVE)) == ("> Yes", "No")
        assert view.lines(Region(Place.ABOVE_LIST)) == ("said", "Run it?")
    assert View(rows=rows[:2]).lines(Region(Place.LIST_ABOVE)) == ()
