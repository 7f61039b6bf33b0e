"""HTTP servers on loopback that keep every request they get: a backend behind the collector, a recorder before it."""

import ctypes
import gzip
import http.client
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from support import otlpjson
from support.spans import places
from support.waiting import PATIENCE, wait_until

PROTOBUF = "application/x-protobuf"
JSON = "application/json"


@dataclass(frozen=True)
class Received:
    """One request as it came: `headers` by lower-case name, `body` as sent, `message` what that body says."""

    method: str
    path: str
    headers: dict
    body: bytes
    connection: tuple
    message: ExportTraceServiceRequest = field(compare=False)

    @property
    def places(self):
        return places(self.message)


@dataclass(frozen=True)
class Reply:
    status: int = 200
    body: bytes = ExportTraceServiceResponse().SerializeToString()
    headers: tuple = (("Content-Type", PROTOBUF),)


def unzstd(frame):
    """What a frame of zstd holds, by the library itself: Python has none."""
    library = ctypes.CDLL("libzstd.so.1")
    library.ZSTD_getFrameContentSize.restype = ctypes.c_ulonglong
    library.ZSTD_decompress.restype = ctypes.c_size_t
    room = ctypes.create_string_buffer(library.ZSTD_getFrameContentSize(frame, ctypes.c_size_t(len(frame))))
    size = library.ZSTD_decompress(room, ctypes.c_size_t(len(room)), frame, ctypes.c_size_t(len(frame)))
    assert size == len(room), "no frame of zstd"
    return room.raw


def decoded(path, headers, body):
    """The message of a trace request; an empty one for what was sent elsewhere."""
    unpack = {"gzip": gzip.decompress, "zstd": unzstd, "identity": bytes}[headers.get("content-encoding", "identity")]
    body = unpack(body)
    if not path.endswith("/v1/traces"):
        return ExportTraceServiceRequest()
    if headers.get("content-type", PROTOBUF) == JSON:
        return otlpjson.parse(body)
    return ExportTraceServiceRequest.FromString(body)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = PATIENCE
    disable_nagle_algorithm = True

    def do_POST(self):
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers["content-length"]))
        reply = self.server.reply_to(self.command, self.path, headers, body, self.client_address)
        self.send_response(reply.status)
        for name, value in reply.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, *_):
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port=0):
        super().__init__(("127.0.0.1", port), _Handler)
        self.received = []

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def spans(self):
        """Every span of every request that was accepted so far."""
        return [place for request in list(self.received) for place in request.places]

    def traces(self, ids):
        return [place for place in self.spans if place.trace in ids]

    def handle_error(self, request, client_address):
        """A client that goes away in the middle is the client's affair."""


class Backend(_Server):
    """An OTLP/HTTP backend. `answers` holds replies for the next requests, which are then `refused`; after that `judge` says
    what a request gets, and all is well unless it says otherwise. While `open` is not set no request gets an answer."""

    def __init__(self, port=0):
        super().__init__(port)
        self.answers = []
        self.refused = []
        self.judge = lambda request: None
        self.open = threading.Event()
        self.open.set()
        self.waiting = 0
        self.lock = threading.Lock()

    def reply_to(self, method, path, headers, body, connection):
        with self.lock:
            self.waiting += 1
        self.open.wait()
        with self.lock:
            self.waiting -= 1
            request = Received(method, path, headers, body, connection, decoded(path, headers, body))
            reply = self.answers.pop(0) if self.answers else self.judge(request) or Reply()
            (self.received if reply.status == 200 else self.refused).append(request)
        return reply

    def wait_for(self, count, ids=None, distinct=False):
        """The spans (of these traces), once there are that many; `distinct` counts one that comes twice, as after a kill,
        once, and leaves the second out."""

        def found():
            spans = self.spans if ids is None else self.traces(ids)
            return list({place.key: place for place in spans}.values()) if distinct else spans

        return wait_until(
            lambda: (spans := found()) if len(found()) >= count else None,
            lambda: f"{count} spans at the backend, of which {len(found())} came",
        )


class Recorder(_Server):
    """Stands between an application and the collector: passes everything on, both ways, and keeps what was said."""

    def __init__(self, collector_port):
        super().__init__()
        self.collector_port = collector_port
        self.lock = threading.Lock()

    def reply_to(self, method, path, headers, body, connection):
        upstream = http.client.HTTPConnection("127.0.0.1", self.collector_port, timeout=PATIENCE)
        try:
            upstream.request(method, path, body, {k: v for k, v in headers.items() if k not in ("host", "connection")})
            answer = upstream.getresponse()
            content = answer.read()
        finally:
            upstream.close()
        with self.lock:
            if answer.status == 200:
                self.received.append(Received(method, path, headers, body, connection, decoded(path, headers, body)))
        kept = [(name, answer.headers[name]) for name in ("Content-Type", "Retry-After") if name in answer.headers]
        return Reply(answer.status, content, tuple(kept))


@contextmanager
def serving(server):
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
