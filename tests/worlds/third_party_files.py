"""Files of charging sessions as two third parties publish them, with their oddities; and sums made apart from us."""

from __future__ import annotations

import csv
import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

_SAP_COLUMNS = (
    "Type Lieu de charge", "ID transaction", "ID borne", "ID connecteur borne", "Date demarrage",
    "Charge batterie demarrage (%)", "Date fin", "Charge batterie fin (%)", "Duree inactivite totale (s)",
    "Duree totale (s)", "Prix total", "Devise prix total", "Source prix total", "Statut inactivité",
    "Consommation totale (Wh)",
)  # fmt: skip
_BOULDER_COLUMNS = (
    "Station_Name", "Address", "City", "State_Province", "Zip_Postal_Code", "Start_Date___Time", "Start_Time_Zone",
    "End_Date___Time", "End_Time_Zone", "Total_Duration__hh_mm_ss_", "Charging_Time__hh_mm_ss_", "Energy__kWh_",
    "GHG_Savings__kg_", "Gasoline_Savings__gallons_", "Port_Type", "ObjectId",
)  # fmt: skip


@dataclass
class Sums:
    """What a file holds, by nothing but the csv module and exact decimals."""

    rows: int = 0
    rejected: int = 0
    energy_wh: Decimal = Decimal(0)
    #: g of carbon dioxide, or ms without charging
    other: Decimal = Decimal(0)
    paid: Decimal = Decimal(0)
    #: by address in lower case, or by kind of place: what the host's share is a share of
    by_host: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))


def write_boulder(path: Path, count: int, seed: int = 7) -> None:
    """A byte-order mark, mixed order, an end in 1970, empty sessions."""
    draw = random.Random(seed)  # noqa: S311 - sample data
    begin = datetime(2018, 1, 1, tzinfo=UTC)
    table = []
    for number in range(1, count + 1):
        start = begin + timedelta(minutes=draw.randrange(3 * 365 * 24 * 60))
        end = start + timedelta(seconds=draw.randrange(60, 20_000))
        wh, grams = (0, 0) if number % 11 == 0 else (draw.randrange(1, 40_000), draw.randrange(1, 20_000))
        if number == count // 2:
            end, wh, grams = datetime(1970, 1, 1, tzinfo=UTC), 0, 0
        lot = draw.randrange(7) + 1
        written = [_short(Decimal(each) / 1000) for each in (wh, grams)]
        times = [each for moment in (start, end) for each in (f"{moment:%Y/%m/%d %H:%M:%S+00}", "MST")]
        table.append(
            (
                f"CITY / LOT {lot}",
                f"{lot // 2} Main St.",
                "City",
                "Colorado",
                "80301",
                *times,
                "0",
                "0",
                *written,
                "0",
                "Level 2",
                number,
            )
        )
    draw.shuffle(table)
    _write(path, ",", _BOULDER_COLUMNS, table)


def sum_boulder(path: Path) -> Sums:
    sums = Sums()
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            wh = Decimal(row["Energy__kWh_"]) * 1000
            sums.rows += 1
            sums.energy_wh += wh
            sums.other += Decimal(row["GHG_Savings__kg_"]) * 1000
            sums.paid += wh * Decimal("0.0003")
            sums.by_host[row["Address"].lower().rstrip(".").replace(" ", "-")] += wh * Decimal("0.0003")
    return sums


def write_sap(path: Path, count: int, seed: int = 7) -> None:
    """Two sessions that never ended, prices of up to six decimals, seconds with the noise of floating-point numbers."""
    draw = random.Random(seed)  # noqa: S311 - sample data
    table = []
    for number in range(1, count + 1):
        zone = timezone(timedelta(hours=draw.choice([1, 2])))
        start = datetime(2018, 1, 1, tzinfo=zone) + timedelta(seconds=draw.randrange(3 * 365 * 86_400))
        end = start + timedelta(seconds=draw.randrange(60, 40_000))
        place, station = ("Domicile", "WB") if draw.random() < 0.1 else ("Travail", "Mougins")
        at = (f"SAP-{station}-{draw.randrange(9):02}", draw.randrange(1, 5))
        head = (place, 900_000_000 + number, *at, start.isoformat(), draw.randrange(100))
        if number in (count // 3, count // 2):
            table.append((*head, *[""] * 9))
            continue
        noisy = f"{draw.randrange(30_000)}.{draw.randrange(10**13):013}"
        idle = draw.choice(["0.0", f"{draw.randrange(30_000)}.0", noisy])
        price = _short(Decimal(draw.randrange(20_000_000)).scaleb(-draw.choice([2, 5, 6])))
        tail = (idle, "1.0", price, "EUR", "simple", "I", draw.randrange(60_000))
        table.append((*head, end.isoformat(), draw.randrange(100), *tail))
    draw.shuffle(table)
    _write(path, ";", _SAP_COLUMNS, table)


def sum_sap(path: Path) -> Sums:
    sums = Sums()
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file, delimiter=";"):
            sums.rows += 1
            if not row["Prix total"]:
                sums.rejected += 1
                continue
            price = Decimal(row["Prix total"])
            milliseconds = Decimal(row["Duree inactivite totale (s)"]) * 1000
            sums.energy_wh += Decimal(row["Consommation totale (Wh)"])
            sums.other += milliseconds.to_integral_value(ROUND_HALF_EVEN)
            sums.paid += price
            sums.by_host[row["Type Lieu de charge"].lower()] += price
    return sums


def _short(number: Decimal) -> str:
    return format(number.normalize(), "f")


def _write(path: Path, delimiter: str, columns: tuple[str, ...], table: list[tuple[object, ...]]) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(columns)
        writer.writerows(table)
