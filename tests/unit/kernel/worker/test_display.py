"""Rich values and bounded reprs: nothing that a value does can fail a cell or fill a message."""

import base64
import json
import sys
import types
from collections import OrderedDict, UserDict, defaultdict, deque
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from inspan.kernel.frames import HEAD_MOST, encode
from inspan.kernel.protocol import FROM_WORKER
from inspan.kernel.worker.display import Displays, bundle
from inspan.kernel.worker.reprs import MOST, text_of

PLAIN = "text/plain"

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(),
    st.complex_numbers(),
)
HASHABLE = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3).map(tuple), max_leaves=5)
VALUES = st.recursive(
    st.one_of(HASHABLE, st.sets(HASHABLE, max_size=3), st.frozensets(HASHABLE, max_size=3)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(HASHABLE, inner, max_size=4),
    ),
    max_leaves=20,
)


@given(VALUES)
def test_a_short_repr_is_pythons_own(value: object) -> None:
    assert text_of(value) == repr(value)


@given(VALUES, st.integers(0, 30))
@example({None: None, b"\x00\x00'": None}, 15)  # the mark that decides on the others is cut off
@example("'------\"", 4)
@example(bytearray(b"------'"), 15)
def test_a_long_repr_is_the_beginning_of_pythons_own(value: object, most: int) -> None:
    text, whole = text_of(value, most), repr(value)
    if len(whole) <= most:
        assert text == whole
    else:
        assert text.startswith(whole[:most])
        assert "cut after" in text


class Listy(list[int]):
    pass


class Loud(list[int]):
    def __repr__(self) -> str:
        return "loud"


@pytest.mark.parametrize(
    "value",
    [
        Listy([1, 2]),
        Loud([1]),
        [Loud()],
        defaultdict(int, a=1),
        OrderedDict(a=[1]),
        deque([1]),
        UserDict(a=1),
        frozenset(),
        set(),
        (),
        {}.keys(),
        type("Sub", (frozenset,), {})([1]),
        type("SubSet", (set,), {})(),
        [...],
    ],
)
def test_kinds_of_containers_are_shown_as_python_does(value: object) -> None:
    assert text_of(value) == repr(value)


def test_circles_are_shown_as_python_does() -> None:
    one: list[Any] = []
    two: dict[str, Any] = {"a": one}
    one += [one, two, (one,)]
    assert text_of(one) == repr(one)
    assert text_of(two) == repr(two)


def test_large_values_are_cut_without_being_made() -> None:
    for value in ("x" * 50_000_000, ["y" * 50_000_000], list(range(3_000_000)), b"z" * 50_000_000):
        text = text_of(value)
        assert MOST <= len(text) < MOST + 100
        assert text.endswith("cut after 1,048,576 characters)")


def test_what_json_makes_larger_is_cut_shorter() -> None:
    text = text_of("😀" * 1_000_000)
    assert len(encode({"repr": text})) < HEAD_MOST / 2


def test_a_deep_value_is_shown_as_far_as_it_goes() -> None:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    assert "nested too deep to show" in text_of(value)
    while value:  # taken apart here, for Python would do it by recursion
        value = value.pop()


class Raises:
    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __repr__(self) -> str:
        raise self.error


class OddError(Exception):
    def __str__(self) -> str:
        raise SystemExit


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError("no"), "raised ValueError: no"),
        (SystemExit(3), "raised SystemExit: 3"),
        (RecursionError(), "raised RecursionError"),
        (OddError(), "raised OddError, whose message cannot be shown"),
    ],
)
def test_a_repr_that_raises_is_told_in_words(error: BaseException, words: str) -> None:
    assert text_of([1, Raises(error)]) == f"[1, <Raises object whose repr {words}>]"


def test_an_interrupt_goes_through_a_repr() -> None:
    with pytest.raises(KeyboardInterrupt):
        text_of([Raises(KeyboardInterrupt())])


def test_an_interrupt_goes_through_the_words_of_an_error() -> None:
    class Endless(Exception):  # noqa: N818 - its words do not end
        def __str__(self) -> str:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        text_of([Raises(Endless())])


def test_an_interrupt_goes_through_what_a_value_offers() -> None:
    class Slow:
        def _repr_html_(self) -> str:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bundle(Slow())


def test_odd_reprs() -> None:
    class NoText:
        def __repr__(self) -> str:
            return 3  # type: ignore[return-value]  # on purpose

    class Text(str):
        __slots__ = ()

        def __getitem__(self, _: object) -> str:
            raise ValueError

        __len__ = None  # type: ignore[assignment]  # on purpose

    class Sly:
        def __repr__(self) -> str:
            return Text("sly \ud800")

    assert "raised TypeError" in text_of(NoText())
    assert text_of(Sly()) == "sly \\ud800"
    assert "bits, too long to show" in text_of([10**10_000])
    changing: dict[object, int] = {}

    class Changes:
        def __repr__(self) -> str:
            changing[len(changing)] = 1
            return "changes"

    changing[Changes()] = 1
    assert "changed while it was shown" in text_of(changing)


def test_a_plain_value_offers_no_more_than_its_repr() -> None:
    assert bundle([1, "a"]) == ("[1, 'a']", {}, {})
    assert bundle(None) == ("None", {}, {})


