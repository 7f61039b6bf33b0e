"""Where backends look for the end user, and what applications set: for every pair of a source and an `identity_as`.

docs/conventions.md has both as tables: `python -m support.backends` prints them. test_identity_as.py sends every source and
reads what left in every convention as its backend does.
"""

import json
from dataclasses import dataclass

from support.spans import plain

USER, SESSION, METADATA = "user", "session", "metadata"


@dataclass(frozen=True)
class Backend:
    """What reads a convention: the keys that it asks, the first that says something decides."""

    name: str
    users: tuple
    sessions: tuple
    # ("text", key), ("object", key) for a JSON object under one key, ("json" or "plain", prefix) for a key of each member.
    metadata: tuple | None = None
    # Whether id and session are members of that object.
    inside: bool = False
    root_only: bool = False
    # Whether the id is the resource's.
    of_resource: bool = False
    # How many of the sessions' keys are written.
    written_sessions: int = 1

    def user(self, place):
        if self.of_resource:
            return first(values(place.resource.resource), self.users)
        return first(self.fields(place), self.users)

    def session(self, place):
        return first(self.fields(place), self.sessions)

    def fields(self, place):
        fields = values(place.span)
        return json.loads(fields.get(self.metadata[1], "{}")) if self.inside else fields

    def end_user_metadata(self, place):
        """The members as the backend shows them."""
        fields = values(place.span)
        form, where = self.metadata
        if form in ("text", "object"):
            return json.loads(fields.get(where, "{}"))
        found = {key.removeprefix(where): value for key, value in fields.items() if key.startswith(where)}
        return {key: shown(value) for key, value in found.items()} if form == "json" else found

    @property
    def knows(self):
        return {USER, SESSION} | ({METADATA} if self.metadata else set())

    @property
    def metadata_text(self):
        if not self.metadata:
            return "no place for it"
        form, place = self.metadata
        more = ", with id and session in it" if self.inside else ""
        return {
            "text": f"`{place}`, the text as it is",
            "object": f"`{place}`, one JSON object{more}",
            "json": f"`{place}KEY` for each, values as JSON",
            "plain": f"`{place}KEY` for each, values as they are",
        }[form]


def shown(text):
    """What JSON text means; other text is itself, as older SDKs wrote it."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def first(fields, keys):
    """The first that says something decides."""
    return next((fields[key] for key in keys if fields.get(key) not in (None, "")), None)


def values(message):
    """Attributes by key. A key that stands twice is nobody's idea of a span."""
    keys = [attribute.key for attribute in message.attributes]
    assert len(keys) == len(set(keys)), f"keys stand twice: {sorted(keys)}"
    return {attribute.key: plain(attribute.value) for attribute in message.attributes}


# By the name in `identity_as`.
BACKENDS = {
    "neatlogs": Backend(
        "Neatlogs",
        ("neatlogs.end_user.id",),
        ("neatlogs.session.id",),
        ("text", "neatlogs.end_user.metadata"),
        root_only=True,
    ),
    "langfuse": Backend(
        "Langfuse",
        (
            "langfuse.user.id",
            "user.id",
            "langfuse.observation.metadata.langfuse_user_id",
            "langfuse.trace.metadata.langfuse_user_id",
            "ai.telemetry.metadata.userId",
        ),
        (
            "langfuse.session.id",
            "session.id",
            "gen_ai.conversation.id",
            "langfuse.observation.metadata.langfuse_session_id",
            "langfuse.trace.metadata.langfuse_session_id",
            "ai.telemetry.metadata.sessionId",
        ),
        ("json", "langfuse.trace.metadata."),
    ),
    "openinference": Backend("Phoenix, Arize", ("user.id",), ("session.id",), ("object", "metadata")),
    "otel": Backend("what keeps to the semantic conventions", ("enduser.id",), ("session.id",)),
    "traceloop": Backend(
        "Traceloop",
        ("traceloop.association.properties.user_id",),
        ("traceloop.association.properties.session_id",),
        ("plain", "traceloop.association.properties."),
    ),
    "langsmith": Backend(
        "LangSmith",
        ("langsmith.metadata.user_id",),
        ("langsmith.metadata.session_id", "langsmith.metadata.thread_id", "langsmith.metadata.conversation_id"),
        ("plain", "langsmith.metadata."),
    ),
    "langwatch": Backend(
        "LangWatch",
        ("langwatch.user.id", "langwatch.user_id", "user.id"),
        ("gen_ai.conversation.id", "langwatch.thread.id", "langwatch.thread_id", "session.id"),
        ("plain", "langwatch.metadata."),
        written_sessions=2,
    ),
    "braintrust": Backend(
        "Braintrust", ("user_id",), ("session_id",), ("object", "braintrust.metadata"), inside=True
    ),
    "vercel": Backend(
        "what reads the Vercel AI SDK",
        ("ai.telemetry.metadata.userId",),
        ("ai.telemetry.metadata.sessionId",),
        ("plain", "ai.telemetry.metadata."),
    ),
    "posthog": Backend("PostHog", ("posthog.distinct_id",), ("$ai_session_id",), of_resource=True),
}


