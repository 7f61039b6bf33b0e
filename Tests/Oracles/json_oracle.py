"""Random OTLP requests in many wire forms, each with the JSON that Python's protobuf makes of it.

Usage: json_oracle.py SEED COUNT [--for-libprotobuf-c]. Writes COUNT lines, each a JSON object: signal, message (base64 of the protobuf
bytes) and expected (OTLP/JSON). The bytes are encoded here by hand, to use the freedoms that protobuf gives: fields in
any order, repeated fields scattered, submessages in pieces, numbers packed or not, values that a later one replaces,
unknown fields. Python's own decoder says what they mean. With --for-libprotobuf-c the requests keep to what that library
reads right too: it loses numbers where it merges the pieces of a submessage, and its strings end at a NUL.
"""

import base64
import json
import random
import struct
import sys

from google.protobuf import descriptor, json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

Field = descriptor.FieldDescriptor
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
WIRE_TYPES = {
    Field.TYPE_DOUBLE: FIXED64, Field.TYPE_FIXED64: FIXED64, Field.TYPE_SFIXED64: FIXED64,
    Field.TYPE_FIXED32: FIXED32, Field.TYPE_SFIXED32: FIXED32,
    Field.TYPE_STRING: BYTES, Field.TYPE_BYTES: BYTES, Field.TYPE_MESSAGE: BYTES,
}  # fmt: skip
TEXTS = ["", "a", "gen_ai.usage.input_tokens", 'say "hi"\\\n', "\x00\x1f\x7f\t", "grüße 你好 😀 \u2028", "long " * 50]
DOUBLES = [0.0, 1.0, -1.5, 0.1, 1e-7, 1e21, 1e300, 5e-324, 1 / 3, float("inf"), float("-inf"), float("nan")]
KINDS = {
    "traces": ExportTraceServiceRequest,
    "logs": ExportLogsServiceRequest,
    "metrics": ExportMetricsServiceRequest,
}
ID_NAMES = {"traceId", "spanId", "parentSpanId"}
MAXIMUM_DEPTH = 9