class Rich:
    def __repr__(self) -> str:
        return "rich"

    def _repr_html_(self) -> str:
        return "<b>rich</b>"

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        return b"\x89PNG", {"width": 3}

    def _repr_json_(self) -> dict[str, list[int]]:
        return {"a": [1]}

    def _repr_latex_(self) -> None:
        return None

    def _repr_svg_(self) -> str:
        raise ValueError("no picture")


def test_what_a_value_offers_comes_by_type(capsys: pytest.CaptureFixture[str]) -> None:
    text, data, metadata = bundle(Rich())
    assert text == "rich"
    assert data == {
        "text/html": "<b>rich</b>",
        "image/png": base64.b64encode(b"\x89PNG").decode(),
        "application/json": {"a": [1]},
    }
    assert metadata == {"image/png": {"width": 3}}
    assert capsys.readouterr().err == "Rich._repr_svg_ raised ValueError: no picture\n"


def test_a_whole_bundle_goes_before_the_single_methods() -> None:
    class Whole(Rich):
        def _repr_mimebundle_(
            self, include: object = None, exclude: object = None
        ) -> tuple[dict[str, Any], dict[str, Any]]:
            return {"text/html": "<i>", "x/own": [1], PLAIN: "words"}, {"x/own": {"a": 1}}

    _, data, metadata = bundle(Whole())
    assert (data["text/html"], data["x/own"], data[PLAIN]) == ("<i>", [1], "words")
    assert metadata["x/own"] == {"a": 1}


def test_a_class_and_an_object_with_every_attribute_offer_nothing() -> None:
    class Everything:
        def __getattr__(self, name: str) -> Any:
            return lambda *_: "<b>wrong</b>"

    assert bundle(Rich)[1] == {}
    assert bundle(Everything())[1] == {}


def test_what_is_too_large_or_no_json_is_said_and_left_out() -> None:
    class Odd:
        def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Any:
            circle: list[Any] = []
            circle.append(circle)
            return {
                "text/html": "x" * 20_000_000,
                "image/png": b"x" * 5_000_000,
                "x/set": {1},
                "x/nan": float("nan"),
                "x/circle": circle,
                "text/markdown": "kept",
            }

    _, data, _ = bundle(Odd())
    assert data["text/markdown"] == "kept"
    assert set(data) == {"text/markdown", PLAIN}
    for kind in ("text/html", "image/png", "x/set", "x/nan", "x/circle"):
        assert kind in data[PLAIN]


def test_figures_of_matplotlib_are_drawn_where_it_is_in_use(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Figure:
        error: BaseException | None = None

        def savefig(self, file: Any, **_: object) -> None:
            if self.error is not None:
                raise self.error
            file.write(b"\x89PNG")

    module = types.ModuleType("matplotlib.figure")
    module.Figure = Figure  # type: ignore[attr-defined]  # as the real one has it
    assert bundle(Figure())[1] == {}
    monkeypatch.setitem(sys.modules, "matplotlib.figure", module)
    assert bundle(Figure())[1] == {"image/png": base64.b64encode(b"\x89PNG").decode()}
    figure = Figure()
    figure.error = RuntimeError("no backend")
    assert bundle(figure)[1] == {}
    assert "no backend" in capsys.readouterr().err
    figure.error = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        bundle(figure)


@pytest.fixture
def sent() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def displays(sent: list[dict[str, Any]]) -> Displays:
    def send(message: dict[str, Any], body: bytes) -> None:
        encode({"seq": 1, **message}, body)
        FROM_WORKER.validate_python({"seq": 1, **message})
        sent.append(message)

    return Displays(send, lambda: "c1")


def test_each_value_is_a_message(displays: Displays, sent: list[dict[str, Any]]) -> None:
    assert displays.display(1, Rich(), metadata={"text/html": {"isolated": True}}) is None
    assert [message["data"][PLAIN] for message in sent] == ["1", "rich"]
    assert sent[1]["metadata"]["text/html"] == {"isolated": True}
    assert {message["execution_id"] for message in sent} == {"c1"}


def test_a_handle_shows_anew(displays: Displays, sent: list[dict[str, Any]]) -> None:
    handle = displays.display("a", display_id=True)
    assert handle is not None
    handle.update("b")
    handle.display("c")
    assert {message["display_id"] for message in sent} == {handle.display_id}
    assert [message["update"] for message in sent] == [False, True, False]
    assert handle.display_id in repr(handle)


def test_raw_data_goes_as_it_is(displays: Displays, sent: list[dict[str, Any]]) -> None:
    displays.display({"image/png": b"\x01", PLAIN: "one"}, raw=True)
    assert sent[0]["data"] == {"image/png": base64.b64encode(b"\x01").decode(), PLAIN: "one"}
    with pytest.raises(TypeError):
        displays.display("text", raw=True)


def test_what_was_shown_is_taken_off(displays: Displays, sent: list[dict[str, Any]]) -> None:
    displays.clear()
    displays.clear(wait=True)
    assert [(message["type"], message["wait"]) for message in sent] == [
        ("clear", False),
        ("clear", True),
    ]


def test_the_hook_shows_what_is_not_none(displays: Displays, sent: list[dict[str, Any]]) -> None:
    displays.hook(None)
    displays.hook(3)
    assert [json.dumps(message["data"]) for message in sent] == ['{"text/plain": "3"}']
