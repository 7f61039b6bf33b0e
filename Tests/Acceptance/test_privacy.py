"""`pseudonymize`, `redact` and `mask`: what must not leave through an exporter is in nothing that leaves through it."""

import hashlib
import hmac
import json
import re
from urllib.parse import quote

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from support import config, grpcservers
from support.client import Client
from support.collector import Collector, free_port, run
from support.ledger import ledgered
from support.making import body, new_trace, request, span
from support.servers import Backend, Reply, serving
from support.spans import key_values
from support.waiting import wait_until

KEY = "a key of the operator, long enough"
PSEUDONYMIZE = f"pseudonymize: {{key: '{KEY}'}}"
# Ids as people have them: a word, an address, a number, letters that JSON and URLs write otherwise.
USERS = ["ada", "grace.hopper", "käthe-müller@example.org", "4711001", "0b5f2c1e-6a3d-4c0e-9a34-1f2e3d4c5b6a"]
ID_KEYS = [
    "neatlogs.end_user.id",
    "langfuse.user.id",
    "langwatch.user.id",
    "enduser.id",
    "traceloop.association.properties.user_id",
    "user.id",
    "langsmith.metadata.user_id",
    "ai.telemetry.metadata.userId",
    "gen_ai.user",
    "customer.uid",
]
OTHER_KEYS = ["neatlogs.user.id", "baggage.user.id", "langfuse_user_id", "user_id", "llm.user", "posthog.distinct_id"]


def pseudonym(user, key=KEY):
    return "u_" + hmac.new(key.encode(), user.encode(), hashlib.sha256).hexdigest()[:32]


def spellings(user):
    """The bytes that nobody must find."""
    texts = [user, json.dumps(user)[1:-1], quote(user, safe=""), quote(user, safe="").lower()]
    return {text.encode() for text in texts}


def assert_absent(user, content, where):
    for spelling in spellings(user):
        # Where nothing but the id could be meant; four hexadecimal digits of something else are no id.
        found = re.search(rb"(?<![a-z])" + re.escape(spelling) + rb"(?![a-z])", content)
        assert not found, f"{spelling} in {where}: {content[max(0, found.start() - 60) : found.end() + 40]}"


def texts_with(user):
    """What people and tools write with an id in it."""
    return {
        "gen_ai.prompt": f"Answer {user}, please",
        "url.full": f"https://app.example/users/{quote(user, safe='')}?as={user}",
        "gen_ai.input.messages": json.dumps([{"role": "user", "content": f"Hi\n{user} here"}]),
        "http.request.header.baggage": [f"user.id={quote(user, safe='')},x=1"],
        "thread": f"thread-of-{user}",
        "nested": json.dumps({"inner": json.dumps({"who": user})}),
    }


def spans_of(user, key, value=None):
    """A trace that has the id wherever one may stand."""
    trace = new_trace()
    root = span(trace, f"chat with {user}", attributes={key: value or user})
    metadata = {"user_id": user, "plan": "pro", "email": "a@b.example", "of": {"id": user}}
    child = span(
        trace,
        f"child of {user}",
        parent=root.span_id,
        attributes={
            **{other: user for other in OTHER_KEYS},
            **texts_with(user),
            "metadata": json.dumps(metadata),
            "langfuse.trace.metadata.langfuse_user_id": json.dumps(user),
            "langfuse.trace.metadata.note": json.dumps(f"for {user}"),
            "langsmith.metadata.owner": user,
            "session.id": f"session/{user}/1",
        },
        trace_state=f"vendor={quote(user, safe='')}",
    )
    event = child.events.add(name=f"asked by {user}")
    event.attributes.extend(key_values({"enduser.id": user, "exception.message": f"no such user: {user}"}))
    link = child.links.add(trace_id=new_trace(), span_id=b"12345678", trace_state=f"u={quote(user, safe='')}")
    link.attributes.extend(key_values({"of": user}))
    child.status.message = f"{user} is not allowed"
    list_value = child.attributes.add(key="langwatch.metadata").value.kvlist_value
    list_value.values.extend(key_values({"user_id": user, "who": user, "email": "a@b.example"}))
    return [child, root]


