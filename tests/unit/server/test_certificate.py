"""Until when a certificate is good, and what is no certificate."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from inspan.server.certificate import ends_at

LATE = datetime(2051, 2, 3, 4, 5, 6, tzinfo=UTC)
SOON = datetime(2031, 2, 3, 4, 5, 6, tzinfo=UTC)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def written(folder: Path, authority: trustme.CA, until: datetime) -> Path:
    path = folder / "cert.pem"
    issued = authority.issue_cert("box.example", not_after=until)
    issued.cert_chain_pems[0].write_to_path(str(path))
    return path


@pytest.mark.parametrize("until", [SOON, LATE])
def test_the_end_is_read_in_both_ways_of_writing_it(
    tmp_path: Path, authority: trustme.CA, until: datetime
) -> None:
    assert ends_at(written(tmp_path, authority, until)) == until.timestamp()


@pytest.mark.parametrize("text", ["", "a key\n", "-----BEGIN CERTIFICATE-----\nMIIB"])
def test_a_file_without_one_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "cert.pem"
    path.write_text(text)
    with pytest.raises(ValueError, match="no certificate in it"):
        ends_at(path)


def test_one_that_is_cut_short_is_told(tmp_path: Path, authority: trustme.CA) -> None:
    path = written(tmp_path, authority, SOON)
    der = ssl.PEM_cert_to_DER_cert(path.read_text())
    for length in (1, 20, len(der) - 1):
        path.write_text(ssl.DER_cert_to_PEM_cert(der[:length]))
        with pytest.raises(ValueError, match="cut short"):
            ends_at(path)


def test_one_with_something_else_in_the_dates_place_is_told(
    tmp_path: Path, authority: trustme.CA
) -> None:
    path = written(tmp_path, authority, SOON)
    der = ssl.PEM_cert_to_DER_cert(path.read_text())
    date = b"\x17\x0d310203040506Z"
    assert der.count(date) == 1
    path.write_text(ssl.DER_cert_to_PEM_cert(der.replace(date, b"\x0c" + date[1:])))
    with pytest.raises(ValueError, match="no date where one should be"):
        ends_at(path)
