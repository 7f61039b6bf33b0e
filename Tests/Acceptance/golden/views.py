"""The oracle's answers in the form of the HTTP API, and the comparison with what was really answered."""

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


def aggregates(group):
    return {
        "first_event": timestamp(group.first_event),
        "last_event": timestamp(group.last_event),
        "traces": len(group.traces),
        "observations": group.observations,
        "errors": group.errors,
        "tokens": group.tokens,
        "cost_usd": dollars(group.cost, group.observations),
        "latency_ms": latencies(group),
        "metadata": group.metadata or {},
        "models": Unordered(group.models),
        "tags": Unordered(group.tags),
    }


def user(group):
    return {"end_user_id": group.name, "sessions": len(group.sessions), **aggregates(group)}


def session(group):
    return {
        "session_id": group.name,
        "end_user_id": group.user,
        "conflicting_end_users": group.disagrees,
        "duration_ms": exact_milliseconds(group.duration),
        "workflows": Unordered(group.workflows),
        **aggregates(group),
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