def logs_of(user):
    message = ExportLogsServiceRequest()
    record = message.resource_logs.add().scope_logs.add().log_records.add()
    record.attributes.extend(key_values({"enduser.id": user, "note": f"{user}!"}))
    record.body.string_value = f"hello {user}"
    return message


def metrics_of(user):
    message = ExportMetricsServiceRequest()
    metric = message.resource_metrics.add().scope_metrics.add().metrics.add(name="requests")
    point = metric.sum.data_points.add(as_int=1)
    point.attributes.extend(key_values({"user.id": user, "route": f"/users/{quote(user, safe='')}"}))
    exemplar = point.exemplars.add(as_int=1)
    exemplar.filtered_attributes.extend(key_values({"enduser.id": user, "by": f"by {user}"}))
    return message


class Life:
    """A collector with an exporter of each kind that pseudonymizes, and one that does not."""

    def __init__(self, folder, backend, grpc, settings=PSEUDONYMIZE):
        self.folder, self.backend, self.plain = folder, backend, folder / "plain.jsonl"
        self.port = free_port()
        self.files = [folder / "private.jsonl", folder / "private.binpb"]
        exporters = {
            "otlp_http/private": config.http_exporter(backend.endpoint, "compression: none", settings),
            "otlp_grpc/private": config.grpc_exporter(grpc.endpoint, "compression: none", settings),
            "file/json": config.file_exporter(self.files[0], "append: true", settings),
            "file/proto": config.file_exporter(self.files[1], "append: true", "format: proto", settings),
            "debug": f"verbosity: detailed, {settings}",
            "file/plain": config.file_exporter(self.plain, "append: true"),
        }
        keys = ", ".join(ID_KEYS)
        text = config.pipeline(self.port, exporters, enduser=f"{config.QUICK}, id_keys: [{keys}]")
        # grpcio's backend has no service for these.
        others = ", ".join(name for name in exporters if not name.startswith("otlp_grpc"))
        text += f"    logs: {{receivers: [otlp], processors: [enduser], exporters: [{others}]}}\n"
        text += f"    metrics: {{receivers: [otlp], exporters: [{others}]}}\n"
        self.file = folder / "config.yaml"
        self.file.write_text(text)
        self.grpc = grpc

    def begin(self):
        return Collector("--config", self.file, port=self.port, cwd=self.folder)

    def send(self, messages):
        with Client(self.port) as client:
            for path, message in messages:
                assert client.send(message, path=f"/v1/{path}").status == 200

    def left(self, said):
        """All bytes that left, by where."""
        left = {str(file.name): file.read_bytes() for file in self.files}
        left["debug"] = said.encode()
        left["http"] = b"".join(each.body for each in [*self.backend.received, *self.backend.refused])
        left["grpc"] = b"".join(each.message.SerializeToString() for each in self.grpc.received)
        return left


@pytest.fixture
def grpc():
    with grpcservers.serving(grpcservers.Backend()) as server:
        yield server


def messages_of(users):
    messages = []
    for user in users:
        spans = [each for key in ID_KEYS for each in spans_of(user, key)]
        messages.append(("traces", body(*spans)))
        messages.append(
            (
                "traces",
                request(
                    *spans_of(user, "enduser.id"), resource={"enduser.id": user, "pod": f"pod of {user}"}
                ).SerializeToString(),
            )
        )
        messages.append(("logs", logs_of(user).SerializeToString()))
        messages.append(("metrics", metrics_of(user).SerializeToString()))
        if user.isdigit():
            messages.append(("traces", body(*spans_of(user, "enduser.id", int(user)))))
    return messages


def test_no_byte_of_an_id_leaves(tmp_path, backend, grpc):
    users = [user for user in USERS if len(user) > 3]
    life = Life(tmp_path, backend, grpc)
    with life.begin() as running:
        life.send(messages_of(users))
        running.stop()
        said = running.said
    with life.begin() as running:
        life.send(messages_of(users))
        running.stop()
        said += running.said
    for where, content in life.left(said).items():
        for user in users:
            assert_absent(user, content, where)
            # The same in both lives, and as Python makes it.
            assert content.count(pseudonym(user).encode()) > 10, f"{user} in {where}"
    plain = life.plain.read_bytes()
    for user in users:
        assert json.dumps(user, ensure_ascii=False)[1:-1].encode() in plain
        assert pseudonym(user).encode() not in plain


