"""Sends the scenario, and kills the collector in the middle if asked to."""

import http.client
import signal
import time

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from golden.schedule import ROOT_WAIT, schedule
from support.client import Client
from support.spans import places

ENDUSER = f"fallback_wait: 300ms, local_root_wait: 500ms, root_wait: {int(ROOT_WAIT * 1000)}ms"


def sent_places():
    """Every span of the scenario as it is sent, those that are sent again left out."""
    found = {}
    for step in schedule():
        for place in places(ExportTraceServiceRequest.FromString(step.body)):
            found.setdefault(place.key, place)
    return found


def play(life, kill_after=None):
    """Sends every request until it is acknowledged. After `kill_after` acknowledged ones, the collector is killed while
    the next request is under way, and started again; that request got no answer, and is sent once more."""
    for number, step in enumerate(schedule()):
        time.sleep(step.pause)
        if number == kill_after:
            send_and_kill(life, step.body)
        with Client(life.port) as client:
            assert client.send(step.body).status == 200
    life.wait_for_spans(sent_places().keys())


def send_and_kill(life, body):
    connection = http.client.HTTPConnection("127.0.0.1", life.port)
    connection.request("POST", "/v1/traces", body, {"Content-Type": "application/x-protobuf"})
    life.end(signal.SIGKILL)
    connection.close()
    life.begin()
