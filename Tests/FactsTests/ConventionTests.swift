import Facts
import TestSupport
import Testing

/// A typical span of each convention, and what is known of it.
@Suite struct ConventionTests {
  @Test func `OpenTelemetry`() throws {
    let facts = try extracted([
      "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o",
      "gen_ai.response.model": "gpt-4o-2024-08-06", "gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 20,
      "gen_ai.usage.cache_read.input_tokens": 60, "gen_ai.usage.cache_creation.input_tokens": 10,
      "gen_ai.usage.reasoning.output_tokens": 5, "gen_ai.workflow.name": "support", "enduser.id": "ada",
      "gen_ai.conversation.id": "c-1", "gen_ai.usage.cost": .double(0.0125),
    ])
    #expect(facts.kind == .llm)
    #expect(facts.text(\.model) == "gpt-4o-2024-08-06")
    #expect(facts.text(\.provider) == "openai")
    #expect(facts.tokens == TokenCounts(100, 20, total: 120, cacheRead: 60, cacheWrite: 10, reasoning: 5))
    #expect(facts.cost == 12_500_000)
    #expect(facts.text(\.workflow) == "support")
    #expect(facts.text(\.endUser) == "ada")
    #expect(facts.text(\.session) == "c-1")
    #expect(facts.metadata.isEmpty && facts.tags.isEmpty)
  }

  /// Everything stands there twice.
  @Test func `neatlogs`() throws {
    let facts = try extracted([
      "openinference.span.kind": "LLM", "neatlogs.span.kind": "llm", "llm.model_name": "gpt-4o",
      "neatlogs.llm.model_name": "gpt-4o", "neatlogs.llm.provider": "openai", "llm.token_count.prompt": 100,
      "llm.token_count.completion": 20, "llm.token_count.total": 120, "neatlogs.llm.token_count.prompt": 100,
      "neatlogs.llm.token_count.completion": 20, "neatlogs.llm.token_count.total": 120,
      "neatlogs.llm.token_count.cache_read": 60, "neatlogs.llm.token_count.cache_write": 10,
      "neatlogs.llm.token_count.reasoning": 5, "neatlogs.workflow_name": "app.py", "neatlogs.user.id": "operator",
      "user.id": "operator", "neatlogs.end_user.id": "ada", "neatlogs.session.id": "s-1",
      "neatlogs.end_user.metadata": #"{"plan": "pro"}"#, "tag.tags": .array(["a", "b"]),
      "neatlogs.tags": .array(["a", "b"]),
    ])
    #expect(facts.kind == .llm)
    #expect(facts.text(\.model) == "gpt-4o")
    #expect(facts.text(\.provider) == "openai")
    #expect(facts.tokens == TokenCounts(100, 20, total: 120, cacheRead: 60, cacheWrite: 10, reasoning: 5))
    #expect(facts.cost == nil)
    #expect(facts.text(\.workflow) == "app.py")
    #expect(facts.text(\.endUser) == "ada")
    #expect(facts.text(\.session) == "s-1")
    #expect(facts.metadataText == #"{"plan":"pro"}"#)
    #expect(facts.tagList == ["a", "b"])
  }

  @Test func `OpenInference`() throws {
    let facts = try extracted([
      "openinference.span.kind": "RERANKER", "llm.model_name": "claude-sonnet-4-5", "llm.provider": "anthropic",
      "llm.token_count.prompt": 100, "llm.token_count.completion": 20, "llm.token_count.total": 120,
      "llm.token_count.prompt_details.cache_read": 60, "llm.token_count.prompt_details.cache_write": 10,
      "llm.token_count.completion_details.reasoning": 5, "llm.cost.prompt": .double(0.001),
      "llm.cost.completion": .double(0.002), "llm.cost.total": .double(0.003), "user.id": "ada", "session.id": "s-1",
      "metadata": #"{"plan": "pro", "nested": {"a": 1}}"#, "tag.tags": .array(["x"]),
    ])
    #expect(facts.kind == .reranker)
    #expect(facts.tokens == TokenCounts(100, 20, total: 120, cacheRead: 60, cacheWrite: 10, reasoning: 5))
    #expect(facts.cost == 3_000_000)
    #expect(facts.text(\.endUser) == "ada")
    #expect(facts.text(\.session) == "s-1")
    #expect(facts.metadataText == #"{"nested":{"a":1},"plan":"pro"}"#)
    #expect(facts.tagList == ["x"])
  }

