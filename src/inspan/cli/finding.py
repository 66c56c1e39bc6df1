"""What one look found: for `inspan doctor`, and for whatever looks before it acts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from inspan.cli.say import clean, out, styled

OK: Final = "ok"
WARN: Final = "warn"
FAIL: Final = "fail"
_STYLES: Final = {OK: "green", WARN: "yellow", FAIL: "red"}


@dataclass(frozen=True, slots=True)
class Finding:
    """``hint`` is what to do about it; nothing where all is well."""

    name: str
    level: str
    message: str
    hint: str = ""


def tell(findings: Iterable[Finding]) -> None:
    """One line each, and what to do below what is amiss."""
    for finding in findings:
        level = styled(finding.level.ljust(4), _STYLES[finding.level])
        out(f"{level} {finding.name.ljust(11)} {clean(finding.message)}")
        if finding.hint and finding.level != OK:
            out(f"     {'':11} {clean(finding.hint)}")


def failed(findings: Iterable[Finding]) -> bool:
    """True where inspan cannot work like this."""
    return any(finding.level == FAIL for finding in findings)
