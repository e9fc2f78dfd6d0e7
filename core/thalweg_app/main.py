"""Entry point of the one `thalweg` command."""

from __future__ import annotations

import importlib.util
import sys


def main() -> None:
    """Run the command; without Typer, which the base installation lacks, say what to install."""
    if importlib.util.find_spec("typer") is None:
        sys.exit("The thalweg command needs one of Thalweg's extras: pip install 'thalweg[all]', or [edge] on a Pi.")
    from thalweg_app.commands import app  # noqa: PLC0415 - needs what was just looked for

    app()


if __name__ == "__main__":
    main()
