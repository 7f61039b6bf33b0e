"""Tenants who share a collector, and users who are named in headers."""

import pytest

from support import config
from support.client import Client
from support.collector import Collector, free_port
from support.making import body, new_trace, span
from support.waiting import wait_until

KEYS = "keys: [{key: k-acme, tenant: acme}, {key: k-globex, tenant: globex}, {key: k-none}]"


class Shared:
    """A collector for two tenants that can be killed and started again."""

    def __init__(self, folder, backend, **parts):
        self.port = free_port()
        self.folder = folder
        self.file = folder / "config.yaml"
        self.file.write_text(
            config.pipeline(
                self.port,
                {"otlp_http": f"endpoint: '{backend.endpoint}'"},
                **{
                    "receiver": "auth: {authenticator: apikeyauth}",
                    "enduser": "fallback_wait: 60s, root_wait: 60s",
                    "extensions": {"apikeyauth": KEYS},
                    **parts,
                },
            )
        )

    def start(self):
        return Collector("--config", self.file, port=self.port, cwd=self.folder)

    def send(self, key, *spans, **headers):
        with Client(self.port) as client:
            client.send(body(*spans), X_Api_Key=key, **headers).response


@pytest.mark.parametrize("killed", [False, True], ids=["one life", "killed between"])
def test_the_same_trace_id_of_two_tenants_is_two_traces(tmp_path, backend, killed):
    shared = Shared(tmp_path, backend)
    trace = new_trace()
    child = span(trace, "child", parent=b"rootroot")
    roots = {
        user: span(trace, f"root of {user}", attributes={"enduser.id": user}, span_id=b"rootroot")
        for user in ("ada", "grace")
    }
    running = shared.start()
    try:
        # The very same span, and the very same id of the root.
        shared.send("k-acme", child)
        shared.send("k-globex", child)
        shared.send("k-acme", roots["ada"])
        backend.wait_for(2, {trace.hex()})
        if killed:
            running.kill()
            running.__exit__(KeyboardInterrupt, None, None)
            running = shared.start()
        shared.send("k-globex", roots["grace"])
        # Who comes later is told by what is remembered.
        late = span(trace, "late", parent=b"rootroot")
        shared.send("k-acme", late)
        shared.send("k-globex", late)
        wait_until(lambda: len(backend.traces({trace.hex()})) >= 6, "six spans")
        running.stop()
    finally:
        running.__exit__(None, None, None)
    users = sorted((p.span.name, p.attribute("enduser.id")) for p in backend.traces({trace.hex()}))
    expected = [("child", "ada"), ("child", "grace"), ("late", "ada"), ("late", "grace")]
    expected += [("root of ada", "ada"), ("root of grace", "grace")]
    # A kill between delivery and its record may have one delivered twice, but never with another's user.
    assert sorted(set(users)) == expected
    assert killed or users == expected


def test_a_span_of_no_tenant_belongs_to_nobody_elses_trace(tmp_path, backend):
    shared = Shared(tmp_path, backend)
    trace = new_trace()
    root = span(trace, "root", attributes={"enduser.id": "ada"})
    with shared.start():
        shared.send("k-acme", root)
        shared.send("k-none", span(trace, "child", parent=root.span_id))
        backend.wait_for(1, {trace.hex()})
    # It waits for a root of its own.
    assert [p.span.name for p in backend.traces({trace.hex()})] == ["root"]


FROM_HEADERS = {
    "receiver": "include_metadata: true",
    "enduser": "fallback_wait: 300ms, from_headers: {end_user: X-End-User-Id, session: x-session-id}",
    "extensions": None,
}


def test_a_user_in_the_headers_of_the_opentelemetry_sdk(tmp_path, backend, app):
    shared = Shared(tmp_path, backend, **FROM_HEADERS)
    with shared.start() as running:
        identities = app(
            "opentelemetry_app.py",
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": running.endpoint,
                "OTEL_EXPORTER_OTLP_HEADERS": "x-end-user-id=header%20user,x-session-id=s-9",
                "PAUSE": "0",
            },
        )
        anonymous = [trace for trace, identity in identities.items() if not identity]
        assert anonymous
        wait_until(lambda: len(backend.traces(anonymous)) == 2 * len(anonymous), "the traces without a user of their own")
        for place in backend.traces(anonymous):
            assert place.attribute("enduser.id") == "header user"
            assert place.attribute("session.id") == "s-9"
        named = [trace for trace, identity in identities.items() if identity]
        assert all(place.attribute("enduser.id") != "header user" for place in backend.traces(named))


def test_a_user_in_the_headers_outlives_a_kill(tmp_path, backend):
    shared = Shared(tmp_path, backend, **{**FROM_HEADERS, "enduser": FROM_HEADERS["enduser"].replace("300ms", "3s")})
    trace = new_trace()
    with shared.start() as running:
        shared.send(None, span(trace, "root"), X_End_User_Id="ada")
        running.kill()
    assert not backend.traces({trace.hex()})
    with shared.start():
        assert [p.attribute("enduser.id") for p in backend.wait_for(1, {trace.hex()})] == ["ada"]


def test_headers_are_nothing_where_they_are_not_kept(tmp_path, backend):
    shared = Shared(tmp_path, backend, **{**FROM_HEADERS, "receiver": ""})
    trace = new_trace()
    with shared.start():
        shared.send(None, span(trace, "root"), X_End_User_Id="ada")
        assert [p.attribute("enduser.id") for p in backend.wait_for(1, {trace.hex()})] == [None]
