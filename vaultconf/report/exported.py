"""What an export wrote, what somebody has to provide, and what it could not do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from vaultconf.errors import Problem
from vaultconf.export import Export
from vaultconf.model import Server
from vaultconf.report import data, views
from vaultconf.report.lines import guarded, prose, visible
from vaultconf.report.views import things

FORMAT = "vaultconf.export/1"
_MOST_FILES = 40


def as_json(made: Export, files: Iterable[str]) -> data.Json:
    """The whole result, without any secret; `files` are the paths that were written."""
    return {
        "format": FORMAT,
        "complete": made.complete,
        "server": data.server(made.server),
        "objects": len(made.objects),
        "files": list(files),
        "provide": [
            {"address": str(item.address), "field": item.field, "reference": f"${{env:{item.variable}}}"}
            for item in made.provide
        ],
        "left_out": [
            {"address": str(item.address), "kind": item.kind.name, "reason": item.reason} for item in made.left_out
        ],
        "blocked": [data.blocked(item) for item in made.blocked],
        "held": [data.held(item) for item in made.held],
        "external": list(made.external),
        "notices": list(made.notices),
        "errors": [data.problem(item) for item in made.errors],
    }


def failure(problems: Iterable[Problem]) -> data.Json:
    """The same object for an export that ended before it had anything."""
    return {**as_json(Export(Server(""), errors=tuple(problems)), ()), "server": None}


def as_text(made: Export, folder: str, files: Iterable[str]) -> str:
    """The result for people; `folder` is where the files are."""
    product, address = views.server_text(made.server)
    lines = [f"{product} at {address}", "", *_files(made, folder, list(files))]
    lines += _section(
        "To provide: values that no server returns, needed when the object is made anew",
        (f"{item.variable}  {visible(str(item.address))} {item.field}" for item in made.provide),
    )
    lines += _section("Left out", (f"{visible(str(item.address))}  {prose(item.reason)}" for item in made.left_out))
    lines += _section(
        "Could not be read",
        # Kinds of several auth methods share a path; where no mount is known, one line tells of all of them.
        dict.fromkeys(f"{visible(str(item.address))}  {views.blocked_text(item)}" for item in made.blocked),
    )
    lines += _section("Held, so left alone", (visible(str(item.address)) for item in made.held))
    lines += _section("Notices", map(prose, made.notices))
    if made.objects:
        lines += ["", f"See that nothing differs: vaultconf -C {visible(folder)} plan"]
    return "\n".join(map(guarded, lines)) + "\n"


def _files(made: Export, folder: str, files: list[str]) -> Iterator[str]:
    yield f"Exported {things(len(made.objects), 'object')} to {things(len(files), 'file')} in `{visible(folder)}`:"
    texts = Counter(path.rpartition("/")[0] for path in files if path.endswith(".hcl"))
    listed = [f"{place}/*.hcl  {count:,}" for place, count in sorted(texts.items())]
    listed += [path for path in files if not path.endswith(".hcl")]
    yield from (f"  {visible(line)}" for line in listed[:_MOST_FILES])
    if len(listed) > _MOST_FILES:
        yield f"  … and {len(listed) - _MOST_FILES:,} more"


def _section(title: str, entries: Iterable[str]) -> Iterator[str]:
    found = list(entries)
    if found:
        yield from ("", f"{title}:", *(f"  · {entry}" for entry in found))
