"""The oracle's answers in the form of the HTTP API, and the comparison with what was really answered."""

from collections import Counter
from decimal import Decimal

from golden.ledger_oracle import MILLISECOND, timestamp

QUANTILES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}


class Between:
    """Any number between these two."""

    def __init__(self, least, most):
        self.least, self.most = least, most

    def __eq__(self, other):
        return isinstance(other, (int, float)) and self.least <= other <= self.most

    def __repr__(self):
        return f"between {self.least} and {self.most}"


class Unordered:
    """A list with these elements, each once, in any order."""

    def __init__(self, elements):
        self.elements = sorted(elements)

    def __eq__(self, other):
        return isinstance(other, list) and sorted(other) == self.elements

    def __repr__(self):
        return f"{self.elements} in any order"


def dollars(cost, spans):
    """A cost that was summed up over so many spans in billionths; None when it is unknown."""
    if cost is None:
        return None
    leeway = Decimal("1e-9") * max(spans, 1)
    return Between(float(cost - leeway), float(cost + leeway))


def latencies(group):
    result = {}
    for name, quantile in QUANTILES.items():
        least, most = group.latency(quantile)
        result[name] = Between(least / MILLISECOND, most / MILLISECOND)
    return result


def exact_milliseconds(nanoseconds):
    # A number in JSON: whole milliseconds, or with a fraction.
    return Between(nanoseconds / MILLISECOND - 0.5, nanoseconds / MILLISECOND + 0.5)


def amounts(group):
    return {
        "traces": len(group.traces),
        "observations": group.observations,
        "errors": group.errors,
        "tokens": group.tokens,
        "cost_usd": dollars(group.cost, group.observations),
    }


def aggregates(group):
    return amounts(group) | {
        "first_event": timestamp(group.first_event),
        "last_event": timestamp(group.last_event),
        "latency_ms": latencies(group),
    }


def labels(group):
    return {
        "metadata": group.metadata or {},
        "models": Unordered(group.models),
        "tags": Unordered(group.tags),
        "workflows": Unordered(group.workflows),
    }


def day(date, group):
    return {"date": date, **amounts(group)}


def user(group):
    return {"end_user_id": group.name, "sessions": len(group.sessions), **aggregates(group), **labels(group)}


def session(group):
    return {
        "session_id": group.name,
        "end_user_id": group.user,
        "conflicting_end_users": group.disagrees,
        "duration_ms": exact_milliseconds(group.duration),
        **aggregates(group),
        **labels(group),
    }


def trace(found):
    return {
        "trace_id": found.id,
        "session_id": found.session,
        "end_user_id": found.user,
        "name": found.name,
        "timestamp": timestamp(found.start),
        "observations": len(found.observations),
        "errors": found.errors,
        "error": found.errors > 0,
        "tokens": found.tokens,
        "cost_usd": dollars(found.cost, len(found.observations)),
        "latency_ms": exact_milliseconds(found.latency),
        "metadata": found.metadata or {},
        "models": Unordered(found.models),
        "tags": Unordered(found.tags),
    }


def tree(found):
    """The nested spans of a trace, those without a known parent at the top, each with what was counted of it."""

    def nodes(observations):
        return [node(each) for each in sorted(observations, key=lambda each: (each.start, each.span_id))]

    def node(each):
        counted = found.counted.get(each.span_id, {})
        return {
            "span_id": each.span_id,
            "parent_span_id": each.parent_id or None,
            "name": each.name,
            "kind": each.kind,
            "start": timestamp(each.start),
            "duration_ms": exact_milliseconds(each.end - each.start),
            "status": "error" if each.is_error else "ok",
            "status_message": each.message or None,
            "model": each.model,
            "tokens": {name: counted.get(name) for name in found.tokens},
            "cost_usd": dollars(found.costs.get(each.span_id), 1),
            "children": nodes(found.children[each.span_id]),
        }

    return nodes([each for each in found.observations if not found.ancestors(each)])


MEASURES = {
    "tokens": lambda user: user.tokens["total"],
    "traces": lambda user: len(user.traces),
    "cost_usd": lambda user: user.cost,
}


def overview(oracle):
    everything, users = oracle.everything, oracle.users.values()
    top = {
        name: sorted((each for each in users if measure(each) is not None), key=measure, reverse=True)
        for name, measure in MEASURES.items()
    }
    unpriced = sorted(oracle.unpriced.items(), key=lambda item: (-item[1], item[0]))
    return {
        "totals": aggregates(everything)
        | {
            "users": len(users),
            "sessions": len(everything.sessions),
            "anonymous_traces": sum(trace.user is None for trace in everything.traces),
        },
        "top_users": {name: [user(each) for each in ranked] for name, ranked in top.items()},
        "unpriced_models": [{"model": model, "calls": calls} for model, calls in unpriced],
    }


def in_buckets(oracle, name, buckets):
    """The buckets of a distribution, with how many users they must have."""
    values = [value for each in oracle.users.values() if (value := MEASURES[name](each)) is not None]

    def holds(bucket, value):
        return bucket["from"] <= value and (bucket["to"] is None or value < bucket["to"])

    return [bucket | {"users": sum(holds(bucket, value) for value in values)} for bucket in buckets], len(values)


def metadata_keys(oracle):
    def paths(value, path=""):
        for key, member in (value or {}).items():
            if isinstance(member, dict):
                yield from paths(member, f"{path}{key}.")
            else:
                yield f"{path}{key}"

    def count(entities):
        return Counter(key for each in entities for key in paths(each.metadata))

    users, traces = count(oracle.users.values()), count(oracle.traces.values())
    return [{"key": key, "users": users[key], "traces": traces[key]} for key in sorted(traces)]


def differences(expected, actual, path=""):
    """What is otherwise than it should be, a line each. Members that nobody expected are no difference."""
    if isinstance(expected, dict):
        if not isinstance(actual, dict):
            yield f"{path} is {actual!r}, not an object"
            return
        for name, value in expected.items():
            if name not in actual:
                yield f"{path}.{name} is missing"
            else:
                yield from differences(value, actual[name], f"{path}.{name}")
    elif isinstance(expected, list):
        if not isinstance(actual, list) or len(actual) != len(expected):
            yield f"{path} is {actual!r}, not {len(expected)} elements: {expected!r}"
            return
        for number, (left, right) in enumerate(zip(expected, actual, strict=True)):
            yield from differences(left, right, f"{path}[{number}]")
    elif isinstance(actual, bool) is not isinstance(expected, bool) or not expected == actual:
        yield f"{path} is {actual!r}, should be {expected!r}"


def assert_same(expected, actual, what):
    found = list(differences(expected, actual))
    assert not found, f"{what}:\n" + "\n".join(found)
