"""Requests that real SDKs sent, replayed in many orders: the same identity on every span each time."""

import http.client
import os
import random

import pytest

from support.captures import trace_requests
from support.waiting import PATIENCE

# Read off the captures by eye. An SDK's trace: what its root said, or the topmost span that said something.
ADA = '{"plan":"pro","email":"a@b.example","nested":{"x":1}}'
GRACE = '{"plan":"free","age":41,"vip":false,"tags":["a","b"]}'


def neatlogs(user, session=None, metadata=None):
    identity = {"neatlogs.end_user.id": user}
    if session:
        identity["neatlogs.session.id"] = session
    if metadata:
        identity["neatlogs.end_user.metadata"] = metadata
    return identity


IDENTITIES = {
    # neatlogs: turn-1, turn-2, slow-root (its children came before it, over two seconds)
    "4584a50d735bf759ae99a128928f8499": neatlogs("user-1", "sess-A", ADA),
    "2da73d8c4da13724067f3c888474f918": neatlogs("user-1", "sess-A", ADA),
    "688627865a4d1daf96dd39e667e3c3c0": neatlogs("user-1", "sess-A"),
    # neatlogs: deco-root, probe-flow (a root that the SDK made up), stream, err-root, anon
    "17085205b031e13deab066ef79df101c": neatlogs("user-2", "sess-B", GRACE),
    "87956d7c7b312f4e8a4bf4737ed43a3b": neatlogs("12345", "sess-C", '{"raw":"string"}'),
    "18051097d2ec09d29aaf55c1ee5066c4": neatlogs("user-5"),
    "b6f1bdb2e08efc6e576636151e535f07": neatlogs("user-6"),
    "75a74d2093a7670d29679ee5e3bef785": {},
    # OpenTelemetry: chat (which has user.id and gen_ai.conversation.id besides), chat, long-root, err
    "ac0fda3405b68af245c4b5a1e0fa4148": {"enduser.id": "user-1", "session.id": "sess-A"},
    "51c1d960475634cc9bb4836ff86289f5": {"enduser.id": "user-1", "session.id": "sess-A"},
    "0801077eb6e16ea2287081eb9d81787a": {"user.id": "user-2"},
    "69159d8ae1b7deb5a1b432a9217586ab": {"user.id": "user-3"},
    # OpenInference: agent; http-root, which is anonymous above llm2; plain-span, anonymous
    "2d6520994816b3402f82486766d3d848": {"user.id": "user-1", "session.id": "sess-A"},
    "5622160445704741327c043aa8fe59cf": {"user.id": "user-2", "session.id": "sess-B"},
    "24e32a219ac91c4da04eea985f17eee4": {},
}

REQUESTS = trace_requests("neatlogs", "otel", "openinference")
FIRST_SEED = int(os.environ.get("HEIRLOOM_SHUFFLE_SEED", "0"))


def shuffled(seed):
    order = list(REQUESTS)
    random.Random(seed).shuffle(order)
    return order


ORDERS = {
    "in order": REQUESTS,
    "in reverse": REQUESTS[::-1],
    **{f"shuffled {seed}": shuffled(seed) for seed in range(FIRST_SEED, FIRST_SEED + 10)},
}


@pytest.mark.parametrize("order", ORDERS)
def test_every_span_has_the_same_identity_in_whatever_order_requests_come(fresh_whole, order):
    with fresh_whole() as whole:
        replay(whole, ORDERS[order])
        whole.check(IDENTITIES)


def test_sent_as_json_they_are_the_same(fresh_whole):
    with fresh_whole() as whole:
        replay(whole, [request.in_json for request in REQUESTS], b"{}")
        whole.check(IDENTITIES)


def test_what_is_sent_twice_leaves_once(fresh_whole):
    with fresh_whole() as whole:
        replay(whole, REQUESTS)
        whole.check(IDENTITIES)
        replay(whole, REQUESTS)
        # Everything is out once the collector has ended; nothing may have been added.
        whole.collector.stop()
        whole.check(IDENTITIES)


def test_a_trace_is_whole_though_every_request_takes_a_connection_of_its_own(fresh_whole):
    with fresh_whole() as whole:
        for request in REQUESTS[::-1]:
            replay(whole, [request])
        whole.check(IDENTITIES)


def replay(whole, requests, reply_body=b""):
    connection = http.client.HTTPConnection("127.0.0.1", whole.recorder.server_port, timeout=PATIENCE)
    try:
        for request in requests:
            connection.request("POST", request.path, request.body, request.headers)
            reply = connection.getresponse()
            assert (reply.status, reply.read()) == (200, reply_body)
    finally:
        connection.close()
