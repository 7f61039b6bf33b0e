"""What requests must look like when a policy has been at them, written once more with Python's own hmac, json, re and
protobuf.

Usage: privacy_oracle.py SEED COUNT. Writes one JSON object a line: signal, action (of `redact`), request and expected, both
in base64. The policy is that of `RewriterOracleTests`. Texts of metadata are compared to the last byte, so they are made
without white space.

Or: privacy_oracle.py patterns SEED COUNT. Writes one JSON object a line: text, and what email and card make of it.
"""

import base64
import hashlib
import hmac
import json
import random
import re
import string
import sys
from urllib.parse import quote, quote_plus

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

KEY = b"0123456789abcdef0123456789abcdef"
PATHS = ["email", "address.street", "plan"]
MARK = "[REDACTED]"

USERS = [
    "alice",
    "user-1",
    "user-12",
    "käthe müller",
    "bob@example.com",
    "42",
    "100234",
    'q"uo\\te',
    "0b5f2c1e-6a3d-4c0e-9a34-1f2e3d4c5b6a",
    "𝒳-user/ä",
]
USER_KEYS = ["enduser.id", "user.id", "langfuse.user.id", "neatlogs.user.id", "baggage.user.id", "customer.uid"]
JSON_USER_KEY = "langfuse.trace.metadata.langfuse_user_id"
OBJECT_KEYS = ["metadata", "neatlogs.end_user.metadata", "extra.metadata"]
PLAIN_PREFIX, JSON_PREFIX = "langsmith.metadata.", "langfuse.trace.metadata."
MEMBER = "user_id"


def pseudonym(user):
    return "u_" + hmac.new(KEY, user.encode(), hashlib.sha256).hexdigest()[:32]


# What is found within texts.


def spellings(user):
    lower = json.dumps(user)[1:-1]
    upper = re.sub(r"\\u([0-9a-f]{4})", lambda found: "\\u" + found[1].upper(), lower)
    plain = json.dumps(user, ensure_ascii=False)[1:-1]
    nested = [json.dumps(form)[1:-1] for form in (lower, upper, plain) if form != user]
    urls = [quote(user, safe=safe) for safe in ("", "/", "!*'()")] + [quote_plus(user)]
    urls += [re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), url) for url in urls[:3]]
    return {user, lower, upper, plain, *nested, *urls}


def bounded(spelling, user):
    distinct = not re.fullmatch("[A-Za-z]*", user)
    escape = r"(?<=%[0-9A-Fa-f]{2})|(?<=\\u[0-9A-Fa-f]{4})|(?<=\\[nrtbf])|"
    before = after = ""
    if distinct and len(spelling.encode()) >= 8:
        word = "0-9"
        needs_before, needs_after = re.match("[0-9]", spelling[0]), re.match("[0-9]", spelling[-1])
    else:
        word = "A-Za-z0-9"
        needs_before, needs_after = re.match("[A-Za-z0-9]", spelling[0]), re.match("[A-Za-z0-9]", spelling[-1])
    if needs_before:
        before = f"(?:{escape}(?<![{word}]))"
    if needs_after:
        after = f"(?![{word}])"
    return before + re.escape(spelling) + after


class Known:
    """`named`: users of a resource itself."""

    def __init__(self, users, named=()):
        self.forms = {}
        for user in [*named, *users]:
            if len(user.encode()) >= 4:
                for spelling in spellings(user):
                    self.forms.setdefault(spelling, user)
        self.named = set(named)

    def text(self, text, is_name=False):
        forms = {
            form: user
            for form, user in self.forms.items()
            if not is_name or user in self.named or not re.fullmatch("[A-Za-z]*", user)
        }
        if not forms:
            return text
        if text in forms:
            return pseudonym(forms[text])
        longest = sorted(forms, key=lambda form: -len(form.encode()))
        pattern = "|".join(f"(?P<n{place}>{bounded(form, forms[form])})" for place, form in enumerate(longest))
        return re.sub(pattern, lambda found: pseudonym(forms[longest[int(found.lastgroup[1:])]]), text)


