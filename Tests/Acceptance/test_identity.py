"""Who speaks for a trace, seen from outside: a request at a time, each over its own connection."""

import pytest

from support import config
from support.client import Client
from support.making import new_trace, request, span, trace_of
from support.spans import assert_inherited, places

ADA = {"enduser.id": "ada"}
ELSEWHERE = b"\x77" * 8


class Passage:
    """Sends requests one after the other, and keeps what was sent."""

    def __init__(self, running, backend):
        self.running = running
        self.backend = backend
        self.sent = []

    def send(self, *spans, **around):
        message = request(*spans, **around)
        with Client(self.running.port) as client:
            assert not client.send(message.SerializeToString()).response.HasField("partial_success")
        self.sent += places(message)

    def arrived(self, *spans):
        """Waits until these are out."""
        for each in spans:
            self.backend.wait_for(1, {each.trace_id.hex()})

    def check(self, **identities):
        """Everything that was sent, once it is out; the trace's identity where there is one trace."""
        traces = {place.trace for place in self.sent}
        came = self.backend.wait_for(len({place.key for place in self.sent}), traces)
        [trace] = traces
        assert_inherited(self.sent, came, {trace: identities.get("identity", {})})


@pytest.fixture
def passage(collector, backend):
    def through(**parts):
        return Passage(collector({"otlp_http": config.http_exporter(backend.endpoint)}, **parts), backend)

    return through


def test_children_before_their_root(passage):
    flow, trace = passage(), new_trace()
    root = span(trace, "root", attributes=ADA)
    flow.send(span(trace, "first", parent=root.span_id))
    flow.send(span(trace, "second", parent=root.span_id), resource={"service.name": "other"})
    flow.send(root)
    flow.check(identity=ADA)


def test_children_after_their_root_and_long_after(passage):
    flow, trace = passage(), new_trace()
    root = span(trace, "root", attributes=ADA)
    flow.send(root)
    flow.send(span(trace, "child", parent=root.span_id))
    flow.arrived(root)
    flow.send(span(trace, "late", parent=root.span_id, attributes={"enduser.id": "mallory", "enduser.pseudo.id": "m"}))
    flow.check(identity=ADA)


def test_a_second_root_is_not_obeyed(passage):
    flow, trace = passage(), new_trace()
    root = span(trace, "root", attributes=ADA)
    flow.send(root)
    flow.arrived(root)
    flow.send(span(trace, "usurper", attributes={"enduser.id": "mallory"}))
    flow.check(identity=ADA)


def test_keys_of_one_convention_do_not_become_anothers(passage):
    flow, trace = passage(), new_trace()
    identity = {"neatlogs.end_user.id": "ada", "session.id": "s-1"}
    root = span(trace, "root", attributes={"enduser.id": "ada-too", **identity, "user.id": "operator"})
    child = span(trace, "child", parent=root.span_id, attributes={"user.id": "operator", "gen_ai.user": "x"})
    flow.send(child, root)
    flow.check(identity=identity)


def test_an_empty_id_is_none(passage):
    flow, trace = passage(), new_trace()
    root = span(trace, "root", attributes={"neatlogs.end_user.id": "", "enduser.id": "ada"})
    flow.send(span(trace, "child", parent=root.span_id), root)
    flow.check(identity=ADA)


def test_an_anonymous_root_waits_for_somebody_to_speak(passage):
    flow, trace = passage(enduser="fallback_wait: 60s"), new_trace()
    root = span(trace, "root")
    top = span(trace, "top", parent=root.span_id, attributes={"user.id": "ada", "session.id": "s-1"})
    flow.send(root)
    flow.send(span(trace, "below", parent=top.span_id, attributes={"user.id": "service"}), top)
    flow.check(identity={"user.id": "ada", "session.id": "s-1"})


def test_nobody_speaks_where_the_fallback_is_off(passage):
    flow, trace = passage(enduser="fallback: none"), new_trace()
    root = span(trace, "root")
    flow.send(span(trace, "child", parent=root.span_id, attributes={"user.id": "ada"}), root)
    flow.check()


def test_a_process_that_belongs_to_one_user_says_so_on_its_resource(passage):
    flow, trace = passage(enduser="fallback_wait: 50ms"), new_trace()
    root = span(trace, "root")
    resource = {"service.name": "desktop", "posthog.distinct_id": "ada", "user.id": "operator"}
    flow.send(span(trace, "child", parent=root.span_id), root, resource=resource)
    flow.check(identity={"posthog.distinct_id": "ada"})


def test_the_operator_on_the_resource_is_nobodys_end_user(passage):
    flow, trace = passage(enduser="fallback_wait: 50ms"), new_trace()
    root = span(trace, "root", attributes={"neatlogs.user.id": "operator"})
    flow.send(span(trace, "child", parent=root.span_id), root, resource={"user.id": "operator"})
    flow.check()


def test_a_local_root_speaks_when_no_true_one_comes(passage):
    flow, trace = passage(enduser="local_root_wait: 50ms, root_wait: 60s"), new_trace()
    local = span(trace, "local root", parent=ELSEWHERE, flags=0x300, attributes=ADA)
    flow.send(span(trace, "child", parent=local.span_id), local)
    flow.check(identity=ADA)


def test_the_topmost_speaks_when_the_root_never_comes(passage):
    flow, trace = passage(enduser="root_wait: 50ms"), new_trace()
    top = span(trace, "top", parent=ELSEWHERE, attributes=ADA)
    below = span(trace, "below", parent=top.span_id, attributes={"enduser.id": "mallory"})
    flow.send(below, top)
    flow.check(identity=ADA)


def test_a_trace_whose_root_never_comes_leaves_as_it_came(passage):
    flow, trace = passage(enduser="root_wait: 50ms"), new_trace()
    flow.send(span(trace, "child", parent=ELSEWHERE), span(trace, "other", parent=ELSEWHERE))
    flow.check()


def test_a_root_after_the_wait_is_right_for_itself_and_for_what_follows(passage):
    flow, trace = passage(enduser="root_wait: 50ms"), new_trace()
    root = span(trace, "root", attributes=ADA)
    early = span(trace, "early", parent=root.span_id)
    flow.send(early)
    flow.arrived(early)
    gone = flow.sent.pop()
    flow.send(root)
    flow.send(span(trace, "late", parent=root.span_id))

    came = flow.backend.wait_for(3, {gone.trace})

    assert_inherited([gone], [place for place in came if place.key == gone.key], {gone.trace: {}})
    assert_inherited(flow.sent, [place for place in came if place.key != gone.key], {gone.trace: ADA})


def test_what_the_config_names_is_handed_down_too(passage):
    flow, trace = passage(enduser="inherit: [workflow, langfuse.trace.metadata.*]"), new_trace()
    handed = {"workflow": "checkout", "langfuse.trace.metadata.plan": "pro", "langfuse.trace.metadata.n": 1}
    root = span(trace, "root", attributes={**ADA, **handed, "workflow.other": "stays"})
    flow.send(span(trace, "child", parent=root.span_id, attributes={"workflow": "mine", "kept": True}), root)
    flow.check(identity={**ADA, **handed})


def test_the_same_request_again_leaves_once(passage):
    flow = passage()
    spans, _ = trace_of(children=3, identity=ADA)
    for _ in range(3):
        flow.send(*spans)
    flow.running.stop()
    flow.check(identity=ADA)
