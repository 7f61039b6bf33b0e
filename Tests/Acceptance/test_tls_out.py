"""TLS and client certificates of both OTLP exporters, against servers that are not ours."""

import shutil
import ssl
from contextlib import ExitStack, contextmanager

import grpc
import pytest

from support import grpcservers, servers
from support.certificates import Authority
from support.client import Client
from support.collector import Metrics, free_port
from support.making import body, trace_of
from support.waiting import wait_until

EAGER_RETRY = "retry_on_failure: {initial_interval: 20ms, max_interval: 100ms}, timeout: 5s"


class HTTP:
    name = "otlp_http"

    @staticmethod
    @contextmanager
    def serving(certificate, client_authority=None, port=0):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        if client_authority:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(client_authority.cert)
        backend = servers.Backend(port)
        backend.socket = context.wrap_socket(backend.socket, server_side=True)
        # Its threads would go on serving a connection when it has ended.
        closing = servers.Reply(headers=(("Content-Type", servers.PROTOBUF), ("Connection", "close")))
        backend.judge = lambda request: closing
        with servers.serving(backend):
            yield backend

    @staticmethod
    def endpoint(port):
        return f"https://127.0.0.1:{port}"

    @staticmethod
    def port(backend):
        return backend.server_port


class GRPC:
    name = "otlp_grpc"

    @staticmethod
    @contextmanager
    def serving(certificate, client_authority=None, port=0):
        file, key = certificate
        credentials = grpc.ssl_server_credentials(
            [(key.read_bytes(), file.read_bytes())],
            client_authority and client_authority.cert.read_bytes(),
            require_client_auth=bool(client_authority),
        )
        with grpcservers.serving(grpcservers.Backend(f"127.0.0.1:{port}", credentials)) as backend:
            yield backend

    @staticmethod
    def endpoint(port):
        return f"127.0.0.1:{port}"

    @staticmethod
    def port(backend):
        return backend.port


@pytest.fixture(params=[HTTP, GRPC], ids=lambda protocol: protocol.name)
def protocol(request):
    return request.param


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path, "authority")


@pytest.fixture
def started(collector, protocol):
    """`started(port, tls)` runs a collector whose exporter has these `tls` keys; gives it and a reader of metrics."""

    def start(port, tls, endpoint=None):
        metrics = free_port()
        settings = f"endpoint: '{endpoint or protocol.endpoint(port)}', tls: {{{tls}}}, {EAGER_RETRY}"
        running = collector(
            {protocol.name: settings}, telemetry=f"{{metrics: {{address: '127.0.0.1:{metrics}'}}}}"
        )
        return running, lambda name: Metrics(metrics).total(name, exporter=protocol.name)

    return start


def send(collector):
    spans, trace = trace_of()
    with Client(collector.port) as client:
        client.send(body(*spans)).response
    return trace


def test_a_server_is_trusted_by_its_authority(started, protocol, authority):
    with protocol.serving(authority.sign("localhost")) as backend:
        running, _ = started(protocol.port(backend), f"ca_file: '{authority.cert}'")
        backend.wait_for(2, {send(running)})


def test_https_is_never_plain(started, protocol, authority):
    with protocol.serving(authority.sign("localhost")) as backend:
        port = protocol.port(backend)
        running, _ = started(port, "insecure: true, insecure_skip_verify: true", endpoint=f"https://127.0.0.1:{port}")
        backend.wait_for(2, {send(running)})


def test_authorities_may_stand_beside_those_of_the_system_and_in_the_configuration(started, protocol, authority):
    pem = authority.cert.read_text().replace("\n", "\\n")
    with protocol.serving(authority.sign("localhost")) as backend:
        running, _ = started(protocol.port(backend), f'ca_pem: "{pem}", include_system_ca_certs_pool: true')
        backend.wait_for(2, {send(running)})


