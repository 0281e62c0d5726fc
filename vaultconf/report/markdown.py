"""The Markdown view: a comment on a pull request, cut to the size that a forge accepts.

What needs a person's eye stands open at the top, the rest is folded. Data stands only in code spans and fences,
where neither HTML nor mentions nor links have a meaning.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vaultconf.errors import Problem
from vaultconf.model import Action, Address, Change, Outcome, Plan, Status
from vaultconf.report import views
from vaultconf.report.lines import elided, prose, visible
from vaultconf.report.views import FieldView

#: What GitHub takes, in characters.
LIMIT = 65_536

_LONGEST_CODE = 300
_LONGEST_LINE = 1_000
_LONGEST_CHANGE = 8_000
_TAIL = 80
_WORDS = {
    Action.DELETE: "delete",
    Action.REPLACE: "replace",
    Action.MOVE: "move",
    Action.ROTATE: "rotate",
    Action.UPDATE: "update",
    Action.CREATE: "create",
}
_DRIFT_WORDS = {
    Action.DELETE: "on the server, not in Git",
    Action.REPLACE: "changed in a way that needs a replacement",
    Action.MOVE: "at another path",
    Action.ROTATE: "its password has yet to be rotated",
    Action.UPDATE: "changed",
    Action.CREATE: "missing on the server",
}


@dataclass(frozen=True, slots=True)
class Section:
    """A part that can be cut between its items; `more` says how many were, and has a `{}` for the number.

    `overview`: the items stand in other sections too.
    """

    opening: str
    items: tuple[str, ...]
    closing: str = ""
    more: str = "- {} more"
    overview: bool = False

    def text(self, room: int) -> tuple[str, int]:
        """The section in at most `room` characters, and how many items it lost; "" where nothing fits."""
        whole = self._join(self.items, 0)
        if len(whole) <= room:
            return whole, 0
        room -= len(self._join((), len(self.items)))
        kept = 0
        while kept < len(self.items) and len(self.items[kept]) < room:
            room -= len(self.items[kept]) + 1
            kept += 1
        lost = len(self.items) - kept
        return (self._join(self.items[:kept], lost), lost) if room >= 0 else ("", lost)

    def _join(self, items: Sequence[str], lost: int) -> str:
        more = (self.more.format(lost),) if lost else ()
        return "\n".join((self.opening, *items, *more)).rstrip("\n") + f"\n{self.closing}"


def plan(plan: Plan, *, drift: bool = False, limit: int = LIMIT, target: str = "") -> str:
    """The plan in at most `limit` characters (4,000 at least); `drift` reads it as Git against the server.

    `target`: the one of several that it is for.
    """
    longest = min(_LONGEST_CHANGE, limit // 4)
    sections = (
        *_open(plan),
        *([_table(plan.changes, drift=drift)] if plan.changes else []),
        *_groups(plan.changes, longest, drift=drift),
        *_folded(plan),
    )
    title = f"{code(visible(target))}: " if target else ""
    return compose(_head(plan, title, drift=drift), sections, limit)


def outcomes(outcomes: Sequence[Outcome], *, limit: int = LIMIT) -> str:
    """What became of every change, in at most `limit` characters; what was done is folded."""
    done = [_outcome(item) for item in outcomes if item.status is Status.DONE]
    rest = [_outcome(item) for item in outcomes if item.status is not Status.DONE]
    sections = (*listed("Not done", rest), *_fold(f"{len(done)} done", done))
    return compose(f"### {views.outcome_summary(outcomes)}\n", sections, limit)


def failure(problems: Sequence[Problem], *, limit: int = LIMIT) -> str:
    """Why there is no plan and no outcome, in at most `limit` characters."""
    head = f"### Failed: {views.things(len(problems), 'problem')}.\n"
    return compose(head, tuple(listed("Errors", [problem_item(problem) for problem in problems])), limit)


def compose(head: str, sections: Sequence[Section], limit: int) -> str:
    """Put the parts together, each within a fair share of the room."""
    room = limit - len(head) - _TAIL - len(sections)
    sizes = [len(section.text(limit)[0]) or limit for section in sections]
    parts, lost = [head], 0
    for section, share in zip(sections, shares(sizes, room), strict=True):
        text, missing = section.text(share)
        parts += [text] if text else []
        lost += 0 if text or section.overview else missing
    if lost:
        parts.append(f"_{lost} more did not fit; `--format text` shows all._\n")
    return "\n".join(parts)


def shares(sizes: Sequence[int], room: int) -> list[int]:
    """Divide `room`: what is small is whole, and what is left is shared evenly by the rest."""
    granted = [0] * len(sizes)
    by_size = sorted(range(len(sizes)), key=sizes.__getitem__)
    for place, index in enumerate(by_size):
        granted[index] = max(min(sizes[index], room // (len(sizes) - place)), 0)
        room -= granted[index]
    return granted


def _head(plan: Plan, title: str, *, drift: bool) -> str:
    gaps = views.gaps(plan)
    product, address = views.server_text(plan.server)
    lines = [f"### {title}{views.summary(plan, drift=drift)}"]
    lines += ["", f"**{gaps}**"] if gaps else []
    lines += ["", f"{code(product)} at {code(address)}"] if address else []
    return "\n".join(lines) + "\n"


def _open(plan: Plan) -> Iterable[Section]:
    """What nobody may overlook."""
    risks = [f"- {code(views.risk_text(change.risk))}" for change in plan.changes if change.risk]
    blocked = [_about(item.address, views.blocked_text(item)) for item in plan.blocked]
    yield from listed("Needs `--allow`", risks)
    yield from listed("Could not be read, so left alone", blocked)
    yield from listed("Errors", [problem_item(problem) for problem in plan.errors])


def listed(title: str, items: Sequence[str]) -> Iterable[Section]:
    """A section that stands open; none without items."""
    if items:
        yield Section(f"**{title}**\n", tuple(items))


def _about(address: Address, text: str) -> str:
    return f"- {code(visible(str(address)))}" + (f" {code(text)}" if text else "")


def _table(changes: Sequence[Change], *, drift: bool) -> Section:
    opening = "| | Object | Owner | Source |\n|---|---|---|---|"
    return Section(
        opening, tuple(_row(change, drift=drift) for change in changes), more="| | {} more | | |", overview=True
    )


def _row(change: Change, *, drift: bool) -> str:
    cells = (visible(str(change.address)), visible(change.owner), views.place_text(change.source))
    # A pipe ends a cell even inside a code span.
    codes = (code(cell).replace("|", "\\x7c") if cell else "" for cell in cells)
    return f"| **{_symbol(change, drift=drift)}** | {' | '.join(codes)} |"


def _symbol(change: Change, *, drift: bool) -> str:
    return (views.DRIFT_SYMBOLS if drift else views.SYMBOLS)[change.action]


def _groups(changes: Sequence[Change], longest: int, *, drift: bool) -> Iterable[Section]:
    """One folded section for each action; the most dangerous first."""
    for action, word in (_DRIFT_WORDS if drift else _WORDS).items():
        group = [change for change in changes if change.action is action]
        title = f"{len(group)} {word}" if drift else f"{len(group)} to {word}"
        yield from _fold(title, [_change(change, longest, drift=drift) for change in group])


def _fold(title: str, items: Sequence[str]) -> Iterable[Section]:
    if items:
        yield Section(f"<details><summary>{title}</summary>\n", tuple(items), "\n</details>\n")


def _folded(plan: Plan) -> Iterable[Section]:
    unverified = [_about(item.address, views.unverified_text(item)) for item in plan.unverified]
    held = [_about(item.address, views.held_text(item)) for item in plan.held]
    yield from _fold(f"{len(plan.unverified)} not verified", unverified)
    yield from _fold(f"{len(plan.held)} held, so left alone", held)
    strangers = [f"- {code(text)}" for text in views.unmanaged_text(plan.unmanaged)]
    yield from _fold(f"{len(plan.unmanaged):,} not in Git, so left alone", strangers)
    notices = [f"- {code(prose(notice))}" for notice in plan.notices]
    yield from _fold(views.things(len(plan.notices), "notice"), notices)


def _change(change: Change, longest: int, *, drift: bool) -> str:
    """One change: a line that says which, and a fence with its fields."""
    origin = [code(text) for text in (visible(change.owner), views.place_text(change.source)) if text]
    same = ["same meaning"] if change.same_meaning else []
    title = " · ".join((f"**{_symbol(change, drift=drift)}** {code(visible(str(change.address)))}", *origin, *same))
    lines = [f"! {views.risk_text(change.risk)}"] if change.risk else []
    for item in views.field_views(change, drift=drift):
        lines += _field(item)
    return f"{title}\n{_fence(lines, longest)}"


def _field(item: FieldView) -> list[str]:
    """A field in the marks of a diff: `-` is before (in drift: Git), `+` is after (the server)."""
    if item.block:
        return [f"@@ {item.name} @@", *item.block]
    if not item.before:
        return [f"+ {item.name}: {item.after}"]
    return [f"- {item.name}: {item.before}", f"+ {item.name}: {item.after}"]


def _fence(lines: Sequence[str], longest: int) -> str:
    """A fenced diff that nothing in it can close, in about `longest` characters."""
    kept: list[str] = []
    for line in (elided(line, _LONGEST_LINE) for line in lines):
        longest -= len(line) + 1
        if longest < 0:
            kept.append(f"# {views.things(len(lines) - len(kept), 'more line')}")
            break
        kept.append(line)
    mark = "`" * max(3, _longest_run("\n".join(kept)) + 1)
    return "\n".join(("", f"{mark}diff", *kept, mark, "")) if kept else ""


def code(text: str) -> str:
    """A code span that nothing in `text`, which is one line and safe to print, can end."""
    shown = elided(text, _LONGEST_CODE) or "-"
    mark = "`" * (_longest_run(shown) + 1)
    pad = " " if shown.strip("` ") != shown else ""
    return f"{mark}{pad}{shown}{pad}{mark}"


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


def problem_item(problem: Problem) -> str:
    """A problem as an item of a list."""
    return "- " + " ".join(code(text) for text in views.problem_text(problem) if text)


def _outcome(item: Outcome) -> str:
    return f"- {item.change.action} {code(visible(str(item.change.address)))} {code(views.outcome_text(item))}"
