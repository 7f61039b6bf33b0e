"""What OTLP/HTTP asks of a server: each row of support/conformance.py in both formats and every encoding."""

import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from support import config
from support.client import Client
from support.collector import REPOSITORY, Collector, free_port
from support.conformance import COMPRESSED, JSON, KEY, LIMIT, PROTOBUF, ROWS, decoded, good, table
from support.making import body, new_trace, span
from support.waiting import wait_until


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """Starts a collector of this module: its port."""
    running = []

    def start(name, **parts):
        folder, port = tmp_path_factory.mktemp(name), free_port()
        file = folder / "config.yaml"
        file.write_text(config.pipeline(port, {"file": config.file_exporter(folder / "spans.jsonl")}, **parts))
        collector = Collector("--config", file, port=port, cwd=folder)
        collector.__enter__()
        running.append(collector)
        return port

    yield start
    for collector in running:
        collector.__exit__(None, None, None)


@pytest.fixture(scope="module")
def limited(start):
    """One that takes small requests."""
    return start("limited", receiver=f"max_request_body_size: {LIMIT}")


@pytest.fixture(scope="module")
def locked(start):
    """One that knows who may send."""
    return start(
        "locked", receiver="auth: {authenticator: apikeyauth}", extensions={"apikeyauth": f"keys: [{{key: {KEY}}}]"}
    )


@pytest.fixture(scope="module")
def full(start):
    """One whose spool is full of spans that wait for their root."""
    port = start("full", enduser="root_wait: 1h, local_root_wait: 1h", storage="max_spool_mib: 4")

    def refuses():
        with Client(port) as client:
            waiting = span(new_trace(), parent=b"12345678", attributes={"padding": "x" * 200_000})
            return client.send(body(waiting)).status == 503

    wait_until(refuses, "a refusal")
    return port


def cases():
    for row in ROWS:
        for form in row.formats:
            for encoding in row.encodings:
                yield pytest.param(row, form, encoding, id=f"{row.case}, {form.split('-')[-1].split('/')[-1]}, {encoding}")


def send(client, sent, form, encoding):
    headers = {"Content_Type": form}
    payload = sent.body
    if encoding in COMPRESSED and not sent.raw:
        headers["Content_Encoding"] = encoding
        payload = COMPRESSED[encoding](payload)
    has_body = sent.method != "GET"
    return client.send(payload if has_body else None, sent.method, sent.path, **(headers | sent.headers))


@pytest.mark.parametrize("row, form, encoding", list(cases()))
def test_each_case_gets_its_answer(request, row, form, encoding):
    port = request.getfixturevalue(row.to)
    with Client(port) as client:
        answer = send(client, row.send(form), form, encoding)
        answered_in = row.answered_in or form

        assert answer.status == row.status, answer.body
        assert answer.headers.get_all("Content-Type") == [answered_in]
        assert {name: answer.headers[name] for name in row.headers} == row.headers
        for name in {"Allow", "Accept", "Accept-Encoding", "Retry-After"} - set(row.headers):
            assert name not in answer.headers
        if row.status == 200:
            response = decoded(ExportTraceServiceResponse, answer.body, answered_in)
            assert response.HasField("partial_success") == bool(row.rejected)
            assert response.partial_success.rejected_spans == row.rejected
            said = response.partial_success.error_message
        else:
            status = decoded(Status, answer.body, answered_in)
            assert status.code == row.code
            said = status.message
            assert said.strip()
        assert row.says in said
        assert (answer.headers.get("Connection") == "close") == (not row.keeps)
    check_neighbour(port, row)


def check_neighbour(port, row):
    """Whatever was sent, the next one is served as before."""
    with Client(port) as client:
        for form in (PROTOBUF, JSON):
            answer = client.send(good(form), Content_Type=form, X_API_Key=KEY)
            assert answer.status == (503 if row.to == "full" else 200)


def test_a_connection_is_kept_but_where_a_row_says_otherwise(limited, full, locked):
    ports = {"limited": limited, "full": full, "locked": locked}
    for name, port in ports.items():
        with Client(port) as client:
            for row in ROWS:
                if row.to == name and row.keeps:
                    form = row.formats[0]
                    assert send(client, row.send(form), form, row.encodings[0]).status == row.status


def test_the_documentation_has_every_row():
    assert table() in (REPOSITORY / "docs/otlp.md").read_text()
