"""What the operator's commands share: their options, the store that they work on, and how times are written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from thalweg.errors import ThalwegError

if TYPE_CHECKING:
    from thalweg_app.store_access import OpenStore
    from thalweg_gateway.replay import Replay

Data = Annotated[
    Path | None,
    typer.Option(help="Folder of a running local system; without it, THALWEG_DATABASE_URL names the store."),
]
Ecosystem = Annotated[str | None, typer.Option(help="The ecosystem's id; needed where there are several.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DeviceId = Annotated[str, typer.Argument(metavar="DEVICE", help="The device's id.")]


@contextmanager
def said_in_words() -> Iterator[None]:
    """An error of ours, or of an installation that lacks something, ends the command with its words and status 2."""
    try:
        yield
    except ThalwegError as error:
        typer.echo(f"thalweg: {error}", err=True)
    except ModuleNotFoundError as error:
        typer.echo(f"thalweg: this needs more than is installed ({error.name}): pip install 'thalweg[all]'", err=True)
    else:
        return
    raise typer.Exit(2)


@contextmanager
def opened_store(data: Path | None, ecosystem: str | None) -> Iterator[OpenStore]:
    """The store that the options name; an error of ours ends the command with its words and status 2."""
    try:
        from thalweg_app.store_access import open_store  # noqa: PLC0415 - the base installation has no database
    except ModuleNotFoundError as error:
        typer.echo(f"thalweg: this needs more than is installed ({error.name}): pip install 'thalweg[all]'", err=True)
        raise typer.Exit(2) from None
    try:
        with open_store(data, ecosystem) as opened:
            yield opened
    except ThalwegError as error:
        typer.echo(f"thalweg: {error}", err=True)
        raise typer.Exit(2) from None


def replay_of(opened: OpenStore) -> Replay:
    """What replays on it."""
    from thalweg_gateway.replay import Replay  # noqa: PLC0415 - the base installation has no database

    return Replay(opened.database, opened.ecosystem, opened.root_key())


def moment_of(text: str) -> datetime:
    """A time with an offset, in UTC; raises BadParameter."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise typer.BadParameter(f"{text!r} is no time with an offset, such as 2026-11-24T12:00:00+00:00")
    return moment.astimezone(UTC)