# What the policy makes of metadata.


def verdict(key, paths):
    within = []
    for path in paths:
        if key == path or key.startswith(path + "."):
            return True, []
        if path.startswith(key + "."):
            within.append(path[len(key) + 1 :])
    return False, within


def redacted(value, paths, action):
    if isinstance(value, list):
        return [redacted(element, paths, action) for element in value]
    if not isinstance(value, dict):
        return value
    result = {}
    for key, member in value.items():
        goes, within = verdict(key, paths)
        if goes and action == "mask":
            result[key] = MARK
        elif not goes and key == MEMBER and isinstance(member, (str, int)) and member != "":
            result[key] = pseudonym(str(member))
        elif not goes:
            result[key] = redacted(member, within, action)
    return result


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


# Making requests.


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.users = []

    def some(self, *choices):
        return self.random.choice(choices)

    def text(self, users):
        parts = []
        for _ in range(self.random.randint(0, 6)):
            if users and self.random.random() < 0.5:
                parts.append(self.random.choice(sorted(spellings(self.random.choice(users)))))
            else:
                parts.append(self.some("hello", "x1", "of", "7", "café", "n", "u_", "the user", "0"))
            parts.append(self.some(" ", " ", ", ", "", "/", "-", "_", "\\n", "%20", "\\u00e9", "=", '"'))
        return "".join(parts)

    def json(self, users, depth=0):
        object = {}
        for _ in range(self.random.randint(0, 4)):
            key = self.some("email", "plan", "address", "street", "address.street", "address.city", "note", MEMBER)
            kind = self.random.random()
            if key == MEMBER:
                object[key] = self.some(*USERS, 77, 100234)
            elif kind < 0.3 and depth < 3:
                object[key] = self.json(users, depth + 1)
            elif kind < 0.4 and depth < 3:
                object[key] = [self.json(users, depth + 1), self.some(1, "a", None)]
            elif kind < 0.6:
                object[key] = self.some(1, -5, True, None, 12.5)
            else:
                object[key] = self.some("pro", "Berlin", *users, "a b")
        return object

    def fill(self, value, thing):
        if isinstance(thing, bool):
            value.bool_value = thing
        elif isinstance(thing, int):
            value.int_value = thing
        elif isinstance(thing, float):
            value.double_value = thing
        elif isinstance(thing, str):
            value.string_value = thing
        elif isinstance(thing, list):
            value.array_value.SetInParent()
            for element in thing:
                self.fill(value.array_value.values.add(), element)
        elif isinstance(thing, dict):
            value.kvlist_value.SetInParent()
            for key, member in thing.items():
                pair = value.kvlist_value.values.add()
                pair.key = key
                self.fill(pair.value, member)

    def attributes(self, owner, users, own, count=6):
        """Random ones; `own` gets the users that they name."""
        for _ in range(self.random.randint(0, count)):
            pair = owner.add()
            kind = self.random.randrange(12)
            if kind < 3:
                user = self.random.choice(users)
                own.add(user)
                pair.key = self.random.choice(USER_KEYS)
                self.fill(pair.value, int(user) if user.isdigit() and self.random.random() < 0.5 else user)
            elif kind == 3:
                user = self.random.choice(users)
                own.add(user)
                pair.key = JSON_USER_KEY
                self.fill(pair.value, compact(user))
            elif kind in (4, 5):
                pair.key = self.random.choice(OBJECT_KEYS)
                object = self.json(users)
                own |= set(named_by(object))
                self.fill(pair.value, compact(object) if kind == 4 else object)
            elif kind == 6:
                pair.key = PLAIN_PREFIX + self.some("email", "address.street", "plan.name", "note")
                self.fill(pair.value, self.some("a@b.example", "pro", self.text(users)))
            elif kind == 7:
                pair.key = JSON_PREFIX + self.some("email", "address", "note")
                object = self.json(users)
                own |= set(named_by(object))
                self.fill(pair.value, compact(object))
            elif kind == 8:
                pair.key = self.some("x", "of." + self.random.choice(users), "alice", "n")
                self.fill(pair.value, self.some(7, 100234, True, 1.5, [self.text(users), 3], {"a": self.text(users)}))
            else:
                pair.key = self.some("gen_ai.prompt", "url.full", "note")
                self.fill(pair.value, self.text(users))


