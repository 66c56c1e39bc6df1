"""Settings files of a past form go forward and back through what reads the real ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspan.errors import SettingsInvalid
from inspan.settings.forms import Texts, back, form_of, forward
from inspan.settings.values import FORM, load

pytestmark = pytest.mark.requirement("E5")

#: As it was written for the inspan that had its limits there.
OLD = """\
# mine
roles:
  worker: 3   # no more

limits:
  deadline: 10m   # builds are slow
  max_deadline: 2h
  # never silent
  idle: none
  grace: 20
keys:
  detach: ctrl-]
"""


def read(folder: Path, texts: Texts) -> tuple[object, ...]:
    for name, text in (("config.yaml", texts.config), ("timeouts.yaml", texts.timeouts)):
        (folder / name).write_text(text or "")
    told = load(folder / "config.yaml")
    times = told.timeouts
    return told.role("worker").limit, times.command, times.command_longest, times.grace


def test_a_file_of_the_past_is_brought_forward_and_back_to_its_bytes(tmp_path: Path) -> None:
    old = Texts(OLD, None)
    assert form_of(OLD) == 1
    new = forward(old)
    assert form_of(new.config) == FORM
    assert read(tmp_path, new) == (3, 600.0, 7200.0, 20.0)
    assert back(new) == old
    assert forward(back(new)) == new
    assert "builds are slow" in str(new.config)
    # Cut off after the first of the two files was written, it is done again.
    assert forward(Texts(OLD, new.timeouts)) == new


@pytest.mark.parametrize("more", ["", "\n", "\n\n# at last\n"])
def test_wherever_it_stands(tmp_path: Path, more: str) -> None:
    for text in (f"limits: {{grace: 7}}{more}", f"keys: {{}}\nlimits:\n  grace: 7{more}"):
        new = forward(Texts(text, None))
        assert read(tmp_path, new)[-1] == 7.0
        assert back(new) == (text, None)


@pytest.mark.parametrize(
    ("texts", "why"),
    [
        (Texts(OLD, "stop: {grace: 1s}\n"), "timeouts.yaml is there too"),
        (Texts("{limits: {grace: 1}, keys: {}}", None), "no lines of its own"),
        (Texts("limits: {mercy: 1}", None), "what it never had"),
        (Texts("limits: 3", None), "what it never had"),
    ],
)
def test_what_a_person_has_to_do_is_said(texts: Texts, why: str) -> None:
    with pytest.raises(SettingsInvalid, match=why):
        forward(texts)


def test_what_was_changed_since_is_not_thrown_away() -> None:
    new = forward(Texts(OLD, None))
    with pytest.raises(SettingsInvalid, match="changed since"):
        back(new._replace(timeouts="stop: {grace: 9}"))
    with pytest.raises(SettingsInvalid, match="not brought"):
        back(Texts("roles: {worker: 1}", None))


def test_a_form_of_the_future_is_refused_and_that_of_now_accepted(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(f"version: {FORM}\nroles: {{worker: 7}}\n")
    assert load(config).role("worker").limit == 7
    config.write_text(f"version: {FORM + 1}\n")
    with pytest.raises(
        SettingsInvalid, match=rf"yaml:1: .* form {FORM + 1}.* up to {FORM}"
    ) as told:
        load(config)
    assert "later inspan" in str(told.value.hint)
    config.write_text("version: new\n")
    with pytest.raises(SettingsInvalid, match="number"):
        load(config)
