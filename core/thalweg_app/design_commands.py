"""`thalweg design`: is a design sound, what does it say, what changed; put one in force, list those that were."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from thalweg_app.operating import AsJson, Data, Ecosystem, opened_store, said_in_words

app = typer.Typer(no_args_is_help=True, help="Value designs: check, read, compare and activate them.")

_File = Annotated[str, typer.Argument(metavar="FILE", help="A design document, or the name of a shipped one.")]
_WHICH = "A file, the name of a shipped design, or a version number of the store."
_One = Annotated[str, typer.Argument(metavar="A", help=_WHICH)]
_Other = Annotated[str, typer.Argument(metavar="B", help=_WHICH)]

# YAML, NumPy and the database are imported where they are needed: the base installation has none of them


@app.command("validate")
def validate_design(file: _File, as_json: AsJson = False) -> None:
    """Report every problem with place and remedy, and how complete each pillar is; status 1 unless it is sound."""
    with said_in_words():
        from thalweg_app.design_description import describe_validity  # noqa: PLC0415
        from thalweg_app.design_source import design_text  # noqa: PLC0415

        answer = describe_validity(design_text(file))
    if as_json:
        _print_json(answer)
    else:
        from thalweg_app.design_tables import print_validity  # noqa: PLC0415

        print_validity(file, answer)
    raise typer.Exit(0 if answer["valid"] else 1)


@app.command()
def show(
    design: Annotated[str, typer.Argument(help=_WHICH)],
    data: Data = None,
    ecosystem: Ecosystem = None,
    as_json: AsJson = False,
) -> None:
    """Say what a design says in words: its pillars, terms, chains, and extracts with closure and core."""
    with said_in_words():
        from thalweg_app.design_description import describe_design  # noqa: PLC0415
        from thalweg_app.design_source import read_design  # noqa: PLC0415

        answer = describe_design(read_design(design, data, ecosystem))
    if as_json:
        _print_json(answer)
    else:
        from thalweg_app.design_words import print_design  # noqa: PLC0415

        print_design(answer)


@app.command()
def diff(a: _One, b: _Other, data: Data = None, ecosystem: Ecosystem = None, as_json: AsJson = False) -> None:
    """Show what changed from A to B by pillar: what was added and removed, and each value from what to what."""
    with said_in_words():
        from thalweg.design.changes import changes  # noqa: PLC0415
        from thalweg_app.design_source import read_design  # noqa: PLC0415

        found = changes(read_design(a, data, ecosystem), read_design(b, data, ecosystem))
    answer = {
        pillar: [
            {
                "section": change.section,
                "id": change.id,
                "change": change.kind,
                "fields": [{"path": path, "from": before, "to": after} for path, before, after in change.fields],
            }
            for change in each
        ]
        for pillar, each in found.items()
    }
    if as_json:
        _print_json(answer)
    else:
        from thalweg_app.design_tables import print_changes  # noqa: PLC0415

        print_changes(answer)


@app.command()
def distance(a: _One, b: _Other, data: Data = None, ecosystem: Ecosystem = None, as_json: AsJson = False) -> None:
    """Say how far A and B are apart (m38): 0 for the same, 1 for nothing in common."""
    with said_in_words():
        from thalweg.decimals import rounded_decimal  # noqa: PLC0415
        from thalweg.metrics.comparison import distance_parts  # noqa: PLC0415
        from thalweg_app.design_source import read_design  # noqa: PLC0415

        parts = distance_parts(read_design(a, data, ecosystem), read_design(b, data, ecosystem))
    figures = {"distance": parts.whole, **parts._asdict()}
    answer = {name: str(rounded_decimal(figure, 12)) for name, figure in figures.items()}
    if as_json:
        _print_json(answer)
    else:
        from thalweg_app.design_tables import print_distance  # noqa: PLC0415

        print_distance(answer)


@app.command()
def activate(
    design: Annotated[str, typer.Argument(metavar="FILE", help=f"{_WHICH} A version is put in force anew.")],
    data: Data = None,
    ecosystem: Ecosystem = None,
    as_json: AsJson = False,
) -> None:
    """Put a sound design in force; meters that are new are fed from the events that are stored."""
    with said_in_words():
        from thalweg.design import content_hash  # noqa: PLC0415
        from thalweg_app.design_source import design_text, loaded  # noqa: PLC0415

        document = design_text(design, data, ecosystem)
        sound = loaded(design, document)
        digest = content_hash(sound)
    with opened_store(data, ecosystem) as opened:
        named = opened.ecosystem
        version = opened.registry.activate_design(named, document, digest, datetime.now(UTC))
    if as_json:
        _print_json({"ecosystem": named, "version": version, "hash": digest})
    else:
        typer.echo(f"Version {version} of {named} is in force: {sound.name} ({digest}).")


@app.command("list")
def list_versions(data: Data = None, ecosystem: Ecosystem = None, as_json: AsJson = False) -> None:
    """List the versions that were in force, since when and until when."""
    with opened_store(data, ecosystem) as opened:
        from thalweg_store.designs import design_versions  # noqa: PLC0415

        versions = design_versions(opened.database, opened.ecosystem)
    ends = [each.activated_at.astimezone(UTC).isoformat() for each in versions[1:]]
    answer = [
        {
            "version": each.version,
            "from": each.activated_at.astimezone(UTC).isoformat(),
            "until": end,
            "hash": each.hash,
        }
        for each, end in zip(versions, [*ends, None], strict=False)
    ]
    if as_json:
        _print_json(answer)
    else:
        from thalweg_app.design_tables import print_versions  # noqa: PLC0415

        print_versions(answer)


def _print_json(answer: Any) -> None:
    typer.echo(json.dumps(answer, indent=1, ensure_ascii=False))
