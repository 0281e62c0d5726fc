"""Cuts HCL 1 and its JSON form into tokens, by the rules of the servers' own scanners.

One pass, linear in the length of the text. What cannot be a token becomes a `bad` token, so that a reader
which stops earlier (the JSON form drops whatever follows its end) never sees it.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Final, TypeAlias

# Kind, text, offset in characters. The kind is a punctuation mark itself, or ident, string, heredoc, number, float,
# bool, null, bad, end. The text is the token as written, or what is wrong with a `bad` one.
Token: TypeAlias = tuple[str, str, int]

_HCL: Final = re.compile(
    r"""(?: [ \t\r\n]++ | \#[^\n]*+ | //[^\n]*+ | /\*(?s:.)*?\*/ )*+
    (?: (?P<ident>   [^\W\d][\w.-]*+ )
      | (?P<string>  "[^"\\\n$]*+" )
      | (?P<mark>    [][{}=,] )
      | (?P<float>   -?(?: [0-9]++(?:\.[0-9]*+)(?:[eE][+-]?[0-9]*+)? | [0-9]++[eE][+-]?[0-9]*+ ) | \.[0-9]++ )
      | (?P<number>  -?(?: 0[xX][0-9a-fA-F]++ | [0-9]++ ) )
      | (?P<open>    " )
      | (?P<heredoc> <<-?[\w]*+\r?\n )
      | (?P<end>     \Z )
    )""",
    re.VERBOSE,
)
_JSON: Final = re.compile(
    r"""[ \t\r\n]*+
    (?: (?P<ident>   [^\W\d][\w-]*+ )
      | (?P<string>  "[^"\\\n\x00]*+" )
      | (?P<mark>    [][{},:] )
      | (?P<float>   -?(?: [0-9]++(?:\.[0-9]*+)(?:[eE][+-]?[0-9]*+)? | [0-9]++[eE][+-]?[0-9]*+ ) | \.[0-9]++ )
      | (?P<number>  -?[0-9]++ )
      | (?P<open>    " )
      | (?P<heredoc> (?!) )
      | (?P<end>     \Z | \x00 )
    )""",
    re.VERBOSE,
)
_SKIP: Final = re.compile(r"(?: [ \t\r\n]++ | \#[^\n]*+ | //[^\n]*+ | /\*(?s:.)*?\*/ )*+", re.VERBOSE)
_ESCAPE: Final = re.compile(r'\\(?:[abfnrtv\\"]|[0-7]{3}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})')
_IN_STRING: Final = re.compile(r'["\\\n{}\x00]|\$\{')
_UNREADABLE: Final = re.compile("[\x00\ue123\ud800-\udfff]")
_BLANKS: Final = " \t\v\f\r"


def hcl_tokens(text: str) -> Iterator[Token]:
    """Return the tokens of an HCL text; the last is `end` or `bad`."""
    found = _UNREADABLE.search(text)
    if not found:
        return _scan(_HCL, text)
    # The servers scan the whole of an HCL text, comments too, and refuse it for one such character.
    head = itertools.takewhile(lambda token: token[0] not in {"end", "bad"}, _scan(_HCL, text[: found.start()]))
    message = "a character that no policy may hold (NUL, U+E123 or invalid UTF-8)"
    return itertools.chain(head, [("bad", message, found.start())])


def json_tokens(text: str) -> Iterator[Token]:
    """Return the tokens of the JSON form; a NUL ends it, as it does on the servers."""
    return _scan(_JSON, text)


def _scan(grammar: re.Pattern[str], text: str) -> Iterator[Token]:
    position, match = 0, grammar.match
    while found := match(text, position):
        kind, position = found.lastgroup or "end", found.end()
        word = found[kind]
        start = position - len(word)
        if kind == "mark":
            yield (word, word, start)
            continue
        if kind in {"ident", "open", "heredoc", "number"}:
            kind, word = _special(grammar, text, kind, word, start)
            position = start + len(word)
        yield (kind, word, start)
        if kind in {"end", "bad"}:
            return
    yield _unknown(grammar, text, position)


def _special(grammar: re.Pattern[str], text: str, kind: str, word: str, start: int) -> tuple[str, str]:
    if kind == "ident":
        return _word(word, json=grammar is _JSON)
    if kind == "number":
        return _number(word, json=grammar is _JSON)
    end = _string_end(text, start, json=grammar is _JSON) if kind == "open" else _heredoc_end(text, start, word)
    if isinstance(end, str):
        return "bad", end
    return ("string" if kind == "open" else kind), text[start:end]


def _word(word: str, *, json: bool) -> tuple[str, str]:
    if word in {"true", "false"}:
        return "bool", word
    if json:
        return ("null", word) if word == "null" else ("bad", "a bare word is no JSON")
    if not word.isascii() and not all(c in "_-." or c.isalpha() or c.isdecimal() for c in word):
        return "bad", "illegal character"
    return "ident", word


def _number(word: str, *, json: bool) -> tuple[str, str]:
    digits = word.lstrip("-")
    if len(digits) > 1 and digits[0] == "0" and digits[1] not in "xX":
        if json:
            return "bad", "numbers cannot start with 0"
        if not set("89").isdisjoint(digits):
            return "bad", "illegal octal number"
    return "number", word


def _string_end(text: str, start: int, *, json: bool) -> int | str:
    """Return the offset after the closing quote; in HCL, quotes and newlines inside `${...}` do not count."""
    position, braces = start + 1, 0
    while found := _IN_STRING.search(text, position):
        mark, position = found.group(), found.end()
        if mark == "\\":
            escape = _ESCAPE.match(text, found.start())
            if escape is None:
                return "illegal escape sequence in a string"
            position = escape.end()
        elif mark == '"' and not braces:
            return position
        elif mark == "\x00" or (mark == "\n" and not braces):
            break
        elif json:
            continue
        elif mark == "${" or (mark == "{" and braces):
            braces += 1
        elif mark == "}" and braces:
            braces -= 1
    return "the string is not closed"


def _heredoc_end(text: str, start: int, opening: str) -> int | str:
    """Return the offset after the line that holds only the marker."""
    marker = opening[2:-1]
    indented, marker = marker.startswith("-"), marker.removeprefix("-")
    if not marker.strip("\r"):
        return "a heredoc needs a marker"
    line = start + len(opening)
    while (end := text.find("\n", line)) >= 0:
        words = text[line:end].lstrip(_BLANKS)
        # After `<<-` a marker at the very start of its line does not count: the servers compare lengths.
        if words.startswith(marker) and not words[len(marker) :].strip("\r") and end - line >= len(marker) + indented:
            return end + 1
        line = end + 1
    return "the heredoc is not closed"


def _unknown(grammar: re.Pattern[str], text: str, position: int) -> Token:
    """Say what stands where no token begins."""
    if grammar is _HCL:
        position = _skipped(text, position)
        if text.startswith("/*", position):
            return ("bad", "the comment is not closed", position)
        if text.startswith("/", position):
            return ("bad", "a comment begins with `//`, `/*` or `#`", position)
        if text.startswith("<", position):
            return ("bad", "a heredoc begins with `<<` and a marker, alone on its line", position)
    else:
        position += len(text[position:]) - len(text[position:].lstrip(" \t\r\n"))
    return ("bad", "illegal character", position)


def _skipped(text: str, position: int) -> int:
    found = _SKIP.match(text, position)
    return found.end() if found else position
