"""Payloads as the devices' own documentation and logs show them, read by the profiles that ship."""

from __future__ import annotations

import json
from typing import Any

from thalweg.errors import UnreadableRecord
from thalweg.profiles import Found, Reader, Refused
from thalweg.profiles.records import payload_of
from thalweg.profiles.shipped import profile

NOW_MS = 1_790_000_000_000
REGISTER = "Energy.Active.Import.Register"


def read(name: str, topic: str, payload: object) -> tuple[Found | Refused, ...]:
    own = Reader(profile(name))
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return own.read(payload_of(raw, own.profile.format), NOW_MS, topic)


def readings(name: str, topic: str, payload: object) -> list[tuple[str, str | None, int, int]]:
    """(device, counter, reading, time) of each."""
    found = read(name, topic, payload)
    assert all(isinstance(each, Found) for each in found), found
    return [
        (each.device, each.counter, each.event.quantity, each.event.at_ms) for each in found if isinstance(each, Found)
    ]


def reason(name: str, topic: str, payload: object) -> str:
    """Why a payload gives no event."""
    try:
        (refused,) = read(name, topic, payload)
    except UnreadableRecord as error:
        return error.reason
    assert isinstance(refused, Refused)
    return refused.reason


TASMOTA = b"""{"Time":"2022-01-11T21:57:38","ENERGY":{"TotalStartTime":"2020-10-21T22:15:00","Total":3.705,
    "Yesterday":0.028,"Today":0.026,"Period":1,"Power":5,"ApparentPower":5,"ReactivePower":0,"Factor":1.00,
    "Voltage":233,"Current":0.021}}"""


def test_tasmota_tells_its_energy_counter():
    topic = "tele/livingroom-lamp/SENSOR"
    assert readings("tasmota-energy", topic, TASMOTA) == [("livingroom-lamp", "energy", 3705, 1641938258000)]
    other = {"Time": "2022-01-11T21:57:38", "DS18B20": {"Id": "0119", "Temperature": 21.5}, "TempUnit": "C"}
    assert read("tasmota-energy", topic, other) == ()
    assert reason("tasmota-energy", "tele/livingroom-lamp/STATE", TASMOTA) == "other_topic"


def test_shelly_notifies_of_the_counters_that_changed():
    def notification(**params: Any) -> dict[str, Any]:
        frame = {
            "src": "shellypro4pm-f008d1d8b8b8",
            "dst": "shellypro4pm-f008d1d8b8b8/events",
            "method": "NotifyStatus",
        }
        return {**frame, "params": {"ts": 1631186545.04, **params}}

    topic = "shellypro4pm-f008d1d8b8b8/events/rpc"
    energy = {"by_minute": [12.5, 0, 0], "minute_ts": 1631186544, "total": 1152.5}
    two = notification(
        **{"switch:0": {"id": 0, "aenergy": energy}, "switch:3": {"id": 3, "aenergy": energy | {"total": 7}}}
    )
    device, at_ms = "shellypro4pm-f008d1d8b8b8", 1631186545040
    assert readings("shelly-gen2", topic, two) == [(device, "switch:0", 1152, at_ms), (device, "switch:3", 7, at_ms)]
    three_phases = notification(**{"emdata:0": {"id": 0, "total_act": 4321.87, "total_act_ret": 0.0}})
    assert readings("shelly-gen2", topic, three_phases) == [(device, "emdata:0", 4322, at_ms)]
    for others in (
        notification(**{"switch:0": {"id": 0, "output": True, "source": "button"}}),
        notification(cloud={"connected": False}),
        notification() | {"method": "NotifyEvent"},
    ):
        assert read("shelly-gen2", topic, others) == ()


def test_shelly_publishes_the_status_of_each_component():
    status = b"""{"id":0,"source":"init","output":true,"apower":8.9,"voltage":237.5,"current":0.076,
        "aenergy":{"total":6532.123,"by_minute":[45.199,47.141,88.397],"minute_ts":1626935779},
        "temperature":{"tC":23.6,"tF":74.5}}"""
    found = readings("shelly-gen2-status", "shellyplus1pm-44179394d4d4/status/switch:0", status)
    assert found == [("shellyplus1pm-44179394d4d4", "switch:0", 6532, 1626935779000)]
    assert read("shelly-gen2-status", "x/status/input:0", {"id": 0, "state": False}) == ()


