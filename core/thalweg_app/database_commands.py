"""`thalweg database …`: the tables of the database that THALWEG_DATABASE_URL names."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from thalweg.errors import ThalwegError

if TYPE_CHECKING:
    from thalweg_store.database import Database
    from thalweg_store.timescale import Step

app = typer.Typer(no_args_is_help=True, help="The tables of the database that THALWEG_DATABASE_URL names.")


@app.command()
def upgrade() -> None:
    """Bring the tables up to this release; safe to repeat, also from several machines at once."""
    try:
        steps = _database().upgrade()
    except ThalwegError as error:
        raise _failed(error) from None
    typer.echo("The tables are those of this release.")
    _print([step for step in steps if step.result != "unchanged"])


@app.command()
def check() -> None:
    """Say whether the tables are those of this release; exit status 2 when they are not."""
    from thalweg_store.monitoring import check_tables  # noqa: PLC0415 - the base installation has no database

    try:
        check_tables(_database())
    except ThalwegError as error:
        raise _failed(error) from None
    typer.echo("The tables are those of this release.")


@app.command()
def reconcile(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Use the TimescaleDB that the server has, for example once its extension was created.

    Every upgrade does so too, but moves the rows of a large table only here: ingest waits meanwhile, and loses nothing.
    Exits 1 when the server refused a part.
    """
    try:
        steps = _database().reconcile()
    except ThalwegError as error:
        raise _failed(error) from None
    if as_json:
        typer.echo(json.dumps([step._asdict() for step in steps], indent=1))
    else:
        _print(steps)
    if any(step.result == "failed" for step in steps):
        raise typer.Exit(1)


def _print(steps: Sequence[Step]) -> None:
    for step in steps:
        typer.echo(f"{step.result:<9}  {step.subject:<26}  {step.detail}".rstrip())


def _database() -> Database:
    from thalweg_store.database import Database  # noqa: PLC0415 - the base installation has no database
    from thalweg_store.settings import StoreSettings  # noqa: PLC0415

    return Database(StoreSettings.from_environment().database_url.get_secret_value(), pool_size=1)


def _failed(problem: ThalwegError) -> typer.Exit:
    typer.echo(f"thalweg: {problem}", err=True)
    return typer.Exit(2)
