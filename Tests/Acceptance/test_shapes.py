"""Every field of OTLP at its extremes, through every door and out of every exporter, compared field by field."""

import gzip
import json
import struct
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from google.protobuf import json_format
from google.protobuf.message import Message

from golden import shapes
from support import config, otlpjson
from support.client import Client
from support.collector import Collector, free_port
from support.grpcclient import LOGS, METRICS, TRACES
from support.servers import JSON, PROTOBUF, Backend, serving
from support.waiting import PATIENCE, wait_until

METHODS = {"traces": TRACES, "logs": LOGS, "metrics": METRICS}
DOORS = ["http/protobuf", "http/json", "grpc"]
EXITS = ["otlp_http", "otlp_grpc", "file/json", "file/proto"]


class GRPCBackend:
    """Takes any export request, and keeps its bytes by method."""

    def __init__(self):
        self.received = []
        self.server = grpc.server(ThreadPoolExecutor(4), options=[("grpc.max_receive_message_length", -1)])
        self.server.add_generic_rpc_handlers([self])
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()

    def service(self, call):
        def export(message, _):
            self.received.append((call.method, message))
            return b""

        return grpc.unary_unary_rpc_method_handler(export)

    def close(self):
        self.server.stop(None).wait()


class House:
    """A collector with every door and every exit, and pipelines that change nothing."""

    def __init__(self, folder, backend, grpc_backend):
        self.backend, self.grpc_backend = backend, grpc_backend
        self.port, self.grpc_port = free_port(), free_port()
        self.json_file = folder / "out.jsonl"
        # In protobuf one file can have one signal only: nothing in it says which.
        self.proto_files = {signal: folder / f"{signal}.binpb" for signal in shapes.REQUESTS}
        files = "\n".join(
            f"  file/{signal}: {{{config.file_exporter(path, 'format: proto')}}}" for signal, path in self.proto_files.items()
        )
        pipelines = "\n".join(
            f"    {signal}: {{receivers: [otlp], exporters: [otlp_http, otlp_grpc, file/json, file/{signal}]}}"
            for signal in shapes.REQUESTS
        )
        file = folder / "config.yaml"
        file.write_text(
            f"""
receivers:
  otlp:
    protocols:
      http: {{endpoint: '127.0.0.1:{self.port}'}}
      grpc: {{endpoint: '127.0.0.1:{self.grpc_port}'}}
exporters:
  otlp_http: {{{config.http_exporter(backend.endpoint)}}}
  otlp_grpc: {{endpoint: '127.0.0.1:{grpc_backend.port}', tls: {{insecure: true}}}}
  file/json: {{{config.file_exporter(self.json_file)}}}
{files}
service:
  telemetry: {{metrics: {{level: none}}}}
  storage: {{directory: spool}}
  pipelines:
{pipelines}
"""
        )
        self.collector = Collector("--config", file, port=self.port, cwd=folder)

    def send(self, door, signal, message):
        if door == "grpc":
            options = [("grpc.max_send_message_length", -1), ("grpc.enable_http_proxy", 0)]
            with grpc.insecure_channel(f"127.0.0.1:{self.grpc_port}", options) as channel:
                assert channel.unary_unary(METHODS[signal])(message.SerializeToString(), timeout=PATIENCE) == b""
            return
        form = PROTOBUF if door == "http/protobuf" else JSON
        body = message.SerializeToString() if form == PROTOBUF else as_json(message)
        with Client(self.port) as client:
            answer = client.send(body, path=f"/v1/{signal}", Content_Type=form)
        assert (answer.status, answer.body) == (200, b"" if form == PROTOBUF else b"{}")

    def came(self, way, signal):
        """What has come out for a signal so far, as messages."""
        kind = shapes.REQUESTS[signal]
        if way == "otlp_http":
            bodies = [r for r in list(self.backend.received) if r.path == f"/v1/{signal}"]
            return [kind.FromString(unpacked(r)) for r in bodies]
        if way == "otlp_grpc":
            return [kind.FromString(body) for method, body in list(self.grpc_backend.received) if method == METHODS[signal]]
        field = kind.DESCRIPTOR.fields[0]
        if way == "file/json":
            lines = self.json_file.read_bytes().split(b"\n")[:-1] if self.json_file.exists() else []
            # Python would read -0 as an int, and lose its sign.
            documents = [json.loads(line, parse_int=lambda text: -0.0 if text == "-0" else int(text)) for line in lines]
            return [from_json(document, kind) for document in documents if field.camelcase_name in document]
        return [kind.FromString(frame) for frame in frames(self.proto_files[signal])]


def unpacked(request):
    return gzip.decompress(request.body) if request.headers.get("content-encoding") == "gzip" else request.body


def frames(path):
    content, offset = path.read_bytes() if path.exists() else b"", 0
    while offset + 4 <= len(content):
        (length,) = struct.unpack_from(">I", content, offset)
        if offset + 4 + length > len(content):
            return
        yield content[offset + 4 : offset + 4 + length]
        offset += 4 + length


def as_json(message):
    """As an SDK sends it."""
    return otlpjson.text(message).encode()


def from_json(document, kind):
    return json_format.ParseDict(otlpjson.checked(document), kind())


def named(messages, door):
    """The shapes in some messages that came in by a door, by their names."""
    found = {}
    for message in messages:
        for resource in getattr(message, message.DESCRIPTOR.fields[0].name):
            marks = {a.key: a.value.string_value for a in resource.resource.attributes}
            if shapes.MARK in marks and marks.get("door") == door:
                found.setdefault(marks[shapes.MARK], []).append(resource)
    return found


def expressible(message):
    """What JSON can tell of a message: an empty one is the same as none, but for a member of a oneof."""
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        for inner in value if field.is_repeated else [value]:
            expressible(inner)
        if not field.is_repeated and field.containing_oneof is None and not value.ByteSize():
            message.ClearField(field.name)
    return message


def bytes_of(message: Message, through_json):
    copy = type(message)()
    copy.CopyFrom(message)
    return (expressible(copy) if through_json else copy).SerializeToString(deterministic=True)


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    grpc_backend = GRPCBackend()
    with serving(Backend()) as backend:
        house = House(tmp_path_factory.mktemp("house"), backend, grpc_backend)
        with house.collector:
            wait_until(lambda: "Everything is ready" in house.collector.stderr, lambda: house.collector.stderr)
            yield house
    grpc_backend.close()


@pytest.mark.parametrize("signal", list(shapes.REQUESTS))
@pytest.mark.parametrize("door", DOORS)
def test_every_shape_comes_out_as_it_went_in(house, door, signal):
    sent = shapes.shapes(signal)
    for resource in getattr(sent, sent.DESCRIPTOR.fields[0].name):
        resource.resource.attributes.add(key="door").value.string_value = door
    house.send(door, signal, sent)
    originals = named([sent], door)
    assert len(originals) > 1000

    for way in EXITS:
        came = wait_until(
            lambda: found if len(found := named(house.came(way, signal), door)) >= len(originals) else None,
            lambda: f"{len(originals)} shapes by {way}, of which {len(named(house.came(way, signal), door))} came",
        )
        through_json = door == "http/json" or way == "file/json"
        wrong = [
            f"{name}\n{original}became\n{came[name]}"
            for name, [original] in originals.items()
            if [bytes_of(one, through_json) for one in came[name]] != [bytes_of(original, through_json)]
        ]
        assert not wrong, f"{len(wrong)} shapes changed on the way to {way}:\n" + "\n".join(wrong[:3]) + "\n".join(w.split("\n")[0] for w in wrong)
