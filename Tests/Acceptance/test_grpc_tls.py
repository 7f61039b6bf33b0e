"""OTLP/gRPC over TLS, with certificates made here."""

import os
import socket
import ssl

import grpc
import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from support import config
from support.certificates import Authority
from support.collector import free_port, run
from support.grpcclient import Calls
from support.making import body, trace_of
from support.waiting import PATIENCE, wait_until


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def serve(collector, backend):
    def start(certificate, *keys):
        port = free_port()
        tls = ", ".join([f"cert_file: '{certificate.cert}'", f"key_file: '{certificate.key}'", *keys])
        collector(
            {"otlp_http": config.http_exporter(backend.endpoint)},
            grpc=f"endpoint: '127.0.0.1:{port}', tls: {{{tls}}}",
        )
        return port

    return start


def credentials(authority, client=None):
    return grpc.ssl_channel_credentials(
        authority.cert.read_bytes(),
        private_key=client and client.key.read_bytes(),
        certificate_chain=client and client.cert.read_bytes(),
    )


def takes(port, credentials):
    with Calls(port, credentials) as calls:
        try:
            calls.send(body(*trace_of()[0]))
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.UNAVAILABLE, error
            return False
    return True


def test_an_sdk_sends_over_tls(serve, backend, authority):
    port = serve(authority.sign("server"))
    exporter = OTLPSpanExporter(f"https://localhost:{port}", credentials=credentials(authority), timeout=PATIENCE)
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with provider.get_tracer("test").start_as_current_span("over TLS", attributes={"enduser.id": "ada"}):
        pass
    provider.shutdown()
    assert [place.span.name for place in backend.wait_for(1)] == ["over TLS"]


def test_who_speaks_plainly_or_trusts_others_gets_nowhere(serve, authority, tmp_path):
    port = serve(authority.sign("server"))
    assert not takes(port, None)
    assert not takes(port, credentials(Authority(tmp_path)))
    assert takes(port, credentials(authority))


def test_with_client_ca_file_clients_need_a_certificate_of_that_authority(serve, authority, tmp_path):
    port = serve(authority.sign("server"), f"client_ca_file: '{authority.cert}'")
    assert not takes(port, credentials(authority))
    assert not takes(port, credentials(authority, Authority(tmp_path).sign("stranger")))
    assert takes(port, credentials(authority, authority.sign("client")))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_it_speaks_tls_1_2_and_1_3(serve, authority, version):
    assert handshake(serve(authority.sign("server")), authority, version)


def handshake(port, authority, version):
    """The certificate of the server."""
    context = ssl.create_default_context(cafile=authority.cert)
    context.set_alpn_protocols(["h2"])
    context.minimum_version = context.maximum_version = version
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as wrapped:
            return wrapped.getpeercert()["subject"]


def test_a_new_certificate_is_served_without_a_restart_and_a_broken_one_is_not(serve, authority, tmp_path):
    mine = Authority(tmp_path, "mine")
    server = mine.sign("first")
    port = serve(server, "reload_interval: 50ms")
    name = lambda: handshake(port, mine, ssl.TLSVersion.TLSv1_3)[0][0][1]
    assert name() == "first"

    mine.sign("second", into=server)
    wait_until(lambda: name() == "second", "the new certificate")

    good = server.cert.read_text()
    server.cert.write_text("no certificate")
    for _ in range(20):
        assert name() == "second"
    server.cert.write_text(good)
    mine.sign("third", into=server)
    wait_until(lambda: name() == "third", "the newest certificate")


@pytest.mark.parametrize("fault", ["missing", "no certificate", "key of another", "authority"])
def test_files_that_are_not_right_are_told_at_the_start(authority, tmp_path, fault):
    mine = Authority(tmp_path, "mine")
    server, other = mine.sign("server"), mine.sign("other")
    keys = {"cert_file": server.cert, "key_file": server.key}
    match fault:
        case "missing":
            keys["cert_file"] = tmp_path / "nowhere.pem"
        case "no certificate":
            server.cert.write_text("no certificate")
        case "key of another":
            keys["key_file"] = other.key
        case "authority":
            keys["client_ca_file"] = tmp_path / "ca.pem"
            (tmp_path / "ca.pem").write_text("no certificate")
    tls = ", ".join(f"{key}: '{value}'" for key, value in keys.items())
    file = tmp_path / "config.yaml"
    file.write_text(
        config.pipeline(0, {"debug": ""}, grpc=f"endpoint: '127.0.0.1:0', tls: {{{tls}}}", durability="memory")
    )
    ended = run("--config", file, cwd=tmp_path)
    assert ended.returncode == 1
    assert "receivers.otlp: " in ended.stderr
    assert str(keys["client_ca_file" if fault == "authority" else "cert_file"]) in ended.stderr
    assert os.fspath(file) in ended.stderr