  @Test func `OpenLLMetry`() throws {
    let facts = try extracted(
      [
        "llm.request.type": "chat", "gen_ai.system": "OpenAI", "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.prompt_tokens": 100, "gen_ai.usage.completion_tokens": 20, "llm.usage.total_tokens": 120,
        "gen_ai.usage.cache_read_input_tokens": 60, "gen_ai.usage.cache_creation_input_tokens": 10,
        "gen_ai.usage.reasoning_tokens": 5, "traceloop.workflow.name": "joke",
        "traceloop.association.properties.user_id": "ada", "traceloop.association.properties.session_id": "s-1",
        "traceloop.association.properties.customer_id": "acme", "traceloop.association.properties.plan": "pro",
        "traceloop.association.properties.seats": 4,
      ], parent: 1)
    #expect(facts.kind == .llm)
    #expect(facts.text(\.provider) == "OpenAI")
    #expect(facts.tokens == TokenCounts(100, 20, total: 120, cacheRead: 60, cacheWrite: 10, reasoning: 5))
    #expect(facts.text(\.workflow) == "joke" && !facts.flags.contains(.namesTrace))
    #expect(facts.text(\.endUser) == "ada")
    #expect(facts.text(\.session) == "s-1")
    #expect(facts.metadataText == #"{"plan":"pro","seats":4}"#)
    #expect(try extracted(["traceloop.span.kind": "task"]).kind == .task)
    #expect(try extracted(["traceloop.span.kind": "unknown"]).kind == .span)
  }

  @Test func `Langfuse`() throws {
    let facts = try extracted([
      "langfuse.observation.type": "generation", "langfuse.observation.model.name": "gpt-4o",
      "langfuse.observation.usage_details":
        #"{"input": 30, "input_cached_tokens": 60, "input_cache_creation": 10, "output": 15, "output_reasoning_tokens": 5, "total": 120}"#,
      "langfuse.observation.cost_details": #"{"input": 0.001, "output": 0.002, "total": 0.0035}"#,
      "langfuse.observation.level": "ERROR", "langfuse.observation.status_message": "too slow",
      "langfuse.trace.name": "turn", "gen_ai.workflow.name": "other", "user.id": "ada", "session.id": "s-1",
      "langfuse.trace.metadata.plan": #""pro""#, "langfuse.trace.metadata.seats": "41",
      "langfuse.trace.metadata.old": "plain", "langfuse.trace.metadata.deep": #"{"a":[true,null]}"#,
      "langfuse.trace.metadata.langfuse_user_id": "ada", "langfuse.observation.metadata.other": "1",
      "langfuse.trace.tags": .array(["beta"]),
    ])
    #expect(facts.kind == .llm)
    #expect(facts.text(\.model) == "gpt-4o")
    #expect(facts.tokens == TokenCounts(100, 20, total: 120, cacheRead: 60, cacheWrite: 10, reasoning: 5))
    #expect(facts.cost == 3_500_000)
    #expect(facts.flags.contains(.isError))
    #expect(facts.text(\.statusMessage) == "too slow")
    #expect(facts.text(\.workflow) == "turn" && facts.flags.contains(.namesTrace))
    #expect(facts.metadataText == #"{"deep":{"a":[true,null]},"old":"plain","plan":"pro","seats":41}"#)
    #expect(facts.tagList == ["beta"])
    #expect(try extracted(["langfuse.observation.type": "event"]).kind == .event)
    #expect(try !extracted(["langfuse.observation.level": "WARNING"]).flags.contains(.isError))
  }

  @Test func `LangSmith`() throws {
    let facts = try extracted(
      [
        "langsmith.span.kind": "retriever", "langsmith.metadata.user_id": "ada", "langsmith.metadata.session_id": "s-1",
        "langsmith.metadata.thread_id": "t", "langsmith.metadata.plan": "41", "langsmith.span.tags": "a, b,,a",
      ], parent: 1)
    #expect(facts.kind == .retriever)
    #expect(facts.text(\.endUser) == "ada")
    #expect(facts.text(\.session) == "s-1")
    // As it is: text.
    #expect(facts.metadataText == #"{"plan":"41"}"#)
    #expect(facts.tagList == ["a", "b"])
  }

  @Test func `LangWatch`() throws {
    let facts = try extracted([
      "langwatch.span.type": "rag", "langwatch.user.id": "ada", "gen_ai.conversation.id": "s-1",
      "langwatch.metrics": #"{"type":"json","value":{"promptTokens":100,"completionTokens":20,"cost":0.5}}"#,
      "langwatch.metadata.plan": "pro", "langwatch.labels": #"["a","b"]"#, "langwatch.tags": .array(["c", "a"]),
    ])
    #expect(facts.kind == .retriever)
    #expect(facts.tokens == TokenCounts(100, 20, total: 120))
    #expect(facts.cost == 500_000_000)
    #expect(facts.metadataText == #"{"plan":"pro"}"#)
    #expect(facts.tagList == ["a", "b", "c"])
    #expect(try extracted(["langwatch.span.cost": .double(0.25)]).cost == 250_000_000)
    #expect(try extracted(["langwatch.metadata": #"{"plan": 1}"#]).metadataText == #"{"plan":1}"#)
  }