def test_zigbee2mqtt_tells_the_counters_of_its_devices():
    topic = "zigbee2mqtt/0x847127fffe8db1c4"
    plug = {
        "child_lock": "UNLOCK",
        "current": 0,
        "energy": 12.05,
        "last_seen": "2026-07-27T09:41:41+02:00",
        "linkquality": 40,
    }
    assert readings("zigbee2mqtt-energy", topic, plug) == [("0x847127fffe8db1c4", "energy", 12050, 1785138101000)]
    assert read("zigbee2mqtt-energy", topic, {"temperature": -16.31, "linkquality": 172}) == ()
    assert read("zigbee2mqtt-energy", topic, plug | {"energy": None}) == ()
    assert reason("zigbee2mqtt-energy", topic, {"energy": 1.0}) == "missing"


def test_senml_packs_are_resolved():
    pack = b"""[{"bn":"urn:dev:ow:10e2073a01080063:","bt":1.276020076001e+09,"bu":"Wh","bver":5,"n":"meter","v":1200},
        {"n":"voltage","u":"V","v":120.1},{"n":"meter","t":-300,"v":1100.4},{"n":"label","vs":"north"}]"""
    name = "urn:dev:ow:10e2073a01080063:meter"
    assert readings("senml-energy", "senml/House 7", pack) == [
        ("house-7", name, 1200, 1276020076001),
        ("house-7", name, 1100, 1276019776001),
    ]
    assert reason("senml-energy", "senml/a", {}) == "malformed"
    assert reason("senml-energy", "senml/a", [{"n": "a", "v": 1, "must_": 2}]) == "malformed"
    assert reason("senml-energy", "senml/a", [{"v": 1}]) == "malformed"
    assert reason("senml-energy", "senml/a", [{"n": "a", "v": 1, "t": -5}]) == "bad_time"


def test_ocpp_16_tells_the_register_of_each_connector():
    payload = {
        "connectorId": 1,
        "transactionId": 170001,
        "meterValue": [
            {
                "timestamp": "2022-06-12T09:13:00.515Z",
                "sampledValue": [
                    {"value": "10.6", "measurand": "Current.Import", "phase": "L1", "unit": "A"},
                    {"value": "15300", "context": "Sample.Periodic", "unit": "Wh"},
                    {"value": "230.1", "measurand": "Voltage"},
                ],
            },
            {
                "timestamp": "2022-06-12T09:14:00.515Z",
                "sampledValue": [
                    {
                        "value": "15.4",
                        "measurand": "Energy.Active.Import.Register",
                        "unit": "kWh",
                        "location": "Outlet",
                    },
                    {"value": "5.1", "measurand": "Energy.Active.Import.Register", "unit": "kWh", "phase": "L1"},
                ],
            },
        ],
    }
    first_ms = 1655025180515
    assert readings("ocpp16-meter-values", "ocpp/CP 7/MeterValues", payload) == [
        ("cp-7", "1", 15300, first_ms),
        ("cp-7", "1", 15400, first_ms + 60_000),
    ]
    found = read("ocpp16-meter-values", "ocpp/CP 7/MeterValues", payload)[0]
    assert isinstance(found, Found)
    assert found.event.attributes == {"connector": "1", "transaction": "170001"}


def test_ocpp_201_tells_the_register_of_each_evse():
    def payload(unit: dict[str, Any]) -> dict[str, Any]:
        sample = {"value": 15.3, "measurand": REGISTER, "unitOfMeasure": unit}
        others = [{"value": 16.0, "measurand": "Current.Import", "phase": "L1"}]
        return {"evseId": 2, "meterValue": [{"timestamp": "2023-05-01T12:00:00Z", "sampledValue": [sample, *others]}]}

    topic = "ocpp/cp-7/MeterValues201"
    assert readings("ocpp201-meter-values", topic, payload({"unit": "kWh"})) == [("cp-7", "2", 15300, 1682942400000)]
    assert reason("ocpp201-meter-values", topic, payload({"unit": "Wh", "multiplier": 3})) == "multiplier"


def test_cloudevents_are_known_by_source_and_id():
    event = {
        "specversion": "1.0",
        "type": "com.example.water",
        "source": "/pumps/north",
        "id": "A234-1234-1234",
        "time": "2018-04-05T17:31:00Z",
        "datacontenttype": "application/json",
        "data": {"quantity": 1.25, "unit": "L"},
    }
    (found,) = read("cloudevents", "cloudevents/any/where", event)
    assert isinstance(found, Found)
    assert (found.device, found.event.kind, found.event.quantity) == ("pumps-north", "com.example.water", 1250)
    assert found.identity == "0\x1f\x1f/pumps/north\x1fA234-1234-1234"
    (with_subject,) = read("cloudevents", "cloudevents/x", event | {"subject": "pump 3"})
    assert with_subject.device == "pump-3"
    assert reason("cloudevents", "cloudevents/x", event | {"specversion": "0.3"}) == "unknown_version"


