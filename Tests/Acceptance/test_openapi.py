"""The ledger's API against the OpenAPI document that it serves: also where something is wrong with the request."""

import http.client
import json
import random
import urllib.parse

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from golden.playing import ENDUSER, play
from support.ledger import ledgered
from support.openapi import OpenAPI
from support.waiting import wait_until

TOKEN = "t0ken"


def ask(life, target, method="GET", **headers):
    """Status, headers and document of the answer to a request that no library has tidied up."""
    connection = http.client.HTTPConnection("127.0.0.1", life.api_port, timeout=60)
    try:
        connection.putrequest(method, target, skip_host="Host" in headers)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.headers, json.loads(answer.read())
    finally:
        connection.close()


@pytest.fixture(scope="module")
def life(tmp_path_factory):
    with ledgered(tmp_path_factory.mktemp("openapi"), enduser=ENDUSER) as life:
        play(life, None)
        wait_until(lambda: len(life.api.every("users")) >= 3, "the ledger", step=0.1)
        yield life


@pytest.fixture(scope="module")
def document(life):
    return ask(life, "/api/v1/openapi.json")[2]


@pytest.fixture(scope="module")
def openapi(document):
    return OpenAPI(document)


@pytest.fixture(scope="module")
def places(life, document):
    """Each path of the document with what there is in place of its parameters."""
    ids = {
        "{end_user_id}": life.api.get("users")["users"][0]["end_user_id"],
        "{session_id}": life.api.get("sessions")["sessions"][0]["session_id"],
        "{trace_id}": life.api.get("traces")["traces"][0]["trace_id"],
    }

    def filled(path):
        for name, value in ids.items():
            path = path.replace(name, urllib.parse.quote(value, safe=""))
        return path

    return {path: filled(path) for path in document["paths"]}


def test_the_document_is_one(document):
    OpenAPIV31SpecValidator(document).validate()


def test_each_path_answers_as_it_says(life, openapi, places):
    for place in places.values():
        status, headers, answer = ask(life, place)
        assert status == 200 and headers["Content-Type"] == "application/json"
        assert not openapi.faults(place, status, answer)
    assert openapi.asked >= set(places)


def test_a_parameter_that_nobody_knows_is_wrong_everywhere(life, openapi, places):
    for path, place in places.items():
        if not path.endswith("openapi.json"):
            status, _, answer = ask(life, place + "?unheard_of=1")
            assert status == 400, place
            assert not openapi.faults(place, status, answer)


def test_what_is_not_there_is_not_found(life, openapi, places):
    for path in places:
        if "{" in path:
            place = "/".join("ffffffffffffffffffffffffffffffff" if "{" in part else part for part in path.split("/"))
            status, _, answer = ask(life, place)
            assert status == 404, place
            assert not openapi.faults(place, status, answer)


def test_what_is_too_large_is_refused_everywhere(life, openapi, places):
    for place in places.values():
        for target, headers, expected in [(place + "?" + "a" * 220_000, {}, 431), (place, {"Content-Length": "1"}, 413)]:
            status, _, answer = ask(life, target, **headers)
            assert status == expected
            assert not openapi.faults(place, status, answer)


def hostile(rng):
    """Something that somebody might put into a parameter."""
    kind = rng.randrange(6)
    if kind == 0:
        return rng.choice(["", "0", "-1", "1e9", "99999999999999999999", "NaN", "null", "true", "[]", "{}", "\0", "'", '"'])
    if kind == 1:
        return rng.choice(["' OR 1=1 --", "x'; DROP TABLE users; --", "%s%n", "../../etc/passwd", "a" * 2000, "(" * 500])
    if kind == 2:
        words = ["end_user", "is", "not", "cost", ">", "(", ")", "and", "or", "metadata:plan", "pro", ",", "in", "3s", '"']
        return " ".join(rng.choice(words) for _ in range(rng.randrange(1, 12)))
    if kind == 3:
        return "".join(chr(rng.choice([rng.randrange(32), rng.randrange(128), rng.randrange(0x2000)])) for _ in range(20))
    if kind == 4:
        return rng.choice(["2026-11-21", "0000-00-00", "9999-12-31T23:59:59Z", "2026-11-21T00:00:00+99:99", "now"])
    return rng.choice(["cost", "tokens:asc", "id:desc", "latency", "last_event", "timestamp"])


def test_nothing_that_is_asked_breaks_it(life, openapi, document, places):
    rng = random.Random(4319)
    for _ in range(600):
        path = rng.choice(list(places))
        references = [each["$ref"].split("/")[-1] for each in document["paths"][path]["get"]["parameters"]]
        known = [document["components"]["parameters"][name] for name in references]
        names = [each["name"] for each in known if each["in"] == "query"] or ["x"]
        chosen = rng.sample(names, rng.randrange(len(names) + 1))
        query = urllib.parse.urlencode({name: hostile(rng) for name in chosen}, errors="surrogatepass")
        place = places[path]
        status, _, answer = ask(life, f"{place}?{query}")
        assert status in (200, 400), (status, query, answer)
        assert not openapi.faults(place, status, answer), query


def test_only_listed_methods(life, places, document):
    for path, place in places.items():
        status, headers, answer = ask(life, place, method="POST")
        allowed = {method.lower() for method in headers["Allow"].split(", ")} - {"head"}
        assert status == 405 and answer["error"]["message"]
        assert allowed == set(document["paths"][path])


def test_without_a_token_only_this_machine_is_answered(life, openapi, places):
    for place in places.values():
        status, _, answer = ask(life, place, Host="evil.example")
        assert status == 403
        if not place.endswith("openapi.json"):
            assert not openapi.faults(place, status, answer)


def test_somebody_is_forgotten_as_it_says(tmp_path, openapi):
    with ledgered(tmp_path, enduser=ENDUSER) as life:
        play(life, None)
        wait_until(lambda: len(life.api.every("users")) >= 3, "the ledger", step=0.1)
        name = life.api.get("users")["users"][0]["end_user_id"]
        place = f"/api/v1/users/{urllib.parse.quote(name, safe='')}"
        status, _, answer = ask(life, place, method="DELETE")
        assert status == 200
        assert not openapi.faults(place, status, answer, method="delete")
        assert answer["end_user_id"] == name and answer["traces"] > 0 and answer["copies"]
        assert ask(life, place)[0] == 404
        assert name not in [row["end_user_id"] for row in life.api.every("users")]
        assert name not in [row["end_user_id"] for row in life.api.every("traces")]


def test_a_token_is_asked_for(tmp_path, openapi, places):
    with ledgered(tmp_path, ledger=f"token: {TOKEN}") as life:
        for place in places.values():
            for headers in ({}, {"Authorization": f"Bearer {TOKEN}x"}, {"Authorization": f"Basic {TOKEN}"}):
                status, given, answer = ask(life, place, **headers)
                assert status == 401 and given["WWW-Authenticate"].startswith("Bearer")
                if not place.endswith("openapi.json"):
                    assert not openapi.faults(place, status, answer)
        status, _, _ = ask(life, "/api/v1/users", Authorization=f"Bearer {TOKEN}", Host="evil.example")
        assert status == 200
