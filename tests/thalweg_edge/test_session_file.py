from __future__ import annotations

import csv
import os
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from thalweg.errors import SetupError
from thalweg_edge.cli import app
from thalweg_edge.columns import ColumnMapping, read_mapping
from thalweg_edge.session_file import RejectedRow, read_sessions

HEADING = "Station_Name,Address,Start_Date___Time,End_Date___Time,Total_Duration__hh_mm_ss_,Energy__kWh_,ObjectId"
#: in the shape of the Boulder file, with its traps: not in time order, an empty session, one without an end, a long one
ROWS = [
    'BOULDER / BASELINE ST1,"900 Baseline Rd, Boulder",2018/01/12 15:54:00+00,2018/01/12 17:22:00+00,1:28:23,6.706,1',
    "BOULDER / JUNCTION ST1,2280 Junction Pl,2018/01/12 16:24:00+00,2018/01/12 20:24:00+00,3:59:35,19.095,2",
    "BOULDER / BASELINE ST1,900 Baseline Rd,2018/01/03 08:00:00+00,2018/01/03 08:02:00+00,0:01:59,0,3",
    "BOULDER / JUNCTION ST1,2280 Junction Pl,2020/12/11 16:33:00+00,1970/01/01 00:00:00+00,838:59:59,0,4",
    "BOULDER / JUNCTION ST1,2280 Junction Pl,2019/05/01 10:00:00+00,2019/05/06 11:00:01+00,121:00:01,40.1,5",
]


def write(path: Path, rows: list[str], heading: str = HEADING) -> Path:
    path.write_text("\n".join([heading, *rows, ""]), encoding="utf-8-sig")
    return path


def test_every_row_of_a_file_like_boulders_becomes_a_session_of_its_station(tmp_path: Path) -> None:
    found = read_sessions(write(tmp_path / "sessions.csv", ROWS), ColumnMapping())
    assert (found.rows, found.rejected, found.repaired) == (5, [], 1)
    assert found.devices == {
        "BOULDER / BASELINE ST1": "boulder-baseline-st1",
        "BOULDER / JUNCTION ST1": "boulder-junction-st1",
    }
    assert [one.id for one in found.by_device["boulder-baseline-st1"]] == [3, 1]
    assert [one.id for one in found.by_device["boulder-junction-st1"]] == [2, 5, 4]
    first = found.by_device["boulder-baseline-st1"][1]
    assert (first.start_ms, first.end_ms) == (1_515_772_440_000, 1_515_777_720_000)
    assert (first.energy_wh, first.duration_seconds) == (6_706, 5_303)
    assert found.energy_wh() == 65_901


def test_a_session_whose_end_was_lost_is_booked_at_its_start_without_connected_time(tmp_path: Path) -> None:
    found = read_sessions(write(tmp_path / "sessions.csv", ROWS), ColumnMapping())
    lost = found.by_device["boulder-junction-st1"][2]
    assert lost.start_ms == lost.end_ms == 1_607_704_380_000
    assert lost.duration_seconds == 0


def test_connected_times_beyond_99_hours_are_kept(tmp_path: Path) -> None:
    found = read_sessions(write(tmp_path / "sessions.csv", ROWS), ColumnMapping())
    assert found.by_device["boulder-junction-st1"][1].duration_seconds == 121 * 3600 + 1


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (ROWS[0].replace("6.706", "6.7065"), "Energy__kWh_ is '6.7065', which is no whole number of Wh"),
        (ROWS[0].replace("6.706", "-1"), "Energy__kWh_ is '-1', no amount of energy"),
        (ROWS[0].replace("6.706", "NaN"), "Energy__kWh_ is 'NaN', no amount of energy"),
        (ROWS[0].replace("6.706", "6,706"), "it has more cells than the heading"),
        (ROWS[0].replace("6.706", "much"), "Energy__kWh_ is 'much', no number"),
        (ROWS[0].replace("6.706", "1e-999999"), "Energy__kWh_ is '1e-999999', which is no whole number of Wh"),
        (ROWS[0].replace("1:28:23", "1:28"), "Total_Duration__hh_mm_ss_ is '1:28', no duration h:mm:ss"),
        (ROWS[0].replace("1:28:23", "1:88:23"), "Total_Duration__hh_mm_ss_ is '1:88:23', no duration h:mm:ss"),
        (ROWS[0].replace("BOULDER / BASELINE ST1", " "), "Station_Name is empty"),
        (ROWS[0].removesuffix(",1"), "ObjectId is empty"),
        (ROWS[0].removesuffix("1") + "one", "ObjectId is 'one', no whole number"),
        (ROWS[0].removesuffix("1") + "2", "its id 2 is that of row 1"),
        (
            ROWS[0].replace("2018/01/12 15", "12.01.2018 15"),
            "Start_Date___Time is '12.01.2018 15:54:00+00', no time written as %Y/%m/%d %H:%M:%S+00",
        ),
        (
            ROWS[0].replace("2018/01/12 15", "1969/01/12 15"),
            "Start_Date___Time is '1969/01/12 15:54:00+00', before 1970",
        ),
    ],
)
def test_a_row_that_is_no_session_is_rejected_with_its_number_and_the_reason(
    tmp_path: Path, row: str, reason: str
) -> None:
    found = read_sessions(write(tmp_path / "sessions.csv", [ROWS[1], row, ROWS[2]]), ColumnMapping())
    assert found.rejected == [RejectedRow(2, reason)]
    assert found.rows == sum(map(len, found.by_device.values())) + 1 == 3


