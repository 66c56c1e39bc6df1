"""Names for daemons elsewhere: what is refused, and that the file stands as it was."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from inspan.errors import BadInput, NotFound, SettingsInvalid
from inspan.settings import locate
from inspan.settings.contexts import LOCAL, Context, Contexts, read_token, refuse_open

pytestmark = pytest.mark.requirement("C9")

FAR = Context("far", "https://box.example:7433")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return Path(locate({"INSPAN_HOME": str(tmp_path)}).contexts)


@pytest.fixture
def contexts(tmp_path: Path) -> Contexts:
    return Contexts(locate({"INSPAN_HOME": str(tmp_path)}))


def private(path: Path, text: str | bytes) -> None:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(0o600)


def test_one_that_there_is_not_is_neither_used_nor_removed(contexts: Contexts) -> None:
    contexts.add(FAR)
    contexts.use("far")
    for verb in (contexts.get, contexts.use, contexts.remove):
        with pytest.raises(NotFound, match="'near'") as told:
            verb("near")
        assert "context ls" in told.value.hint
    assert (contexts.current(), contexts.all()) == ("far", (FAR,))


@pytest.mark.parametrize("name", ["", "-f", ".hidden", "a/b", "a b", "é", "x" * 65, "a\n"])
def test_what_is_no_name_is_refused_and_nothing_is_written(
    contexts: Contexts, path: Path, name: str
) -> None:
    with pytest.raises(BadInput, match="is no name") as told:
        contexts.add(Context(name, FAR.url), token="secret")
    assert "Letters" in told.value.hint
    assert not path.exists()


def test_a_name_that_is_taken_keeps_what_it_means(contexts: Contexts) -> None:
    contexts.add(FAR, token="first")
    with pytest.raises(BadInput, match="already") as told:
        contexts.add(Context("far", "https://other.example"), token="second")
    assert "context rm far" in told.value.hint
    found = contexts.get("far")
    assert (found.url, read_token(str(found.token_file))) == (FAR.url, "first")


def test_this_machines_own_name_cannot_be_taken(contexts: Contexts) -> None:
    with pytest.raises(BadInput, match="already") as told:
        contexts.add(Context(LOCAL, FAR.url))
    assert "own daemon" in told.value.hint
    assert contexts.all() == ()


@pytest.mark.parametrize(
    "text",
    [
        "}{",
        b"\xff\xfe",
        "[]",
        "{}",
        '{"contexts": []}',
        '{"contexts": {"far": {}}}',
        '{"contexts": {"far": "https://box.example"}}',
        '{"contexts": {"far": {"url": 1}}}',
        '{"contexts": {"far": {"url": "https://box.example", "ca": 1}}}',
    ],
)
def test_a_file_that_is_none_of_ours_is_named_and_left_alone(
    contexts: Contexts, path: Path, text: str | bytes
) -> None:
    private(path, text)
    before = path.read_bytes()
    for verb in (contexts.all, contexts.current, lambda: contexts.add(FAR)):
        with pytest.raises(SettingsInvalid, match="cannot be read") as told:
            verb()
        assert str(path) in told.value.message
    assert path.read_bytes() == before


def test_a_folder_in_the_files_place_is_told(contexts: Contexts, path: Path) -> None:
    path.mkdir(parents=True, mode=0o700)
    with pytest.raises(SettingsInvalid, match="directory"):
        contexts.all()


def test_a_file_that_others_may_read_is_not_trusted(contexts: Contexts, path: Path) -> None:
    contexts.add(FAR)
    path.chmod(0o644)
    with pytest.raises(SettingsInvalid, match="read by others") as told:
        contexts.get("far")
    assert f"chmod 600 {path}" in told.value.hint


def test_a_file_of_somebody_else_is_not_trusted(path: Path) -> None:
    private(path, json.dumps({"contexts": {}}))
    fields = list(path.stat())
    fields[4] = os.geteuid() + 1  # whose it is
    with pytest.raises(SettingsInvalid, match=f"another user .uid {fields[4]}"):
        refuse_open(str(path), os.stat_result(fields))


def test_a_current_one_that_is_gone_means_this_machine(contexts: Contexts, path: Path) -> None:
    private(path, json.dumps({"current": "gone", "contexts": {}}))
    assert contexts.current() is None


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "holds no token"),
        (b"\n \n", "holds no token"),
        (b"two words", "holds no token"),
        (b"two\nlines\n", "holds no token"),
        ("tokén".encode(), "it is no text"),
    ],
)
def test_a_file_without_a_token_is_refused(tmp_path: Path, raw: bytes, why: str) -> None:
    path = tmp_path / "token"
    private(path, raw)
    with pytest.raises(BadInput, match=why) as told:
        read_token(str(path))
    assert str(path) in told.value.message


def test_a_token_that_is_not_there_or_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No such file"):
        read_token(str(tmp_path / "none"))
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(BadInput, match="Is a directory"):
        read_token(str(folder))
