"""`thalweg simulate`: the store's history under another design."""

from __future__ import annotations

import json
from collections.abc import Iterable
from fractions import Fraction
from typing import Annotated

import typer

from thalweg.errors import MoneyError
from thalweg_app.operating import AsJson, Data, Ecosystem, moment_of, opened_store, said_in_words

_WHICH = "a file, the name of a shipped design, or a version number of the store."


def simulate(
    design: Annotated[str, typer.Option(help=f"The design to start from: {_WHICH}")],
    against: Annotated[str, typer.Option(help=f"The other design: {_WHICH}")],
    since: Annotated[str, typer.Option("--from", help="ISO 8601 time with offset, on a quarter hour.")],
    until: Annotated[str, typer.Option("--to", help="Likewise; the window ends before it.")],
    elasticity: Annotated[
        list[str] | None,
        typer.Option(
            help="How demand answers a price, in per cent per per cent: exchange=-0.5. Otherwise it does not."
        ),
    ] = None,
    data: Data = None,
    ecosystem: Ecosystem = None,
    as_json: AsJson = False,
) -> None:
    """Rate what was measured under two designs, and say what every participant would have captured more or less.

    Nothing is changed. Meters that the store does not feed are measured from the stored events.
    """
    start, end, elasticities = moment_of(since), moment_of(until), _elasticities(elasticity or ())
    with said_in_words():
        from thalweg_app.design_source import read_design  # noqa: PLC0415 - the base installation has no YAML

        old, new = read_design(design, data, ecosystem), read_design(against, data, ecosystem)
    with opened_store(data, ecosystem) as opened:
        from thalweg_app import simulation  # noqa: PLC0415 - the base installation has no database

        asked = simulation.Simulation(old=old, new=new, start=start, end=end, elasticities=elasticities)
        answer = simulation.simulate(opened.database, opened.ecosystem, asked)
    if as_json:
        typer.echo(json.dumps(answer, indent=1, ensure_ascii=False))
    else:
        from thalweg_app.design_tables import print_simulation  # noqa: PLC0415 - Rich comes with Typer

        print_simulation(answer)


def _elasticities(pairs: Iterable[str]) -> dict[str, Fraction]:
    from thalweg.money import parse_decimal  # noqa: PLC0415 - next to what is imported late anyway

    found: dict[str, Fraction] = {}
    for pair in pairs:
        exchange, equals, number = pair.partition("=")
        try:
            value = parse_decimal(number)
        except MoneyError:
            value = None
        if value is None or not (exchange and equals) or exchange in found:
            raise typer.BadParameter("write exchange=-0.5, each exchange once", param_hint="--elasticity")
        found[exchange] = value
    return found