def named_by(value):
    if isinstance(value, dict):
        for key, member in value.items():
            if key == MEMBER and isinstance(member, (str, int)) and member != "":
                yield str(member)
            else:
                yield from named_by(member)
    elif isinstance(value, list):
        for element in value:
            yield from named_by(element)


# What must become of them.


class Expected:
    def __init__(self, action):
        self.action = action

    def attributes(self, pairs, known, is_name=False):
        kept = []
        for pair in pairs:
            if self.pair(pair, known, is_name):
                kept.append(type(pair).FromString(pair.SerializeToString()))
        del pairs[:]
        pairs.extend(kept)

    def pair(self, pair, known, is_name):
        key, value = pair.key, pair.value
        pair.key = known.text(key, is_name=True)
        if key in USER_KEYS:
            self.identify(value)
        elif key == JSON_USER_KEY:
            value.string_value = compact(pseudonym(json.loads(value.string_value)))
        elif key in OBJECT_KEYS:
            self.metadata(value, PATHS, known, is_name)
        elif key.startswith((PLAIN_PREFIX, JSON_PREFIX)):
            is_json = key.startswith(JSON_PREFIX)
            goes, within = verdict(key[len(JSON_PREFIX if is_json else PLAIN_PREFIX) :], PATHS)
            if goes and self.action == "drop":
                return False
            if goes:
                value.string_value = compact(MARK) if is_json else MARK
            else:
                self.metadata(value, within, known, is_name)
        else:
            self.value(value, known, is_name)
        return True

    def identify(self, value):
        kind = value.WhichOneof("value")
        value.string_value = pseudonym(str(getattr(value, kind)))

    def metadata(self, value, paths, known, is_name):
        kind = value.WhichOneof("value")
        if kind == "string_value" and value.string_value.startswith(("{", "[")):
            before = json.loads(value.string_value)
            after = redacted(before, paths, self.action)
            text = compact(after) if after != before else value.string_value
            value.string_value = known.text(text, is_name)
        elif kind == "kvlist_value":
            kept = []
            for pair in value.kvlist_value.values:
                goes, within = verdict(pair.key, paths)
                if goes and self.action == "drop":
                    continue
                member = pair.key == MEMBER
                pair.key = known.text(pair.key, is_name=True)
                if goes:
                    pair.value.string_value = MARK
                elif member and pair.value.WhichOneof("value") in ("string_value", "int_value"):
                    self.identify(pair.value)
                else:
                    self.metadata(pair.value, within, known, is_name)
                kept.append(type(pair).FromString(pair.SerializeToString()))
            del value.kvlist_value.values[:]
            value.kvlist_value.values.extend(kept)
        elif kind == "array_value":
            for element in value.array_value.values:
                self.metadata(element, paths, known, is_name)
        else:
            self.value(value, known, is_name)

    def value(self, value, known, is_name):
        kind = value.WhichOneof("value")
        if kind == "string_value":
            value.string_value = known.text(value.string_value, is_name)
        elif kind == "int_value":
            digits = str(value.int_value)
            if len(digits) >= 6 and known.text(digits, is_name) != digits:
                value.string_value = known.text(digits, is_name)
        elif kind == "array_value":
            for element in value.array_value.values:
                self.value(element, known, is_name)
        elif kind == "kvlist_value":
            for pair in value.kvlist_value.values:
                pair.key = known.text(pair.key, is_name=True)
                self.value(pair.value, known, is_name)


