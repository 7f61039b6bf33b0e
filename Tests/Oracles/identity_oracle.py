"""What requests become when their identity is written in the words of other conventions, as Python's protobuf sees it.

Usage: identity_oracle.py make SEED COUNT writes COUNT cases, one JSON object a line: signal, message (base64), owners (for each
span or log record the number of its identity, -1 for none), identities (each with id, metadata, session, or null for these) and
conventions. identity_oracle.py check reads such lines, with rewritten (base64) in each, and writes a line for everything that
is not as it should be. What should be is worked out here from the table below, with plain objects.
"""

import base64
import json
import random
import sys

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

MESSAGES = {"traces": ExportTraceServiceRequest, "logs": ExportLogsServiceRequest}
# Id, sessions, how metadata is written, and its members that are left out.
FORMS = {
    "neatlogs": ("neatlogs.end_user.id", ("neatlogs.session.id",), ("text", "neatlogs.end_user.metadata"), ()),
    "langfuse": (
        "langfuse.user.id",
        ("langfuse.session.id",),
        ("json", "langfuse.trace.metadata."),
        ("langfuse_user_id", "langfuse_session_id", "langfuse_tags"),
    ),
    "openinference": ("user.id", ("session.id",), ("object", "metadata"), ()),
    "otel": ("enduser.id", ("session.id",), None, ()),
    "traceloop": (
        "traceloop.association.properties.user_id",
        ("traceloop.association.properties.session_id",),
        ("plain", "traceloop.association.properties."),
        ("user_id", "session_id", "customer_id"),
    ),
    "langsmith": (
        "langsmith.metadata.user_id",
        ("langsmith.metadata.session_id",),
        ("plain", "langsmith.metadata."),
        ("user_id", "session_id", "thread_id", "conversation_id"),
    ),
    "langwatch": (
        "langwatch.user.id",
        ("gen_ai.conversation.id", "langwatch.thread.id"),
        ("plain", "langwatch.metadata."),
        (),
    ),
    "braintrust": (None, (), ("object", "braintrust.metadata"), ("user_id", "session_id")),
    "vercel": (
        "ai.telemetry.metadata.userId",
        ("ai.telemetry.metadata.sessionId",),
        ("plain", "ai.telemetry.metadata."),
        ("userId", "sessionId", "tags", "langfusePrompt"),
    ),
    "posthog": (None, ("$ai_session_id",), None, ()),
}
# What has the id on the resource.
RESOURCE_KEYS = {"posthog": "posthog.distinct_id"}
METADATA = [
    None,
    '{"plan":"pro"}',
    '{ "plan" : "pro", "age": 41, "vip": true, "score": 2.5, "none": null, "list": [1, "zwei"], "deep": {"a": {"b": 1}} }',
    '{"":"no name","user_id":"other","session_id":7,"thread_id":"t","userId":"x","tags":"t","gr\\u00fc\\u00dfe":"\\ud83d\\ude00 \\"q\\""}',
    '{"big":18446744073709551615,"small":-9223372036854775808,"half":1e300,"whole":2.0}',
    "{}",
    "[1,2]",
    "just text",
    '{"broken":',
]
OWN_OBJECTS = ["", "{}", '{"plan":"free"}', '{"step":3,"plan":"pro"}', '{"user_id":"mallory","x":[{}]}', "no object", METADATA[1]]
OWN_OBJECTS += ['{"plan":"a","x":1,"plan":"b","x":2}', '{"plan":"pro","plan":"pro"}', '{"user_id":"ann","user_id":"bob"}']
OTHER_KEYS = ["plain", "langfuse.user", "langfuse.trace.metadata.own", "metadata.x", "gen_ai.user"]


def members(text, last=False):
    """The members of a JSON object, the first of each key or the last; none of anything else."""
    try:
        pairs = json.loads(text or "", object_pairs_hook=lambda pairs: ("object", pairs))
    except ValueError:
        return {}
    if not (isinstance(pairs, tuple) and pairs[0] == "object"):
        return {}
    result = {}
    for key, value in pairs[1]:
        if last or key not in result:
            result[key] = folded(value)
    return result


def folded(value):
    """A value as json.loads gives it, when objects came as pairs."""
    if isinstance(value, tuple):
        return {key: folded(element) for key, element in value[1]}
    return [folded(element) for element in value] if isinstance(value, list) else value


