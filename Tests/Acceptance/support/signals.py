"""What a backend was sent of logs and metrics."""

import gzip

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

KINDS = {"/v1/logs": ExportLogsServiceRequest, "/v1/metrics": ExportMetricsServiceRequest}


def came(backend, path):
    """The messages of a signal that the backend has accepted."""
    messages = []
    for request in list(backend.received):
        if request.path == path:
            body = request.body
            if request.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            messages.append(KINDS[path].FromString(body))
    return messages


def log_records(backend):
    """In the order in which they came."""
    return [
        record
        for message in came(backend, "/v1/logs")
        for resource in message.resource_logs
        for scope in resource.scope_logs
        for record in scope.log_records
    ]
