"""What strangers do to an OTLP/gRPC port: frames that are none, calls that end badly or never, floods of what HTTP/2 allows."""

import socket
import struct
import time

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RESET, SETTINGS, PING, CONTINUATION = 0, 1, 3, 4, 6, 9
END_STREAM, END_HEADERS = 1, 4


def frame(kind, flags, stream, payload=b""):
    return struct.pack("!I", len(payload))[1:] + struct.pack("!BBI", kind, flags, stream) + payload


def call_headers(path=b"/opentelemetry.proto.collector.trace.v1.TraceService/Export"):
    block = b"\x83\x86"  # POST, http
    for name, value in ((b":path", path), (b":authority", b"x"), (b"content-type", b"application/grpc"), (b"te", b"trailers")):
        block += b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value
    return block


def message(body):
    return struct.pack("!BI", 0, len(body)) + body


class GRPCStrangers:
    """Their kinds, for `Strangers.again_and_again`. Nothing that they send may be taken."""

    def __init__(self, strangers, port, poison):
        self.strangers, self.port, self.poison = strangers, port, poison
        self.kinds = [self.refuse, self.break_frames, self.give_up, self.flood, self.stall, self.stall]

    def connect(self, timeout=0.5):
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=timeout)
        connection.sendall(PREFACE + frame(SETTINGS, 0, 0))
        return connection

    def refuse(self, chance):
        """Calls that are all right but for the message; none may be answered with one."""
        with self.connect(timeout=30) as connection:
            for stream in range(1, 2 * chance.randrange(2, 20), 2):
                body = message(chance.choice(self.strangers.messages)[: 1 << 15] + self.poison)
                connection.sendall(frame(HEADERS, END_HEADERS, stream, call_headers()))
                for start in range(0, len(body), 16384):
                    piece = body[start : start + 16384]
                    connection.sendall(frame(DATA, END_STREAM if start + 16384 >= len(body) else 0, stream, piece))
                if self.is_answered(connection, stream):
                    self.strangers.complain(f"gRPC: taken, a message that ends with {body[-20:].hex()}")
                self.strangers.count("gRPC: refused")

    def is_answered(self, connection, wanted):
        while True:
            head = self.read(connection, 9)
            kind, flags, stream = struct.unpack("!BBI", head[3:])
            payload = self.read(connection, int.from_bytes(head[:3], "big"))
            if kind == SETTINGS and not flags & 1:
                connection.sendall(frame(SETTINGS, 1, 0))
            elif kind == PING and not flags & 1:
                connection.sendall(frame(PING, 1, 0, payload))
            elif stream == wanted and kind == DATA:
                return True
            elif stream == wanted and (kind == RESET or kind == HEADERS and flags & END_STREAM):
                return False

    @staticmethod
    def read(connection, count):
        data = b""
        while len(data) < count:
            piece = connection.recv(count - len(data))
            if not piece:
                raise ConnectionResetError("closed")
            data += piece
        return data

    def break_frames(self, chance):
        headers = call_headers(b"/" + chance.randbytes(chance.randrange(100)))
        data = chance.choice(
            [
                chance.randbytes(chance.randrange(1, 4000)),
                b"POST /v1/traces HTTP/1.1\r\nHost: x\r\n\r\n",
                b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + chance.randbytes(200),
                PREFACE + chance.randbytes(chance.randrange(500)),
                PREFACE + frame(SETTINGS, 0, 0) + frame(chance.randrange(12), chance.randrange(256), 1, chance.randbytes(60)),
                PREFACE + frame(SETTINGS, 0, 0) + frame(HEADERS, 5, 1, chance.randbytes(200)),
                PREFACE + frame(SETTINGS, 0, 0) + frame(HEADERS, 5, 1, headers),
                PREFACE + frame(SETTINGS, 0, 0) + b"\xff\xff\xff" + frame(DATA, 0, 1)[3:],
                PREFACE + frame(SETTINGS, 0, 0) + frame(HEADERS, 4, 1, call_headers()) + frame(DATA, 1, 1, b"\1\xff\xff\xff\xff"),
            ]
        )
        self.strangers.count("gRPC: broken")
        with socket.create_connection(("127.0.0.1", self.port), timeout=0.2) as connection:
            connection.sendall(data)
            self.drain(connection)

    def give_up(self, chance):
        """Many calls, each reset as soon as it has begun."""
        with self.connect() as connection:
            for number in range(200):
                stream = 2 * number + 1
                connection.sendall(
                    frame(HEADERS, END_HEADERS, stream, call_headers())
                    + frame(DATA, 0, stream, message(bytes(1000))[: chance.randrange(1000)])
                    + frame(RESET, 0, stream, b"\0\0\0\x08")
                )
            self.strangers.count("gRPC: given up")

    def flood(self, chance):
        with self.connect() as connection:
            kind = chance.randrange(3)
            for _ in range(500):
                if kind == 0:
                    connection.sendall(frame(PING, 0, 0, bytes(8)))
                elif kind == 1:
                    connection.sendall(frame(SETTINGS, 0, 0, b"\0\4\0\0\xff\xff"))
                else:
                    connection.sendall(frame(HEADERS, 0, 1, b"") + frame(CONTINUATION, 0, 1, bytes(16000)))
            self.strangers.count("gRPC: flooded")
            self.drain(connection)

    def stall(self, chance):
        """The beginning of a long message, and then nothing for seconds."""
        with self.connect() as connection:
            connection.sendall(frame(HEADERS, END_HEADERS, 1, call_headers()))
            connection.sendall(frame(DATA, 0, 1, message(bytes(1 << 20))[:16384]) * 3)
            self.strangers.count("gRPC: stalled")
            self.strangers.ends.wait(chance.random() * 5)

    @staticmethod
    def drain(connection):
        until = time.monotonic() + 1
        try:
            while connection.recv(65536) and time.monotonic() < until:
                pass
        except TimeoutError:
            pass  # it waits for more
