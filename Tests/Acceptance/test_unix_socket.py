"""The receiver on a Unix socket."""

import os
import signal
import socket
import stat
import subprocess

import pytest

from support import config
from support.certificates import Certificates
from support.collector import Collector
from support.making import body, trace_of
from support.outputs import json_lines, spans_of
from support.servers import PROTOBUF
from support.waiting import PATIENCE, wait_until


class OnSocket(Collector):
    """A collector that listens on no port."""

    def __init__(self, folder, path, receiver="", **parts):
        self.path = path
        self.file = folder / "config.yaml"
        self.spans = folder / "spans.jsonl"
        self.write(receiver, **parts)
        super().__init__("--config", self.file, port=0, cwd=folder)

    def write(self, receiver="", **parts):
        text = config.pipeline(0, {"file": config.file_exporter(self.spans)}, receiver=receiver, **parts)
        self.file.write_text(text.replace("endpoint: '127.0.0.1:0'", f"endpoint: '{self.path}', transport: unix"))

    def _is_up(self):
        assert self.process.poll() is None, f"the collector ended with {self.process.returncode}\n{self.stderr}"
        return "Everything is ready" in self.stderr

    def curl(self, *options, url="http://localhost/v1/traces", data=b""):
        """What curl says of the reply: its status, and its headers."""
        result = subprocess.run(
            ["curl", "-sS", "-D", "-", "-o", "/dev/null", "--max-time", str(PATIENCE), "--unix-socket", self.path]
            + ["-H", f"Content-Type: {PROTOBUF}", "--data-binary", "@-", *options, url],
            input=data,
            capture_output=True,
        )
        assert result.returncode == 0, result.stderr
        # Before the last one there may be `100 Continue`.
        head = result.stdout.decode().strip().split("\r\n\r\n")[-1].split("\r\n")
        return int(head[0].split()[1]), dict(line.split(": ", 1) for line in head[1:])

    def wait_for(self, count):
        return wait_until(
            lambda: len(found := spans_of(json_lines(self.spans))) >= count and found, f"{count} spans in the file"
        )


@pytest.fixture
def path(tmp_path_factory):
    # Such a path has 107 bytes at most.
    return str(tmp_path_factory.mktemp("s") / "otlp.sock")


def test_from_curl_to_the_file(tmp_path, path):
    with OnSocket(tmp_path, path) as running:
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o660
        assert running.listening() == set()
        spans, _ = trace_of(children=9_999, identity={"user.id": "ada"}, text="x" * 1000)
        assert running.curl(data=body(*spans))[0] == 200
        assert len(running.wait_for(10_000)) == 10_000
        assert running.curl(url="http://localhost/nowhere")[0] == 404
    assert not os.path.exists(path)


def test_tls_on_it(tmp_path, path):
    certificates = Certificates(tmp_path / "certificates")
    with OnSocket(tmp_path, path, certificates.settings(client_ca="ca")) as running:
        spans, _ = trace_of(identity={"user.id": "ada"})
        trust = ["--cacert", certificates.cert("ca")]
        shown = ["--cert", certificates.cert("client"), "--key", certificates.key("client")]
        assert running.curl(*trust, *shown, url="https://localhost/v1/traces", data=body(*spans))[0] == 200
        with pytest.raises(AssertionError):
            running.curl(*trust, url="https://localhost/v1/traces", data=body(*spans))
        assert len(running.wait_for(2)) == 2


def test_replies_have_the_configured_headers_and_may_be_the_last(tmp_path, path):
    receiver = "keep_alives_enabled: false, response_headers: {X-Served-By: 'heirloom 1'}"
    with OnSocket(tmp_path, path, receiver) as running:
        for options, status in [((), 200), (("-X", "PUT"), 405), (("-H", "Content-Encoding: br"), 415)]:
            found, headers = running.curl(*options)
            assert found == status
            assert headers["X-Served-By"] == "heirloom 1"
            assert headers["Connection"] == "close"


def test_what_a_killed_process_left_is_replaced_and_what_a_living_one_has_is_not(tmp_path, path):
    with OnSocket(tmp_path, path) as killed:
        killed.terminate(signal.SIGKILL)
        killed.wait()
    assert os.path.exists(path)
    with OnSocket(tmp_path, path) as running:
        other = tmp_path / "other"
        other.mkdir()
        with pytest.raises(AssertionError, match="Address already in use"):
            OnSocket(other, path)
        assert running.curl(data=body(*trace_of()[0]))[0] == 200


def test_a_reload_keeps_it_with_its_connections_and_changes_it_where_the_keys_have_changed(tmp_path, path):
    with OnSocket(tmp_path, path) as running:
        number = os.stat(path).st_ino
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(PATIENCE)
            client.connect(path)
            running.write(enduser="fallback_wait: 1s")
            running.reload()
            assert os.stat(path).st_ino == number
            client.sendall(b"GET /v1/traces HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.recv(65536).startswith(b"HTTP/1.1 405 ")
        running.write(receiver="response_headers: {X-New: 'yes'}")
        running.reload()
        assert running.curl()[1]["X-New"] == "yes"