@dataclass(frozen=True)
class Source:
    """What an application sets on its root, or on the resource of its process."""

    name: str
    user: str
    session: str | None = None
    metadata: str | None = None
    on_resource: bool = False

    @property
    def says(self):
        return {USER} | ({SESSION} if self.session else set()) | ({METADATA} if self.metadata else set())

    @property
    def keys(self):
        return [key for key in (self.user, self.session, self.metadata) if key]


SOURCES = [
    Source("Neatlogs", "neatlogs.end_user.id", "neatlogs.session.id", "neatlogs.end_user.metadata"),
    Source("Langfuse", "langfuse.user.id", "langfuse.session.id"),
    Source("Langfuse's SDK, OpenInference", "user.id", "session.id"),
    Source("OpenTelemetry", "enduser.id", "session.id"),
    Source("OpenTelemetry, by a pseudonym", "enduser.pseudo.id", "session.id"),
    Source("OpenTelemetry for GenAI", "enduser.id", "gen_ai.conversation.id"),
    Source("Traceloop", "traceloop.association.properties.user_id", "traceloop.association.properties.session_id"),
    Source("OpenLLMetry, from the model call", "gen_ai.user", "gen_ai.conversation.id"),
    Source("LangSmith", "langsmith.metadata.user_id", "langsmith.metadata.session_id"),
    Source("LangWatch", "langwatch.user.id", "gen_ai.conversation.id"),
    Source("Vercel AI SDK", "ai.telemetry.metadata.userId", "ai.telemetry.metadata.sessionId"),
    Source("PostHog", "posthog.distinct_id", on_resource=True),
]


def carried(source, convention):
    """What of a source a convention tells, in its usual order."""
    both = source.says & BACKENDS[convention].knows
    return [what for what in (USER, SESSION, METADATA) if what in both]


def lines(head, rows):
    yield "| " + " | ".join(head) + " |"
    yield "| " + " | ".join(["---"] * len(head)) + " |"
    for row in rows:
        yield "| " + " | ".join(row) + " |"


def lookups():
    """docs/conventions.md's first table."""

    def code(keys, written, backend):
        inside = f" in `{backend.metadata[1]}`" if backend.inside else ""
        marked = [f"**`{key}`**" for key in keys[:written]] + [f"`{key}`" for key in keys[written:]]
        return ", ".join(marked) + inside

    rows = [
        [
            f"`{name}`",
            backend.name,
            code(backend.users, 1, backend) + (" of the resource" if backend.of_resource else ""),
            code(backend.sessions, backend.written_sessions, backend),
            backend.metadata_text,
        ]
        for name, backend in BACKENDS.items()
    ]
    head = ["`identity_as`", "read by", "end user, in its order", "session, in its order", "metadata"]
    return "\n".join(lines(head, rows))


def pairs():
    """And its second."""
    rows = [
        [f"{source.name}: {', '.join(f'`{key}`' for key in source.keys)}{' on the resource' if source.on_resource else ''}"]
        + [", ".join(carried(source, name)) for name in BACKENDS]
        for source in SOURCES
    ]
    return "\n".join(lines(["the application sets", *(f"`{name}`" for name in BACKENDS)], rows))


if __name__ == "__main__":
    print(lookups(), pairs(), sep="\n\n")
