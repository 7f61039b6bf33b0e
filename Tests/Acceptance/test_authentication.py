"""Who may send: real SDKs with the credentials that their makers have them send."""

import base64
import hashlib

import bcrypt
import pytest

from support.client import Client, Wire
from support.making import body, trace_of
from support.servers import PROTOBUF
from support.waiting import wait_until

UNAUTHENTICATED = 16

HTPASSWD = {
    "plain": "sk-test",
    "sha": "{SHA}" + base64.b64encode(hashlib.sha1(b"sk-test").digest()).decode(),
    "bcrypt": bcrypt.hashpw(b"sk-test", bcrypt.gensalt(5)).decode(),
    "bcrypt as PHP and Apache write it": "$2y" + bcrypt.hashpw(b"sk-test", bcrypt.gensalt(5)).decode()[3:],
}


@pytest.fixture
def guarded(collector, backend):
    """A collector whose receiver asks one authenticator."""

    def start(keys, id="apikeyauth", **parts):
        return collector(
            {"otlp_http": f"endpoint: '{backend.endpoint}'"},
            receiver=f"auth: {{authenticator: {id}}}",
            extensions={id: keys},
            **parts,
        )

    return start


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_without_credentials_nothing_of_the_body_is_read(guarded):
    started = guarded("keys: [{key: k1}]")
    with Wire(started.port) as wire:
        wire.head(f"Content-Type: {PROTOBUF}", "Content-Length: 50000000")
        error = wire.read().error(401)
        assert error.code == UNAUTHENTICATED


@pytest.mark.parametrize("kind", HTPASSWD)
def test_basic_credentials(guarded, kind):
    started = guarded(f"htpasswd: {{inline: 'pk-test:{HTPASSWD[kind]}'}}", id="basicauth")
    with Client(started.port) as client:
        for _ in range(3):
            client.send(body(*trace_of()[0]), Authorization=basic("pk-test", "sk-test")).response
            for wrong in [basic("pk-test", "sk"), basic("pk", "sk-test"), "Basic !", "Bearer sk-test", None]:
                refused = client.send(body(*trace_of()[0]), Authorization=wrong)
                assert refused.error(401).code == UNAUTHENTICATED
                assert refused.headers["WWW-Authenticate"].startswith("Basic realm=")


def test_slow_hashes_do_not_make_requests_slow(guarded):
    """A hash of a second, were it made for each request, would keep these busy for minutes."""
    hashed = bcrypt.hashpw(b"secret", bcrypt.gensalt(13)).decode()
    started = guarded(f"htpasswd: {{inline: 'ada:{hashed}'}}", id="basicauth")
    with Client(started.port) as client:
        for _ in range(300):
            client.send(body(*trace_of()[0]), Authorization=basic("ada", "secret")).response
            client.send(body(*trace_of()[0]), Authorization=basic("ada", "wrong")).error(401)


def test_tokens_of_a_file_that_changes(guarded, tmp_path):
    file = tmp_path / "tokens"
    file.write_text("one\ntwo\n")
    started = guarded(f"filename: '{file}'", id="bearertokenauth")
    with Client(started.port) as client:

        def status(token):
            return client.send(body(*trace_of()[0]), Authorization=f"Bearer {token}").status

        assert [status("one"), status("two"), status("three")] == [200, 200, 401]
        file.write_text("three\n")
        wait_until(lambda: status("three") == 200, "the new token")
        assert status("one") == 401


def test_keys_change_with_the_configuration_on_open_connections(tmp_path):
    from support import config
    from support.collector import Collector, free_port

    port, file = free_port(), tmp_path / "config.yaml"

    def write(key):
        file.write_text(
            config.pipeline(
                port,
                {"debug": "verbosity: basic"},
                receiver="auth: {authenticator: apikeyauth}",
                extensions={"apikeyauth": f"keys: [{{key: '{key}'}}]"},
            )
        )

    write("old")
    with Collector("--config", file, port=port, cwd=tmp_path) as running, Client(port) as client:
        client.send(body(*trace_of()[0]), X_Api_Key="old").response
        client.send(body(*trace_of()[0]), X_Api_Key="new").error(401)
        write("new")
        running.reload()
        client.send(body(*trace_of()[0]), X_Api_Key="new").response
        client.send(body(*trace_of()[0]), X_Api_Key="old").error(401)


def arrived(backend, identities):
    wait_until(lambda: {p.trace for p in backend.traces(identities)} == set(identities), "the traces")


def test_the_opentelemetry_sdk_with_headers(guarded, backend, app):
    started = guarded("token: t-1", id="bearertokenauth")
    told = {"OTEL_EXPORTER_OTLP_ENDPOINT": started.endpoint, "PAUSE": "0"}
    identities = app("opentelemetry_app.py", {**told, "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20t-1"})
    arrived(backend, identities)
    refused = app("opentelemetry_app.py", {**told, "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20t-2"})
    assert not backend.traces(refused)


def test_langfuse_with_its_keys(guarded, backend, app):
    started = guarded(f"htpasswd: {{inline: 'pk-test:{HTPASSWD['bcrypt']}'}}", id="basicauth")
    told = {"LANGFUSE_BASE_URL": started.endpoint, "LANGFUSE_PUBLIC_KEY": "pk-test"}
    # The path is the SDK's own.
    arrived(backend, app("langfuse_app.py", {**told, "LANGFUSE_SECRET_KEY": "sk-test"}))
    assert not backend.traces(app("langfuse_app.py", {**told, "LANGFUSE_SECRET_KEY": "sk-other"}))


def test_neatlogs_with_its_key(guarded, backend, app):
    started = guarded("keys: [{key: '${env:NEATLOGS_KEY}'}]", env={"NEATLOGS_KEY": "n-1"})
    told = {"NEATLOGS_ENDPOINT": started.endpoint}
    arrived(backend, app("neatlogs_app.py", {**told, "NEATLOGS_API_KEY": "n-1"}))
    assert not backend.traces(app("neatlogs_app.py", {**told, "NEATLOGS_API_KEY": "n-2"}))


def test_credentials_mean_nothing_where_nobody_asks(whole):
    spans, trace = trace_of()
    with Client(whole.collector.port) as client:
        client.send(body(*spans), Authorization=basic("pk", "sk"), X_Api_Key="any").response
    assert len(whole.backend.wait_for(2, {trace})) == 2
