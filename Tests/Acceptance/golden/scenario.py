"""The golden scenario: three end users, five sessions, forty traces, in the shapes of five kinds of SDKs. `SCENARIO` lists
the traces; what each is there for stands beside it."""

import random

from golden.building import HOUR, LOCAL_ROOT, MINUTE, Source, Trace, identifier, moment
from golden.conventions import GenAI, Langfuse, NeatLogs, OpenInference, Traceloop, compact, key_value_list

ADA, GRACE, JOAN = "ada", "grace@example.com", "4711"
# Two of ada's, one each of the others', and one that nobody agrees about.
FIRST, SECOND, THIRD, FOURTH, TORN = "s-1", "s-2", "s-3", "s-4", "s/5 ü"

NEATLOGS = Source({"service.name": "desk", "user.id": "operator-7", "neatlogs.tags": "prod,eu"}, "neatlogs.trace")
MARKERS = Source(NEATLOGS.resource, "neatlogs.internal")
PHOENIX = Source({"service.name": "agent", "openinference.project.name": "demo"}, "openinference.demo")
OTEL = Source({"service.name": "shop"}, "shop")
PROXY = Source({"service.name": "proxy"}, "proxy")
LANGFUSE = Source({"service.name": "writer", "langfuse.environment": "live"}, "langfuse-sdk")
TRACELOOP = Source({"service.name": "pipeline"}, "traceloop.tracer")
KIOSK = Source({"service.name": "kiosk", "posthog.distinct_id": JOAN}, "kiosk")

FIRST_DAY = moment("2026-11-16T08:00:00")
PRO, FREE = {"plan": "pro", "seats": 3, "org": {"region": "eu", "beta": True}}, {"plan": "free", "seats": 1}

chance = random.Random(812)
SCENARIO = []


def trace(source, start=None):
    """A new trace, three hours after the one before unless it has a time of its own."""
    number = len(SCENARIO)
    SCENARIO.append(Trace(number, start or FIRST_DAY + number * 3 * HOUR + number * 7 * MINUTE, source))
    return SCENARIO[-1]


def some(least, most):
    return chance.randrange(least, most)


