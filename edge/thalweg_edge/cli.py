"""`thalweg device …`: the device operator's commands."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Annotated

import typer

from thalweg.errors import SetupError
from thalweg_edge.columns import ColumnMapping, read_mapping
from thalweg_edge.fleet import Fleet, run_until_told
from thalweg_edge.fleet_config import read_config
from thalweg_edge.session_file import read_sessions

app = typer.Typer(no_args_is_help=True, help="Operate devices, real and simulated.")
_SHOWN_REJECTIONS = 20


@app.callback()
def device() -> None:
    """Operate devices, real and simulated."""


@app.command()
def simulate(
    config: Annotated[Path, typer.Argument(help="The fleet: a JSON file, see thalweg_edge.fleet_config.")],
) -> None:
    """Run simulated devices on the real firmware until what they did is delivered, or until Ctrl-C."""
    try:
        fleet = Fleet(read_config(config), time.time_ns() // 1_000_000)
        is_done = asyncio.run(run_until_told(fleet))
    except SetupError as problem:
        raise _exit(problem) from None
    totals = fleet.status()["totals"]
    typer.echo(
        f"{totals['devices']} devices {fleet.state()}: {totals['recorded']} events recorded by their last starts"
    )
    for one in fleet.devices:
        if one.report.state == "failed":
            typer.echo(f"{one.report.device}: {one.report.problem}", err=True)
    raise typer.Exit(0 if is_done else 1)


@app.command()
def sessions(
    file: Annotated[Path, typer.Argument(help="A CSV file of charging sessions.")],
    column: Annotated[list[str] | None, typer.Option(help="How a column is named or written: name=value.")] = None,
    mapping: Annotated[Path | None, typer.Option(help="The same for all columns, in a JSON or TOML file.")] = None,
) -> None:
    """Read a file of recorded sessions and account for every row of it."""
    try:
        columns = (read_mapping(mapping) if mapping else ColumnMapping()).with_options(column or [])
        found = read_sessions(file, columns)
    except SetupError as problem:
        raise _exit(problem) from None
    count = sum(len(of_one) for of_one in found.by_device.values())
    typer.echo(f"{found.rows} rows = {count} sessions + {len(found.rejected)} rejected; {found.repaired} repaired")
    typer.echo(f"{found.energy_wh()} Wh at {len(found.by_device)} stations")
    for station, name in sorted(found.devices.items()):
        typer.echo(f"  {name}  {len(found.by_device[name])} sessions  ({station})")
    for row in found.rejected[:_SHOWN_REJECTIONS]:
        typer.echo(f"row {row.row}: {row.reason}", err=True)
    raise typer.Exit(1 if found.rejected else 0)


def _exit(problem: SetupError) -> typer.Exit:
    typer.echo(str(problem), err=True)
    return typer.Exit(1)