def test_a_short_id_is_replaced_where_a_key_names_it(tmp_path, backend, grpc):
    life = Life(tmp_path, backend, grpc)
    with life.begin() as running:
        trace = new_trace()
        spans = [span(trace, attributes={key: "ada", "word": "ada"}) for key in [*ID_KEYS, *OTHER_KEYS]]
        life.send([("traces", body(*spans))])
        running.stop()
    for place in backend.spans:
        found = {pair.key: pair.value.string_value for pair in place.span.attributes}
        assert found.pop("word") == "ada"
        assert set(found.values()) == {pseudonym("ada")}


def queue_files(folder):
    return b"".join(file.read_bytes() for file in folder.glob("spool-*/exporters/**/*") if file.is_file())


@pytest.mark.parametrize("had_key", [True, False], ids=["with a key", "before there was a key"])
def test_what_waits_on_disk_leaves_without_ids(tmp_path, grpc, had_key):
    """The exporter's queue has what may leave; what it has from before it was told so is rewritten when it is read."""
    user, upstream = "grace.hopper", free_port()
    port = free_port()

    def configure(*settings):
        exporter = config.http_exporter(f"http://127.0.0.1:{upstream}", "compression: none", *settings)
        exporter += ", retry_on_failure: {initial_interval: 50ms, max_interval: 200ms}"
        file = tmp_path / "config.yaml"
        file.write_text(config.pipeline(port, {"otlp_http": exporter}, storage="sync_interval: 50ms"))
        return Collector("--config", file, port=port, cwd=tmp_path)

    with configure(*([PSEUDONYMIZE] if had_key else [])) as running:
        with Client(port) as client:
            assert client.send(body(*spans_of(user, "enduser.id"))).status == 200
        stored = pseudonym(user) if had_key else user
        wait_until(lambda: stored.encode() in queue_files(tmp_path), "the request in the queue")
        if had_key:
            assert_absent(user, queue_files(tmp_path), "the queue")
    with serving(Backend(upstream)) as backend, configure(PSEUDONYMIZE):
        backend.wait_for(2)
        for received in backend.received:
            assert_absent(user, received.body, "what left")
            assert pseudonym(user).encode() in received.body
            # Once, not the pseudonym of a pseudonym.
            assert pseudonym(pseudonym(user)).encode() not in received.body


def test_dead_letters_have_no_ids(tmp_path):
    user = USERS[2]
    with serving(Backend()) as backend:
        backend.judge = lambda received: Reply(400)
        port = free_port()
        file = tmp_path / "config.yaml"
        file.write_text(
            config.pipeline(
                port, {"otlp_http": config.http_exporter(backend.endpoint, "compression: none", PSEUDONYMIZE)}
            )
        )
        with Collector("--config", file, port=port, cwd=tmp_path) as running:
            with Client(port) as client:
                assert client.send(body(*spans_of(user, "enduser.id"))).status == 200
            letters = tmp_path / f"spool-{port}/dead_letter/otlp_http.jsonl"
            wait_until(lambda: letters.exists() and letters.read_bytes().endswith(b"\n"), "the dead letter")
            assert_absent(user, letters.read_bytes(), "the dead letters")
            assert pseudonym(user).encode() in letters.read_bytes()
            assert_absent(user, running.said.encode(), "the log")


# Metadata.


