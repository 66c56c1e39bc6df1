"""Where the daemon may listen, by which names it answers there, and what is too unsafe."""

from __future__ import annotations

import pytest

from inspan.errors import BadInput
from inspan.model.listen import Listen, listen_at, refuse_unsafe


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:7433", "127.0.0.1", 7433),
        ("[::1]:0", "::1", 0),
        ("localhost:1", "localhost", 1),
        ("10.0.0.1:65535", "10.0.0.1", 65535),
    ],
)
def test_an_address_and_its_port_are_read(text: str, host: str, port: int) -> None:
    assert listen_at(text) == Listen(host=host, port=port)


@pytest.mark.parametrize("text", ["7433", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "a:٣"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="no address to listen at"):
        listen_at(text)


def test_a_name_is_no_address() -> None:
    with pytest.raises(BadInput, match="neither an IP address nor localhost"):
        listen_at("example.com:80")


def test_on_this_machine_it_has_several_names_and_no_page_of_another_may_ask() -> None:
    here = listen_at("127.0.0.1:80")
    assert "inspan.localhost:80" in here.served(80)
    assert here.admitted(80) == {f"http://{name}" for name in here.served(80)}
    assert here.page(80) == "http://inspan.localhost:80/"
    assert (here.url(80), here.cookie(80)) == ("http://127.0.0.1:80", "inspan-80")


def test_from_afar_it_has_its_own_name_and_those_that_it_was_given() -> None:
    far = Listen(
        host="2001:db8::1", port=0, hosts=("a:443",), origins=("https://b",), cert="c", key="k"
    )
    assert far.served(443) == {"[2001:db8::1]:443", "a:443"}
    assert far.admitted(443) == {"https://[2001:db8::1]:443", "https://a:443", "https://b"}
    assert far.page(443) == "https://[2001:db8::1]:443/"
    assert far.cookie(443) == "__Host-inspan-443"


def test_nothing_goes_unencrypted_to_other_machines() -> None:
    refuse_unsafe(listen_at("127.0.0.1:0"))
    refuse_unsafe(Listen(host="10.0.0.1", port=0, cert="c", key="k"))
    with pytest.raises(BadInput, match="nothing would be encrypted"):
        refuse_unsafe(listen_at("10.0.0.1:0"))
    with pytest.raises(BadInput, match="belong together"):
        refuse_unsafe(Listen(host="127.0.0.1", port=0, cert="c"))