def points_of(metric):
    return getattr(metric, metric.WhichOneof("data")).data_points


def make(signal, seed):
    """A request, and what a policy makes of it."""
    maker = Maker(seed)
    action = maker.some("drop", "mask")
    request = {
        "traces": ExportTraceServiceRequest,
        "logs": ExportLogsServiceRequest,
        "metrics": ExportMetricsServiceRequest,
    }[signal]()
    traces = [bytes([place]) * 16 for place in range(1, 4)]
    groups, resources, items = {}, [], []
    for _ in range(maker.random.randint(1, 2)):
        users = maker.random.sample(USERS, 3)
        resource = getattr(
            request, {"traces": "resource_spans", "logs": "resource_logs"}.get(signal, "resource_metrics")
        ).add()
        own, below = set(), set()
        resource.resource.SetInParent()
        maker.attributes(resource.resource.attributes, users, own, 2 if maker.random.random() < 0.3 else 0)
        for name in ("alice", users[0]):
            pair = resource.resource.attributes.add()
            pair.key, pair.value.string_value = "service.instance.id", f"pod of {name}"
        scope = getattr(resource, {"traces": "scope_spans", "logs": "scope_logs"}.get(signal, "scope_metrics")).add()
        scope.scope.name = maker.some("scope", f"scope {users[1]}")
        for _ in range(maker.random.randint(1, 5)):
            named = set()
            if signal == "traces":
                item = scope.spans.add()
                item.trace_id, item.span_id = maker.random.choice(traces), b"12345678"
                item.trace_state, item.name = f"k={maker.text(users)}", maker.text(users)
                maker.attributes(item.attributes, users, named)
                event, link = item.events.add(), item.links.add()
                event.name, link.trace_state = maker.text(users), maker.text(users)
                maker.attributes(event.attributes, users, named, 2)
                maker.attributes(link.attributes, users, named, 2)
                item.status.message = maker.text(users)
                group = item.trace_id
            elif signal == "logs":
                item = scope.log_records.add()
                if maker.random.random() < 0.7:
                    item.trace_id = maker.random.choice(traces)
                item.severity_text, item.event_name = maker.text(users), maker.text(users)
                maker.fill(
                    item.body, maker.some(maker.text(users), {"message": maker.text(users)}, [maker.text(users)])
                )
                maker.attributes(item.attributes, users, named)
                group = item.trace_id or len(items)
            else:
                item = scope.metrics.add()
                item.name, item.description = maker.text(users), maker.text(users)
                kind = maker.some("gauge", "sum", "histogram", "exponential_histogram", "summary")
                for _ in range(maker.random.randint(0, 2)):
                    point = getattr(item, kind).data_points.add()
                    maker.attributes(point.attributes, users, named, 3)
                    if kind != "summary":
                        maker.attributes(point.exemplars.add().filtered_attributes, users, named, 2)
                getattr(item, kind).SetInParent()
                group = len(items)
            groups.setdefault(group, set()).update(named)
            below.add(group)
            items.append((item, group))
        for group in below:
            groups[group] |= own
        resources.append((resource, scope, own, below))
    before = request.SerializeToString()

    rules = Expected(action)
    for resource, scope, own, below in resources:
        known = Known(set().union(*(groups[group] for group in below)) - own, own)
        rules.attributes(resource.resource.attributes, known, is_name=True)
        scope.scope.name = known.text(scope.scope.name, is_name=True)
    for item, group in items:
        known = Known(groups[group])
        if signal == "traces":
            for field in ("trace_state", "name"):
                setattr(item, field, known.text(getattr(item, field)))
            item.status.message = known.text(item.status.message)
            for event in item.events:
                event.name = known.text(event.name)
                rules.attributes(event.attributes, known)
            for link in item.links:
                link.trace_state = known.text(link.trace_state)
                rules.attributes(link.attributes, known)
        elif signal == "logs":
            item.severity_text, item.event_name = known.text(item.severity_text), known.text(item.event_name)
            rules.value(item.body, known, False)
        else:
            item.name, item.description = known.text(item.name, True), known.text(item.description, True)
            for point in points_of(item):
                rules.attributes(point.attributes, known)
                for exemplar in getattr(point, "exemplars", []):
                    rules.attributes(exemplar.filtered_attributes, known)
        if signal != "metrics":
            rules.attributes(item.attributes, known)
    return {
        "signal": signal,
        "action": action,
        "request": base64.b64encode(before).decode(),
        "expected": base64.b64encode(request.SerializeToString()).decode(),
    }


