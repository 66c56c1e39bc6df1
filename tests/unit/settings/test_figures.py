import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspan.errors import BadInput
from inspan.settings.figures import duration, show_duration, show_size, size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90.0),
        ("1.5", 1.5),
        ("90s", 90.0),
        ("250ms", 0.25),
        ("5m", 300.0),
        ("8h", 28800.0),
        ("1h30m", 5400.0),
        ("2D", 172800.0),
        ("1w", 604800.0),
        (" 5m ", 300.0),
        ("none", None),
        ("Never", None),
        ("off", None),
    ],
)
def test_durations_are_read_as_people_write_them(text: str, seconds: float | None) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "5x", "m5", "-5", "5m!", "1e9", "nan", "inf", "5 m", "9" * 400, "200000w", "٣s9"]
)
def test_what_is_no_duration_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(BadInput) as refused:
        duration(text)
    assert refused.value.code == "bad-input"
    assert "none" in refused.value.hint


@given(st.text(max_size=12))
def test_any_text_gives_a_duration_or_a_refusal(text: str) -> None:
    try:
        seconds = duration(text)
    except BadInput:
        return
    assert seconds is None or 0 <= seconds < 4e9


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("0", 0),
        ("812", 812),
        ("500K", 512_000),
        ("64m", 64 << 20),
        ("5G", 5 << 30),
        ("1.5GiB", 3 << 29),
        ("2 TB", None),
        ("-1", None),
        ("G", None),
        ("9" * 30, None),
    ],
)
def test_sizes(text: str, count: int | None) -> None:
    if count is None:
        with pytest.raises(BadInput):
            size(text)
    else:
        assert size(text) == count


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "none"),
        (0, "0s"),
        (0.25, "0.2s"),
        (5, "5s"),
        (12.7, "12s"),
        (65, "1m 5s"),
        (300, "5m"),
        (5400, "1h 30m"),
        (7200, "2h"),
        (90000, "1d 1h"),
    ],
)
def test_durations_are_shown_in_two_units_at_most(seconds: float | None, text: str) -> None:
    assert show_duration(seconds) == text


@given(st.integers(0, 10**9))
def test_what_is_shown_of_whole_seconds_reads_back_within_its_last_unit(seconds: int) -> None:
    back = duration(show_duration(float(seconds)).replace(" ", ""))
    assert back is not None
    assert back <= seconds < back + (1 if seconds < 3600 else 60 if seconds < 86400 else 3600)


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (812, "812 B"), (1536, "1.5 KB"), (64 << 20, "64 MB"), (5 << 40, "5 TB")],
)
def test_sizes_are_shown_with_one_decimal(count: int, text: str) -> None:
    assert show_size(count) == text
