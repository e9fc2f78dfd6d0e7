"""`thalweg device revoke | password`: who may connect, in the database that THALWEG_DATABASE_URL names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from thalweg.errors import ThalwegError

if TYPE_CHECKING:
    from thalweg_store.database import Database

Ecosystem = Annotated[str, typer.Argument(help="The ecosystem's id.")]
DeviceId = Annotated[str, typer.Argument(metavar="DEVICE", help="The device's id.")]


def revoke(ecosystem: Ecosystem, device: DeviceId) -> None:
    """Revoke a device: nothing that it sends is accepted, its session is closed, and it may not connect again."""
    from thalweg_store.registry import Registry  # noqa: PLC0415 - the base installation has no database

    with _database() as database:
        Registry(database).deactivate(ecosystem, device)
    typer.echo(
        f"{device} is revoked. Gateways refuse it from their next transaction on; at NATS its session is closed within "
        "seconds. At another broker, remove its user."
    )


def password(ecosystem: Ecosystem, device: DeviceId) -> None:
    """Give a registered device a new password for the broker, and print it; it cannot be read again."""
    from thalweg_app.nats import new_password  # noqa: PLC0415
    from thalweg_store.logins import Logins  # noqa: PLC0415

    made = new_password()
    with _database() as database:
        Logins(database, ecosystem).set({device: made}, datetime.now(UTC))
    typer.echo(made)


@contextmanager
def _database() -> Iterator[Database]:
    from thalweg_store.database import Database  # noqa: PLC0415
    from thalweg_store.settings import StoreSettings  # noqa: PLC0415

    try:
        database = Database(StoreSettings.from_environment().database_url.get_secret_value())
        yield database
        database.close()
    except ThalwegError as error:
        typer.echo(f"thalweg: {error}", err=True)
        raise typer.Exit(2) from None