  @Test func `Braintrust`() throws {
    let facts = try extracted([
      "braintrust.metadata": #"{"user_id": "ada", "plan": "pro"}"#, "braintrust.tags": .array(["a"]),
      "braintrust.metrics":
        #"{"prompt_tokens":100,"completion_tokens":20,"tokens":120,"prompt_cached_tokens":60,"completion_reasoning_tokens":5}"#,
    ])
    #expect(facts.kind == .llm)
    #expect(facts.tokens == TokenCounts(100, 20, total: 120, cacheRead: 60, reasoning: 5))
    #expect(facts.metadataText == #"{"plan":"pro","user_id":"ada"}"#)
    #expect(facts.tagList == ["a"])
  }

  @Test func `PostHog`() throws {
    let facts = try extracted(
      [
        "$ai_model": "gpt-4o", "$ai_provider": "openai", "$ai_input_tokens": 100, "$ai_output_tokens": 20,
        "$ai_cache_read_input_tokens": 60, "$ai_total_cost_usd": .double(0.004),
      ], resource: ["posthog.distinct_id": "ada"])
    #expect(facts.kind == .llm)
    #expect(facts.text(\.provider) == "openai")
    #expect(facts.tokens == TokenCounts(100, 20, total: 120, cacheRead: 60))
    #expect(facts.cost == 4_000_000)
    #expect(facts.text(\.endUser) == "ada")
    #expect(
      try extracted(["$ai_input_cost_usd": .double(0.1), "$ai_output_cost_usd": .double(0.2)]).cost == 300_000_000)
  }

  @Test func `Vercel's AI SDK`() throws {
    let facts = try extracted(
      [
        "ai.model.id": "gpt-4o", "ai.model.provider": "openai.chat", "ai.usage.promptTokens": 100,
        "ai.usage.completionTokens": .double(20), "ai.telemetry.metadata.userId": "ada",
        "ai.telemetry.metadata.sessionId": "s-1", "ai.telemetry.metadata.tags": .array(["a"]),
        "ai.telemetry.metadata.plan": .bool(true),
      ], parent: 1)
    #expect(facts.kind == .llm)
    #expect(facts.text(\.model) == "gpt-4o")
    #expect(facts.tokens == TokenCounts(100, 20, total: 120))
    #expect(facts.text(\.endUser) == "ada")
    #expect(facts.text(\.session) == "s-1")
    #expect(facts.metadataText == #"{"plan":true}"#)
    #expect(facts.tagList == ["a"])
  }

  @Test func `a span of no convention is a span`() throws {
    let facts = try extracted(["http.method": "GET", "padding": "x", "n": 1], parent: 3)
    var expected = OwnedFacts()
    expected.spanID = UInt64(7).bigEndian
    expected.parentID = UInt64(3).bigEndian
    expected.start = 1_000
    expected.end = 1_500
    expected.flags = .hasParent
    expected.name = Array("span".utf8)
    #expect(facts == expected)
  }

  @Test(arguments: [
    ("openinference.span.kind", "AGENT", ObservationKind.agent), ("neatlogs.span.kind", "mcp_tool", .tool),
    ("neatlogs.span.kind", "Neatlogs.INTERNAL", .span), ("langfuse.observation.type", "span", .span),
    ("gen_ai.operation.name", "invoke_agent", .agent), ("gen_ai.operation.name", "embeddings", .embedding),
    ("gen_ai.operation.name", "execute_tool", .tool), ("gen_ai.operation.name", "generate_content", .llm),
    ("langsmith.span.kind", "chain", .chain), ("langwatch.span.type", "guardrail", .guardrail),
    ("langwatch.span.type", "evaluation", .evaluator), ("openinference.span.kind", "PROMPT", .prompt),
    ("traceloop.span.kind", "workflow", .workflow), ("traceloop.span.kind", "tasks", .span),
  ])
  func `kinds by what conventions call them`(key: String, word: String, kind: ObservationKind) throws {
    let span = SpanStub(7, [:])
    var named = span
    named.attributes = [StubAttribute(key, .string(word))]
    #expect(try extracted(SpanStub.request([named])).first?.kind == kind)
  }

  /// A word that says nothing leaves the question to the next key, and at last to the model.
  @Test func `a kind that says nothing is not the last word`() throws {
    #expect(try extracted(["openinference.span.kind": "UNKNOWN", "gen_ai.operation.name": "chat"]).kind == .llm)
    #expect(try extracted(["langfuse.observation.type": "span", "gen_ai.request.model": "m"]).kind == .llm)
    #expect(try extracted(["openinference.span.kind": "CHAIN", "llm.model_name": "m"]).kind == .chain)
  }
}
