"""Patches as git writes them, the odd ones too, and where comments stand in them."""

from __future__ import annotations

import pytest

from inspan.tui.patch import Kind, parse
from inspan.tui.review import Comments, Review

pytestmark = pytest.mark.requirement("E4")

ODD = """\
diff --git a/run.sh b/run.sh
old mode 100644
new mode 100755
diff --git a/gone b/gone
deleted file mode 100644
index 1..0
--- a/gone
+++ /dev/null
@@ -1 +0,0 @@
-it was here
\\ No newline at end of file
diff --git "a/\\303\\244 \\"q\\"" "b/\\303\\244 \\"q\\""
new file mode 100644
index 0..1
--- /dev/null
+++ "b/\\303\\244 \\"q\\""
@@ -0,0 +1,2 @@
+diff --git a/x b/x
+@@ -1 +1 @@
diff --git a/with blank b/with blank
index 1..2 100644
--- a/with blank\t
+++ b/with blank\t
@@ -5,2 +5,2 @@ def f():
 same
--- a/x
+++ b/x
"""


def test_odd_patches_are_read() -> None:
    patch = parse(ODD)
    assert [(part.name, part.words, part.added, part.removed) for part in patch.files] == [
        ("run.sh", ["mode 100644", "to 100755"], 0, 0),
        ("gone", ["deleted"], 0, 1),
        ('ä "q"', ["new"], 2, 0),
        ("with blank", [], 1, 1),
    ]
    lines = [patch.line(at) for at in range(len(patch))]
    assert [tuple(line) for line in lines[-3:]] == [
        (Kind.SAME, "same", 5, 5),
        (Kind.REMOVED, "-- a/x", 6, 0),
        (Kind.ADDED, "++ b/x", 0, 6),
    ]
    assert [line.text for line in lines if line.kind is Kind.NOTE] == [
        "\\ No newline at end of file"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# The patch is larger than 8 MiB; in numbers:\n a.txt | 9 +++\n",
        "diff --git a/x b/x\n@@ -1,9 +1,9 @@\n cut off here",
        "diff --git a/x b/x\n@@ -1,9 +1,9 @@\n?what\n+on",
        "@@ -1 +1 @@\n-no file\n+at all\n",
        "diff --git \n@@ nothing @@\nGIT binary patch\n",
        'diff --git "a/\\777\\q" "b/\\777\\q"\n',
    ],
)
def test_whatever_is_no_patch_of_gits_is_kept_as_it_is(text: str) -> None:
    patch = parse(text)
    kept = "\n".join(patch.line(at).text for at in range(len(patch)))
    for line in text.splitlines():
        words = line.lstrip("+- ").removeprefix("diff --git")
        assert words.strip('" ')[:4] in kept or line.startswith("diff")
    review = Review(patch, Comments())
    assert len(review.rows) == len(patch)


def test_folds_and_comments_keep_every_row_in_its_place() -> None:
    comments = Comments()
    review = Review(parse(ODD), comments)
    every = list(range(len(review.patch)))
    assert review.rows == every
    last = every[-1]
    review.say(last, " too much ")
    assert review.rows == [*every, ~last]
    first = review.patch.files[-1].first
    review.fold(first)
    assert review.rows[-1] == first
    assert review.row_of(last) == len(review.rows) - 1
    review.reveal(last)
    assert review.rows == [*every, ~last]
    assert comments.message() == "with blank:6: too much\n    ++ b/x"
    comments.keep("Please:\n" + comments.message())
    review.say(0, "and this")
    assert comments.message().startswith("Please:\nwith blank:6: too much")
    assert comments.message().endswith("run.sh: and this")
    review.say(last, "")
    assert len(comments) == 1
    review.fold_all()
    assert [row for row in review.rows if row >= 0] == [part.first for part in review.patch.files]
