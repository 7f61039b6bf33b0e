"""Filters as text, each with the same condition in Python: over a `Group` of the oracle where users and sessions are
listed, over a `Trace` where traces are. A condition is true or false: what is absent equals nothing, and a negation is the
exact complement."""

from golden.building import SECOND, moment

BOTH = ("users", "sessions")
ALL = ("users", "sessions", "traces")


def user_names(entity):
    """Who the entity belongs to."""
    if hasattr(entity, "inherited_user"):
        return {entity.user} - {None}
    return {entity.user if entity.is_session else entity.name} - {None}


def session_names(entity):
    if hasattr(entity, "inherited_user"):
        return {entity.session} - {None}
    return {entity.name} if entity.is_session else {session.name for session in entity.sessions}


def names(entity):
    return {entity.name} if hasattr(entity, "inherited_user") else entity.workflows


def value_at(entity, path):
    found = entity.metadata or {}
    for part in path.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def text_at(entity, path):
    """What a filter compares: text as it is, else the value's JSON."""
    found = value_at(entity, path)
    if found is None or isinstance(found, (dict, list)):
        return None
    return str(found).lower() if isinstance(found, bool) else str(found)


def total(entity, name="total"):
    return entity.tokens[name] if entity.tokens[name] is not None else -1


def cost(entity):
    return entity.cost if entity.cost is not None else -1


# (text, the views that know its fields, condition)
FILTERS = [
    ("end_user is ada", ALL, lambda e: "ada" in user_names(e)),
    ("user is ada", ALL, lambda e: "ada" in user_names(e)),
    ("end_user is not ada", ALL, lambda e: "ada" not in user_names(e)),
    ("end_user is 4711", ALL, lambda e: "4711" in user_names(e)),
    ("end_user contains example", ALL, lambda e: any("example" in name for name in user_names(e))),
    ("end_user does not contain example", ALL, lambda e: not any("example" in name for name in user_names(e))),
    ("end_user starts with grace@", ALL, lambda e: any(name.startswith("grace@") for name in user_names(e))),
    ("end_user ends with .com", ALL, lambda e: any(name.endswith(".com") for name in user_names(e))),
    ("end_user is any of (ada, 4711)", ALL, lambda e: bool(user_names(e) & {"ada", "4711"})),
    ("end_user is none of (ada, 4711)", ALL, lambda e: not user_names(e) & {"ada", "4711"}),
    ("end_user exists", ALL, lambda e: bool(user_names(e))),
    ("not end_user exists", ALL, lambda e: not user_names(e)),
    ("session is s-1", ("sessions", "traces"), lambda e: "s-1" in session_names(e)),
    ('session is "s/5 ü"', ("sessions", "traces"), lambda e: "s/5 ü" in session_names(e)),
    ("session exists", ("sessions", "traces"), lambda e: bool(session_names(e))),
    ("not session exists", ("traces",), lambda e: not session_names(e)),
    ("metadata:plan is pro", ALL, lambda e: text_at(e, "plan") == "pro"),
    ("metadata:plan is not pro", ALL, lambda e: text_at(e, "plan") != "pro"),
    ("metadata:seats is 3", ALL, lambda e: text_at(e, "seats") == "3"),
    ("metadata:org.region is eu", ALL, lambda e: text_at(e, "org.region") == "eu"),
    ("metadata:org.beta is true", ALL, lambda e: text_at(e, "org.beta") == "true"),
    ("metadata:team exists", ALL, lambda e: value_at(e, "team") is not None),
    ("metadata:plan contains ea", ALL, lambda e: "ea" in (text_at(e, "plan") or "")),
    ("tag is vip", ALL, lambda e: "vip" in e.tags),
    ("tag is not vip", ALL, lambda e: "vip" not in e.tags),
    ("tag is any of (a, rag)", ALL, lambda e: bool(e.tags & {"a", "rag"})),
    ("tag exists", ALL, lambda e: bool(e.tags)),
    ("model is gpt-4o", ALL, lambda e: "gpt-4o" in e.models),
    ("model starts with claude", ALL, lambda e: any(model.startswith("claude") for model in e.models)),
    ("model is none of (gpt-4o, gpt-4o-mini)", ALL, lambda e: not e.models & {"gpt-4o", "gpt-4o-mini"}),
    ("workflow is support-desk", ALL, lambda e: "support-desk" in names(e)),
    ("error", ALL, lambda e: e.errors > 0),
    ("not error", ALL, lambda e: e.errors == 0),
    ("errors >= 2", ALL, lambda e: e.errors >= 2),
    ("cost > 0.05", ALL, lambda e: cost(e) > 0.05),
    ("not cost > 0.05", ALL, lambda e: not cost(e) > 0.05),
    ("cost exists", ALL, lambda e: e.cost is not None),
    ("tokens > 3000", ALL, lambda e: total(e) > 3000),
    ("tokens.input <= 1000", ALL, lambda e: 0 <= total(e, "input") <= 1000),
    ("tokens.output >= 500", ALL, lambda e: total(e, "output") >= 500),
    ("observations = 4", ALL, lambda e: count(e) == 4),
    ("observations != 4", ALL, lambda e: count(e) != 4),
    ("traces > 7", BOTH, lambda e: len(e.traces) > 7),
    ("sessions = 1", ("users",), lambda e: len(e.sessions) == 1),
    ("latency > 3s", ("traces",), lambda e: e.latency > 3 * SECOND),
    ("latency <= 950ms", ("traces",), lambda e: e.latency <= 950_000_000),
    # Of users and sessions a sketch's figure: far from where any of them is.
    ("latency > 2s", BOTH, lambda e: e.latency(0.95)[0] > 2 * SECOND),
    ("first_event >= 2026-11-17T00:00:00Z", ALL, lambda e: begin(e) >= moment("2026-11-17T00:00:00")),
    ("last_event < 2026-11-20", ALL, lambda e: last(e) < moment("2026-11-20T00:00:00")),
    ("metadata:plan is pro and tag is rag", ALL, lambda e: text_at(e, "plan") == "pro" and "rag" in e.tags),
    ("tag is rag or tag is letters and error", ALL, lambda e: "rag" in e.tags or "letters" in e.tags and e.errors > 0),
    ("(tag is rag or tag is letters) and not error", ALL, lambda e: e.tags & {"rag", "letters"} and e.errors == 0),
    ("end_user is nobody-at-all", ALL, lambda e: False),
]

# What is wrong, and where: the character is counted from 0.
WRONG = [
    ("", 0),
    ("end_user is", 11),
    ("end_user is ada)", 15),
    ("(end_user is ada", 16),
    ("nonsense is ada", 0),
    ("cost > much", 7),
    ("end_user is ada lovelace", 16),
]


def count(entity):
    return len(entity.observations) if hasattr(entity, "inherited_user") else entity.observations


def begin(entity):
    return entity.start if hasattr(entity, "inherited_user") else entity.first_event


def last(entity):
    return entity.start if hasattr(entity, "inherited_user") else entity.last_event
