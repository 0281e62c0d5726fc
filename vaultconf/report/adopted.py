"""What an adoption wrote into the files, and what is left to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vaultconf.adoption import Adopted, Adoption
from vaultconf.errors import Problem
from vaultconf.model import Server
from vaultconf.report import data, views
from vaultconf.report.lines import guarded, prose, visible
from vaultconf.report.views import things

FORMAT = "vaultconf.adopted/1"


def as_json(made: Adoption) -> data.Json:
    """The whole result, without any value."""
    return {
        "format": FORMAT,
        "complete": not made.errors,
        "server": data.server(made.server),
        "adopted": [_adopted(item) for item in made.adopted],
        "files": sorted(made.files),
        "provide": [
            {"address": str(item.address), "field": item.field, "reference": f"${{env:{item.variable}}}"}
            for item in made.provide
        ],
        "notices": list(made.notices),
        "errors": [data.problem(item) for item in made.errors],
    }


def failure(problems: Iterable[Problem]) -> data.Json:
    """The same object for an adoption that wrote nothing."""
    return {**as_json(Adoption(Server(""), errors=tuple(problems))), "server": None}


def as_text(made: Adoption) -> str:
    """The result for people."""
    product, address = views.server_text(made.server)
    lines = [f"{product} at {address}", ""]
    if made.adopted:
        lines += [f"Adopted {things(len(made.adopted), 'object')} into {things(len(made.files), 'file')}:"]
        lines += [f"  {_line(item)}" for item in made.adopted]
    else:
        lines += ["Nothing to adopt: the files are as the server."]
    lines += _section(
        "To provide: values that no server returns, needed when the object is made anew",
        (f"{item.variable}  {visible(str(item.address))} {item.field}" for item in made.provide),
    )
    lines += _section("Notices", map(prose, made.notices))
    if made.adopted:
        lines += ["", "See what was written: git diff. See that nothing differs: vaultconf plan"]
    return "\n".join(map(guarded, lines)) + "\n"


def _adopted(item: Adopted) -> data.Json:
    return {
        "address": str(item.address),
        "kind": item.kind.name,
        "action": "added" if item.new else "changed",
        "fields": list(item.fields),
        "file": item.place.file,
        "line": item.place.line,
    }


def _line(item: Adopted) -> str:
    fields = "" if item.new else f"  {', '.join(visible(name) for name in item.fields)}"
    mark = "+" if item.new else "~"
    return f"{mark} {visible(str(item.address))}  {visible(f'{item.place.file}:{item.place.line}')}{fields}"


def _section(title: str, entries: Iterable[str]) -> Iterator[str]:
    found = list(entries)
    if found:
        yield from ("", f"{title}:", *(f"  · {entry}" for entry in found))