def metadata_spans():
    trace = new_trace()
    address = {"street": "Main St 1", "city": "Berlin"}
    whole = {"email": "ada@example.org", "plan": "pro", "address": address}
    children = [
        span(trace, "text", attributes={"metadata": json.dumps(whole)}),
        span(trace, "members", attributes={f"langfuse.trace.metadata.{key}": json.dumps(whole[key]) for key in whole}),
        span(
            trace,
            "dotted",
            attributes={
                "langsmith.metadata.email": "ada@example.org",
                "langsmith.metadata.plan": "pro",
                "langsmith.metadata.address.street": "Main St 1",
                "langsmith.metadata.address.city": "Berlin",
            },
        ),
        span(trace, "list"),
        span(trace, "told", attributes={"enduser.metadata": json.dumps(whole)}),
        span(trace, "broken", attributes={"metadata": "{'email': 'ada@example.org'}"}),
    ]
    pairs = children[3].attributes.add(key="langwatch.metadata").value.kvlist_value.values
    pairs.extend(key_values({"email": "ada@example.org", "plan": "pro"}))
    pairs.add(key="address").value.kvlist_value.values.extend(key_values(address))
    root = span(trace, "root", attributes={"enduser.id": "ada"})
    for child in children:
        child.parent_span_id = root.span_id
    return [*children, root]


@pytest.mark.parametrize(
    ("redact", "mark"),
    [("[email, address.street]", None), ("{keys: [email, address.street], action: mask}", "[REDACTED]")],
    ids=["drop", "mask"],
)
def test_metadata_is_redacted_in_every_encoding(tmp_path, backend, redact, mark):
    port = free_port()
    file = tmp_path / "config.yaml"
    file.write_text(
        config.pipeline(
            port, {"otlp_http": config.http_exporter(backend.endpoint, "compression: none", f"redact: {redact}")}
        )
    )
    with Collector("--config", file, port=port, cwd=tmp_path):
        with Client(port) as client:
            assert client.send(body(*metadata_spans())).status == 200
        backend.wait_for(7)
    left = b"".join(received.body for received in backend.received)
    assert b"ada@example.org" not in left and b"Main St" not in left
    found = {place.span.name: place.span for place in backend.spans}

    def values(name):
        return {pair.key: pair.value.string_value for pair in found[name].attributes if pair.key != "enduser.id"}

    redacted = {"email": mark} if mark else {}
    street = {"street": mark} if mark else {}
    expected = {**redacted, "plan": "pro", "address": {**street, "city": "Berlin"}}
    assert json.loads(values("text")["metadata"]) == expected
    assert json.loads(values("told")["enduser.metadata"]) == expected
    assert {key.split(".")[-1]: json.loads(value) for key, value in values("members").items()} == expected
    assert values("dotted") == {
        **{f"langsmith.metadata.{key}": value for key, value in redacted.items()},
        "langsmith.metadata.plan": "pro",
        **({"langsmith.metadata.address.street": mark} if mark else {}),
        "langsmith.metadata.address.city": "Berlin",
    }
    # What can't be read is gone as a whole.
    assert values("broken") == ({"metadata": mark} if mark else {})
    (listed,) = [pair for pair in found["list"].attributes if pair.key == "langwatch.metadata"]
    pairs = {pair.key: pair.value for pair in listed.value.kvlist_value.values}
    assert pairs["plan"].string_value == "pro" and (mark is None) == ("email" not in pairs)
    assert [pair.key for pair in pairs["address"].kvlist_value.values] == [*street, "city"]


def test_patterns_are_masked_in_named_attributes(tmp_path, backend):
    port = free_port()
    file = tmp_path / "config.yaml"
    wanted = "patterns: [email, card, phone], expressions: ['[A-Z]{2}[0-9]{6}']"
    mask = f"mask: {{attributes: [gen_ai.prompt, 'input.*'], {wanted}}}"
    file.write_text(config.pipeline(port, {"otlp_http": config.http_exporter(backend.endpoint, mask)}))
    text = "ada@example.org paid with 4111 1111 1111 1111 (not 4111 1111 1111 1112), call +49 30 1234567, pass AB123456"
    masked = "[email] paid with [card] (not 4111 1111 1111 1112), call [phone], pass [masked]"
    with Collector("--config", file, port=port, cwd=tmp_path):
        with Client(port) as client:
            attributes = {
                "gen_ai.prompt": text,
                "input.value": json.dumps({"a": text}),
                "input.list": [text],
                "other": text,
            }
            assert client.send(body(span(new_trace(), attributes=attributes))).status == 200
        (place,) = backend.wait_for(1)
    found = {pair.key: pair.value for pair in place.span.attributes}
    assert found["gen_ai.prompt"].string_value == masked
    assert json.loads(found["input.value"].string_value) == {"a": masked}
    assert found["input.list"].array_value.values[0].string_value == masked
    assert found["other"].string_value == text


