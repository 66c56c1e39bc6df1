import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspan.errors import BadInput
from inspan.providers import steps as do
from inspan.providers.script import DEEPEST, LARGEST, SHAPES, load, parse

ROOT = Path(__file__).parents[3]


def one(step: Any) -> do.Step:
    (parsed,) = parse(json.dumps({"steps": [step]})).steps
    return parsed


def refused(text: str) -> BadInput:
    with pytest.raises(BadInput) as caught:
        parse(text)
    assert caught.value.code == "bad-input"
    return caught.value


def test_a_bare_value_stands_for_the_main_key() -> None:
    assert one({"say": "hello"}) == one({"say": {"text": "hello"}})
    assert one({"wait": 2}) == do.Wait(2.0)
    assert one({"hang": 5}) == do.Hang(5.0, stubborn=False)
    assert one({"crash": "term"}) == one({"crash": 15}) == one({"crash": "SIGTERM"})


def test_yes_no_and_on_are_words_in_yaml() -> None:
    script = parse(
        "name: words\n"
        "steps:\n"
        "  - ask: {question: Go, options: [yes, no], on: {yes: [say: went], no: [exit: 2]}}\n"
        "  - say: {text: 2024-01-01, newline: false}\n"
    )
    ask, say = script.steps
    assert isinstance(ask, do.Ask)
    assert ask.options == ("yes", "no")
    assert ask.on == {"yes": (do.Say("went", 0.0, newline=True),), "no": (do.Exit(2),)}
    assert say == do.Say("2024-01-01", 0.0, newline=False)
    assert script.name == "words"


def test_json_and_yaml_say_the_same() -> None:
    text = (ROOT / "examples/scripts/stubborn.json").read_text()
    assert parse(text) == parse(f"# as YAML\n{text}")


@pytest.mark.parametrize("path", sorted((ROOT / "examples/scripts").iterdir()), ids=str)
def test_the_examples_are_valid(path: Path) -> None:
    assert load(path).steps


def test_the_page_about_the_language_names_every_step_and_key_and_its_example_is_valid() -> None:
    page = (ROOT / "docs/scripted.md").read_text()
    for name, shape in SHAPES.items():
        (row,) = [line for line in page.splitlines() if line.startswith(f"| `{name}`")]
        assert f"`{shape.main}`•" in row
        assert all(f"`{key}`" in row for key in shape.keys)
    example = page.partition("```yaml\n")[2].partition("```")[0]
    assert len(parse(example).steps) == 3


@pytest.mark.parametrize(
    ("script", "where", "hint"),
    [
        ({"steps": [{"sya": 1}]}, "steps[0].sya", "Did you mean `say`?"),
        ({"steps": [{"say": {"txt": "x"}}]}, "steps[0].say.txt", "Did you mean `text`?"),
        ({"steps": [{"say": 1}]}, "steps[0].say.text", ""),
        ({"steps": [{"stream": {"text": "x"}}]}, "steps[0].stream", ""),
        ({"steps": [{"say": "x", "wait": 1}]}, "steps[0]", "Keys: ask,"),
        ({"steps": {}}, "steps", ""),
        ({"step": []}, "step", "Did you mean `steps`?"),
        ({}, "the script", ""),
        ([], "the script", ""),
        ({"steps": [{"wait": -1}]}, "steps[0].wait.seconds", ""),
        ({"steps": [{"wait": float("nan")}]}, "steps[0].wait.seconds", ""),
        ({"steps": [{"wait": True}]}, "steps[0].wait.seconds", ""),
        ({"steps": [{"flood": 1.5}]}, "steps[0].flood.bytes", ""),
        ({"steps": [{"exit": 256}]}, "steps[0].exit.code", ""),
        ({"steps": [{"crash": "SIGNOTHING"}]}, "steps[0].crash.signal", ""),
        ({"steps": [{"hang": {"stubborn": "very"}}]}, "steps[0].hang.stubborn", ""),
        ({"steps": [{"write": "../x"}]}, "steps[0].write.path", ""),
        ({"steps": [{"write": "/x"}]}, "steps[0].write.path", ""),
        ({"steps": [{"spawn": "fork"}]}, "steps[0].spawn.how", ""),
        ({"steps": [{"title": "a\x1b]0;b\x07"}]}, "steps[0].title.text", ""),
        ({"steps": [{"ask": " "}]}, "steps[0].ask.question", ""),
        ({"steps": [{"ask": {"question": "x", "options": 3}}]}, "steps[0].ask.options", ""),
        ({"steps": [{"ask": {"question": "x", "options": ["y"] * 21}}]}, "options", "Mend"),
        ({"steps": [{"ask": {"question": "x", "options": ["%" * 400] * 20}}]}, "[0].ask", ""),
        ({"steps": [{"ask": {"question": "x", "on": []}}]}, "steps[0].ask.on", ""),
        ({"steps": [{"ask": {"question": "x", "on": {"y": [{}]}}}]}, "[0].ask.on.y[0]", ""),
        ({"steps": [{"wait": 0}] * 10_001}, "the script", ""),
    ],
)
def test_what_is_wrong_is_named_by_its_path(script: Any, where: str, hint: str) -> None:
    error = refused(json.dumps(script))
    assert where in error.message
    assert hint in error.hint


def test_steps_may_not_lie_too_deep() -> None:
    script: dict[str, Any] = {"steps": []}
    for _ in range(DEEPEST + 1):
        script = {"steps": [{"when": {"exists": "x", "then": script["steps"]}}]}
    assert "levels deep" in refused(json.dumps(script)).message


NO_SCRIPTS = [
    "",
    "{",
    "[1",
    "a: b: c",
    "a: *b",
    "steps: &x [*x]",
    "[" * 60_000,
    "steps: " + "[" * 5_000,
    "\x01",
    "x" * (LARGEST + 1),
    "- &a a\n- !!python/object/apply:os.getpid []",
]


@pytest.mark.parametrize("text", NO_SCRIPTS, ids=lambda text: text[:20])
def test_what_is_no_script_at_all_is_refused_with_a_sentence(text: str) -> None:
    assert "\n" not in refused(text).message


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"steps: [{say: \xe9}]")
    large = tmp_path / "large.yaml"
    large.write_text("#" * (LARGEST + 1))
    for path in (tmp_path / "none.yaml", tmp_path, latin, large):
        with pytest.raises(BadInput):
            load(path)


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inside: st.lists(inside, max_size=4)
    | st.dictionaries(
        st.sampled_from([*SHAPES, "steps", "text", "on", "options"]) | st.text(max_size=5),
        inside,
        max_size=3,
    ),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None)
@given(steps=st.lists(st.dictionaries(st.sampled_from([*SHAPES]), plain, max_size=1), max_size=4))
def test_any_json_is_either_a_script_or_refused(steps: Any) -> None:
    try:
        script = parse(json.dumps({"steps": steps}))
    except BadInput:
        return
    assert len(script.steps) == len(steps)


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=200))
def test_any_text_is_either_a_script_or_refused(text: str) -> None:
    try:
        parse(text)
    except BadInput:
        return


def test_more_steps_than_anybody_writes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inspan.providers.script.STEPS_MOST", 2)
    found = refused(json.dumps({"steps": [{"say": "x"}] * 3}))
    assert "3 steps are too many" in found.message