class Writer:
    def __init__(self, seed, for_libprotobuf_c):
        self.random = random.Random(seed)
        self.whole_submessages = for_libprotobuf_c
        self.texts = [text for text in TEXTS if not (for_libprotobuf_c and "\0" in text)]

    def integer(self, bits, signed):
        value = self.random.getrandbits(self.random.choice([1, 7, 8, 16, bits]))
        return value - (1 << bits) if signed and value >> (bits - 1) else value

    def value(self, field):
        """A random value of a field that is no message: the number or bytes that it stands for on the wire."""
        kind = field.type
        if kind == Field.TYPE_STRING:
            return self.random.choice(self.texts).encode()
        if kind == Field.TYPE_BYTES:
            length = {"trace_id": 16}.get(field.name, 8) if field.name.endswith("_id") else self.random.randrange(40)
            return self.random.randbytes(length)
        if kind == Field.TYPE_DOUBLE:
            number = self.random.choice([*DOUBLES, self.random.uniform(-1e6, 1e6), self.random.expovariate(1e-9)])
            return struct.unpack("<Q", struct.pack("<d", number))[0]
        if kind == Field.TYPE_BOOL:
            return self.random.randrange(2)
        if kind == Field.TYPE_ENUM:
            return self.random.choice([*field.enum_type.values_by_number, 77])
        if kind in (Field.TYPE_INT32, Field.TYPE_INT64):
            return self.integer(64 if kind == Field.TYPE_INT64 else 32, signed=True) % (1 << 64)
        return self.integer(64 if kind in (Field.TYPE_UINT64, Field.TYPE_FIXED64, Field.TYPE_SFIXED64) else 32, False)

    def plain(self, wire_type, value):
        if wire_type == VARINT:
            return varint(value)
        if wire_type == BYTES:
            return varint(len(value)) + value
        return struct.pack("<Q" if wire_type == FIXED64 else "<I", value)

    def occurrences(self, field, depth):
        """The encoded occurrences of one field, in the order that they must keep."""
        wire_type = WIRE_TYPES.get(field.type, VARINT)
        if field.type == Field.TYPE_MESSAGE:
            count = self.random.randrange(4) if field.is_repeated else 1
            for _ in range(count):
                parts = self.fields(field.message_type, depth + 1)
                whole = field.is_repeated or self.whole_submessages
                cut = len(parts) if whole else self.random.randrange(len(parts) + 1)
                pieces = [parts[:cut], parts[cut:]] if cut < len(parts) else [parts]
                for piece in pieces:
                    yield tagged(field.number, BYTES, self.plain(BYTES, b"".join(piece)))
        elif field.is_repeated and wire_type != BYTES:
            for _ in range(self.random.randrange(3)):
                values = [self.plain(wire_type, self.value(field)) for _ in range(self.random.randrange(6))]
                if self.random.random() < 0.3:
                    yield from (tagged(field.number, wire_type, value) for value in values)
                else:
                    yield tagged(field.number, BYTES, self.plain(BYTES, b"".join(values)))
        else:
            count = self.random.randrange(4) if field.is_repeated else self.random.choice([1, 1, 1, 2])
            for _ in range(count):
                yield tagged(field.number, wire_type, self.plain(wire_type, self.value(field)))

    def unknown(self):
        wire_type = self.random.choice([VARINT, FIXED64, BYTES, FIXED32])
        value = self.random.randbytes(self.random.randrange(9)) if wire_type == BYTES else self.random.getrandbits(32)
        return tagged(self.random.choice([18, 99, 4096]), wire_type, self.plain(wire_type, value))

    def fields(self, message, depth):
        """The encoded fields of a random message, shuffled, those of one field or oneof in their order."""
        queues = {}
        for field in message.fields:
            if field.type == Field.TYPE_MESSAGE and depth >= MAXIMUM_DEPTH or self.random.random() < 0.3:
                continue
            if field.containing_oneof and self.random.random() < 0.5:
                continue
            key = field.containing_oneof.name if field.containing_oneof else field.name
            queues.setdefault(key, []).extend(self.occurrences(field, depth))
        if self.random.random() < 0.2:
            queues["unknown"] = [self.unknown()]
        queues = [queue for queue in queues.values() if queue]
        shuffled = []
        while queues:
            queue = self.random.choice(queues)
            shuffled.append(queue.pop(0))
            queues = [queue for queue in queues if queue]
        return shuffled


def varint(value):
    output = bytearray()
    while value >= 0x80:
        output.append(value & 0x7F | 0x80)
        value >>= 7
    output.append(value)
    return bytes(output)


def tagged(number, wire_type, payload):
    return varint(number << 3 | wire_type) + payload


def with_hex_ids(value):
    """Python's mapping, save for what OTLP does differently: ids in hexadecimal."""
    if isinstance(value, list):
        return [with_hex_ids(element) for element in value]
    if isinstance(value, dict):
        return {
            key: base64.b64decode(member).hex() if key in ID_NAMES else with_hex_ids(member)
            for key, member in value.items()
        }
    return value


def main():
    seed, count = int(sys.argv[1]), int(sys.argv[2])
    writer = Writer(seed, for_libprotobuf_c="--for-libprotobuf-c" in sys.argv[3:])
    for index in range(count):
        signal = list(KINDS)[index % len(KINDS)]
        kind = KINDS[signal]
        encoded = b"".join(writer.fields(kind.DESCRIPTOR, 0))
        mapped = json_format.MessageToDict(kind.FromString(encoded), use_integers_for_enums=True)
        line = {
            "signal": signal,
            "message": base64.b64encode(encoded).decode(),
            "expected": with_hex_ids(mapped),
        }
        print(json.dumps(line))


if __name__ == "__main__":
    main()
