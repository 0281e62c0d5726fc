"""The command that shows what the files make together, for one target or for two side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vaultconf import console, pipeline
from vaultconf.command import Format, Shape, TargetOption, failing
from vaultconf.errors import UsageError


def render(
    context: typer.Context,
    target: TargetOption = "",
    diff: Annotated[
        tuple[str, str] | None, typer.Option("--diff", help="Show what differs between two targets.", metavar="A B")
    ] = None,
    format: Annotated[Shape, typer.Option("--format", help="How the result is shown.")] = Shape.YAML,  # noqa: A002
) -> None:
    """Print the desired state that the files make together, with the origin of each value; no secret is in it."""
    form = Format.JSON if format is Shape.JSON else Format.TEXT
    with failing(form, "vaultconf.render-diff/1" if diff else "vaultconf.render/1"):
        if diff:
            _compare(context.obj, target, diff, as_json=form is Format.JSON)
            return
        loaded, state = pipeline.validate(context.obj, target)
        console.show_rendered(state, loaded.words.target, as_json=form is Format.JSON)


def _compare(root: Path, target: str, names: tuple[str, str], *, as_json: bool) -> None:
    if target:
        raise UsageError("`--diff` names two targets, so `--target` cannot be given", "leave one of them out")
    if "" in names:
        raise UsageError("`--diff` takes the names of two targets", "such as `--diff stage prod`")
    left, right = pipeline.validate_each(root, names)
    console.show_compared((names[0], left), (names[1], right), as_json=as_json)
