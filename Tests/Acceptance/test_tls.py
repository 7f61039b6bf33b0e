"""TLS on the receiver and on the ledger's endpoint: who is let in, and certificates that are exchanged."""

import json
import os
import socket
import ssl
import threading
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import pytest

from support import config
from support.certificates import Certificates
from support.client import Client
from support.collector import Collector, free_port, run
from support.making import body, new_trace, span, trace_of
from support.outputs import json_lines, spans_of
from support.waiting import PATIENCE, wait_until


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def certificates(tmp_path):
    return Certificates(tmp_path / "certificates")


@pytest.fixture
def spans(tmp_path):
    """The file that a collector writes to; `found(count)` waits for its spans."""

    class Written:
        settings = {"file": config.file_exporter(tmp_path / "spans.jsonl")}

        def found(self, count, traces=None):
            def places():
                found = spans_of(json_lines(tmp_path / "spans.jsonl"))
                found = [place for place in found if traces is None or place.trace in traces]
                return found if len(found) >= count else None

            return wait_until(places, f"{count} spans in the file")

    return Written()


def subject(client):
    return dict(part[0] for part in client.connection.sock.getpeercert()["subject"])["commonName"]


@pytest.mark.parametrize("mutual", [False, True])
def test_an_sdk_is_told_to_use_tls_by_its_environment(collector, spans, made, app, mutual):
    running = collector(spans.settings, receiver=made.settings(client_ca="ca" if mutual else None))
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"https://localhost:{running.port}",
        "OTEL_EXPORTER_OTLP_CERTIFICATE": made.cert("ca"),
        # Where a machine names authorities of its own, the SDK's HTTP library prefers these.
        "REQUESTS_CA_BUNDLE": "",
        "CURL_CA_BUNDLE": "",
        "PAUSE": "0",
    }
    if mutual:
        environment["OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"] = made.cert("client")
        environment["OTEL_EXPORTER_OTLP_CLIENT_KEY"] = made.key("client")
    identities = app("opentelemetry_app.py", environment)
    wait_until(lambda: {place.trace for place in spans.found(1, identities)} == set(identities), "all traces")


@pytest.mark.parametrize("client", [None, "stranger"])
def test_a_client_without_a_certificate_of_the_authority_is_not_let_in(collector, spans, made, client):
    running = collector(spans.settings, receiver=made.settings(client_ca="ca"))
    with pytest.raises(ssl.SSLError, match="CERTIFICATE_REQUIRED|UNKNOWN_CA"):
        with Client(running.port, made.context(client)) as refused:
            refused.send(body(span(new_trace())))
    with Client(running.port, made.context("client")) as welcome:
        welcome.send(body(span(new_trace()))).response


def test_one_heirloom_sends_to_another_with_certificates_on_both_sides(collector, spans, made):
    behind = collector(spans.settings, receiver=made.settings(client_ca="ca"))
    tls = f"tls: {{ca_file: '{made.cert('ca')}', cert_file: '{made.cert('client')}', key_file: '{made.key('client')}'}}"
    front = collector({"otlp_http": config.http_exporter(f"https://localhost:{behind.port}", tls)})
    made_spans, trace = trace_of(children=3, identity={"user.id": "ada"})
    with Client(front.port) as client:
        client.send(body(*made_spans)).response
    assert len(spans.found(4, {trace})) == 4


def test_a_version_is_demanded(collector, spans, made):
    running = collector(spans.settings, receiver=made.settings("server", "min_version: '1.3'"))
    old = made.context()
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(OSError):
        Client(running.port, old)
    with Client(running.port, made.context()) as client:
        assert client.connection.sock.version() == "TLSv1.3"
        client.send(body(span(new_trace()))).response


def test_http_without_tls_is_answered_and_counted(collector, spans, made):
    metrics = free_port()
    telemetry = f"{{metrics: {{address: '127.0.0.1:{metrics}'}}}}"
    running = collector(spans.settings, receiver=made.settings(), telemetry=telemetry)
    with Client(running.port) as client:
        assert "https" in client.send(body(span(new_trace()))).error(400).message

    def counted():
        with urllib.request.urlopen(f"http://127.0.0.1:{metrics}/metrics", timeout=PATIENCE) as answer:
            lines = [line for line in answer.read().decode().splitlines() if 'reason="tls"' in line]
        return lines and lines[0].endswith(" 1")

    wait_until(counted, "the count of failed handshakes")


def test_a_handshake_that_waits_for_its_client_costs_nothing(collector, spans, made):
    running = collector(spans.settings, receiver=made.settings())

    def seconds():
        fields = Path(f"/proc/{running.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    with ExitStack() as stack:
        for beginning in b"", b"\x16", b"\x16\x03\x01\x02\x00\x01":
            waiting = stack.enter_context(socket.create_connection(("127.0.0.1", running.port), timeout=PATIENCE))
            waiting.sendall(beginning)
        before = seconds()
        time.sleep(2)
        assert seconds() - before < 0.5


@pytest.mark.parametrize("durability", ["memory", "fsync"])
def test_many_connections_with_requests_whose_replies_come_later(collector, spans, made, durability):
    running = collector(spans.settings, receiver=made.settings(), durability=durability)
    context, failures = made.context(), []

    def send():
        try:
            with Client(running.port, context) as client:
                for _ in range(25):
                    client.send_gzip(body(*trace_of(identity={"user.id": "ada"})[0])).response
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=send) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(spans.found(16 * 25 * 2)) == 16 * 25 * 2


