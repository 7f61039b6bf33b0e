"""Spans that prove themselves. Everything about a span follows from its number: which trace it belongs to, which end
user that trace has, and, by a checksum that travels in the span, whether its bytes are as they were sent. So neither
side keeps spans, and both are fast enough to keep a collector busy: spans are put together from prepared bytes, not as
objects."""

import random
from zlib import crc32

# A trace's spans have numbers from SPANS_PER_TRACE * trace on; the first is its root.
SPANS_PER_TRACE = 32
FEWEST, MOST = 3, 16
MASK = (1 << 64) - 1
# Odd numbers, so that multiplying by them can be undone: ids look random, and tell the number they were made from.
TRACE_FACTOR, SPAN_FACTOR = 0x9E3779B97F4A7C15, 0xD1B54A32D192ED03
SPAN_INVERSE = pow(SPAN_FACTOR, -1, 1 << 64)

# Where things are in a span: its two ids, then the attribute `check`, which holds a checksum of the ids and of the
# rest, and the rest's length; then the rest. What stands behind that was not there when the checksum was made.
TRACE_ID, SPAN_ID = slice(2, 18), slice(20, 28)
CHECK_FIELD = b"\x4a\x11\x0a\x05check\x12\x08\x3a\x06"
CHECKSUM, REST_LENGTH, REST = slice(41, 45), slice(45, 47), 47


def varint(number):
    result = bytearray()
    while number > 127:
        result.append(number & 127 | 128)
        number >>= 7
    result.append(number)
    return bytes(result)


def field(number, content):
    """A field of bytes, text or a message."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def attribute(key, value):
    """A span's attribute, a text or a whole number that is not negative."""
    content = bytes([3 << 3]) + varint(value) if isinstance(value, int) else field(1, value.encode())
    return field(9, field(1, key.encode()) + field(2, content))


class Plan:
    """What is true of a trace."""

    __slots__ = ("count", "rootless", "late_root", "late_child", "user")

    def __init__(self, trace):
        mixed = (trace * TRACE_FACTOR & MASK) >> 24
        self.count = FEWEST + mixed % (MOST - FEWEST + 1)
        chance = mixed >> 8
        self.rootless = chance % 100 < 3
        self.late_root = chance // 100 % 100 < 6
        self.late_child = chance // 10_000 % 100 < 10
        # An anonymous trace has a root that names nobody; a rootless one has nobody to ask.
        anonymous = self.rootless or chance // 1_000_000 % 100 < 10
        self.user = None if anonymous else f"user-{chance % 9973}"


def user_field(user):
    return attribute("enduser.id", user) if user else b""