@given(st.integers(0, 10**15), st.integers(0, 6))
def test_energy_is_exact_to_the_wh(tmp_path_factory: pytest.TempPathFactory, energy_wh: int, zeros: int) -> None:
    text = f"{Decimal(energy_wh).scaleb(-3):f}" + "0" * zeros
    path = write(tmp_path_factory.mktemp("energy") / "sessions.csv", [ROWS[0].replace("6.706", text)])
    assert read_sessions(path, ColumnMapping()).energy_wh() == energy_wh


def test_other_files_are_read_by_a_mapping(tmp_path: Path) -> None:
    heading = "Borne;Debut;Fin;Energie (Wh)"
    path = write(tmp_path / "s.csv", ["A 1;2018-03-23T09:49:02+01:00;2018-03-23T10:00:02+01:00;5664"], heading)
    options = ["station=Borne", "start=Debut", "end=Fin", "energy=Energie (Wh)", "energy_unit=Wh"]
    columns = ColumnMapping().with_options([*options, "duration=", "id=", "delimiter=;", "time_format=iso"])
    (session,) = read_sessions(path, columns).by_device["a-1"]
    assert (session.id, session.start_ms, session.duration_seconds) == (1, 1_521_794_942_000, 660)
    assert session.energy_wh == 5_664


def test_a_mapping_may_be_a_json_or_a_toml_file(tmp_path: Path) -> None:
    (tmp_path / "map.json").write_text('{"station": "Borne", "energy_unit": "Wh"}')
    (tmp_path / "map.toml").write_text('station = "Borne"\nenergy_unit = "Wh"\n')
    assert read_mapping(tmp_path / "map.json") == read_mapping(tmp_path / "map.toml")
    assert read_mapping(tmp_path / "map.json") == ColumnMapping(station="Borne", energy_unit="Wh")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["power=kW"], "power='kW' is no column mapping"),
        (["energy_unit=MWh"], "energy_unit is 'MWh': write one of kWh, Wh"),
        (["delimiter=;;"], "write one character"),
        (["station"], "'station' is no column mapping: write name=value"),
        (["start="], "no column is given for start"),
    ],
)
def test_a_wrong_mapping_is_an_error_that_says_what_to_write(options: list[str], problem: str) -> None:
    with pytest.raises(SetupError, match=problem):
        ColumnMapping().with_options(options)


def test_a_file_without_the_columns_is_an_error_that_names_those_it_has(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"has no column 'Station_Name'[\s\S]*it has 'Borne', 'Fin': name its columns"):
        read_sessions(write(tmp_path / "s.csv", [], "Borne,Fin"), ColumnMapping())


def test_a_file_that_is_not_there_or_no_text_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="cannot be read: No such file"):
        read_sessions(tmp_path / "nothing.csv", ColumnMapping())
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SetupError, match="is no CSV file in UTF-8"):
        read_sessions(tmp_path / "binary.csv", ColumnMapping())


def test_the_command_accounts_for_every_row(tmp_path: Path) -> None:
    path = write(tmp_path / "sessions.csv", [*ROWS, ROWS[0]])
    result = CliRunner().invoke(app, ["sessions", str(path)])
    assert result.exit_code == 1
    assert "6 rows = 5 sessions + 1 rejected; 1 repaired\n65901 Wh at 2 stations" in result.output
    assert "row 6: its id 1 is that of row 1" in result.output


def real_file(repository: Path) -> Path:
    named = os.environ.get("THALWEG_TEST_SESSIONS")
    path = Path(named) if named else repository.parent / "shared/data/boulder_charging_sessions_2018_2021.csv"
    if not path.exists():
        pytest.skip(f"{path} is not here: name the City of Boulder's session file in THALWEG_TEST_SESSIONS")
    return path


@pytest.mark.slow
def test_of_the_real_file_every_row_and_every_wh_is_accounted_for(repository: Path) -> None:
    path = real_file(repository)
    with path.open(encoding="utf-8-sig", newline="") as file:
        energies = [Decimal(row["Energy__kWh_"]) for row in csv.DictReader(file)]
    found = read_sessions(path, ColumnMapping())
    count = sum(map(len, found.by_device.values()))
    assert (found.rows, found.rejected) == (len(energies), [])
    assert count == len(energies)
    assert found.energy_wh() == sum(energies) * 1000
    if count == 24_081:
        assert (found.energy_wh(), found.repaired, len(found.devices)) == (187_365_970, 1, 27)
