"""What a ledger must know of spans: the independent calculation. Written from what was promised, for a few traces at a
time: everything is kept, nothing is kept up to date."""

import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property

from golden.pricing import price
from golden.span_facts import TOKENS, read

MILLISECOND = 1_000_000
SECOND = 1000 * MILLISECOND
DAY = 86_400 * SECOND
MODEL_CALLS = ("llm", "embedding", "reranker")


@dataclass
class Trace:
    """One trace, from the observations that are known of it, in the order in which they came, each once."""

    id: str
    observations: list
    # Whose it is when its own spans don't say.
    inherited_user: str | None = None

    def __post_init__(self):
        self.by_id = {each.span_id: each for each in self.observations}
        self.children = defaultdict(list)
        for each in self.observations:
            if each.parent_id in self.by_id and each.parent_id != each.span_id:
                self.children[each.parent_id].append(each)

    def ancestors(self, observation):
        found, seen = [], {observation.span_id}
        while (parent := self.by_id.get(observation.parent_id)) and parent.span_id not in seen:
            seen.add(parent.span_id)
            found.append(parent)
            observation = parent
        return found

    # Who speaks: a root, where there is none a local root, then whoever stands highest.

    @cached_property
    def roots(self):
        return [each for each in self.observations if not each.parent_id]

    @cached_property
    def speakers(self):
        highest = sorted(self.observations, key=lambda each: (len(self.ancestors(each)), each.start, each.span_id))
        return (self.roots or [each for each in highest if each.is_local_root]) + highest

    def said(self, name):
        return next((getattr(each, name) for each in self.speakers if getattr(each, name)), None)

    @property
    def own_user(self):
        return self.said("user")

    @property
    def user(self):
        return self.own_user or self.inherited_user

    @property
    def session(self):
        return self.said("session")

    @property
    def metadata(self):
        return self.said("metadata")

    @property
    def name(self):
        first = self.speakers[0]
        named = self.said("trace_name") or self.said("workflow")
        return named or (first.name if not first.parent_id or first.is_local_root else None)

    # What was spent: told at the deepest span that knows, so that no sum is counted beside its parts.

    def _deepest(self, tells):
        above = {ancestor.span_id for each in self.observations if tells(each) for ancestor in self.ancestors(each)}
        return [each for each in self.observations if tells(each) and each.span_id not in above]

    @cached_property
    def counted(self):
        """The tokens that count, by span id."""
        return {each.span_id: each.tokens for each in self._deepest(lambda each: bool(each.tokens))}

    @cached_property
    def costs(self):
        """Dollars by span id; None for a call that nobody knows the price of. What a model call says stands for all that
        hangs below it; what an agent says, only where nothing below it has a price."""
        told = self._deepest(lambda each: each.cost is not None)
        calls = {each.span_id: each.cost for each in told if each.kind in MODEL_CALLS}
        sums = {each.span_id: each.cost for each in told if each.kind not in MODEL_CALLS}
        priced, unpriced = {}, {}
        for span_id, tokens in self.counted.items():
            each = self.by_id[span_id]
            above = {span_id, *(ancestor.span_id for ancestor in self.ancestors(each))}
            if not each.model or span_id in sums or above & calls.keys():
                continue
            cost = price(each.model, each.provider, each.start, tokens, is_one_call=each.kind in MODEL_CALLS)
            if cost is None:
                unpriced[span_id] = above
            else:
                priced[span_id] = cost
                sums = {sum_id: its for sum_id, its in sums.items() if sum_id not in above}
        nobodys = {span_id: None for span_id, above in unpriced.items() if not above & sums.keys()}
        return calls | sums | priced | nobodys

    @property
    def unpriced(self):
        return Counter(self.by_id[span_id].model for span_id, cost in self.costs.items() if cost is None)

    @property
    def start(self):
        """The earliest of the times that are known."""
        return min((each.start for each in self.observations if each.start), default=0)

    @property
    def end(self):
        return max(each.end for each in self.observations)

    @property
    def latency(self):
        return self.end - self.start

    @property
    def errors(self):
        return sum(each.is_error for each in self.observations)

    @property
    def models(self):
        return {each.model for each in self.observations if each.model}

    @property
    def tags(self):
        return {tag for each in self.observations for tag in each.tags}

    @property
    def tokens(self):
        return total(self.counted.values())

    @property
    def cost(self):
        return total_cost(self.costs.values())


