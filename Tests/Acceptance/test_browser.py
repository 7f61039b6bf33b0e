"""What a page with OpenTelemetry's JavaScript SDK sends: JSON, with numbers as JavaScript has them."""

import json

import pytest

from support.client import Client
from support.making import new_trace
from support.servers import JSON

# As of a fetch from a page; navigator.sendBeacon sends less.
HEADERS = {
    "Content_Type": JSON,
    "Accept": "*/*",
    "Accept_Encoding": "gzip, deflate, br, zstd",
    "Accept_Language": "en-GB,en;q=0.5",
    "Referer": "http://shop.example/",
    "User_Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
}
START = 1_760_000_000_123_400_000


def attribute(key, value):
    """A whole number is an integer to the SDK, and the value of no member is undefined: a member that is not written."""
    kinds = {str: "stringValue", bool: "boolValue", int: "intValue", float: "doubleValue"}
    if isinstance(value, list):
        return {"key": key, "value": {"arrayValue": {"values": [attribute("", v)["value"] for v in value]}}}
    if isinstance(value, dict):
        return {"key": key, "value": {"kvlistValue": {"values": [attribute(k, v) for k, v in value.items()]}}}
    return {"key": key, "value": {} if value is None else {kinds[type(value)]: value}}


def spelled(value, in_strings):
    return str(value) if in_strings else value


def page(trace, integers_in_strings):
    """A page load of user ada with one fetch in it, which ended first. `bigint` decides how the SDK writes times."""

    def time(offset):
        return spelled(START + offset, integers_in_strings)

    def span(name, span_id, parent, kind, attributes, **more):
        members = {
            "traceId": trace.hex(),
            "spanId": span_id,
            "parentSpanId": parent,
            "name": name,
            "kind": kind,
            "startTimeUnixNano": time(0),
            "endTimeUnixNano": time(5_000_000),
            "attributes": [attribute(*pair) for pair in attributes.items()],
            "droppedAttributesCount": 0,
            "events": [],
            "droppedEventsCount": 0,
            "status": {"code": 0},
            "links": [],
            "droppedLinksCount": 0,
            "flags": 257,
        } | more
        return {name: value for name, value in members.items() if value is not None}

    fetched = [
        {"attributes": [], "name": name, "timeUnixNano": time(offset), "droppedAttributesCount": 0}
        for offset, name in enumerate(["fetchStart", "responseEnd"])
    ]
    tokens = attribute("gen_ai.usage.output_tokens", 42)
    tokens["value"]["intValue"] = spelled(42, integers_in_strings)
    fetch = span(
        "HTTP POST",
        "00f067aa0ba902b7",
        "b7ad6b7169203331",
        3,
        {"http.response.status_code": 200, "ratio": 0.25, "big": 1e20, "none": None, "list": ["a", 1, True], "map": {"k": 2}},
        events=fetched,
        status={"code": 2, "message": "net::ERR \u2013 \"timeout\""},
    )
    fetch["attributes"].append(tokens)
    load = span("documentLoad", "b7ad6b7169203331", None, 1, {"enduser.id": "ada", "page": "/caf\u00e9 \U0001f600"})
    scope = {"name": "@opentelemetry/instrumentation-fetch", "version": "0.205.0"}
    resource = {"attributes": [attribute("service.name", "shop-web")], "droppedAttributesCount": 0}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": scope, "spans": [fetch, load]}]}]}


@pytest.mark.parametrize("integers_in_strings", [True, False])
def test_every_span_has_the_user_of_the_page(whole, integers_in_strings):
    trace = new_trace()
    # As JSON.stringify writes it: no blanks, and whole numbers below 1e21 without a point.
    text = json.dumps(page(trace, integers_in_strings), separators=(",", ":"), ensure_ascii=False)
    text = text.replace("1e+20", "100000000000000000000")
    with Client(whole.collector.port) as client:
        answer = client.send(text.encode(), **HEADERS)
    assert (answer.status, answer.headers["Content-Type"], answer.body) == (200, JSON, b"{}")

    fetch, load = sorted(whole.backend.wait_for(2, {trace.hex()}), key=lambda place: place.span.name)
    assert [place.attribute("enduser.id") for place in (fetch, load)] == ["ada", "ada"]
    assert fetch.span.start_time_unix_nano == START
    assert [event.time_unix_nano - START for event in fetch.span.events] == [0, 1]
    assert fetch.span.status.message == 'net::ERR \u2013 "timeout"'
    assert load.attribute("page") == "/caf\u00e9 \U0001f600"
    values = {pair.key: pair.value for pair in fetch.span.attributes}
    assert values["http.response.status_code"].int_value == 200
    assert values["gen_ai.usage.output_tokens"].int_value == 42
    assert values["ratio"].double_value == 0.25
    assert values["big"].double_value == 1e20
    assert values["none"].WhichOneof("value") is None
    assert [element.WhichOneof("value") for element in values["list"].array_value.values] == [
        "string_value",
        "int_value",
        "bool_value",
    ]
    assert values["map"].kvlist_value.values[0].value.int_value == 2
    assert load.span.parent_span_id == b""
    assert fetch.span.flags == 257


def test_a_page_says_who_its_user_is_for_all_it_sends_or_for_one_call(whole):
    """On its resource, and on the root of a trace, which counts there."""
    everything, one_call = new_trace(), new_trace()
    with Client(whole.collector.port) as client:
        for trace, said in [(everything, []), (one_call, [attribute("enduser.id", "grace")])]:
            request = page(trace, integers_in_strings=True)
            [resource_spans] = request["resourceSpans"]
            resource_spans["resource"]["attributes"].append(attribute("posthog.distinct_id", "ada"))
            _, load = resource_spans["scopeSpans"][0]["spans"]
            load["attributes"] = said
            assert client.send(json.dumps(request).encode(), **HEADERS).status == 200
    for trace, key, user in [(everything, "posthog.distinct_id", "ada"), (one_call, "enduser.id", "grace")]:
        came = whole.backend.wait_for(2, {trace.hex()})
        assert [place.attribute(key) for place in came] == [user, user]
