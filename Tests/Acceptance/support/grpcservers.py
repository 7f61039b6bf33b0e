"""An OTLP/gRPC backend on loopback, made with grpcio, that keeps every request it gets."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)

from support.spans import places
from support.waiting import PATIENCE, wait_until

DETAILS = "grpc-status-details-bin"


@dataclass(frozen=True)
class Call:
    """One call as it came: `metadata` by name, `deadline` in seconds from its arrival, `peer` the client's address."""

    metadata: dict
    deadline: float
    peer: str
    authority: str
    message: ExportTraceServiceRequest = field(compare=False)

    @property
    def places(self):
        return places(self.message)


@dataclass(frozen=True)
class Refusal:
    """How a call ends that is not taken: a `grpc.StatusCode`, a text, and how long the client is to wait."""

    code: grpc.StatusCode
    text: str = ""
    retry_delay: float = None

    def end(self, context):
        if self.retry_delay is not None:
            info, delay = Any(), Duration()
            delay.FromMilliseconds(int(self.retry_delay * 1000))
            info.Pack(RetryInfo(retry_delay=delay))
            # An unknown detail before it must not hide it.
            status = Status(code=self.code.value[0], message=self.text, details=[Any(type_url="x/y", value=b"?"), info])
            context.set_trailing_metadata(((DETAILS, status.SerializeToString()),))
        context.abort(self.code, self.text)


class Backend(TraceServiceServicer):
    """`answers` holds refusals or replies for the next calls; after that `judge` says what a call gets, and all is well
    unless it says otherwise. While `open` is not set no call gets an answer; those that the client gives up are `refused`."""

    def __init__(self, address="127.0.0.1:0", credentials=None, options=(), compression=None):
        self.answers = []
        self.received = []
        self.refused = []
        self.judge = lambda call: None
        self.open = threading.Event()
        self.open.set()
        self.lock = threading.Lock()
        self.waiting = 0
        self.server = grpc.server(
            ThreadPoolExecutor(max_workers=64), options=[("grpc.so_reuseport", 0), *options], compression=compression
        )
        add_TraceServiceServicer_to_server(self, self.server)
        if credentials:
            self.port = self.server.add_secure_port(address, credentials)
        else:
            self.port = self.server.add_insecure_port(address)
        assert self.port, f"cannot listen at {address}"

    @property
    def endpoint(self):
        return f"127.0.0.1:{self.port}"

    def Export(self, request, context):
        deadline = context.time_remaining()
        call = Call(
            {name: value for name, value in context.invocation_metadata()},
            deadline,
            context.peer(),
            getattr(context, "_rpc_event").call_details.host.decode(),
            request,
        )
        with self.lock:
            self.waiting += 1
        while not self.open.wait(0.05) and context.is_active():
            pass
        with self.lock:
            self.waiting -= 1
            if not context.is_active():
                self.refused.append(call)
                return ExportTraceServiceResponse()
            answer = self.answers.pop(0) if self.answers else self.judge(call)
            (self.refused if isinstance(answer, Refusal) else self.received).append(call)
        if isinstance(answer, Refusal):
            answer.end(context)
        return answer or ExportTraceServiceResponse()

    @property
    def spans(self):
        with self.lock:
            return [place for call in self.received for place in call.places]

    def traces(self, ids):
        return [place for place in self.spans if place.trace in ids]

    def wait_for(self, count, ids=None):
        """The spans (of these traces), once there are that many."""

        def found():
            return self.spans if ids is None else self.traces(ids)

        return wait_until(
            lambda: (spans := found()) if len(found()) >= count else None,
            lambda: f"{count} spans at the backend, of which {len(found())} came",
        )

    def stop(self, grace=None):
        self.open.set()
        self.server.stop(grace).wait(PATIENCE)


@contextmanager
def serving(backend):
    backend.server.start()
    try:
        yield backend
    finally:
        backend.stop()
