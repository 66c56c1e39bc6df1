import re
from contextlib import suppress
from string import ascii_lowercase

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from inspan.errors import BadInput
from inspan.model.activity import Doing, Source
from inspan.terminal.rulefile import parse
from inspan.terminal.rulenames import NAMES_MOST, Names
from inspan.terminal.rulevalues import Where
from inspan.terminal.view import View

pytestmark = pytest.mark.requirement("B4")

HERE = Where("x.toml", "", "patterns")


def test_a_name_is_its_pattern_as_a_part_by_itself() -> None:
    names = Names({"sign": "[❯>]", "word": "yes|no", "both": "^{{sign}}* ?{{word}}$"}, HERE)
    found = names.regex("{{both}}", Where("x.toml"))
    assert [bool(found.search(text)) for text in ("❯❯ yes", "no", "> yes!", "yes|")] == [
        True,
        True,
        False,
        False,
    ]
    names.all_used()
    twice = Names({"word": "ab?"}, HERE).regex("^(x{{word}}{2})$", Where("x.toml"))
    assert [bool(twice.search(text)) for text in ("xaba", "xabb")] == [True, False]


def test_braces_that_hold_a_number_are_no_name() -> None:
    plain = Names({}, HERE).regex(r"^a{2}\{\{b{1,3}$", Where("x.toml"))
    assert plain.search("aa{{bb")


# Python warns of [[, and of --, &&, ~~ and || in brackets, which it may read otherwise one day.
@pytest.mark.filterwarnings("ignore:Possible (nested )?set:FutureWarning")
@example({"a": "[a||b]", "b": "[[a]", "c": "[a--b]"}, "{{a}}")
@given(
    st.dictionaries(
        st.text(ascii_lowercase, min_size=1, max_size=3),
        st.text("ab.*?|^$+()[]{}\\ -", max_size=12),
        max_size=5,
    ),
    st.text("ab.*?|^${}()\\", max_size=20),
)
def test_a_file_is_read_or_refused_whatever_its_patterns_are(
    told: dict[str, str], text: str
) -> None:
    with suppress(BadInput):
        names = Names(told, HERE)
        found = names.regex("".join(f"{{{{{name}}}}}" for name in told) + text, Where("x.toml"))
        assert found.pattern == "".join(f"(?:{part})" for part in told.values()) + text


@given(st.permutations(["a", "b", "c", "d"]))
def test_the_order_of_the_names_says_nothing(order: list[str]) -> None:
    chain = {"a": "x", "b": "{{a}}y", "c": "{{b}}{{a}}", "d": "{{c}}|{{b}}"}
    names = Names({name: chain[name] for name in order}, HERE)
    assert names.regex("{{d}}", HERE) == Names(chain, HERE).regex("{{d}}", HERE)
    names.all_used()


FILE = """
agent = "x"
[patterns]
mark = '[❯>]'
[conditions]
at-rest = [
  { region = "cursor_line", match = '^{{mark}} $' },
  { region = "osc_title", match = '^-' },
]
[[rule]]
id = "a"
kind = "idle"
region = "osc_title"
all = [{ is = "at-rest" }]
none = ['busy']
"""


def test_a_condition_fits_where_one_of_its_patterns_is_found() -> None:
    book = parse(FILE, "x.toml")
    for view, doing in (
        (View(rows=("❯ ",), cursor=(2, 0)), Doing.IDLE),
        (View(title="- x"), Doing.IDLE),
        (View(title="- busy"), Doing.UNKNOWN),
        (View(), Doing.UNKNOWN),
    ):
        assert book.judge(view).doing is doing
    assert book.rules[0].source is Source.SCREEN
    titled = parse(FILE.replace("cursor_line", "progress"), "x.toml")
    assert titled.rules[0].source is Source.TITLE
    never = FILE.replace("all = [{ is", "all = ['.']\nnone = [{ is").replace("none = ['busy']", "")
    found = parse(never, "x.toml")
    assert [found.judge(View(title=each)).doing for each in ("a", "-")] == [
        Doing.IDLE,
        Doing.UNKNOWN,
    ]


@pytest.mark.parametrize(
    ("was", "is_", "says"),
    [
        ("'^{{mark}} $'", "'^{{sign}} $'", "x.toml, conditions.at-rest.1: there is no pattern"),
        ("['busy']", "['{{sign}}']", "x.toml, rule a, none.1: there is no pattern named 'sign'"),
        ("['busy']", "['{{A b}}']", "x.toml, rule a, none.1: there is no pattern named 'A b'"),
        ("'[❯>]'", "'(❯|>)'", "x.toml, patterns.mark: a named pattern captures nothing"),
        ("'[❯>]'", "'[❯>'", "x.toml, patterns.mark: this is no regular expression"),
        ("'[❯>]'", "'a)|(?:b'", "x.toml, patterns.mark: this is no regular expression"),
        ("'[❯>]'", "'(?i)x'", "x.toml, patterns.mark: this is no regular expression"),
        ("'[❯>]'", "3", "x.toml, patterns.mark: this is text"),
        ("'[❯>]'", f"'{'x' * 501}'", "x.toml, patterns.mark: a pattern is at most 500"),
        ("'[❯>]'", "'{{mark}}'", "patterns.mark: this pattern is built of itself: mark → mark"),
        (
            "'[❯>]'",
            "'a{{b}}'\nb = '{{c}}'\nc = '{{b}}'",
            "x.toml, patterns.b: this pattern is built of itself: b → c → b",
        ),
        ("'[❯>]'", "'x'\nother = 'y'", "x.toml, patterns.other: nothing uses this pattern"),
        ("mark = '[", "Mark = '[", "x.toml, patterns.Mark: a name is small letters"),
        (
            "[patterns]\nmark = '[❯>]'",
            "patterns = 3",
            "x.toml, patterns: this is a table of at most 200 names",
        ),
        ('{ is = "at-rest" }', "'x'", "x.toml, conditions.at-rest: no rule uses this condition"),
        ('{ is = "at-rest" }', '{ is = "busy" }', "rule a, all.1.is: there is no condition named"),
        ('{ is = "at-rest" }', "{ is = 3 }", "rule a, all.1.is: this is text"),
        (
            '{ is = "at-rest" }',
            '{ is = "at-rest", match = "x" }',
            "rule a, all.1.match: there is no such field",
        ),
        (
            "{ region = \"cursor_line\", match = '^{{mark}} $' }",
            "{ is = 'x' }",
            "x.toml, conditions.at-rest.1.is: there is no such field",
        ),
        (
            "{ region = \"cursor_line\", match = '^{{mark}} $' }",
            "'{{mark}}'",
            "conditions.at-rest.1: neither it nor its rule names a region",
        ),
        ("at-rest = [", "none = []\nat-rest = [", "conditions.none: a condition is one pattern"),
    ],
)
def test_what_is_wrong_with_a_name_is_told(was: str, is_: str, says: str) -> None:
    assert was in FILE
    with pytest.raises(BadInput, match=re.escape(says)) as caught:
        parse(FILE.replace(was, is_), "x.toml")
    assert str(caught.value).startswith("x.toml")


def test_what_names_stand_for_is_bounded() -> None:
    doubled = {"a0": "x" * 100} | {f"a{n}": f"{{{{a{n - 1}}}}}" * 2 for n in range(1, 30)}
    with pytest.raises(BadInput, match="a pattern is at most 4000 characters, names resolved"):
        Names(doubled, HERE)
    with pytest.raises(BadInput, match="a table of at most 200 names"):
        Names({f"a{n}": "x" for n in range(NAMES_MOST + 1)}, HERE)
