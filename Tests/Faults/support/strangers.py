"""Clients that mean harm, or know no better: mutated requests, broken HTTP, connections that are reset, slow, deaf or idle.
A process of its own, so that they take no time from the healthy senders' measurements: `python -m support.strangers SEED
IDLE SLOW PORT OTHER GRPC`. It ends with its standard input, and then prints what it saw as JSON.

What PORT and GRPC get is never acknowledged: its spans would be nobody's at the checking backend. OTHER may accept what it likes."""

import gzip
import json
import random
import re
import resource
import socket
import struct
import sys
import threading
import time
from collections import Counter
from pathlib import Path

from support.grpc_strangers import GRPCStrangers

FUZZING = Path(__file__).resolve().parents[2] / "Fuzzing"
HEAD = "POST /v1/traces HTTP/1.1\r\nHost: stranger\r\nContent-Type: application/x-protobuf\r\n"
# Field 0 with wire type 7: no protobuf message has it.
POISON = b"\x07"
# Seconds between two requests of each kind: they shall be in the way, not fill the machine's cores.
PAUSE = 0.02
# Bytes of a mutant: larger ones say nothing new and cost the strangers' own process its time.
LARGEST = 1 << 20


def corpus(name):
    files = [*(FUZZING / "corpus" / name).glob("*"), *(FUZZING / "cases" / name).glob("*")]
    if not files:
        raise SystemExit(f"{FUZZING} has no corpus/{name}: there is nothing to mutate")
    return [file.read_bytes() for file in sorted(files)]


