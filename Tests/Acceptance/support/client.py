"""HTTP as a client may speak it: through http.client where that will do, else byte by byte."""

import gzip
import http.client
import socket
from dataclasses import dataclass

from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from support.servers import PROTOBUF
from support.waiting import PATIENCE

PATH = "/v1/traces"
INVALID_ARGUMENT, UNAVAILABLE = 3, 14


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def response(self):
        """What a 200 says."""
        assert self.status == 200, f"{self.status} {self.body}"
        assert self.headers["Content-Type"] == PROTOBUF
        return ExportTraceServiceResponse.FromString(self.body)

    def error(self, status):
        """The google.rpc.Status of a refusal, which must have this HTTP status and something to say."""
        assert self.status == status, f"{self.status} {self.body}"
        assert self.headers["Content-Type"] == PROTOBUF
        error = Status.FromString(self.body)
        assert error.message.strip(), "a refusal without a message"
        return error


class Client:
    """One connection, over TLS when there is a context for it. Fails, rather than opening another, when the server has
    closed it."""

    def __init__(self, port, context=None):
        if context:
            self.connection = http.client.HTTPSConnection("localhost", port, timeout=PATIENCE, context=context)
        else:
            self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self.connection.connect()
        self.connection.auto_open = False

    def send(self, body, method="POST", path=PATH, **headers):
        """Sends a request; headers are given with `_` for `-`, and None to leave one out."""
        fields = {"Content-Type": PROTOBUF}
        fields |= {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request(method, path, body, {k: v for k, v in fields.items() if v is not None})
        return self.answer(self.connection.getresponse())

    def send_gzip(self, body, **headers):
        return self.send(gzip.compress(body), Content_Encoding="gzip", **headers)

    @staticmethod
    def answer(response):
        return Answer(response.status, response.headers, response.read())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()


class Wire:
    """One connection on which a test writes the bytes itself."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)

    def write(self, data):
        self.socket.sendall(data)

    def head(self, *lines, method="POST"):
        self.write("\r\n".join([f"{method} {PATH} HTTP/1.1", "Host: localhost", *lines, "", ""]).encode())

    def read(self):
        """The next answer, be it only `100 Continue`."""
        # http.client swallows those: look at the status line before giving it the rest.
        line = b""
        while b"\r\n" not in line:
            line = self.socket.recv(65536, socket.MSG_PEEK)
            assert line, "the server closed the connection"
        if line.startswith(b"HTTP/1.1 100 "):
            interim = b""
            while not interim.endswith(b"\r\n\r\n"):
                interim += self.socket.recv(1)
            return Answer(100, http.client.HTTPMessage(), b"")
        response = http.client.HTTPResponse(self.socket)
        response.begin()
        return Client.answer(response)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
