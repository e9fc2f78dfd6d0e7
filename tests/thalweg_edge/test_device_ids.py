from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from thalweg.wire.topics import is_id
from thalweg_edge.device_ids import device_ids


def test_an_id_is_the_readable_name() -> None:
    assert device_ids(["BOULDER / BASELINE ST1", "Café №5"]) == {
        "BOULDER / BASELINE ST1": "boulder-baseline-st1",
        "Café №5": "cafe-no5",
    }


def test_a_long_name_keeps_its_beginning_and_gets_a_hash() -> None:
    (name,) = device_ids(["A station with a name much longer than an id may be"]).values()
    assert name.startswith("a-station-with-a-name-m")
    assert len(name) == 32


def test_names_that_would_share_an_id_both_get_a_hash() -> None:
    ids = device_ids(["Main St 1", "Main St. 1", "Main St 2"])
    assert ids["Main St 2"] == "main-st-2"
    assert ids["Main St 1"] != ids["Main St. 1"]
    assert all(one.startswith("main-st-1-") for one in (ids["Main St 1"], ids["Main St. 1"]))


@given(st.sets(st.text(max_size=60), max_size=20))
def test_ids_are_valid_and_never_shared(names: set[str]) -> None:
    ids = device_ids(names)
    assert set(ids) == names
    assert len(set(ids.values())) == len(names)
    assert all(is_id(one) for one in ids.values())
