"""OTLP/gRPC as a client may speak it: through grpcio where that will do, else frame by frame."""

import socket
import struct
from concurrent.futures import ThreadPoolExecutor

import grpc
from google.rpc.error_details_pb2 import RetryInfo
from grpc_status import rpc_status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from support.spans import places
from support.waiting import PATIENCE

TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
LOGS = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
METRICS = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"


class Calls:
    """One channel, whose messages are bytes: what is sent need not be protobuf."""

    def __init__(self, port, credentials=None):
        options = [
            ("grpc.max_send_message_length", -1),
            # Channels of one process to one address share a connection otherwise.
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.enable_http_proxy", 0),
        ]
        address = f"localhost:{port}" if credentials else f"127.0.0.1:{port}"
        self.channel = (
            grpc.secure_channel(address, credentials, options) if credentials else grpc.insecure_channel(address, options)
        )

    def send(self, message, method=TRACES, metadata=None, gzip=False, compression=None):
        """The reply, decoded; raises grpc.RpcError for any other status than OK."""
        compression = grpc.Compression.Gzip if gzip else compression
        reply = self.channel.unary_unary(method)(message, timeout=PATIENCE, metadata=metadata, compression=compression)
        return ExportTraceServiceResponse.FromString(reply)

    def refusal(self, message, code, **how):
        """What a call is told that must end with that code."""
        try:
            reply = self.send(message, **how)
        except grpc.RpcError as error:
            assert error.code() == code, f"{error.code()}: {error.details()}"
            assert error.details().strip(), "a refusal without a message"
            return error
        raise AssertionError(f"accepted: {reply}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.channel.close()


def retry_info(error):
    """The google.rpc.RetryInfo in a refusal's details; None without."""
    status = rpc_status.from_call(error)
    for detail in status.details if status else []:
        info = RetryInfo()
        if detail.Unpack(info):
            return info
    return None


class Recorder:
    """A server that keeps every trace request it gets, and passes it on to the collector, as far as grpcio understands it."""

    def __init__(self, collector_port):
        self.received = []
        self.encodings = []
        self.onward = Calls(collector_port)
        self.server = grpc.server(ThreadPoolExecutor(4))
        self.server.add_generic_rpc_handlers((self,))
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()

    def service(self, call):
        self.encodings.append(dict(call.invocation_metadata).get("grpc-encoding", "none"))
        return grpc.unary_unary_rpc_method_handler(lambda message, context: self._pass_on(call.method, message))

    def _pass_on(self, method, message):
        self.received.append(ExportTraceServiceRequest.FromString(message))
        return self.onward.send(message, method=method).SerializeToString()

    def traces(self, ids):
        """The spans of these traces."""
        return [place for message in list(self.received) for place in places(message) if place.trace in ids]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.stop(None).wait()
        self.onward.channel.close()


class Frames:
    """One HTTP/2 connection on which a test writes the frames of calls itself. Their headers come as they are: a reply is what
    has a message."""

    DATA, HEADERS, RESET, SETTINGS, PING, GOAWAY, WINDOW = 0, 1, 3, 4, 6, 7, 8
    END_STREAM, END_HEADERS, ACKNOWLEDGMENT = 1, 4, 1

    def __init__(self, port, patience=PATIENCE):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=patience)
        self.stream = -1
        self.window = 65535
        self.stream_window = self.initial_window = 65535
        try:
            self.socket.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            self.write(self.SETTINGS, 0, 0, b"")
        except OSError:
            self.socket.close()
            raise

    def write(self, kind, flags, stream, payload):
        self.socket.sendall(struct.pack("!I", len(payload))[1:] + struct.pack("!BBI", kind, flags, stream) + payload)

    def read(self):
        """The next frame, after doing what it asks for: kind, flags, stream, payload."""
        head = self._read(9)
        kind, flags, stream = struct.unpack("!BBI", head[3:])
        payload = self._read(int.from_bytes(head[:3], "big"))
        if kind == self.SETTINGS and not flags & self.ACKNOWLEDGMENT:
            for name, value in struct.iter_unpack("!HI", payload):
                if name == 4:
                    self.stream_window += value - self.initial_window
                    self.initial_window = value
            self.write(self.SETTINGS, self.ACKNOWLEDGMENT, 0, b"")
        elif kind == self.PING and not flags & self.ACKNOWLEDGMENT:
            self.write(self.PING, self.ACKNOWLEDGMENT, 0, payload)
        elif kind == self.WINDOW:
            if stream == 0:
                self.window += int.from_bytes(payload, "big")
            elif stream == self.stream:
                self.stream_window += int.from_bytes(payload, "big")
        return kind, flags, stream, payload

    def _read(self, count):
        data = b""
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                raise ConnectionError("the server closed the connection")
            data += piece
        return data

    def begin(self, method=TRACES, ends=False, encoding="identity"):
        """A call, without anything of its message; with `ends` there will be none."""
        self.stream += 2
        self.stream_window = self.initial_window
        fields = {":path": method, ":authority": "localhost", "content-type": "application/grpc", "te": "trailers"}
        fields["grpc-encoding"] = encoding
        block = bytes([0x83, 0x86])  # POST, http
        for name, value in fields.items():
            block += b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()
        self.write(self.HEADERS, self.END_HEADERS | (self.END_STREAM if ends else 0), self.stream, block)

    def send(self, data, ends=False):
        """A part of the message, which begins with `prefix()`, as the server lets us."""
        rest = memoryview(data)
        while True:
            while rest and min(self.window, self.stream_window) <= 0:
                self.read()
            count = min(len(rest), 16384, self.window, self.stream_window)
            last = count == len(rest)
            self.write(self.DATA, self.END_STREAM if ends and last else 0, self.stream, bytes(rest[:count]))
            self.window -= count
            self.stream_window -= count
            rest = rest[count:]
            if not rest:
                return

    @staticmethod
    def prefix(size, compressed=False):
        return struct.pack("!BI", compressed, size)

    def answer(self):
        """The message that answers; None when the call ends without one."""
        data = b""
        while True:
            kind, flags, stream, payload = self.read()
            if stream != self.stream:
                continue
            if kind == self.DATA:
                data += payload
            if kind == self.RESET or kind in (self.DATA, self.HEADERS) and flags & self.END_STREAM:
                return data[5:] if len(data) >= 5 else None

    def call(self, message):
        self.begin()
        self.send(self.prefix(len(message)) + message, ends=True)
        return self.answer()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
