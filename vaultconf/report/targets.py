"""Several targets as one comment on a pull request: a table of all, then each with its plan."""

from __future__ import annotations

from collections.abc import Sequence

from vaultconf.model import TargetPlan
from vaultconf.report import markdown, views
from vaultconf.report.lines import prose, visible
from vaultconf.report.markdown import LIMIT, Section, code

#: What a part needs to say anything, in characters; where there is less for each, some stand in the table alone.
_LEAST = 2_000
_TAIL = 120


def comment(found: Sequence[TargetPlan], *, drift: bool = False, limit: int = LIMIT) -> str:
    """The plans in at most `limit` characters; small ones are whole, the others share the room that is left."""
    head = f"### {_title(found, drift=drift)}\n"
    table, _ = _table(found, drift=drift).text(limit // 3)
    room = limit - len(head) - len(table) - _TAIL - len(found)
    shown = _most_important(found, max(room // _LEAST, 0))
    parts = [_part(item, limit, drift=drift) for item in shown]
    for index, share in enumerate(markdown.shares([len(part) for part in parts], room)):
        if len(parts[index]) > share:
            parts[index] = _part(shown[index], share, drift=drift)
    lost = len(found) - len(shown)
    note = [f"_{views.things(lost, 'target')} did not fit; `--format text` shows all._\n"] if lost else []
    return "\n".join((head, table, *parts, *note))


def _title(found: Sequence[TargetPlan], *, drift: bool) -> str:
    failed = sum(not item.plan.complete for item in found)
    differ = sum(item.plan.complete and item.plan.differs for item in found)
    counts = {"failed or incomplete": failed, "with drift" if drift else "with changes": differ}
    same = len(found) - failed - differ
    told = ", ".join(f"{many} {word}" for word, many in {**counts, "as declared": same}.items() if many)
    return f"{'Drift' if drift else 'Plan'} of {views.things(len(found), 'target')}: {told}."


def _table(found: Sequence[TargetPlan], *, drift: bool) -> Section:
    rows = tuple(_row(item, drift=drift) for item in found)
    return Section("| Target | Server | Result |\n|---|---|---|", rows, more="| {} more | | |")


def _row(item: TargetPlan, *, drift: bool) -> str:
    result = views.target_result(item, drift=drift)
    # A pipe ends a cell even inside a code span; only what is in our own words stands outside of one.
    cells = (visible(item.target), views.place_of(item.plan.server))
    spans = [code(cell).replace("|", "\\x7c") for cell in cells]
    last = f"**{code(result)}**".replace("|", "\\x7c") if item.failed else result
    return f"| {' | '.join((*spans, last))} |"


def _most_important(found: Sequence[TargetPlan], most: int) -> list[TargetPlan]:
    """The targets that get a part of their own, in the order given: first those where somebody has to look."""
    ordered = sorted(range(len(found)), key=lambda index: _calm(found[index]))
    return [found[index] for index in sorted(ordered[:most])]


def _calm(item: TargetPlan) -> int:
    return 1 + (not item.plan.differs) if item.plan.complete else 0


def _part(item: TargetPlan, room: int, *, drift: bool) -> str:
    if not item.failed:
        return markdown.plan(item.plan, drift=drift, limit=room, target=item.target)
    errors = markdown.listed("Errors", [markdown.problem_item(problem) for problem in item.plan.errors])
    head = [f"### {code(visible(item.target))}: failed\n"]
    head += [f"{code(prose(item.plan.server.address))}\n"] if item.plan.server.address else []
    return markdown.compose("\n".join(head), tuple(errors), room)
