"""What is asked in other languages than English, in the words in which the rules have it.

A row is read word by word, so that what holds of an English one by its signs and their order holds
of it too: what is asked, what allows and refuses, whom it waits for. It is no translation, and is
shown to nobody as one. It knows no program, no rule and no screen.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

#: Signs of the full width of a character, and their like.
_SIGNS: Final = str.maketrans("？：（）［］【】，、；。！／＞｜", "?:()[][],,;.!/>|")
#: By language: the words of a question, of its answers, and of how to give one.
_WORDS: Final[dict[str, dict[str, str]]] = {
    "Chinese": {
        "是否|要不要|是不是要|您?确定要|你确定要|您?確定要": "Do you want to",
        "允许|允許|批准|同意|准许|许可|授权|授權": "allow",
        "确认|確認": "confirm",
        "接受|采纳": "accept",
        "继续|繼續": "proceed",
        "执行|執行|运行|運行": "run",
        "应用|套用": "apply",
        "提交|确定": "submit",
        "总是|始终|一律|永远|總是|一直": "always",
        "仅此一次|仅一次|仅本次|仅限本次|仅这次|这一次|本次|僅此一次|僅本次": "once",
        "拒绝|拒絕|不允许|不允許|不同意|禁止": "deny",
        "取消|放弃": "cancel",
        "跳过|跳過": "skip",
        "退出": "quit",
        "返回": "back",
        "选择|選擇|请选择": "select",
        "选项|選項": "option",
        "请?输入|請?輸入|请?键入|请?回复": "enter",
        "回车键?|按下回车": "enter",
        "等待您?你?的?确认|等待确认": "waiting for confirmation",
        "等待您?你?的?批准|等待审批|等待批准": "waiting for approval",
        "密码|密碼": "password",
        "密钥|密鑰": "key",
    },
    "Japanese": {
        "許可しますか|承認しますか": "allow?",
        "実行しますか": "Do you want to run?",
        "続行しますか|続けますか": "Do you want to continue?",
        "よろしいですか": "are you sure?",
        "許可|承認": "allow",
        "拒否|却下": "deny",
        "キャンセル|中止": "cancel",
        "常に|いつも": "always",
        "はい": "yes",
        "いいえ": "no",
        "選択": "select",
        "入力": "enter",
    },
    "Korean": {
        "허용하시겠습니까|허용할까요": "Do you want to allow?",
        "실행하시겠습니까|실행할까요": "Do you want to run?",
        "계속하시겠습니까|계속할까요": "Do you want to continue?",
        "허용|승인": "allow",
        "거부|거절": "deny",
        "취소": "cancel",
        "항상": "always",
        "아니요|아니오": "no",
    },
}
#: Particles that only say that it is a question.
_ASKS: Final = re.compile(r"[吗嗎呢么]\s*\?")
#: ``(j/n)`` and its like, in languages with the letters of English.
_YES_NO: Final = re.compile(
    r"(?i)(?<=[\[(])(?:j(?:a)?/n(?:ein|ee)?|o(?:ui)?/n(?:on)?|s[ií]?/n(?:o|ão)?|д(?:а)?/н(?:ет)?"
    r"|是/否|y/否)(?=[\])/])"
)
_EVERY: Final = {
    each: meant
    for words in _WORDS.values()
    for every, meant in words.items()
    for each in every.split("|")
}
#: The longest first, so that what refuses is not read as the word for consent within it.
_LONGEST: Final = sorted(_EVERY, key=len, reverse=True)
_FOUND: Final = re.compile("|".join(f"({each})" for each in _LONGEST))
#: Words that follow each other with no space between, as these languages have them.
_RUN: Final = re.compile(f"(?:{'|'.join(_LONGEST)})+")
#: Of so many rows it is known how they read: most are looked at again and again.
_KNOWN: Final = 2048


@lru_cache(_KNOWN)
def english(said: str) -> str:
    """``said`` with what it asks in the words of English; the same where it has none of another."""
    read = _YES_NO.sub("y/n", said)
    if read.isascii():
        return read
    read = _ASKS.sub("?", read.translate(_SIGNS))
    return _RUN.sub(_words, read)


def _words(run: re.Match[str]) -> str:
    """The English words, apart from each other and from what stands beside them."""
    before = run.string[: run.start()][-1:]
    after = run.string[run.end() :][:1]
    words = [_EVERY[_LONGEST[(one.lastindex or 1) - 1]] for one in _FOUND.finditer(run[0])]
    return f"{' ' * before.isalnum()}{' '.join(words)}{' ' * after.isalnum()}"