def total(counts):
    """Sums by name; None where nobody told."""
    counts = list(counts)
    told = {name: [count[name] for count in counts if count.get(name) is not None] for name in TOKENS}
    return {name: sum(values) if values else None for name, values in told.items()}


def total_cost(costs):
    known = [cost for cost in costs if cost is not None]
    return sum(known, Decimal(0)) if known else None


@dataclass
class Group:
    """What several traces come to: those of a user, of a session, or all."""

    name: str | None
    traces: list
    sessions: list = field(default_factory=list)
    is_session: bool = False

    def __post_init__(self):
        self.traces.sort(key=lambda trace: (trace.start, trace.id))

    @property
    def first_event(self):
        return self.traces[0].start

    @property
    def last_event(self):
        return self.traces[-1].start

    @property
    def observations(self):
        return sum(len(trace.observations) for trace in self.traces)

    @property
    def errors(self):
        return sum(trace.errors for trace in self.traces)

    @property
    def tokens(self):
        return total(trace.tokens for trace in self.traces)

    @property
    def cost(self):
        return total_cost(trace.cost for trace in self.traces)

    @property
    def metadata(self):
        return next((trace.metadata for trace in reversed(self.traces) if trace.metadata), None)

    @property
    def models(self):
        return set().union(*(trace.models for trace in self.traces))

    @property
    def tags(self):
        return set().union(*(trace.tags for trace in self.traces))

    @property
    def workflows(self):
        return {trace.name for trace in self.traces if trace.name}

    def latency(self, quantile):
        """The least and the most that may be told as this quantile of the traces' latencies, in nanoseconds: between
        two neighbours any value will do, and a sketch is right to a hundredth."""
        values = sorted(trace.latency for trace in self.traces)
        place = quantile * (len(values) - 1)
        return values[math.floor(place)] * 0.985, values[math.ceil(place)] * 1.015

    # Of a session.

    @property
    def users(self):
        return [trace.own_user for trace in self.traces if trace.own_user]

    @property
    def user(self):
        return self.users[-1] if self.users else None

    @property
    def disagrees(self):
        return len(set(self.users)) > 1

    @property
    def duration(self):
        return max(trace.end for trace in self.traces) - self.first_event


class LedgerOracle:
    """Everything that can be asked about these places (see `support.spans.Place`), in the order in which they came."""

    def __init__(self, places, inherits_session_user=True):
        spans = defaultdict(dict)
        for place in places:
            spans[place.trace].setdefault(place.span.span_id, place)
        self.traces = {}
        for trace_id, found in spans.items():
            observations = [each for each in map(read, found.values()) if not each.is_marker]
            if observations:
                self.traces[trace_id] = Trace(trace_id, observations)
        self.sessions = self._groups(lambda trace: trace.session, is_session=True)
        if inherits_session_user:
            for session in self.sessions.values():
                for trace in session.traces:
                    trace.inherited_user = session.user
        self.users = self._groups(lambda trace: trace.user)
        for name, user in self.users.items():
            user.sessions = [session for session in self.sessions.values() if session.user == name]
        self.everything = Group(None, list(self.traces.values()), list(self.sessions.values()))

    def _groups(self, name_of, is_session=False):
        groups = defaultdict(list)
        for trace in self.traces.values():
            if name := name_of(trace):
                groups[name].append(trace)
        return {name: Group(name, traces, is_session=is_session) for name, traces in groups.items()}

    @property
    def unpriced(self):
        return sum((trace.unpriced for trace in self.traces.values()), Counter())

    def days(self, traces):
        """By the day (`2026-11-16`, in UTC) on which a trace began: the group of its traces."""
        by_day = defaultdict(list)
        for trace in traces:
            by_day[datetime.fromtimestamp(trace.start // DAY * DAY // SECOND, UTC).strftime("%Y-%m-%d")].append(trace)
        return {day: Group(day, traces) for day, traces in sorted(by_day.items())}


def timestamp(nanoseconds):
    """RFC 3339 with milliseconds."""
    seconds, rest = divmod(nanoseconds, SECOND)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest // MILLISECOND:03}Z"
