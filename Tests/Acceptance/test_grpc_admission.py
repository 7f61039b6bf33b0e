"""Who may send over gRPC, and what a call's metadata says: as over HTTP."""

import base64

import grpc
import pytest

from support import config
from support.client import Client
from support.collector import Collector, free_port
from support.grpcclient import Calls
from support.making import body, new_trace, span, trace_of
from support.waiting import wait_until


@pytest.fixture
def start(tmp_path, backend):
    """Starts a collector with both doors, which ask and keep what `admission` says: its ports for HTTP and for gRPC."""
    running = []

    def start(admission, **parts):
        port, grpc_port = free_port(), free_port()
        file = tmp_path / "config.yaml"
        file.write_text(
            config.pipeline(
                port,
                {"otlp_http": config.http_exporter(backend.endpoint)},
                receiver=admission,
                grpc=f"endpoint: '127.0.0.1:{grpc_port}', {admission}",
                **parts,
            )
        )
        collector = Collector("--config", file, port=port, cwd=tmp_path)
        collector.__enter__()
        running.append(collector)
        wait_until(lambda: "Everything is ready" in collector.stderr, lambda: collector.stderr)
        return port, grpc_port

    yield start
    for collector in running:
        collector.__exit__(None, None, None)


@pytest.mark.parametrize(
    "extension, right, wrong",
    [
        ({"bearertokenauth": "token: t1"}, ("authorization", "Bearer t1"), ("authorization", "Bearer t2")),
        (
            {"basicauth": "htpasswd: {inline: 'ada:secret'}"},
            ("authorization", "Basic " + base64.b64encode(b"ada:secret").decode()),
            ("authorization", "Basic " + base64.b64encode(b"ada:wrong").decode()),
        ),
        ({"apikeyauth": "keys: [{key: k1}]"}, ("x-api-key", "k1"), ("x-api-key", "k2")),
    ],
    ids=["token", "password", "key"],
)
def test_only_who_is_known_may_send(start, backend, extension, right, wrong):
    [name] = extension
    _, port = start(f"auth: {{authenticator: {name}}}", extensions=extension)
    spans, trace = trace_of(identity={"enduser.id": "ada"})
    with Calls(port) as calls:
        for metadata in [None, [wrong], [("x-other", right[1])]]:
            calls.refusal(body(*trace_of()[0]), grpc.StatusCode.UNAUTHENTICATED, metadata=metadata)
        assert not calls.send(body(*spans), metadata=[right]).HasField("partial_success")
    assert [place.attribute("enduser.id") for place in backend.wait_for(2, {trace})] == ["ada"] * 2
    assert len(backend.spans) == 2


def test_a_tenant_is_the_same_over_both_protocols_and_another_is_not(start, backend):
    keys = "keys: [{key: k-acme, tenant: acme}, {key: k-globex, tenant: globex}]"
    http, port = start("auth: {authenticator: apikeyauth}", extensions={"apikeyauth": keys})
    trace = new_trace()
    child = span(trace, "child", parent=b"rootroot")
    with Calls(port) as calls, Client(http) as client:
        for key in ("k-acme", "k-globex"):
            calls.send(body(child), metadata=[("x-api-key", key)])
        for key, user in (("k-acme", "ada"), ("k-globex", "grace")):
            root = span(trace, f"root of {user}", attributes={"enduser.id": user}, span_id=b"rootroot")
            client.send(body(root), X_Api_Key=key).response
    came = backend.wait_for(4, {trace.hex()})
    assert sorted(place.attribute("enduser.id") for place in came if place.span.name == "child") == ["ada", "grace"]


def test_the_end_user_may_stand_in_the_metadata(start, backend):
    _, port = start(
        "include_metadata: true", enduser="fallback_wait: 300ms, from_headers: {end_user: X-End-User-Id}"
    )
    anonymous, named = new_trace(), new_trace()
    with Calls(port) as calls:
        for trace, said in [(anonymous, {}), (named, {"enduser.id": "grace"})]:
            root = span(trace, "root", attributes=said)
            child = span(trace, "child", parent=root.span_id)
            calls.send(body(child, root), metadata=[("x-end-user-id", "ada")])
    for trace, user in [(anonymous, "ada"), (named, "grace")]:
        assert {place.attribute("enduser.id") for place in backend.wait_for(2, {trace.hex()})} == {user}