def attribute(value):
    """The OTLP form of a member, and whether its text is JSON."""
    if isinstance(value, bool):
        return AnyValue(bool_value=value), False
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**63:
        value = int(value)
    if isinstance(value, int):
        whole = -(2**63) <= value < 2**63
        return AnyValue(int_value=value) if whole else AnyValue(double_value=float(value)), False
    if isinstance(value, float):
        return AnyValue(double_value=value), False
    if isinstance(value, str):
        return AnyValue(string_value=value), False
    return AnyValue(string_value=json.dumps(value)), True


def expected(identity, conventions):
    """By key: ("value", AnyValue), ("json", what its text means) or ("merged", members)."""
    fields = {}
    text = identity.get("metadata")
    who = {name: identity.get(name) for name in ("id", "session")}
    for name in conventions:
        id_key, session_keys, _, _ = FORMS[name]
        for key, value in ((id_key, who["id"]), *((key, who["session"]) for key in session_keys)):
            if key and value is not None:
                fields.setdefault(key, ("value", AnyValue(string_value=value)))
    for name in conventions:
        _, _, metadata, reserved = FORMS[name]
        if not metadata:
            continue
        kind, place = metadata
        known = {key: value for key, value in members(text).items() if key not in reserved}
        if kind == "text" and text is not None:
            fields.setdefault(place, ("value", AnyValue(string_value=text)))
        elif kind == "object":
            if name == "braintrust":
                inside = {"user_id": who["id"], "session_id": who["session"]}
                known |= {key: value for key, value in inside.items() if value is not None}
            if known:
                fields.setdefault(place, ("merged", known))
        elif kind in ("json", "plain"):
            for key, value in known.items():
                if value is None or not key:
                    continue
                form, is_json = attribute(value)
                form = ("json", value) if kind == "json" or is_json else ("value", form)
                fields.setdefault(place + key, form)
    return fields


def is_right(form, value, own):
    kind, wanted = form
    if kind == "value":
        return value == wanted
    if value.WhichOneof("value") != "string_value":
        return False
    try:
        found = json.loads(value.string_value)
    except ValueError:
        return False
    if kind == "json":
        return found == wanted
    # The first text of its own that stood there, where it was an object.
    first = next((each for each in own if each.WhichOneof("value") == "string_value"), None)
    before = members(first.string_value, last=True) if first is not None else {}
    return found == before | wanted


def items(request):
    """Every span or log record with its resource and scope, by what tells it from all others."""
    found = []
    for resource in request.resource_spans if hasattr(request, "resource_spans") else request.resource_logs:
        for scope in resource.scope_spans if hasattr(resource, "scope_spans") else resource.scope_logs:
            for item in scope.spans if hasattr(scope, "spans") else scope.log_records:
                name = item.span_id if hasattr(item, "kind") else item.time_unix_nano
                found.append((name, (resource.resource, resource.schema_url, scope.scope, scope.schema_url), item))
    return found


def exact(message):
    return message.SerializeToString(deterministic=True)


def without_attributes(item):
    copy = type(item)()
    copy.CopyFrom(item)
    del copy.attributes[:]
    return exact(copy)


def surroundings(where, case=None, owner=-1):
    """Resource and scope around an item; with its owner, what they should become."""
    resource, resource_schema, scope, scope_schema = where
    identity = case["identities"][owner] if owner >= 0 else {}
    keys = [RESOURCE_KEYS[name] for name in case["conventions"] if name in RESOURCE_KEYS] if case else []
    attributes = {each.key: exact(each.value) for each in resource.attributes}
    if identity.get("id") is not None:
        attributes |= {key: exact(AnyValue(string_value=identity["id"])) for key in keys}
    assert len(attributes) >= len(resource.attributes), "a key stands twice"
    rest = type(resource)()
    rest.CopyFrom(resource)
    del rest.attributes[:]
    return attributes, exact(rest), resource_schema, exact(scope), scope_schema


