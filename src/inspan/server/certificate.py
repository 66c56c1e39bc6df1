"""When a certificate ends: the one fact of it that somebody has to be told in time.

The standard library reads certificates only of those it is connected to, so the few bytes up to
the date are walked here (RFC 5280, 4.1). Nothing is checked: that is TLS's own work.
"""

from __future__ import annotations

import re
import ssl
from calendar import timegm
from pathlib import Path
from time import strptime
from typing import Final

_FIRST: Final = re.compile(
    r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL | re.ASCII
)
_VERSION: Final = 0xA0
_UTC_TIME: Final = 0x17
_GENERALIZED_TIME: Final = 0x18


def ends_at(path: Path) -> float:
    """The end of the first certificate in a PEM file. Raises OSError, ValueError."""
    found = _FIRST.search(path.read_text(encoding="ascii", errors="replace"))
    if found is None:
        raise ValueError("there is no certificate in it")
    try:
        return _ends(ssl.PEM_cert_to_DER_cert(found[0]))
    except IndexError as error:
        raise ValueError("its certificate is cut short") from error


def _ends(der: bytes) -> float:
    _, body, _ = _item(der, 0)  # Certificate
    _, body, _ = _item(body, 0)  # what is signed of it
    tag, _, after = _item(body, 0)
    skipped = 4 if tag == _VERSION else 3  # [version,] serial number, algorithm, issuer
    at = 0
    for _ in range(skipped):
        _, _, at = _item(body, at)
    _, validity, _ = _item(body, at)
    _, _, after = _item(validity, 0)  # from when on
    tag, until, _ = _item(validity, after)
    return float(timegm(strptime(_year_of_four(tag, until.decode("ascii")), "%Y%m%d%H%M%SZ")))


def _year_of_four(tag: int, text: str) -> str:
    if tag == _GENERALIZED_TIME:
        return text
    if tag != _UTC_TIME:
        raise ValueError("its certificate has no date where one should be")
    return ("19" if text[:2] >= "50" else "20") + text


def _item(der: bytes, at: int) -> tuple[int, bytes, int]:
    """The tag and the content of the item at ``at``, and where the next begins."""
    tag, length, start = der[at], der[at + 1], at + 2
    if length & 0x80:
        count = length & 0x7F
        length = int.from_bytes(der[start : start + count], "big")
        start += count
    if start + length > len(der):
        raise IndexError(length)
    return tag, der[start : start + length], start + length
