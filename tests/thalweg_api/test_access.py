from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient

from thalweg_api.app import create_app
from thalweg_store.access import create_token
from thalweg_store.database import Database
from worlds.api import ApiWorld
from worlds.gateway import ECOSYSTEM

pytestmark = pytest.mark.slow
OVERVIEW = f"/api/v1/ecosystems/{ECOSYSTEM}/overview"


def test_without_a_token_every_figure_is_refused_with_what_to_do(world: ApiWorld) -> None:
    stranger = TestClient(create_app(world.gateway.database))
    for path in ("/session", "/metrics", f"/ecosystems/{ECOSYSTEM}", f"/ecosystems/{ECOSYSTEM}/overview"):
        answer = stranger.get(f"/api/v1{path}")
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
        assert "sign-in link" in answer.json()["detail"]


def test_the_link_signs_in_by_a_cookie_that_scripts_cannot_read(world: ApiWorld) -> None:
    browser = TestClient(create_app(world.gateway.database))
    answer = browser.get("/signin", params={"token": world.token}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert browser.get(OVERVIEW).status_code == 200
    assert browser.get("/api/v1/session").json() == {
        "viewer": "tester",
        "ecosystems": [{"id": ECOSYSTEM, "name": "EV test"}],
    }


def test_a_wrong_or_expired_token_signs_nobody_in(world: ApiWorld) -> None:
    now = datetime.now(UTC)
    expired = create_token(
        world.gateway.database, ECOSYSTEM, "late", now - timedelta(hours=2), now - timedelta(hours=1)
    )
    for token in ("nonsense", expired):
        assert world.client.get("/signin", params={"token": token}, follow_redirects=False).status_code == 401
        answer = world.client.get(OVERVIEW, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401


def test_a_browser_with_a_wrong_link_gets_the_page_that_says_what_to_do(world: ApiWorld) -> None:
    browser = TestClient(create_app(world.gateway.database), headers={"Accept": "text/html"})
    browser.cookies.set("thalweg_token", "old")
    answer = browser.get("/signin", params={"token": "nonsense"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert browser.get("/api/v1/session").status_code == 401


def test_tokens_are_not_stored(world: ApiWorld) -> None:
    rows = world.gateway.rows("select digest from access_token")
    assert rows
    assert all(world.token.encode() not in bytes(digest) for (digest,) in rows)


def test_another_ecosystem_is_as_unknown_as_one_that_does_not_exist(world: ApiWorld) -> None:
    with world.gateway.database.transaction() as connection:
        connection.exec_driver_sql("insert into ecosystem values ('other', 'Other', 1)")
    answers = [world.client.get(f"/api/v1/ecosystems/{name}/overview") for name in ("other", "nothing")]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json()["detail"].replace("other", "nothing") == answers[1].json()["detail"]


@pytest.mark.parametrize(
    ("parameters", "status", "said"),
    [({"view": "nobody"}, 404, "nobody"), ({"window": "2h"}, 422, "window")],
)
def test_a_bad_parameter_is_a_problem_that_names_it(
    world: ApiWorld, parameters: dict[str, str], status: int, said: str
) -> None:
    answer = world.client.get(OVERVIEW, params=parameters)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert said in answer.json()["detail"]


def test_a_database_that_is_away_is_said_so(world: ApiWorld) -> None:
    away = TestClient(
        create_app(Database("postgresql://nobody@127.0.0.1:9/none")), headers={"Authorization": "Bearer x"}
    )
    answer = away.get(OVERVIEW)
    assert (answer.status_code, answer.json()["title"]) == (503, "The database is away")
    assert away.get("/readyz").status_code == 503
    assert world.client.get("/readyz").json()["ready"]


def test_an_unchanged_overview_costs_no_body(world: ApiWorld) -> None:
    for _ in range(3):  # a tag holds for a minute of the clock; at most one of these requests meets its end
        tag = world.client.get(OVERVIEW).headers["etag"]
        again = world.client.get(OVERVIEW, headers={"If-None-Match": tag})
        if again.status_code == 304:
            break
    assert (again.status_code, again.content) == (304, b"")
    other = world.client.get(OVERVIEW, params={"window": "7d"}, headers={"If-None-Match": tag})
    assert other.status_code == 200


def test_answers_carry_the_headers_that_keep_browsers_safe(world: ApiWorld) -> None:
    headers = world.client.get(OVERVIEW).headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
