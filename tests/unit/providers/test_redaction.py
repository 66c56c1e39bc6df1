"""Keys are taken out of what an agent complains of."""

import base64
from urllib.parse import quote

import pytest

from inspan.model.agent import Ending, Outcome
from inspan.providers.redaction import Redaction

KEY = "sk-canary/0123456789+="


@pytest.mark.parametrize(
    "form",
    [KEY, quote(KEY, safe=""), base64.b64encode(KEY.encode()).decode()],
    ids=["as it is", "in an address", "in base64"],
)
def test_a_key_is_found_in_each_of_its_forms(form: str) -> None:
    told = Redaction((KEY,)).outcome(Outcome(Ending.LOGIN, f"Incorrect API key: {form}!"))
    assert KEY not in told.message
    assert form.rstrip("=") not in told.message
    assert told.message.startswith("Incorrect API key: [secret]")


def test_what_has_no_key_in_it_stays_as_it_is() -> None:
    outcome = Outcome(Ending.FAILED, "short and innocent")
    assert Redaction(("short", "")).outcome(outcome) is outcome