# Patterns.

EMAIL = re.compile(
    r"[A-Za-z0-9._%+-]{1,64}(?:@|%40|\\u0040)" r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,63}"
)


def emails(text):
    def hidden(found):
        backslashes = re.search(r"\\*$", text[: found.start()])[0]
        if len(backslashes) % 2 == 0:
            return "[email]"
        escape = 5 if found[0][0] == "u" else 1
        return found[0][:escape] + "[email]"

    return EMAIL.sub(hidden, text)


CARD = re.compile(r"\b[2-6](?:[ -]?[0-9]){12,18}\b", re.ASCII)


def luhn(number):
    digits = [int(digit) for digit in reversed(number) if digit.isdigit()]
    return sum(digit if place % 2 == 0 else sum(divmod(2 * digit, 10)) for place, digit in enumerate(digits)) % 10 == 0


def cards(text):
    result, start = "", 0
    while found := CARD.search(text, start):
        number = found[0]
        while number and not luhn(number):
            number = re.sub(r"(^|[ -])[0-9]*$", "", number)
        if sum(map(str.isdigit, number)) >= 13:
            result += text[start : found.start()] + "[card]"
            start = found.start() + len(number)
        else:
            result += text[start : found.start() + 1]
            start = found.start() + 1
    return result + text[start:]


def patterns(seed, count):
    maker = random.Random(seed)
    for _ in range(count):
        parts = []
        for _ in range(maker.randint(1, 8)):
            kind = maker.randrange(6)
            if kind == 0:
                parts.append(
                    "".join(maker.choices(string.ascii_letters + string.digits + ".+-_%", k=maker.randint(1, 12)))
                )
            elif kind == 1:
                parts.append(
                    maker.choice(["@", "%40", "@example.com", "@a.b-c.example", "@-x.de", ".com", "\\u0040x.org"])
                )
            elif kind == 2:
                digits = [maker.choice("23456")] + maker.choices(string.digits, k=maker.choice([11, 12, 14, 15, 18]))
                for last in string.digits:
                    if luhn("".join(digits[:-1]) + last) == (maker.random() < 0.7):
                        digits[-1] = last
                        break
                gap = maker.choice(["", " ", "-", "  "])
                parts.append(gap.join("".join(digits[place : place + 4]) for place in range(0, len(digits), 4)))
            elif kind == 3:
                parts.append(
                    maker.choice(["4111 1111 1111 1111", "378282246310005", "5555555555554444", "1700000000000"])
                )
            else:
                parts.append(maker.choice([" ", ", ", "card: ", "é", "\n", "x", " 12 ", '"']))
        text = "".join(parts)
        yield {"text": text, "email": emails(text), "card": cards(text)}


if __name__ == "__main__":
    if sys.argv[1] == "patterns":
        lines = patterns(int(sys.argv[2]), int(sys.argv[3]))
    else:
        seed, count = int(sys.argv[1]), int(sys.argv[2])
        signals = ["traces", "logs", "metrics"]
        lines = (make(signals[place % 3], seed * 1_000_000 + place) for place in range(count))
    for line in lines:
        print(json.dumps(line))