class SpanMaker:
    """Makes the bytes of spans. `run` tells the traces of one run from those of another; `size` is about how many bytes
    a span has; with `usage` each tells of tokens."""

    def __init__(self, run, size=300, usage=False):
        self.run = run
        generator = random.Random(run)
        figures = [(generator.randrange(1, 9999), generator.randrange(1, 999)) for _ in range(251)]
        self._usage = figures if usage else [None] * len(figures)
        self._rests = [self._rest(generator, size, usage) for usage in self._usage]

    def tokens(self, trace, index):
        """What a span tells: tokens in and out."""
        return self._usage[(trace * SPANS_PER_TRACE + index + 1) % len(self._usage)]

    @staticmethod
    def _rest(generator, size, usage):
        start = 1_700_000_000_000_000_000 + generator.randrange(1 << 40)
        name = generator.choice(("chat", "search", "tool.call", "embeddings", "answer"))
        result = field(5, name.encode()) + bytes([6 << 3, generator.randrange(1, 6)])
        for number, time in ((7, start), (8, start + generator.randrange(1 << 30))):
            result += bytes([number << 3 | 1]) + time.to_bytes(8, "little")
        result += attribute("gen_ai.system", "check")
        for name, tokens in zip(("input_tokens", "output_tokens"), usage or ()):
            result += attribute(f"gen_ai.usage.{name}", tokens)
        vocabulary = ("an", "owl", "über", "carries", "each", "letter")
        words = " ".join(generator.choice(vocabulary) for _ in range(size // 4))
        length = max(8, int(size * generator.uniform(0.6, 1.4)) - 140)
        return result + attribute("gen_ai.prompt", words.encode()[:length].decode(errors="ignore"))

    def trace_id(self, trace):
        return self.run + (trace * TRACE_FACTOR & MASK).to_bytes(8, "big")

    @staticmethod
    def span_id(trace, index):
        return ((trace * SPANS_PER_TRACE + index + 1) * SPAN_FACTOR & MASK).to_bytes(8, "big")

    def append(self, out, trace, first, end):
        """Appends these spans of a trace to a list, as fields of a ScopeSpans; returns their bytes."""
        trace_id = self.trace_id(trace)
        head = b"\x0a\x10" + trace_id + b"\x12\x08"
        parent = b"\x22\x08" + self.span_id(trace, 0)
        rests = self._rests
        total = 0
        for index in range(first, end):
            number = trace * SPANS_PER_TRACE + index + 1
            span_id = (number * SPAN_FACTOR & MASK).to_bytes(8, "big")
            rest = rests[number % len(rests)]
            if index:
                rest = parent + rest
            checksum = crc32(rest, crc32(trace_id + span_id))
            tail = b"" if index else user_field(Plan(trace).user)
            span = b"".join(
                (head, span_id, CHECK_FIELD, checksum.to_bytes(4, "big"), len(rest).to_bytes(2, "big"), rest, tail)
            )
            span = b"\x12" + varint(len(span)) + span
            total += len(span)
            out.append(span)
        return total

    def request(self, service, parts):
        """A trace request: `parts` are (trace, first, end)."""
        spans = []
        length = sum(self.append(spans, *part) for part in parts)
        resource = field(1, field(1, field(1, b"service.name") + field(2, field(1, service.encode()))))
        scope = b"\x0a\x08\x0a\x06faults"
        inside = resource + b"\x12" + varint(len(scope) + length) + scope
        return b"".join((b"\x0a", varint(len(inside) + length), inside, *spans))


class Faulty(Exception):
    """Bytes that are not the trace request of a collector."""


def _length(data, position, end):
    """The length at this position, and where what it measures begins."""
    result = shift = 0
    while True:
        if position >= end or shift > 28:
            raise Faulty("a length that does not end")
        byte = data[position]
        position += 1
        result |= (byte & 127) << shift
        if byte < 128:
            break
        shift += 7
    if position + result > end:
        raise Faulty("a field longer than what it stands in")
    return result, position


def _children(data, position, end, tag):
    """The places of the submessages with this tag; the others, which are submessages or texts too, are stepped over."""
    while position < end:
        found = data[position]
        if found & 7 != 2 or found > 127:
            raise Faulty(f"an unexpected field {found:#x}")
        length, position = _length(data, position + 1, end)
        if found == tag:
            yield position, position + length
        position += length


def spans_in(request):
    """The spans of a trace request, as bytes."""
    for resource_spans in _children(request, 0, len(request), 0x0A):
        for scope_spans in _children(request, *resource_spans, 0x12):
            position, end = scope_spans
            while position < end:
                found = request[position]
                if found & 7 != 2:
                    raise Faulty(f"an unexpected field {found:#x}")
                length, position = _length(request, position + 1, end)
                if found == 0x12:
                    yield request[position : position + length]
                position += length


def place_of(span_id):
    """The trace and the index that a span id was made from."""
    return divmod((int.from_bytes(span_id, "big") * SPAN_INVERSE & MASK) - 1, SPANS_PER_TRACE)


def known(run, span):
    """The trace and the index of a span that a `SpanMaker` of this run made, and what was added behind it; None for a
    span with ids that it does not make; a span that was harmed is told by `Faulty`."""
    span_id = span[SPAN_ID]
    trace, index = place_of(span_id)
    trace_id = span[TRACE_ID]
    if trace_id != run + (trace * TRACE_FACTOR & MASK).to_bytes(8, "big") or index >= MOST:
        return None
    end = REST + int.from_bytes(span[REST_LENGTH], "big")
    if span[28:41] != CHECK_FIELD or end > len(span):
        raise Faulty("a span without its checksum")
    if crc32(span[REST:end], crc32(trace_id + span_id)) != int.from_bytes(span[CHECKSUM], "big"):
        raise Faulty("a span that is not as it was sent")
    return trace, index, span[end:]
