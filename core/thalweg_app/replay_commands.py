"""`thalweg replay`: a file of third-party records through the same pipeline as MQTT, and what it comes to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from thalweg.errors import ThalwegError
from thalweg_app.operating import AsJson

if TYPE_CHECKING:
    from thalweg_app.file_replay import Replayed


def replay(
    file: Annotated[Path, typer.Argument(help="A CSV file, or JSON payloads, one a line (mosquitto_sub -F %J).")],
    profile: Annotated[str, typer.Option(help="How its records become events: a file, or the name of a shipped one.")],
    design: Annotated[str, typer.Option(help="Meters and terms: a file, or the name of a shipped one.")],
    data: Annotated[
        Path | None, typer.Option(help="Folder of the database that is kept; without it, nothing is kept.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Feed a file of third-party records through the pipeline, and print what it comes to.

    Records count once: replaying a file again into the same folder changes nothing.
    """
    try:
        from thalweg_app.file_replay import ReplayOptions  # noqa: PLC0415 - the base installation has no database
        from thalweg_app.file_replay import replay as replay_file  # noqa: PLC0415
    except ModuleNotFoundError as error:
        typer.echo(f"thalweg: this needs more than is installed ({error.name}): pip install 'thalweg[all]'", err=True)
        raise typer.Exit(2) from None
    try:
        replayed = replay_file(ReplayOptions(file=file, profile=profile, design=design, data=data))
    except ThalwegError as error:
        typer.echo(f"thalweg: {error}", err=True)
        raise typer.Exit(2) from None
    typer.echo(json.dumps(replayed.as_json(), indent=1, ensure_ascii=False) if as_json else as_text(replayed))


def as_text(replayed: Replayed) -> str:
    """The result for people."""
    result = replayed.result
    lines = [
        f"{result.received:,} records: {result.mapped:,} mapped, {result.unmapped:,} unmapped, "
        f"{result.rejected:,} rejected",
        *(f"  {reason}: {count:,}" for reason, count in result.reasons.items()),
        "measured, in the smallest step of each unit:",
        *(f"  {meter}: {quantity:,}" for meter, quantity in result.quantities.items()),
        f"paid by final payers: {result.gross} {result.currency}",
        *(f"  {participant}: {share}" for participant, share in result.shares.items()),
        f"period: {result.period['start']} to {result.period['end']}" if result.period else "period: nothing measured",
        "this run: " + ", ".join(f"{count:,} {effect}" for effect, count in sorted(replayed.effects.items())),
        f"result: {result.result_hash}",
    ]
    return "\n".join(lines)
