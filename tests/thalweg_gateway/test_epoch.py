"""A restored backup is another life of the store: running gateways notice and tell devices."""

from __future__ import annotations

import pytest

from worlds.gateway import World, charge

pytestmark = pytest.mark.slow


def epochs(world: World) -> list[str]:
    return [receipt["epoch"] for receipt in world.receipts()]


def test_a_new_epoch_is_in_the_next_receipt_of_a_running_gateway(world: World) -> None:
    world.send(world.batch(charge(1)))
    world.step_until(lambda: len(epochs(world)) == 1)
    epoch = world.database.begin_epoch()
    world.send(world.batch(charge(2)))
    world.step_until(lambda: len(epochs(world)) == 2)
    assert epochs(world)[0] != epochs(world)[1] == epoch == world.database.store_epoch()


@pytest.mark.parametrize("part", [0, 1, 2, 3])
def test_a_database_that_is_not_the_one_it_was_begins_an_epoch(world: World, part: int) -> None:
    before = world.database.store_epoch()
    parts = world.rows("select fingerprint from store_life order by began_at desc")[0][0].split("/")
    assert all(parts)
    parts[part] = "1"
    with world.database.transaction() as connection:
        connection.exec_driver_sql("update store_life set fingerprint = %(f)s", {"f": "/".join(parts)})
    after = world.database.store_epoch()
    assert after != before
    assert world.database.store_epoch() == after


def test_a_gateway_that_finds_fewer_commits_than_it_made_begins_an_epoch(world: World) -> None:
    """A copy of all files brought back: nothing inside the database tells."""
    lost = world.batch(charge(1))
    world.send(lost)
    world.step_until(lambda: len(epochs(world)) == 1)
    with world.database.transaction() as connection:
        connection.exec_driver_sql("truncate batch, boot, received, rollup, tally, gateway, pane")
    world.send(world.batch(charge(2)))
    world.step_until(lambda: len(epochs(world)) == 2)
    assert epochs(world)[0] != epochs(world)[1]
    assert (world.receipts()[-1]["next"], world.receipts()[-1]["beyond"]) == (0, [[1, 2]])
    world.send(lost)
    world.step_until(lambda: world.receipts()[-1]["next"] == 2)
