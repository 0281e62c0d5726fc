"""The text view: what a reviewer reads in a terminal or in the log of a CI job.

Lines are made first and printed at once. On a terminal sentences are wrapped between words and long values are cut
in the middle; anything else gets each line whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from rich.console import Console
from rich.text import Text

from vaultconf.errors import Problem
from vaultconf.model import Change, Outcome, Plan, Status, TargetPlan, Unverified
from vaultconf.report import views
from vaultconf.report.lines import guarded, prose, visible
from vaultconf.report.views import FieldView

# A line is a sequence of texts with their styles.
Span = tuple[str, str]
Line = tuple[Span, ...]

_STYLES = {
    "+": "green",
    "~": "yellow",
    "→": "yellow",
    "↻": "yellow",
    "±": "magenta",
    "-": "red",
    "!": "bold red",
    "@": "cyan",
    "?": "yellow",
}
_ASCII = str.maketrans({"→": "->", "…": "...", "±": "-/+", "·": "-"})
_NARROWEST = 20
# What the lines of fields begin with, and those of policies and lists; they are never wrapped.
_FIELD = " " * 6
_CODE = " " * 8
_HANGING = " " * 4
# A symbol at the beginning stays with its word.
_WORD = re.compile(r"(?:^ *\S )?\S+ *")


def plan(plan: Plan, console: Console, *, list_unmanaged: bool = False, drift: bool = False) -> None:
    """Print a plan; `list_unmanaged` names every unmanaged object, `drift` reads it as Git against the server."""
    _print(console, _plan(plan, _width(console), list_unmanaged=list_unmanaged, drift=drift))


def plans(found: Sequence[TargetPlan], console: Console, *, list_unmanaged: bool = False, drift: bool = False) -> None:
    """Print the plans of several targets, each below its name, and at the end what became of each in a line."""
    _print(console, _plans(found, _width(console), list_unmanaged=list_unmanaged, drift=drift))


def outcomes(outcomes: Sequence[Outcome], console: Console) -> None:
    """Print how every change ended, what went wrong last, then the counts."""
    ordered = sorted(outcomes, key=lambda item: item.status is not Status.DONE)
    good = all(item.status is Status.DONE for item in outcomes)
    last = ((views.outcome_summary(outcomes), "bold green" if good else "bold red"),)
    _print(console, [*map(_outcome, ordered), *([()] if ordered else []), last])


def problems(problems: Iterable[Problem], console: Console) -> None:
    """Print complaints: where, what, and what to do."""
    _print(console, (line for problem in problems for line in _problem(problem)))


def _width(console: Console) -> int:
    """The columns to keep to, 0 where there is no terminal."""
    return console.width if console.is_terminal else 0


def _print(console: Console, lines: Iterable[Line]) -> None:
    if not console.is_terminal and console.color_system is None:
        _write(console, lines)
        return
    whole = Text("\n").join(text for line in lines for text in _texts(line, console))
    if whole:
        console.print(whole, soft_wrap=True, highlight=False)


def _write(console: Console, lines: Iterable[Line]) -> None:
    """Into a file or a pipe as rich would, without its styles: they would be half of the time of a first apply."""
    for line in lines:
        plain = "".join(text for text, _ in _encodable(line, console.encoding))
        console.file.write(f"{guarded(plain).expandtabs()}\n")
    console.file.flush()


def _texts(line: Line, console: Console) -> Iterator[Text]:
    """One line as this console can print it; more than one where a sentence has to be wrapped."""
    whole = Text.assemble(*_encodable(line, console.encoding))
    for text in _wrapped(whole, console):
        safe = guarded(text.plain)
        yield text if safe == text.plain else Text(safe)


def _wrapped(text: Text, console: Console) -> Iterable[Text]:
    width = _width(console)
    if not width or text.cell_len <= width or text.plain.startswith(_FIELD):
        return (text,)
    first, *rest = text.divide(_breaks(text.plain, width - len(_HANGING)))
    return (first, *(Text(_HANGING) + part for part in rest))


def _breaks(plain: str, width: int) -> list[int]:
    """Where to break a line so that no part is wider than `width`, but for words that are."""
    found, start = [], 0
    for word in _WORD.finditer(plain):
        if word.start() > start and len(plain[start : word.end()].rstrip()) > width:
            start = word.start()
            found.append(start)
    return found


def _encodable(line: Line, encoding: str) -> Line:
    if encoding.startswith("utf"):
        return line
    return tuple((_encoded(text, encoding), style) for text, style in line)


def _encoded(text: str, encoding: str) -> str:
    return text.translate(_ASCII).encode(encoding, "backslashreplace").decode(encoding)


def _plan(plan: Plan, width: int, *, list_unmanaged: bool, drift: bool) -> Iterator[Line]:
    if plan.server.address:
        yield ((views.place_of(plan.server), "dim"),)
        yield ()
    yield from _changes(plan.changes, width, drift=drift)
    strangers = views.unmanaged_text(plan.unmanaged, each=list_unmanaged)
    hint = " (`--unmanaged` names each)" if len(strangers) < len(plan.unmanaged) else ""
    yield from _section(f"Not in Git, so left alone{hint}", map(_bullet, strangers))
    yield from _section("Not verified", map(_unverified, plan.unverified))
    yield from _section("Held, so left alone", (_about(str(item.address), views.held_text(item)) for item in plan.held))
    yield from _section("Notices", (_bullet(prose(notice)) for notice in plan.notices))
    blocked = (_about(str(item.address), views.blocked_text(item), "!") for item in plan.blocked)
    yield from _section("Could not be read, so left alone", blocked)
    yield from _section("Errors", (line for problem in plan.errors for line in _problem(problem)))
    yield _summary(plan, drift=drift)


def _plans(found: Sequence[TargetPlan], width: int, *, list_unmanaged: bool, drift: bool) -> Iterator[Line]:
    for item in found:
        yield ((f"Target {visible(item.target)}", "bold"), (f": {views.place_of(item.plan.server)}", "dim"))
        yield ()
        here = replace(item.plan, server=replace(item.plan.server, address=""))
        if item.failed:
            yield from (line for problem in here.errors for line in _problem(problem))
        else:
            yield from _plan(here, width, list_unmanaged=list_unmanaged, drift=drift)
        yield ()
    names = max(len(visible(item.target)) for item in found)
    yield (("All targets:", "bold"),)
    for item in found:
        style = "bold red" if item.failed or not item.plan.complete else ""
        yield ((f"  {visible(item.target):{names}}  ", "bold"), (views.target_result(item, drift=drift), style))


def _changes(changes: Iterable[Change], width: int, *, drift: bool) -> Iterator[Line]:
    """The changes, one-liners close together and those with details set apart."""
    before = 0
    for change in changes:
        lines = list(_change(change, width, drift=drift))
        if before > 1 or (before and len(lines) > 1):
            yield ()
        yield from lines
        before = len(lines)
    if before:
        yield ()


def _summary(plan: Plan, *, drift: bool) -> Line:
    gaps = views.gaps(plan)
    style = "bold" if plan.changes or gaps else "bold green"
    return (*(((f"{gaps} ", "bold red"),) if gaps else ()), (views.summary(plan, drift=drift), style))


def _section(title: str, lines: Iterable[Line]) -> Iterator[Line]:
    found = list(lines)
    if found:
        yield ((f"{title}:", "bold"),)
        yield from found
        yield ()


def _bullet(text: str) -> Line:
    return (("  · ", "dim"), (text, ""))


def _about(address: str, text: str, symbol: str = "·") -> Line:
    return (
        (f"  {symbol} ", _STYLES.get(symbol, "dim")),
        (visible(address), ""),
        (f"  {text}" if text else "", "" if symbol == "!" else "dim"),
    )


def _unverified(item: Unverified) -> Line:
    return _about(str(item.address), views.unverified_text(item), "?")


def _problem(problem: Problem) -> Iterator[Line]:
    where, message, hint = views.problem_text(problem)
    yield (("  ! ", _STYLES["!"]), (f"{where}: " if where else "", "bold"), (message, ""))
    if hint:
        yield ((f"    {hint}", "dim"),)


def _change(change: Change, width: int, *, drift: bool) -> Iterator[Line]:
    yield from _heading(change, width, drift=drift)
    if change.risk:
        yield (("    ! ", _STYLES["!"]), (views.risk_text(change.risk), "red"))
    found = views.field_views(change, drift=drift)
    names = max((len(item.name) for item in found if not item.block), default=0)
    for item in found:
        yield from _block(item, drift=drift) if item.block else _value(item, names, width, drift=drift)


def _heading(change: Change, width: int, *, drift: bool) -> Iterator[Line]:
    symbol = (views.DRIFT_SYMBOLS if drift else views.SYMBOLS)[change.action]
    style = _STYLES[symbol]
    words = views.DRIFT_WORDS.get(change.action, "") if drift else ""
    remark = " ".join(f"({word})" for word in (words, "same meaning" if change.same_meaning else "") if word)
    title = f"{visible(str(change.address))}{' ' if remark else ''}{remark}"
    origin = "  ".join(filter(None, (visible(change.owner), views.place_text(change.source))))
    fits = not width or 4 + len(title) + 2 + len(origin) <= width
    yield ((f"  {symbol} ", style), (title, f"bold {style}"), (f"  {origin}" if fits and origin else "", "dim"))
    if origin and not fits:
        yield ((f"    {origin}", "dim"),)


def _block(item: FieldView, *, drift: bool) -> Iterator[Line]:
    yield ((f"{_FIELD}{item.name}", ""), ("  - Git, + server" if drift else "", "dim"))
    for line in item.block:
        yield ((f"{_CODE}{line}" if line else "", _STYLES.get(line[:1], "dim")),)


def _value(item: FieldView, names: int, width: int, *, drift: bool) -> Iterator[Line]:
    """`name  before → after`; in two lines where a terminal has no room for one, and never cut: it is reviewed."""
    name = f"{_FIELD}{item.name:{names}}  "
    sides = [side for side in (item.before, item.after) if side]
    marks = (" in Git", " on the server") if drift and len(sides) == 2 else ("", "")
    room = max(width - len(name) - 2, _NARROWEST)
    if not width or len(sides) == 1 or len("".join((*sides, *marks))) + 1 <= room:
        yield ((name, ""), *_arrow([side + mark for side, mark in zip(sides, marks, strict=False)]))
        return
    before, after = sides
    yield ((name, ""), (before + marks[0], "dim"))
    yield ((" " * (len(name) - 2), ""), ("→ ", "dim"), (after + marks[1], ""))


def _arrow(sides: Sequence[str]) -> Line:
    return ((f"{sides[0]} ", "dim"), ("→ ", "dim"), (sides[1], "")) if len(sides) == 2 else ((sides[0], ""),)


def _outcome(outcome: Outcome) -> Line:
    good = outcome.status is Status.DONE
    symbol = views.SYMBOLS[outcome.change.action] if good else "?" if outcome.status is Status.SKIPPED else "!"
    address = visible(str(outcome.change.address))
    verb = "" if good else f"{outcome.change.action} "
    return (
        (f"  {symbol} ", _STYLES[symbol]),
        (f"{verb}{address}", ""),
        (f"  {views.outcome_text(outcome)}", "dim" if good else ""),
    )