def test_a_large_body(collector, spans, made):
    running = collector(spans.settings, receiver=f"max_request_body_size: {16 << 20}, {made.settings()}")
    trace = new_trace()
    root = span(trace, attributes={"user.id": "ada"})
    content = body(root, *(span(trace, parent=root.span_id, attributes={"x": "y" * 1000}) for _ in range(12_000)))
    assert len(content) > 12 << 20
    with Client(running.port, made.context()) as client:
        for _ in range(2):
            client.send(content).response
        assert str(16 << 20) in client.send(b"\0" * (17 << 20)).error(413).message
    assert len(spans.found(12_001)) == 12_001


def test_a_stop_answers_what_has_come_over_tls(collector, spans, made):
    running = collector(spans.settings, receiver=made.settings())
    with Client(running.port, made.context()) as client:
        client.send(body(span(new_trace(), attributes={"user.id": "ada"}))).response
        running.stop()
        assert client.connection.sock.recv(1) == b"", "the connection is closed in order"
    assert len(spans.found(1)) == 1


def test_files_are_looked_at_as_often_as_is_said(collector, spans, certificates):
    certificates.install("server")
    running = collector(spans.settings, receiver=certificates.settings("used", "reload_interval: 50ms"))
    with Client(running.port, certificates.context()) as early:
        assert subject(early) == "server"
        certificates.install("other")

        def exchanged():
            with Client(running.port, certificates.context()) as late:
                return subject(late) == "other"

        wait_until(exchanged, "the new certificate")
        early.send(body(span(new_trace()))).response

        # What is wrong is told once, and costs nothing.
        with open(certificates.cert("used"), "w") as file:
            file.write("rubbish")
        words = "the new certificate is not right, the old one stays"
        wait_until(lambda: words in running.stderr, "a word about the file")
        with Client(running.port, certificates.context()) as late:
            assert subject(late) == "other"
            late.send(body(span(new_trace()))).response
        certificates.install("server")
        wait_until(lambda: not exchanged(), "the old certificate again")
        assert running.stderr.count(words) < 10
        early.send(body(span(new_trace()))).response


def test_sighup_looks_at_the_files_and_keeps_connections(collector, spans, certificates):
    certificates.install("server")
    running = collector(spans.settings, receiver=certificates.settings("used"))
    with Client(running.port, certificates.context()) as early:
        certificates.install("other")
        with Client(running.port, certificates.context()) as unchanged:
            assert subject(unchanged) == "server"
        running.reload()
        with Client(running.port, certificates.context()) as late:
            assert subject(late) == "other"
            with open(certificates.key("used"), "w") as file:
                file.write("rubbish")
            running.reload()
            assert "key_file" in running.stderr
            for client in early, late:
                client.send(body(span(new_trace()))).response
        with Client(running.port, certificates.context()) as last:
            assert subject(last) == "other"


def test_the_ledger_is_asked_over_tls_also_after_its_files_have_gone(tmp_path, certificates):
    certificates.install("server")
    port, console = free_port(), free_port()
    file = tmp_path / "config.yaml"
    ledger = f"ledger: {{path: '{tmp_path}/ledger.db', endpoint: '127.0.0.1:{console}', {certificates.settings('used')}}}"
    text = config.pipeline(
        port, {"file": config.file_exporter(tmp_path / "spans.jsonl")}, service="extensions: [ledger]"
    )
    file.write_text(f"{text}extensions: {{{ledger}}}\n")

    def users():
        url = f"https://localhost:{console}/api/v1/users"
        with urllib.request.urlopen(url, timeout=PATIENCE, context=certificates.context()) as answer:
            return json.loads(answer.read())["users"]

    with Collector("--config", file, port=port, cwd=tmp_path) as running:
        with Client(port) as client:
            client.send(body(span(new_trace(), attributes={"user.id": "ada"}))).response
        wait_until(users, "a user")
        assert users()[0]["end_user_id"] == "ada"
        command = ["users", "--url", f"https://localhost:{console}", "--json"]
        assert run(*command).returncode != 0, "an authority that nobody trusts"
        asked = run(*command, env={"HEIRLOOM_LEDGER_CA_FILE": certificates.cert("ca")})
        assert "ada" in asked.stdout, asked.stderr
        with open(certificates.key("used"), "w") as broken:
            broken.write("rubbish")
        running.reload()
        assert users()[0]["end_user_id"] == "ada"


@pytest.mark.parametrize(
    "cert, key, ca, fault",
    [
        ("nowhere.pem", "server.key", "ca.pem", "cert_file: cannot read \"nowhere.pem\": No such file or directory"),
        ("server.key", "server.key", "ca.pem", "cert_file: \"server.key\" is no certificate in PEM"),
        ("server.pem", "client.key", "ca.pem", "key_file: the key in \"client.key\" is not that of the certificate"),
        ("server.pem", "server.pem", "ca.pem", "key_file: \"server.pem\" is no key in PEM"),
        ("server.pem", "server.key", "ca.key", "client_ca_file: \"ca.key\" has no certificates in PEM"),
        ("server.pem", "server.key", "/", "client_ca_file: cannot read \"/\": Is a directory"),
    ],
)
def test_wrong_files_are_told_at_the_start_with_their_place(tmp_path, made, cert, key, ca, fault):
    tls = f"tls: {{ cert_file: {cert}, key_file: {key}, client_ca_file: {ca} }}"
    file = tmp_path / "config.yaml"
    file.write_text(config.pipeline(0, {"debug": ""}, receiver=tls))
    result = run("--config", file, cwd=made.folder)
    assert result.returncode == 1
    name = fault.split(":")[0]
    line = file.read_text().splitlines()[3]
    column = line.index(f" {name}: ") + len(f" {name}: ") + 1
    assert f"config.yaml:4:{column}: error: receivers.otlp.protocols.http.tls.{fault}" in result.stderr
