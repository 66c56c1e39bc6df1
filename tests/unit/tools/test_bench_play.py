"""What is played again, and that rules which remember say what they say without."""

from dataclasses import replace

import pytest

from inspan.providers.screenrules import GENERIC, rulebook
from inspan.terminal.screen import backend
from tools.bench_play import Player, recordings, snapshots

pytestmark = pytest.mark.requirement("B4")

BOOK = rulebook(GENERIC)


def test_a_recording_is_played_again_where_a_rule_that_fitted_is_left_out() -> None:
    (folder,) = (each for each in recordings() if str(each).endswith("pi/answer"))
    player = Player(backend())
    before = player.snapshots(folder, BOOK)
    assert before == list(snapshots(folder, BOOK, backend()))
    used = {each.rule.partition("/")[2] for each in before} - {""}
    unused = replace(BOOK, rules=tuple(rule for rule in BOOK.rules if rule.id != "password"))
    assert player.snapshots(folder, unused) is before
    fewer = replace(BOOK, rules=tuple(rule for rule in BOOK.rules if rule.id not in used))
    again = player.snapshots(folder, fewer)
    assert again == list(snapshots(folder, fewer, backend()))
    assert again != before
