"""The senders before the collector: they send traces as several processes would, and remember every span for which they
got a 200. A request that was not answered, or was refused for now, is sent again until it is acknowledged."""

import heapq
import mmap
import random
import re
import socket
import threading
import time
from collections import Counter

from support.board import TRACES
from support.spans import Plan, SpanMaker

HEAD = (
    "POST /v1/traces HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-protobuf\r\n"
    "Content-Length: {}\r\n\r\n"
)


class Ledger:
    """By trace: a bit for each span that was sent, one for each that was acknowledged, and two times (monotonic
    seconds): when it was first tried to send some of the trace, and when its root was acknowledged."""

    def __init__(self):
        # Anonymous memory comes when it is touched, so all traces that there may ever be can have a place.
        self.sent = memoryview(mmap.mmap(-1, TRACES * 4)).cast("I")
        self.acknowledged = memoryview(mmap.mmap(-1, TRACES * 4)).cast("I")
        self.first_tried = memoryview(mmap.mmap(-1, TRACES * 8)).cast("d")
        self.root_acknowledged = memoryview(mmap.mmap(-1, TRACES * 8)).cast("d")
        self.traces = 0


class Traffic:
    """What is sent, and when: the children of a trace in one or two requests, its root later in another one, and
    sometimes a child after the root. Some roots come `late_root` seconds later, some never."""

    def __init__(self, ledger, late_root, seed):
        self.ledger, self.late_root = ledger, late_root
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        # What is planned: (due, trace, first span, end).
        self._planned = []
        self._last = False

    def take(self, spans):
        """Parts for a request of about so many spans: what is due, and new traces; None when that was all."""
        parts, now = [], time.monotonic()
        with self._lock:
            while spans > 0:
                if self._planned and (self._last or self._planned[0][0] <= now):
                    _, *part = heapq.heappop(self._planned)
                elif self._last:
                    break
                else:
                    part = self._begin(now)
                parts.append(part)
                spans -= part[2] - part[1]
        return parts or None

    def _begin(self, now):
        """Plans a new trace; returns the part that is due now."""
        trace = self.ledger.traces
        if trace == TRACES:
            raise RuntimeError("more traces than the board has places for")
        self.ledger.traces += 1
        plan, chance = Plan(trace), self._random.random
        end, root = plan.count, now + chance() * 0.6
        if plan.late_root:
            root = now + self.late_root * (0.5 + chance() / 2)
        if plan.late_child:
            end -= 1
            heapq.heappush(self._planned, (root + chance() * 0.5, trace, end, plan.count))
        middle = 2 + int(chance() * (end - 2))
        if middle < end:
            heapq.heappush(self._planned, (now + chance() * 0.3, trace, middle, end))
        if not plan.rootless:
            heapq.heappush(self._planned, (root, trace, 0, 1))
        return trace, 1, middle

    def finish(self):
        """From now on nothing new begins, and what is planned is due."""
        with self._lock:
            self._last = True


class Load:
    """Senders in threads, `rate` spans a second together (None: as many as the collector takes)."""

    def __init__(
        self, port, run, rate, senders=4, request_spans=200, span_bytes=300, late_root=3.0, seed=1, usage=False
    ):
        self.port, self.rate, self.request_spans = port, rate, request_spans
        self.ledger = Ledger()
        self.traffic = Traffic(self.ledger, late_root, seed)
        self.maker = SpanMaker(run, span_bytes, usage)
        # Answers by status, and how connections failed: `not connected`, `broken` (after the request was begun).
        self.counts = Counter()
        # The first request that each other answer than 200, 429 and 503 was given to.
        self.complaints = []
        # Called with the parts of each acknowledged request, where a script wants to know.
        self.observer = None
        self._pace, self._next = threading.Lock(), time.monotonic()
        self._counting = threading.Lock()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(n,), daemon=True) for n in range(senders)]

    def start(self):
        for thread in self._threads:
            thread.start()
        return self

    def finish(self, patience=60):
        """Sends the roots that are still owed, and waits until everything is acknowledged; False if that takes too
        long."""
        self.rate = None
        self.traffic.finish()
        deadline = time.monotonic() + patience
        for thread in self._threads:
            thread.join(max(0, deadline - time.monotonic()))
        done = not any(thread.is_alive() for thread in self._threads)
        self.stop()
        return done

    def stop(self):
        """Gives up what was not acknowledged."""
        self._stop.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(10)

    def _wait_for_turn(self, spans):
        rate = self.rate
        if not rate:
            return
        with self._pace:
            now = time.monotonic()
            # What was missed longer than this ago is not made up for.
            turn = max(self._next, now - 0.2)
            self._next = turn + spans / rate
        if turn > now:
            self._stop.wait(turn - now)

    def _send(self, number):
        connection = _Connection(self.port)
        service = f"service-{number}"
        while not self._stop.is_set():
            self._wait_for_turn(self.request_spans)
            parts = self.traffic.take(self.request_spans)
            if parts is None:
                break
            body = self.maker.request(service, parts)
            now, ledger = time.monotonic(), self.ledger
            for trace, first, end in parts:
                ledger.sent[trace] |= (1 << end) - (1 << first)
                if not ledger.first_tried[trace]:
                    ledger.first_tried[trace] = now
            if self._until_acknowledged(connection, body):
                now = time.monotonic()
                for trace, first, end in parts:
                    # Two senders may have spans of the same trace.
                    with self._counting:
                        ledger.acknowledged[trace] |= (1 << end) - (1 << first)
                    if first == 0:
                        ledger.root_acknowledged[trace] = now
                if self.observer:
                    self.observer(parts)
        connection.close()

    def _until_acknowledged(self, connection, body):
        while not self._stop.is_set():
            try:
                status, head, answer = connection.post(body)
            except NotConnected:
                self._count("not connected")
                self._stop.wait(0.02)
                continue
            except OSError:
                self._count("broken")
                connection.close()
                self._stop.wait(0.02)
                continue
            self._count(status)
            if status == 200:
                if answer:
                    self._complain(f"200 with {answer!r}")
                return True
            if status not in (429, 503):
                self._complain(f"{status} with {answer!r}")
                return False
            told = re.search(rb"\r\nretry-after: *(\d+)", head)
            if not told:
                self._count("refused without Retry-After")
            # Not all at the same moment.
            self._stop.wait((int(told[1]) if told else 1) * random.uniform(0.8, 1.1))
        return False

    def _count(self, name):
        with self._counting:
            self.counts[name] += 1

    def _complain(self, text):
        with self._counting:
            if len(self.complaints) < 10:
                self.complaints.append(text)


class NotConnected(OSError):
    """Nobody takes the connection."""


class _Connection:
    """HTTP/1.1 with keep-alive, and no more of it than a sender needs."""

    def __init__(self, port):
        self.port, self.socket = port, None

    def post(self, body):
        """The status, the head in lower case and the body of the answer."""
        if not self.socket:
            try:
                self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=30)
            except OSError as error:
                raise NotConnected(str(error)) from None
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(HEAD.format(len(body)).encode() + body)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self._receive()
        head, _, content = answer.partition(b"\r\n\r\n")
        head = head.lower()
        length = re.search(rb"\r\ncontent-length: *(\d+)", head)
        while len(content) < (int(length[1]) if length else 0):
            content += self._receive()
        if b"\r\nconnection: close" in head:
            self.close()
        return int(head[9:12]), head, content

    def _receive(self):
        piece = self.socket.recv(65536)
        if not piece:
            raise ConnectionError("closed before the answer")
        return piece

    def close(self):
        if self.socket:
            self.socket.close()
            self.socket = None