def test_ocpi_charge_detail_records_bring_their_cost():
    record = {
        "country_code": "BE",
        "party_id": "BEC",
        "id": "12345",
        "start_date_time": "2015-06-29T21:39:09Z",
        "end_date_time": "2015-06-29T23:37:32Z",
        "cdr_token": {"country_code": "DE", "party_id": "TNM", "uid": "012345678", "type": "RFID"},
        "cdr_location": {"id": "LOC1", "evse_uid": "3256", "evse_id": "BE*BEC*E041503003"},
        "currency": "EUR",
        "total_cost": {"excl_vat": 4.00, "incl_vat": 4.40},
        "total_energy": 15.342,
        "total_time": 1.973,
    }
    (found,) = read("ocpi-cdr", "ocpi/bec/cdrs", record)
    assert isinstance(found, Found)
    assert (found.device, found.event.quantity, found.event.at_ms) == ("3256", 15342, 1435621052000)
    assert found.event.attributes == {"cost": 400_000_000, "token": "012345678", "provider": "tnm", "location": "loc1"}
    assert read("ocpi-cdr", "ocpi/bec/cdrs", record | {"credit": True}) == ()
    assert reason("ocpi-cdr", "ocpi/bec/cdrs", record | {"currency": "GBP"}) == "other_currency"


def test_a_thingsboard_gateway_tells_of_several_devices_in_one_message():
    telemetry = {
        "Device A": [
            {"ts": 1483228800000, "values": {"temperature": 42, "energy": 12.05}},
            {"ts": 1483228801000, "values": {"temperature": 43, "humidity": 82}},
            {"values": {"energy": 12.1}},
        ],
        "Device B": [{"ts": 1483228800000, "values": {"energy": 7}}],
    }
    found = read("thingsboard-gateway", "v1/gateway/telemetry", telemetry)
    events = [each for each in found if isinstance(each, Found)]
    assert [(each.device, each.event.quantity, each.event.at_ms) for each in events] == [
        ("device-a", 12050, 1483228800000),
        ("device-b", 7000, 1483228800000),
    ]
    (refused,) = [each for each in found if isinstance(each, Refused)]
    assert (refused.device, refused.reason) == ("device-a", "missing")
    assert read("thingsboard-gateway", "v1/gateway/telemetry", {"Device A": [{"values": {"temperature": 1}}]}) == ()


def test_home_assistant_tells_the_counters_of_whatever_it_knows():
    def change(state: str, unit: str = "kWh", **attributes: str) -> dict[str, Any]:
        meant = {"state_class": "total_increasing", "unit_of_measurement": unit, "device_class": "energy"}
        new_state = {
            "entity_id": "sensor.washer_energy",
            "state": state,
            "attributes": meant | {"friendly_name": "Washer energy"} | attributes,
            "last_changed": "2024-02-20T20:02:21.297491+00:00",
            "last_reported": "2024-02-20T20:02:21.297491+00:00",
            "last_updated": "2024-02-20T20:02:21.297491+00:00",
            "context": {"id": "01HQ41SDCE9VZ1KVH1E9E6Q5YG", "parent_id": None, "user_id": None},
        }
        data = {"entity_id": "sensor.washer_energy", "old_state": None, "new_state": new_state}
        return {"event_type": "state_changed", "event_data": data}

    topic, at_ms = "homeassistant/events", 1708459341297
    assert readings("home-assistant-energy", topic, change("12.05")) == [
        ("sensor-washer-energy", "energy", 12050, at_ms)
    ]
    assert readings("home-assistant-energy", topic, change("870.4", "Wh")) == [
        ("sensor-washer-energy", "energy", 870, at_ms)
    ]
    gone = change("1")
    gone["event_data"]["new_state"] = None
    for other in (
        change("unavailable"),
        change("21.5", "°C", device_class="temperature", state_class="measurement"),
        {"event_type": "call_service", "event_data": {"domain": "light", "service": "turn_on"}},
        gone,
    ):
        assert read("home-assistant-energy", topic, other) == ()
    assert reason("home-assistant-energy", topic, change("12", "barrels")) == "unknown_unit"