def test_what_other_conventions_are_told_is_private_too(tmp_path, backend):
    """`identity_as` comes first, so what it adds is rewritten as well."""
    port, user = free_port(), "grace.hopper"
    names = "neatlogs, langfuse, openinference, otel, traceloop, langsmith, langwatch, braintrust, vercel"
    settings = [f"identity_as: [{names}]", PSEUDONYMIZE, "redact: [email]", "compression: none"]
    file = tmp_path / "config.yaml"
    file.write_text(config.pipeline(port, {"otlp_http": config.http_exporter(backend.endpoint, *settings)}))
    root = {
        "neatlogs.end_user.id": user,
        "neatlogs.end_user.metadata": json.dumps({"email": "a@b.example", "plan": "pro"}),
    }
    with Collector("--config", file, port=port, cwd=tmp_path):
        with Client(port) as client:
            assert client.send(body(span(new_trace(), attributes=root))).status == 200
        (place,) = backend.wait_for(1)
    (received,) = backend.received
    assert_absent(user, received.body, "what left")
    assert b"a@b.example" not in received.body
    found = {pair.key: pair.value.string_value for pair in place.span.attributes}
    for key in [
        "langfuse.user.id",
        "user.id",
        "enduser.id",
        "langsmith.metadata.user_id",
        "ai.telemetry.metadata.userId",
    ]:
        assert found[key] == pseudonym(user)
    assert json.loads(found["braintrust.metadata"]) == {"user_id": pseudonym(user), "plan": "pro"}
    assert json.loads(found["metadata"]) == {"plan": "pro"} and found["langfuse.trace.metadata.plan"] == '"pro"'


# The ledger.

LEDGER = f"{PSEUDONYMIZE}, redact: [email], span_bodies: true"


@pytest.fixture
def life(tmp_path):
    with ledgered(tmp_path, ledger=LEDGER) as life:
        yield life


def send_to(life, users):
    send(life, users)
    wait_until(lambda: {pseudonym(user) for user in users} <= known(life), "the users")


def send(life, users):
    with Client(life.port) as client:
        for user in users:
            spans = spans_of(user, "neatlogs.end_user.id")
            spans[-1].attributes.extend(
                key_values(
                    {"neatlogs.end_user.metadata": json.dumps({"email": "a@b.example", "plan": "pro", "boss": user})}
                )
            )
            assert client.send(body(*spans)).status == 200


def known(life):
    return {user["end_user_id"] for user in life.api.get("users")["users"]}


def kept_by(life):
    """All bytes of the ledger, and of the facts that wait for it."""
    files = [*life.folder.glob("ledger.db*"), *life.folder.glob("spool-*/pipelines/*/facts/*")]
    return {str(file): file.read_bytes() for file in files}


def test_the_ledger_knows_pseudonyms_alone(life):
    users = [user for user in USERS if len(user) > 3]
    send_to(life, users)
    assert known(life) == {pseudonym(user) for user in users}
    seen = kept_by(life)
    life.end()
    life.begin()
    send_to(life, users)
    wait_until(lambda: all(life.api.get("users", user)["traces"] == 2 for user in users), "the second traces")
    for where, content in [*seen.items(), *kept_by(life).items()]:
        assert b"a@b.example" not in content
        for user in users:
            assert_absent(user, content, where)
    # The same user as before, whose metadata is there but for what was redacted.
    user = users[1]
    detail = life.api.get("users", user)
    assert detail["end_user_id"] == pseudonym(user) and detail["traces"] == 2
    assert life.api.get("users", pseudonym(user))["traces"] == 2
    trace = life.api.get("users", user, "traces")["traces"][0]
    assert trace["metadata"] == {"plan": "pro", "boss": pseudonym(user)}
    assert life.api.get("traces", filter=f'user is "{user}"')["traces"][0]["end_user_id"] == pseudonym(user)


