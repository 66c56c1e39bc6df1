"""Who is told of tasks, as the settings have it."""

from pathlib import Path

import pytest

from inspan.errors import SettingsInvalid
from inspan.model.notice import USUAL, Command, Desktop, NoticeKind, Target, Webhook
from inspan.settings import Settings, load


def _load(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    return load(path)


def test_everything_of_them_can_be_set(tmp_path: Path) -> None:
    told = _load(
        tmp_path,
        """\
notify:
  desk: {desktop: true}
  hook:
    webhook: https://hooks.example/a?b=c
    secret: env:HOOK_SECRET
    kinds: [failed, completed]
    roles: worker
    tasks: ["deploy-*"]
    gather: 500ms
    every: 1m
    words: false
  hidden: {webhook: "file:~/hook", kinds: all}
  near: {webhook: "http://127.0.0.1:8080/"}
  open: {webhook: "http://box.lan/", plain: true}
  mine: {command: [tell-me, --now]}
""",
    ).notify
    assert told == (
        Target(name="desk", way=Desktop()),
        Target(
            name="hook",
            way=Webhook(url="https://hooks.example/a?b=c", secret="env:HOOK_SECRET"),
            kinds=frozenset({NoticeKind.FAILED, NoticeKind.COMPLETED}),
            roles=("worker",),
            tasks=("deploy-*",),
            gather=0.5,
            every=60.0,
            words=False,
        ),
        Target(
            name="hidden",
            way=Webhook(url="file:~/hook", referred=True),
            kinds=frozenset(NoticeKind),
        ),
        Target(name="near", way=Webhook(url="http://127.0.0.1:8080/")),
        Target(name="open", way=Webhook(url="http://box.lan/", plain=True)),
        Target(name="mine", way=Command(argv=("tell-me", "--now"))),
    )
    assert NoticeKind.COMPLETED not in USUAL


def test_nobody_is_told_unless_somebody_is_named(tmp_path: Path) -> None:
    assert _load(tmp_path, "roles: {worker: 1}\n").notify == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("notify: [desktop]", "notify is not a mapping"),
        ("notify: {a: desktop}", "notify.a is not a mapping"),
        ("notify: {a: {}}", "it names no way, or several"),
        ("notify: {a: {desktop: false}}", "it names no way, or several"),
        ("notify: {a: {desktop: true, command: [x]}}", "it names no way, or several"),
        ("notify: {a: {desktop: 3}}", "desktop is neither true nor false"),
        ("notify: {A b: {desktop: true}}", "no name for one who is told"),
        ("notify: {a: {desktop: true, kind: failed}}", "'kind' is not known here"),
        ("notify: {a: {desktop: true, kinds: [fail]}}", "'fail' is no kind of notice"),
        ("notify: {a: {desktop: true, kinds: []}}", "kinds is not a list"),
        ("notify: {a: {desktop: true, secret: 'env:A'}}", "secret is for a webhook alone"),
        ("notify: {a: {desktop: true, roles: [1]}}", "roles is not a list of names"),
        ("notify: {a: {desktop: true, words: 3}}", "words is neither true nor false"),
        ("notify: {a: {desktop: true, every: none}}", "every is more than an hour, or none"),
        ("notify: {a: {desktop: true, gather: soon}}", "'soon' is not a duration"),
        ("notify: {a: {webhook: 'http://box.lan/'}}", "can be read on its way"),
        ("notify: {a: {webhook: 'http://localhost.evil.example/'}}", "can be read on its way"),
        ("notify: {a: {webhook: 'ftp://box.lan/'}}", "does not begin with http"),
        ("notify: {a: {webhook: 'https://me:pw@box.lan/'}}", "holds a user or a password"),
        ("notify: {a: {webhook: 3}}", "webhook is no text"),
        ("notify: {a: {webhook: 'https://a.example/', secret: hunter2}}", "no reference"),
        ("notify: {a: {command: 'tell me'}}", "command is not a list of words"),
        ("notify: {a: {command: [./tell]}}", "whatever folder the daemon is"),
        ('notify: {a: {command: [x, "\\0"]}}', "NUL character"),
    ],
)
def test_a_mistake_is_refused_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        _load(tmp_path, f"\n{text}\n")
    assert says in caught.value.message
    assert "config.yaml:2" in caught.value.message