def problems(case):
    kind = MESSAGES[case["signal"]]
    before = items(kind.FromString(base64.b64decode(case["message"])))
    after = {name: (where, item) for name, where, item in items(kind.FromString(base64.b64decode(case["rewritten"])))}
    if len(after) != len(before):
        yield f"{len(before)} became {len(after)}"
    for owner, (name, where, item) in zip(case["owners"], before, strict=True):
        if name not in after:
            yield f"{name} is missing"
            continue
        now_where, now = after[name]
        if surroundings(now_where) != surroundings(where, case, owner):
            yield f"{name} has another resource or scope"
        if without_attributes(now) != without_attributes(item):
            yield f"{name}: more than attributes changed"
        fields = expected(case["identities"][owner], case["conventions"]) if owner >= 0 else {}
        others = [exact(each) for each in item.attributes if each.key not in fields]
        if [exact(each) for each in now.attributes if each.key not in fields] != others:
            yield f"{name}: other attributes changed"
        for key, form in fields.items():
            values = [each.value for each in now.attributes if each.key == key]
            own = [each.value for each in item.attributes if each.key == key]
            if len(values) != 1 or not is_right(form, values[0], own):
                yield f"{name}: {key} is {values}, not {form}; was {own}"


def make(seed, count):
    rng = random.Random(seed)
    for _ in range(count):
        conventions = rng.sample(list(FORMS), rng.randint(1, len(FORMS)))
        identities = [
            {
                "id": rng.choice([None, "ann", "bøb 😀", "41"]),
                "metadata": rng.choice(METADATA),
                "session": rng.choice([None, "s-1", "s-2"]),
            }
            for _ in range(rng.randint(1, 3))
        ]
        signal = rng.choice(list(MESSAGES))
        request = MESSAGES[signal]()
        owners = []
        for r in range(rng.randint(1, 3)):
            resource = request.resource_spans.add() if signal == "traces" else request.resource_logs.add()
            resource.resource.attributes.add(key="service.name").value.string_value = f"service {r}"
            resource.resource.dropped_attributes_count = r
            resource.schema_url = rng.choice(["", "https://example.com/1"])
            if rng.randrange(3) == 0:
                resource.resource.attributes.add(key="posthog.distinct_id").value.string_value = rng.choice(["ann", "x"])
            for s in range(rng.randint(1, 2)):
                scope = resource.scope_spans.add() if signal == "traces" else resource.scope_logs.add()
                scope.scope.name = f"scope {s}"
                for _ in range(rng.randint(1, 4)):
                    owners.append(rng.randrange(-1, len(identities)))
                    item = scope.spans.add() if signal == "traces" else scope.log_records.add()
                    fill(item, signal, rng, identities, conventions)
        yield {
            "signal": signal,
            "message": base64.b64encode(request.SerializeToString()).decode(),
            "owners": owners,
            "identities": identities,
            "conventions": conventions,
        }


def fill(item, signal, rng, identities, conventions):
    item.trace_id, item.span_id = rng.randbytes(16), rng.randbytes(8)
    if signal == "traces":
        item.name, item.kind = "span", 1
        item.events.add(name="event").attributes.add(key="user.id").value.string_value = "stays"
    else:
        item.time_unix_nano = rng.getrandbits(60)
        item.body.string_value = "text"
    keys = [key for identity in identities for key in expected(identity, conventions)] + OTHER_KEYS
    for _ in range(rng.randint(0, 6)):
        pair = item.attributes.add(key=rng.choice(keys))
        choice = rng.randrange(6)
        if choice == 0:
            pair.value.int_value = rng.getrandbits(10)
        elif choice == 1:
            pair.value.array_value.values.add(string_value="x")
        elif choice == 2:
            pair.value.string_value = rng.choice([rng.choice(OWN_OBJECTS), "ann", "s-1", '"pro"', "pro"])
        elif choice == 3:
            pair.value.string_value = rng.choice(OWN_OBJECTS)
        elif rng.choice([True, False]):
            # What is right already stays where it is.
            form = expected(rng.choice(identities), conventions).get(pair.key)
            if form and form[0] == "value":
                pair.value.CopyFrom(form[1])


if sys.argv[1] == "make":
    for case in make(int(sys.argv[2]), int(sys.argv[3])):
        print(json.dumps(case))
else:
    for number, line in enumerate(sys.stdin):
        for problem in problems(json.loads(line)):
            print(f"case {number}: {problem}")