@pytest.mark.parametrize("way", ["file", "collector"])
def test_a_user_is_found_and_forgotten_by_the_plain_id(life, way):
    send_to(life, ["grace.hopper", "4711001"])
    place = ["--config", life.config_file] if way == "file" else ["--url", life.api.endpoint]
    shown = run("user", "grace.hopper", "--json", *place, cwd=life.folder)
    assert shown.returncode == 0 and json.loads(shown.stdout)["end_user_id"] == pseudonym("grace.hopper")
    forgotten = run("users", "forget", "grace.hopper", "--yes", *place, cwd=life.folder)
    assert forgotten.returncode == 0 and "1 traces" in forgotten.stdout, forgotten.stdout + forgotten.stderr
    assert run("user", "grace.hopper", *place, cwd=life.folder).returncode == 1
    # Later spans are refused, though they come under the pseudonym.
    with Client(life.port) as client:
        assert client.send(body(*spans_of("grace.hopper", "enduser.id"))).status == 200
    send_to(life, ["0b5f2c1e-6a3d-4c0e-9a34-1f2e3d4c5b6a"])
    assert known(life) == {pseudonym("4711001"), pseudonym("0b5f2c1e-6a3d-4c0e-9a34-1f2e3d4c5b6a")}


def test_both_names_of_a_user_are_forgotten(tmp_path):
    """One whom the ledger knew by the plain id before there was a key."""
    with ledgered(tmp_path) as life:
        send(life, ["grace.hopper"])
        wait_until(lambda: known(life) == {"grace.hopper"}, "the user")
        life.end()
        life.ledger = LEDGER
        life.configure()
        life.begin()
        send_to(life, ["grace.hopper", "4711001"])
        assert known(life) == {"grace.hopper", pseudonym("grace.hopper"), pseudonym("4711001")}
        assert life.api.get("users", "grace.hopper")["end_user_id"] == "grace.hopper"
        forgotten = run("users", "forget", "grace.hopper", "--yes", "--json", "--url", life.api.endpoint, cwd=tmp_path)
        assert json.loads(forgotten.stdout)["traces"] == 2
        assert known(life) == {pseudonym("4711001")}


# Configuration.


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("pseudonymize: {}", "pseudonymize.key: a key is required, and none is empty"),
        ("pseudonymize: {key: ''}", "pseudonymize.key: a key is required, and none is empty"),
        ("pseudonymize: {key: '${env:NOBODY_HAS_SET_THIS}'}", "pseudonymize.key: a key is required, and none is empty"),
        ("pseudonymize: {key: tooshort}", "pseudonymize.key: has 8 bytes, and needs 16 at least"),
        ("redact: []", "redact: keys of metadata are required"),
        ("redact: {action: mask}", "redact: keys of metadata are required"),
        ("redact: {keys: [a], action: hide}", "redact.action: expected one of drop, mask"),
        ("mask: {patterns: [email]}", "mask.attributes: attributes are required, or bodies: true"),
        ("mask: {attributes: [a]}", "mask.patterns: patterns or expressions are required"),
        (
            "mask: {attributes: [a], patterns: [iban]}",
            'mask.patterns: expected some of email, card, phone, found "iban"',
        ),
        ("mask: {attributes: [a], expressions: ['(open']}", "mask.expressions: not a regular expression: missing )"),
        ("mask: {attributes: [a], expressions: 'a{1,2}'}", "mask.expressions: expected a list of regular expressions"),
    ],
)
@pytest.mark.parametrize("where", ["exporters.debug", "extensions.ledger"])
def test_what_is_wrong_with_the_keys(tmp_path, where, settings, message):
    exporter, ledger = (settings, "") if where == "exporters.debug" else ("", settings)
    file = tmp_path / "config.yaml"
    file.write_text(config.pipeline(4318, {"debug": exporter}, extensions={"ledger": ledger}))
    result = run("validate", "--config", file, cwd=tmp_path)
    assert result.returncode == 1 and f"{where}.{message}" in result.stderr, result.stderr
    assert "tooshort" not in result.stderr


def test_the_key_is_not_shown(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text(config.pipeline(4318, {"debug": PSEUDONYMIZE}, extensions={"ledger": PSEUDONYMIZE}))
    result = run("print-config", "--config", file, cwd=tmp_path)
    assert result.returncode == 0 and KEY not in result.stdout and "[REDACTED]" in result.stdout