def neatlogs_turn(user, session, metadata=None, fails=False, reasoning=None, tags="prod,eu"):
    """A turn with an agent that asks a model and uses a tool; its completion marker."""
    turn = trace(NEATLOGS)
    lasts = some(900, 9000)
    identity = NeatLogs.root(user, session, metadata)
    root = turn.span("turn", None, 0, lasts, NeatLogs.span("workflow", tags=tags), identity, ok=True)
    agent = turn.span("plan", root, 10, lasts - 20, NeatLogs.span("agent", tags=tags))
    usage = NeatLogs.usage("gpt-4o", some(200, 2000), some(50, 500), cache_read=some(0, 150), reasoning=reasoning)
    turn.span("answer", agent, 20, lasts // 2, NeatLogs.span("llm", tags=tags), usage)
    # The tool's own list stands where the global text is otherwise.
    own = ["vip", "lookup"] if not fails else None
    error = "KeyError: 'order'" if fails else None
    turn.span("look up", agent, lasts // 2 + 25, 80, NeatLogs.span("tool", tags=own), error=error)
    marker(turn, root)
    return turn


def marker(turn, root):
    """What the SDK sends once a root was accepted. No observation, and later than everything else."""
    attributes = {"neatlogs.trace.complete": True, "neatlogs.internal": True, "neatlogs.span.kind": "Neatlogs.INTERNAL"}
    turn.span("neatlogs.trace.complete", root, 60_000, 0.01, attributes, source=MARKERS)


def neatlogs_traces():
    neatlogs_turn(ADA, FIRST, FREE)
    neatlogs_turn(ADA, FIRST, PRO)
    neatlogs_turn(ADA, FIRST, PRO, fails=True)
    neatlogs_turn(GRACE, THIRD, {"plan": "team"}, reasoning=33)

    # An agent that says what it cost, and nothing below says anything.
    agent = trace(NEATLOGS)
    told = {"neatlogs.agent.cost_usd": 0.0421}
    root = agent.span("claude agent", None, 0, 31_000, NeatLogs.span("agent"), NeatLogs.root(GRACE, THIRD), told)
    agent.span("bash", root, 500, 1500, NeatLogs.span("tool"))

    # The same, and of the model calls below one says what it cost: the agent's figure is the sum, not another cost.
    agent = trace(NEATLOGS)
    told = {"neatlogs.agent.cost_usd": 0.0300}
    root = agent.span("claude agent", None, 0, 12_000, NeatLogs.span("agent"), NeatLogs.root(GRACE, THIRD), told)
    usage = NeatLogs.usage("claude-sonnet-4-6", 5200, 310, cache_read=4800, cache_write=100)
    agent.span("answer", root, 100, 9000, NeatLogs.span("llm"), usage, {"gen_ai.usage.cost": 0.0187})
    agent.span("title", root, 9200, 900, NeatLogs.span("llm"), NeatLogs.usage("gpt-4o-mini", 480, 12))

    # Nobody: below a root neatlogs' keys have no effect, and its user is the operator.
    nobody = trace(NEATLOGS)
    root = nobody.span("turn", None, 0, 700, NeatLogs.span("workflow"), {"user.id": "operator-7"})
    nobody.span("forged", root, 10, 300, NeatLogs.span("tool"), NeatLogs.root("mallory", "s-forged", {"plan": "none"}))


def openinference_traces():
    # The user is bound below a root that is somebody else's; the model says what it cost.
    for tags in (["a", "b"], ["b", "c"]):
        chat = trace(PHOENIX)
        bound = OpenInference.bound(ADA, SECOND, PRO, tags)
        root = chat.span("POST /chat", None, 0, some(2000, 4000), OpenInference.span("chain"))
        chat.span("parse", root, 5, 20, OpenInference.span("chain"))
        agent = chat.span("agent", root, 30, 1800, OpenInference.span("agent"), bound)
        usage, cost = OpenInference.usage("gpt-4o-mini", some(800, 2000), some(90, 300)), OpenInference.cost(
            0.0021, 0.0007
        )
        chat.span("llm", agent, 50, 1500, OpenInference.span("llm"), bound, usage, cost)

    # A session and no user: the session's other traces tell whose it is.
    orphan = trace(PHOENIX)
    root = orphan.span("POST /chat", None, 0, 950, OpenInference.span("chain"), OpenInference.bound(session=SECOND))
    orphan.span("llm", root, 50, 800, OpenInference.span("llm"), OpenInference.usage("gpt-4o-mini", 410, 77))

    # A retrieval: an embedding has no output, a model's input was partly cached.
    bound = OpenInference.bound(JOAN, FOURTH, {"plan": "pro", "locale": "de"}, ["rag"])
    rag = trace(PHOENIX)
    root = rag.span("rag", None, 0, 5400, OpenInference.span("chain"), bound)
    search = rag.span("search", root, 10, 700, OpenInference.span("retriever"), bound)
    rag.span(
        "embed",
        search,
        20,
        150,
        OpenInference.span("embedding"),
        bound,
        {"embedding.model_name": "text-embedding-3-small", "llm.provider": "openai", "llm.token_count.prompt": 96},
    )
    rag.span("rank", root, 750, 300, OpenInference.span("reranker"), bound)
    usage = OpenInference.usage("gpt-4o", 6200, 480, cache_read=4096)
    rag.span("answer", root, 1100, 4200, OpenInference.span("llm"), bound, usage)

    # An agent with the sum of what is below it.
    total = trace(PHOENIX)
    sums = {"llm.token_count.prompt": 3000, "llm.token_count.completion": 300, "llm.token_count.total": 3300}
    root = total.span("agent", None, 0, 8800, OpenInference.span("agent"), bound, sums)
    for number in range(3):
        usage = OpenInference.usage(
            "claude-sonnet-4-6", 1000, 100, cache_read=200, cache_write=300, provider="anthropic"
        )
        total.span(f"step {number}", root, number * 2500 + 5, 2400, OpenInference.span("llm"), bound, usage)

    # A model that nobody has a price for, another one in the same trace that somebody has.
    house = trace(PHOENIX)
    root = house.span("chat", None, 0, 3200, OpenInference.span("agent"), bound)
    house.span(
        "draft", root, 10, 1500, OpenInference.span("llm"), OpenInference.usage("house-llm-7b", 700, 120, provider=None)
    )
    house.span("polish", root, 1600, 1500, OpenInference.span("llm"), OpenInference.usage("gpt-4o", 900, 90))

    # The unknown model alone: no cost is known.
    house = trace(PHOENIX)
    root = house.span("chat", None, 0, 1200, OpenInference.span("agent"), bound)
    house.span(
        "draft",
        root,
        10,
        1000,
        OpenInference.span("llm"),
        OpenInference.usage("house-llm-7b", 70, 12, provider=None),
        error="RateLimitError: 429",
    )

    # Metadata as a list of keys and values, which OTLP may have as well.
    listed = trace(PHOENIX)
    metadata = {"metadata": key_value_list(plan="pro", seats=5)}
    root = listed.span("chat", None, 0, 1100, OpenInference.span("agent"), OpenInference.bound(JOAN, FOURTH), metadata)
    listed.span("llm", root, 20, 900, OpenInference.span("llm"), OpenInference.usage("o3", 350, 900, reasoning=640))


def genai_traces():
    # An agent with totals over two calls, whose input was partly cached; the id is a number. A tool fails.
    for _ in range(2):
        joan = {"enduser.id": int(JOAN), "session.id": FOURTH}
        agent = trace(OTEL)
        first, second = GenAI.usage(1500, 200, cache_read=1024), GenAI.usage(2600, 350, cache_read=1536, reasoning=128)
        both = GenAI.usage(4100, 550, cache_read=2560, reasoning=128)
        root = agent.span(
            "invoke_agent shop", None, 0, some(6000, 20_000), joan, GenAI.operation("invoke_agent", "gpt-4o"), both
        )
        dated = "gpt-4o-2024-08-06"
        agent.span("chat gpt-4o", root, 10, 2000, GenAI.operation("chat", "gpt-4o", response_model=dated), first)
        agent.span("execute_tool pay", root, 2100, 400, GenAI.operation("execute_tool"), error="card declined")
        agent.span("chat gpt-4o", root, 2600, 3000, GenAI.operation("chat", "gpt-4o", response_model=dated), second)

    # A proxy's call within an SDK's: one call, told twice. The tokens are the proxy's, the cost is the SDK's.
    nested = trace(OTEL)
    root = nested.span("GET /ask", None, 0, 2500, {"enduser.id": ADA})
    outer = nested.span(
        "chat gpt-4o",
        root,
        20,
        2400,
        GenAI.operation("chat", "gpt-4o"),
        GenAI.usage(830, 140),
        {"gen_ai.usage.cost": 0.0042},
    )
    nested.span("chat gpt-4o", outer, 60, 2300, GenAI.operation("chat", "gpt-4o"), GenAI.usage(832, 140), source=PROXY)

    # A long context, which is priced higher. The session is a conversation that only a child names, and so is the
    # trace's name: what the root names is the workflow.
    long = trace(OTEL)
    root = long.span("summarise", None, 0, 44_000, {"enduser.id": ADA, "gen_ai.workflow.name": "digest"})
    talk = {"gen_ai.conversation.id": SECOND, "langfuse.trace.name": "yearly digest"}
    usage = GenAI.usage(250_000, 1800, cache_read=120_000)
    long.span(
        "generate_content",
        root,
        10,
        43_000,
        talk,
        GenAI.operation("generate_content", "gemini-2.5-pro", "gcp.gemini"),
        usage,
    )

    # As much in all, but nobody knows in how many calls.
    sums = GenAI.usage(260_000, 900, cache_read=90_000)
    long.span("research", root, 15, 40_000, GenAI.operation("invoke_agent", "gemini-2.5-pro", "gcp.gemini"), sums)

    # The price changed between these two.
    for time in ("2026-03-15T23:30:00", "2026-03-16T00:30:00"):
        priced = trace(OTEL, moment(time))
        root = priced.span("cron", None, 0, 5000, {"enduser.id": GRACE})
        priced.span(
            "chat",
            root,
            10,
            4500,
            GenAI.operation("chat", "mistral-small-latest", "mistral_ai"),
            GenAI.usage(40_000, 9_000),
        )

    # Anthropic's own figures, handed on as they are: input without what was cached.
    raw = trace(OTEL)
    root = raw.span("ask", None, 0, 7000, {"enduser.id": GRACE, "session.id": THIRD})
    usage = GenAI.usage(42, 610, cache_read=18_000, cache_write=1_200)
    raw.span("chat claude", root, 10, 6800, GenAI.operation("chat", "claude-sonnet-4-6", "anthropic"), usage)
    # The same where nothing but the sender shows it.
    usage = NeatLogs.anthropic_usage("claude-sonnet-4-6", 21_000, 333, cache_read=18_000, cache_write=0)
    raw.span("messages.create", root, 20, 6700, usage)

    # A model that told nothing: unknown, not zero.
    silent = trace(OTEL)
    root = silent.span("ask", None, 0, 1300, {"enduser.id": GRACE, "session.id": THIRD})
    silent.span("chat", root, 10, 1200, GenAI.operation("chat", "gpt-4o"), error="timeout")

    # The user of a whole process stands on its resource.
    kiosk = trace(KIOSK)
    root = kiosk.span("touch", None, 0, 650)
    kiosk.span("chat", root, 10, 600, GenAI.operation("chat", "gpt-4o-mini"), GenAI.usage(61, 18))

    # The trace's root is in another process and never comes.
    local = trace(OTEL)
    far = identifier(8, "far away")
    root = local.span("handle", far, 0, 820, {"enduser.id": ADA, "session.id": FIRST}, flags=LOCAL_ROOT)
    local.span("chat", root, 10, 800, GenAI.operation("chat", "gpt-4o-mini"), GenAI.usage(520, 66))


def langfuse_traces():
    # Usage in buckets: neither input nor output includes what has a bucket of its own. The cost is told, or it is not.
    for number in range(4):
        bound = Langfuse.bound(GRACE, THIRD, {"plan": "team", "seats": 10 + number}, ["letters"], "write letter")
        letter = trace(LANGFUSE)
        lasts = some(3000, 15_000)
        root = letter.span(
            "letter", None, 0, lasts, Langfuse.observation("agent"), {"langfuse.internal.is_app_root": True}, bound
        )
        usage = {"input": 300 + number, "input_cached_tokens": 1100, "output": 210, "output_reasoning_tokens": 90}
        usage["total"] = sum(usage.values())
        if number == 2:
            # LiteLLM tells it by Anthropic's name as well.
            usage["cache_read_input_tokens"] = usage["input_cached_tokens"]
        cost = {"input": 0.0011, "output": 0.0042, "total": 0.0053} if number % 2 else None
        letter.span("draft", root, 30, lasts // 2, Langfuse.observation("generation", "gpt-4o", usage, cost), bound)
        # The level is all that says so.
        level = "ERROR" if number == 3 else None
        letter.span("check", root, lasts // 2 + 40, 200, Langfuse.observation("guardrail", level=level), bound)

    # A cost without a total, and an embedding.
    index = trace(LANGFUSE)
    bound = Langfuse.bound(GRACE, None, {"plan": "team"}, ["index"])
    root = index.span("index", None, 0, 900, Langfuse.observation("chain"), bound)
    cost = {"input": 0.000004}
    index.span(
        "embed",
        root,
        5,
        500,
        Langfuse.observation("embedding", "text-embedding-3-small", {"input": 210, "total": 210}, cost),
        bound,
    )


def traceloop_traces():
    for number in range(3):
        bound = Traceloop.associated(
            "answer", user_id=ADA, session_id=FIRST, plan="pro", team="blue" if number else "red"
        )
        flow = trace(TRACELOOP)
        root = flow.span("answer.workflow", None, 0, some(1500, 4500), Traceloop.span("workflow"), bound)
        task = flow.span("fetch.task", root, 10, 1300, Traceloop.span("task"), bound)
        usage = Traceloop.usage("gpt-4o-mini", 900 + number, 80, cache_read=512 if number else None)
        flow.span("openai.chat", task, 30, 1200, usage, bound)


def torn_traces():
    """A session whose roots disagree. It keeps the latest, and whoever names nobody goes with it."""
    for user in (ADA, GRACE, None, ADA, GRACE):
        shared = trace(OTEL)
        named = {"enduser.id": user} if user else {}
        root = shared.span("kiosk", None, 0, some(400, 2000), named, {"session.id": TORN})
        shared.span(
            "chat", root, 10, 350, GenAI.operation("chat", "gpt-4o-mini"), GenAI.usage(some(50, 90), some(5, 20))
        )


def anonymous_traces():
    alone = trace(OTEL)
    root = alone.span("cron", None, 0, 90)
    alone.span("chat", root, 5, 80, GenAI.operation("chat", "gpt-4o-mini"), GenAI.usage(30, 4))
    # Without a time.
    timeless = alone.span("note", root)
    timeless.start_time_unix_nano = timeless.end_time_unix_nano = 0
    # No root at all, and nobody named.
    trace(OTEL).span("lost", identifier(8, "lost parent"), 0, 15, GenAI.operation("execute_tool"))


for part in (
    neatlogs_traces,
    openinference_traces,
    genai_traces,
    langfuse_traces,
    traceloop_traces,
    torn_traces,
    anonymous_traces,
):
    part()
