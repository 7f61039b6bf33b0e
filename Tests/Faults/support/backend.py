"""The backend behind the collector: records on the board which spans arrived, and misbehaves as the board's switches
say. A process of its own, so that recording takes no time from sending: `python -m support.backend BOARD RUN PORT`. It
ends with its standard input."""

import os
import random
import re
import socket
import struct
import sys
import threading
import time
import zlib

from support.board import TRACES, Board
from support.spans import Faulty, Plan, known, spans_in, user_field

REFUSALS = (429, 502, 503, 504)
# ExportTraceServiceResponse with a partial success that says "look out" and rejects no span.
WARNING = b"\x0a\x0a\x12\x08look out"
PIECE = 1 << 18


class Backend:
    def __init__(self, board, run, port):
        self.board, self.run, self.port = board, run, port
        self._lock = threading.Lock()
        self._connections = set()
        self._expected = {}

    def serve(self):
        listener = None
        while True:
            if self.board.down:
                if listener:
                    listener.close()
                    listener = None
                    self._hang_up()
                time.sleep(0.02)
                continue
            if not listener:
                listener = self._listen()
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            connection.settimeout(60)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self.board.connections += 1
                self._connections.add(connection)
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _listen(self):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(64)
        listener.settimeout(0.05)
        return listener

    def _hang_up(self):
        with self._lock:
            for connection in self._connections:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # it ended by itself

    def _talk(self, connection):
        try:
            pending = b""
            while True:
                pending = self._serve_request(connection, pending)
                if pending is None:
                    return
        except OSError:
            pass  # the collector was killed, or hung up
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()

    def _serve_request(self, connection, pending):
        """Reads and answers one request; returns what was read beyond it, or None when the connection is at its end."""
        while b"\r\n\r\n" not in pending:
            piece = connection.recv(PIECE)
            if not piece:
                return None
            pending += piece
        head, _, begun = pending.partition(b"\r\n\r\n")
        head = head.lower()
        length = int(re.search(rb"\r\ncontent-length: *(\d+)", head)[1])
        if b"\r\nexpect: 100-continue" in head:
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

        board = self.board
        resets = random.randrange(100) < board.reset_percent
        body = bytearray(begun)
        while len(body) < (length // 2 if resets else length):
            piece = connection.recv(PIECE)
            if not piece:
                return None
            body += piece
        if resets:
            with self._lock:
                board.reset += 1
            # Closing without lingering sends RST.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return None

        if board.slow_milliseconds:
            time.sleep(random.random() * board.slow_milliseconds / 1000)
        extra, answer = b"", b""
        if random.randrange(100) < board.refuse_percent:
            status = random.choice(REFUSALS)
            if random.random() < 0.5:
                extra = b"Retry-After: %d\r\n" % board.retry_after
            with self._lock:
                board.refused += 1
        else:
            content = bytes(body[:length])
            if b"\r\ncontent-encoding: gzip" in head:
                content = zlib.decompress(content, 31)
            status = 200 if self._record(content) else 400
            if random.randrange(100) < board.partial_percent:
                answer = WARNING
        connection.sendall(
            b"HTTP/1.1 %d Answer\r\nContent-Type: application/x-protobuf\r\n%bContent-Length: %d\r\n\r\n%b"
            % (status, extra, len(answer), answer)
        )
        return bytes(body[length:])

    def _record(self, request):
        """False when this is no trace request."""
        board, run = self.board, self.run
        try:
            spans = list(spans_in(request))
        except Faulty as fault:
            print(f"backend: {fault}", file=sys.stderr)
            with self._lock:
                board.unreadable += 1
            return False
        arrivals, foreign, harmed = [], 0, 0
        for span in spans:
            try:
                found = known(run, span)
            except Faulty:
                harmed += 1
                continue
            if not found or found[0] >= TRACES:
                foreign += 1
                continue
            trace, index, added = found
            arrivals.append((trace, 1 << index, added != self._user_field(trace)))
        duplicates = 0
        arrived, misnamed = board.arrived, board.misnamed
        with self._lock:
            for trace, bit, wrong in arrivals:
                before = arrived[trace]
                if before & bit:
                    duplicates += 1
                else:
                    arrived[trace] = before | bit
                if wrong:
                    misnamed[trace] |= bit
            board.duplicates += duplicates
            board.foreign += foreign
            board.harmed += harmed
            board.spans += len(spans)
            board.requests += 1
        return True

    def _user_field(self, trace):
        """What a span of this trace ends with: its spans often come together."""
        known = self._expected.get(trace)
        if known is None:
            if len(self._expected) > 100_000:
                self._expected.clear()
            known = self._expected[trace] = user_field(Plan(trace).user)
        return known


def _end_with_input():
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    path, run, port = sys.argv[1:]
    threading.Thread(target=_end_with_input, daemon=True).start()
    Backend(Board(path), bytes.fromhex(run), int(port)).serve()