def mutate(chance, entry, others):
    """A few of the changes that a fuzzer makes."""
    data = bytearray(entry)
    for _ in range(chance.randrange(4)):
        at = chance.randrange(len(data) + 1)
        kind = chance.randrange(6)
        if kind == 0 and at < len(data):
            data[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            data[at:at] = chance.randbytes(chance.randrange(1, 20))
        elif kind == 2:
            del data[at : at + chance.randrange(1, 200)]
        elif kind == 3:
            data[at:at] = data[at : at + chance.randrange(1, 2000)]
        elif kind == 4:
            other = chance.choice(others)
            data[at:] = other[chance.randrange(len(other) + 1) :]
        else:
            del data[at:]
    return bytes(data[:LARGEST])


class Strangers:
    def __init__(self, seed, port, other, grpc):
        self.seed, self.port, self.other, self.grpc = seed, port, other, grpc
        self.ends = threading.Event()
        self.counts, self.complaints = Counter(), []
        self._lock = threading.Lock()
        self.messages = corpus("index")
        self.compressed = corpus("inflate")
        self.rubbish = corpus("json") + corpus("configuration")

    def count(self, name):
        with self._lock:
            self.counts[name] += 1

    def complain(self, text):
        with self._lock:
            if len(self.complaints) < 10:
                self.complaints.append(text)

    def run(self, idle, slow):
        kinds = [self.replay, self.poison, self.break_http, self.reset, self.stay_deaf]
        kinds += [self.trickle] * slow + GRPCStrangers(self, self.grpc, POISON).kinds
        threads = [
            threading.Thread(target=self.again_and_again, args=(kind, number), daemon=True)
            for number, kind in enumerate(kinds)
        ]
        for thread in threads:
            thread.start()
        crowd = self.gather(idle)
        self.ends.wait()
        self.counts["idle connections kept"] = sum(map(is_open, crowd))
        for thread in threads:
            thread.join(10)

    def again_and_again(self, kind, number):
        chance = random.Random(self.seed * 1000 + number)
        while not self.ends.wait(PAUSE):
            try:
                kind(chance)
            except OSError:
                self.count("connections lost")

    # ---- Requests that are HTTP

    def exchange(self, port, body, encoding, allowed):
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            head = HEAD + (f"Content-Encoding: {encoding}\r\n" if encoding else "")
            connection.sendall(f"{head}Connection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            status = status_of(connection)
        self.count(status)
        if status not in allowed:
            self.complain(f"{status} for a body that begins with {body[:40].hex()}")

    def replay(self, chance):
        """What may be taken, and often is."""
        if chance.random() < 0.25:
            body, encoding = mutate(chance, chance.choice(self.compressed), self.compressed), "gzip"
        else:
            body = mutate(chance, chance.choice(self.messages + self.rubbish), self.messages)
            encoding = "gzip" if chance.random() < 0.5 else None
            body = gzip.compress(body, 1) if encoding else body
        self.exchange(self.other, body, encoding, (200, 400, 413, 503))

    def poison(self, chance):
        """Good to the last byte, or cut off where only its end tells."""
        body, encoding = chance.choice(self.messages) + POISON, None
        if chance.random() < 0.5:
            body, encoding = gzip.compress(body, 1), "gzip"
            if chance.random() < 0.5:
                body = body[: -chance.randrange(1, 9)]
        self.exchange(self.port, body, encoding, (400, 503))

    # ---- Bytes that are not, and connections that end badly

    def break_http(self, chance):
        rest = POISON + chance.randbytes(chance.randrange(2000))
        whole = f"{HEAD}Content-Length: {len(rest)}\r\n\r\n".encode() + rest
        data = chance.choice(
            [
                chance.randbytes(chance.randrange(1, 4000)),
                whole[: chance.randrange(len(whole))],
                f"{HEAD}Content-Length: {len(rest) + chance.randrange(1, 1 << 20)}\r\n\r\n".encode() + rest,
                f"{HEAD}Content-Length: {chance.randrange(1, len(rest) + 1)}\r\n\r\n".encode() + rest,
                f"{HEAD}Content-Length: {chance.choice((-1, 'x', 1 << 40, 1 << 70))}\r\n\r\n".encode() + rest,
                f"{HEAD}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n".encode() + rest,
                f"{HEAD}Transfer-Encoding: chunked\r\n\r\n{chance.choice(('zz', 'f' * 18, '-1'))}\r\n".encode(),
                f"{HEAD}X: {'x' * chance.choice((70_000, 1 << 20))}\r\n\r\n".encode(),
                (HEAD + "A: b\r\n" * 20_000 + "\r\n").encode(),
                b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + chance.randbytes(200),
                b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + chance.randbytes(50),
            ]
        )
        self.count("broken")
        port = chance.choice((self.port, self.other))
        with socket.create_connection(("127.0.0.1", port), timeout=0.2) as connection:
            connection.sendall(data)
            try:
                while connection.recv(65536):
                    pass
            except TimeoutError:
                pass  # it waits for more

    def reset(self, chance):
        """In the middle of a body, of which much has come."""
        length = chance.randrange(1, 1 << 20)
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            head = f"{HEAD}Content-Length: {length}\r\n\r\n".encode()
            connection.sendall(head + chance.randbytes(chance.randrange(length)))
        self.count("reset")

    def trickle(self, chance):
        """A byte now and then, of the headers or of a body that had begun well, until the server has had enough."""
        head = f"{HEAD}Content-Length: 300000\r\n".encode()
        text = head + b"X: " if chance.random() < 0.5 else head + b"\r\n" + POISON + bytes(200_000)
        stops = chance.random() < 0.3
        with socket.create_connection(("127.0.0.1", self.port), timeout=0.2) as connection:
            connection.sendall(text)
            begun = time.monotonic()
            status = None
            while status is None and not self.ends.is_set():
                if not stops:
                    connection.sendall(b"x")
                try:
                    status = status_of(connection)
                except TimeoutError:
                    pass
            if status is not None:
                self.count(f"slow: {status}")
                self.counts["slow, longest"] = max(self.counts["slow, longest"], round(time.monotonic() - begun, 1))

    def stay_deaf(self, chance):
        """Asks and asks, and never listens."""
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(1)
            connection.connect(("127.0.0.1", self.port))
            questions = b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n" * 1000
            while not self.ends.is_set():
                try:
                    connection.sendall(questions)
                except TimeoutError:
                    continue
                except OSError:
                    self.count("deaf, cut off")
                    return

    # ---- Connections that do nothing

    def gather(self, count):
        """Connections that stay open; half of them have sent a request."""
        crowd = []
        for number in range(count):
            if self.ends.is_set():
                break
            connection = socket.create_connection(("127.0.0.1", self.port), timeout=30)
            if number % 2:
                connection.sendall(f"{HEAD}Content-Length: 0\r\n\r\n".encode())
                status_of(connection)
            crowd.append(connection)
        self.counts["idle connections"] = len(crowd)
        print("gathered", flush=True)
        return crowd


def status_of(connection):
    """Of the next answer, which has come with its headers at least; 0 for an end without one."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            break
        data += piece
    found = re.match(rb"HTTP/1\.1 (\d{3})", data)
    return int(found[1]) if found else 0


def is_open(connection):
    connection.setblocking(False)
    try:
        return bool(connection.recv(1))
    except BlockingIOError:
        return True
    except OSError:
        return False


if __name__ == "__main__":
    seed, idle, slow, port, other, grpc = map(int, sys.argv[1:])
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    strangers = Strangers(seed, port, other, grpc)
    threading.Thread(target=lambda: (sys.stdin.buffer.read(), strangers.ends.set()), daemon=True).start()
    strangers.run(idle, slow)
    counts = {str(name): count for name, count in sorted(strangers.counts.items(), key=str)}
    print(json.dumps({"counts": counts, "complaints": strangers.complaints}), flush=True)
