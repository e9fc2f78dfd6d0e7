"""Files of charging sessions with the columns and the oddities of the City of Boulder's open data."""

from __future__ import annotations

import csv
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

_COLUMNS = (
    "Station_Name", "Address", "City", "State_Province", "Zip_Postal_Code", "Start_Date___Time", "Start_Time_Zone",
    "End_Date___Time", "End_Time_Zone", "Total_Duration__hh_mm_ss_", "Charging_Time__hh_mm_ss_", "Energy__kWh_",
    "GHG_Savings__kg_", "Gasoline_Savings__gallons_", "Port_Type", "ObjectId",
)  # fmt: skip


def write_sessions(path: Path, count: int, stations: int, seed: int = 7) -> None:
    """`count` sessions at `stations` stations: a byte-order mark, an end in 1970, empty sessions, mixed order."""
    draw = random.Random(seed)  # noqa: S311 - sample data
    begin = datetime(2018, 1, 1, tzinfo=UTC)
    rows = []
    for number in range(1, count + 1):
        start = begin + timedelta(minutes=draw.randrange(3 * 365 * 24 * 60))
        seconds = draw.randrange(60, 20_000)
        energy_wh = 0 if number % 11 == 0 else draw.randrange(1, 40_000)
        end, duration = start + timedelta(seconds=seconds), _clock(seconds)
        if number == count // 2:
            end, duration, energy_wh = datetime(1970, 1, 1, tzinfo=UTC), "838:59:59", 0
        station = f"CITY / LOT {draw.randrange(stations) + 1}"
        energy = format(Decimal(energy_wh) / 1000, "f")
        times = (_moment(start), "MST", _moment(end), "MST", duration, duration)
        rows.append((station, "1 Main St", "City", "Colorado", "80301", *times, energy, "0", "0", "Level 2", number))
    draw.shuffle(rows)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        table = csv.writer(file)
        table.writerow(_COLUMNS)
        table.writerows(rows)


def energy_sum_wh(path: Path) -> tuple[int, int]:
    """Rows and Wh of a file, summed by nothing but the csv module and exact decimals."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        energies = [Decimal(row["Energy__kWh_"]) for row in csv.DictReader(file)]
    total = sum(energies, Decimal(0)) * 1000
    assert total == int(total)
    return len(energies), int(total)


def _moment(time: datetime) -> str:
    return time.strftime("%Y/%m/%d %H:%M:%S+00")


def _clock(seconds: int) -> str:
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