def test_a_name_can_be_overridden(started, protocol, authority):
    with protocol.serving(authority.sign("traces", host="traces.test")) as backend:
        tls = f"ca_file: '{authority.cert}', server_name_override: "
        running, _ = started(protocol.port(backend), tls + "traces.test")
        backend.wait_for(2, {send(running)})
        running, _ = started(protocol.port(backend), tls + "other.test")
        send(running)
        wait_until(lambda: "cannot send" in running.stderr, "the refusal in the log")
        assert len(backend.spans) == 2
        running.kill()


def test_a_stranger_gets_nothing_and_the_data_is_held(started, protocol, authority, tmp_path):
    known = tmp_path / "known.pem"
    shutil.copy(Authority(tmp_path, "another").cert, known)
    with protocol.serving(authority.sign("localhost")) as backend:
        running, metric = started(protocol.port(backend), f"ca_file: '{known}', reload_interval: 1s")
        trace = send(running)
        wait_until(lambda: "cannot send" in running.stderr, "the refusal in the log")
        assert not backend.spans
        # Until the operator puts it right, without a restart.
        shutil.copy(authority.cert, known)
        backend.wait_for(2, {trace})
        assert metric("otelcol_exporter_send_failed_spans") == 0


def test_a_client_shows_its_certificate(started, protocol, authority):
    file, key = authority.sign("client")
    with protocol.serving(authority.sign("localhost"), authority) as backend:
        running, _ = started(protocol.port(backend), f"ca_file: '{authority.cert}', cert_file: '{file}', key_file: '{key}'")
        backend.wait_for(2, {send(running)})
        pem = {name: path.read_text().replace("\n", "\\n") for name, path in (("cert", file), ("key", key))}
        tls = f'ca_file: "{authority.cert}", cert_pem: "{pem["cert"]}", key_pem: "{pem["key"]}"'
        running, _ = started(protocol.port(backend), tls)
        backend.wait_for(2, {send(running)})


def test_a_client_without_a_certificate_is_held_up(started, protocol, authority):
    with protocol.serving(authority.sign("localhost"), authority) as backend:
        running, metric = started(protocol.port(backend), f"ca_file: '{authority.cert}'")
        send(running)
        wait_until(lambda: "cannot send" in running.stderr, "the refusal in the log")
        assert not backend.spans
        assert metric("otelcol_exporter_send_failed_spans") == 0
        running.kill()


def test_everything_can_be_rotated(started, protocol, authority, tmp_path):
    """Both ends get new certificates of a new authority, which alone is trusted from then on. New connections use them."""
    trusted, shown, secret = (tmp_path / f"current.{end}" for end in ("ca", "pem", "key"))

    def install(authority):
        for new, place in zip((authority.cert, *authority.sign("client")), (trusted, shown, secret)):
            shutil.copy(new, place)

    install(authority)
    tls = f"ca_file: '{trusted}', cert_file: '{shown}', key_file: '{secret}'"
    with ExitStack() as stack:
        first = stack.enter_context(protocol.serving(authority.sign("localhost"), authority))
        port = protocol.port(first)
        running, metric = started(port, tls)
        first.wait_for(2, {send(running)})
        stack.close()

        new = Authority(tmp_path, "new")
        install(new)
        second = stack.enter_context(protocol.serving(new.sign("localhost"), new, port))
        second.wait_for(2, {send(running)})
        assert metric("otelcol_exporter_send_failed_spans") == 0
        running.stop()


@pytest.mark.parametrize("protocol", [HTTP], indirect=True)
@pytest.mark.parametrize("keys", ["min_version: '1.3'", "cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256], max_version: '1.2'"])
def test_versions_and_ciphers_are_kept_to(started, authority, protocol, keys):
    # The server speaks TLS 1.2 at most, and its key is none of RSA. (grpcio's server cannot be told.)
    with protocol.serving(authority.sign("localhost")) as backend:
        backend.socket.context.maximum_version = ssl.TLSVersion.TLSv1_2
        running, _ = started(protocol.port(backend), f"ca_file: '{authority.cert}', {keys}")
        send(running)
        wait_until(lambda: "cannot send" in running.stderr, "the refusal in the log")
        assert not backend.spans
        running.kill()
