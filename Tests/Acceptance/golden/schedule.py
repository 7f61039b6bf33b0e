"""The requests in which the scenario is sent, and their order, which is not that of the traces' times."""

import random
from dataclasses import dataclass

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from golden.building import Sent, request
from golden.scenario import SCENARIO
from support.spans import any_value

MARKER = "neatlogs.trace.complete"

# How long a trace waits for its root in the collector that the scenario is for. Some roots come after that.
ROOT_WAIT = 1.5


@dataclass
class Step:
    """A request; `pause` are seconds that pass before it is sent."""

    body: bytes
    pause: float = 0.0


def is_late(trace):
    """Whether its root comes when the ledger has had the children for a while."""
    return trace.number % 7 == 3


def is_too_late(trace):
    """Whether its root comes when the children have left without it."""
    return trace.number % 11 == 5


def schedule():
    chance = random.Random(4711)
    traces = list(SCENARIO)
    chance.shuffle(traces)
    requests, late, too_late, markers = [], [], [], []
    while traces:
        # What several applications do at the same time comes in one request, as from a collector in between.
        together = [traces.pop() for _ in range(min(len(traces), chance.randrange(1, 4)))]
        now, then = [], []
        for trace in together:
            children = [sent for sent in trace.children() if sent.span.name != MARKER]
            markers += [sent for sent in trace.children() if sent.span.name == MARKER]
            cut = chance.randrange(len(children) + 1)
            now += children[:cut]
            then += children[cut:]
            if is_too_late(trace):
                too_late += trace.roots()
            elif is_late(trace):
                late += trace.roots()
            else:
                then += trace.roots()
        requests += [each for each in (now, then) if each]
    steps = []
    for number, each in enumerate(requests):
        steps.append(Step(request(each)))
        if number % 5 == 0:
            steps.append(Step(request(each)))
        if number % 4 == 2:
            # Spans that were sent already, among those of another request.
            mixed = requests[number - 1][:2] + requests[number - 2][-2:]
            steps.append(Step(request(mixed)))
    half = len(late) // 2
    steps += [Step(request(late[:half]), pause=0.7), Step(request(late[half:]))]
    steps += [Step(request(too_late), pause=ROOT_WAIT + 0.7), Step(request(markers))]
    steps += [Step(request(each)) for each in requests[::7]]
    steps.append(Step(request([altered(each[0]) for each in requests[::6]])))
    return steps


def altered(sent):
    """A span with the ids of one that was sent, and other figures: whoever comes second is not counted."""
    span = Span()
    span.CopyFrom(sent.span)
    for attribute in span.attributes:
        if attribute.value.WhichOneof("value") == "int_value":
            attribute.value.CopyFrom(any_value(1_000_000))
    span.name = "again"
    return Sent(span, sent.source)
