"""What a recording says of the machine that it was made on: nothing."""

from __future__ import annotations

import json

import pytest

from tests.agents.scrub import Scrubber

ONE = "f067b353-bdad-444d-b3f5-b8465b8f139e"
TWO = "01a200e0-e736-71f3-aa06-0ebeb1575aa5"


def test_private_strings_are_replaced_the_longer_ones_first() -> None:
    scrubber = Scrubber({"/run/a": "/home", "/run/a/work": "/home/work"})
    assert scrubber.clean("/run/a/work/x /run/a/y") == "/home/work/x /home/y"


def test_identifiers_stay_alike_and_apart_over_all_files() -> None:
    scrubber = Scrubber({}, (r"ses_(\w+)",))
    first = scrubber.clean(f"{ONE} {TWO} ses_abcdef")
    assert first.split()[0] == "00000000-0000-4000-8000-000000000001"
    assert first.split()[1] != first.split()[0]
    assert scrubber.clean(f"log_{ONE}.jsonl") == f"log_{first.split()[0]}.jsonl"
    assert scrubber.clean(f"ses_abcdef {TWO} {ONE}").split() == first.split()[::-1]
    assert len(first) == len(f"{ONE} {TWO} ses_abcdef")


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("2026-11-22T01:34:24.628Z", "2026-01-01T00:00:00.000Z"),
        ("\x1b[2m2026-11-22T01:33:38.692329Z\x1b[0m", "\x1b[2m2026-01-01T00:00:00.000000Z\x1b[0m"),
        ("2026-11-22T01:34:24+00:00", "2026-01-01T00:00:00+00:00"),
        ("log-2026-11-22T01-42-59-739Z.json", "log-2026-01-01T00-00-00-000Z.json"),
        ("It is Sunday, November 22, 2026.", "It is Thursday, January 1, 2026."),
        ('{"at":1795311264656}', '{"at":1767225600000}'),
        ('{"at":1795311264}', '{"at":1767225600}'),
        ('{"at":1795311264.125}', '{"at":1767225600.000}'),
        ('{"duration_ms":4123,"n":4123}', '{"duration_ms":1,"n":4123}'),
        ('{"timestamp":1795311264656}', '{"timestamp":1767225600000}'),
        ('{"timeout":600}', '{"timeout":600}'),
        ('{"retry_delay_ms":576.25}', '{"retry_delay_ms":500.5}'),
        ('{"retry_delay_ms":1000}', '{"retry_delay_ms":1000}'),
        ("  remotePort: 46285,", "  remotePort: 4242,"),
        ('{"pid":6805}', '{"pid":1}'),
        ("0.0017400000000000002", "0.0017400000000000002"),
        ("sleep 397", "sleep 397"),
    ],
)
def test_what_varies_with_time_does_not_vary(text: str, clean: str) -> None:
    assert Scrubber({}).clean(text) == clean


def test_long_descriptions_are_left_out_and_json_stays_json() -> None:
    text = json.dumps({"description": 'It says "so" ' * 20, "name": "x"})
    assert json.loads(Scrubber({}).clean(text)) == {"description": "…", "name": "x"}
