/// What the attribute keys of each vendor say of a span, beside whose it is. To teach Heirloom another convention, add a line.
///
/// Keys that say the same thing stand in the order in which they are asked: the first that a span has a usable value for
/// counts, the others, mostly copies of it, don't.
enum FactConventions {
  /// What a span says once.
  enum Field: UInt8, CaseIterable, Sendable {
    case kind, model, provider, workflow, level, statusMessage
    // A bool: whether what was cached is left out of the input.
    case inputIsUncached
    // Counts of tokens; then one JSON object with such counts, and one with dollars as well.
    case input, output, total, cacheRead, cacheWrite, reasoning, usageDetails, metrics
    // One JSON object with US dollars; then US dollars.
    case costDetails, cost, inputCost, outputCost
    // One JSON object, or a list of keys and values.
    case metadata
    // By the keys that the `enduser` processor is configured with.
    case endUser, session, endUserMetadata
  }

  /// Keys of each field.
  static let fields: KeyValuePairs<Field, [String]> = [
    .kind: [
      "langfuse.observation.type", "openinference.span.kind", "neatlogs.span.kind", "traceloop.span.kind",
      "langsmith.span.kind", "langwatch.span.type", "gen_ai.operation.name", "llm.request.type",
    ],
    // What answered goes before what was asked for: it has the exact name.
    .model: [
      "langfuse.observation.model.name", "gen_ai.response.model", "ai.response.model", "llm.response.model_name",
      "gen_ai.request.model", "llm.request.model_name", "llm.model_name", "ai.model.id", "neatlogs.llm.model_name",
      "embedding.model_name", "reranker.model_name", "decision.model_name", "$ai_model",
    ],
    .provider: [
      "gen_ai.provider.name", "gen_ai.system", "llm.provider", "ai.model.provider", "neatlogs.llm.provider",
      "llm.system", "neatlogs.llm.system", "$ai_provider",
    ],
    .workflow: [
      // The first is the trace's own name, see `traceNameRank`. neatlogs falls back to the name of the script.
      "langfuse.trace.name", "gen_ai.workflow.name", "traceloop.workflow.name", "neatlogs.workflow_name",
    ],
    .level: ["langfuse.observation.level"],
    .statusMessage: ["langfuse.observation.status_message"],
    .inputIsUncached: ["$ai_cache_reporting_exclusive"],

    .input: [
      "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt",
      "neatlogs.llm.token_count.prompt", "ai.usage.inputTokens", "ai.usage.promptTokens", "$ai_input_tokens",
      "decision.token_count.input",
    ],
    .output: [
      "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion",
      "neatlogs.llm.token_count.completion", "ai.usage.outputTokens", "ai.usage.completionTokens", "$ai_output_tokens",
      "decision.token_count.output",
    ],
    .total: [
      "gen_ai.usage.total_tokens", "llm.usage.total_tokens", "llm.token_count.total",
      "neatlogs.llm.token_count.total", "ai.usage.totalTokens",
    ],
    .cacheRead: [
      "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens",
      "llm.token_count.prompt_details.cache_read", "llm.token_count.prompt_details.cache_input",
      "neatlogs.llm.token_count.cache_read", "ai.usage.cachedInputTokens", "$ai_cache_read_input_tokens",
    ],
    .cacheWrite: [
      "gen_ai.usage.cache_creation.input_tokens", "gen_ai.usage.cache_write.input_tokens",
      "gen_ai.usage.cache_creation_input_tokens", "llm.token_count.prompt_details.cache_write",
      "neatlogs.llm.token_count.cache_write", "$ai_cache_creation_input_tokens",
    ],
    .reasoning: [
      "gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens", "llm.usage.reasoning_tokens",
      "llm.token_count.completion_details.reasoning", "neatlogs.llm.token_count.reasoning",
      "ai.usage.reasoningTokens", "$ai_reasoning_tokens",
    ],
    .cost: [
      "gen_ai.usage.cost", "llm.cost.total", "neatlogs.llm.cost_usd", "langwatch.span.cost", "$ai_total_cost_usd",
      "neatlogs.agent.cost_usd",
    ],
    .inputCost: ["llm.cost.prompt", "$ai_input_cost_usd"],
    .outputCost: ["llm.cost.completion", "$ai_output_cost_usd"],

    .usageDetails: ["langfuse.observation.usage_details"],
    .costDetails: ["langfuse.observation.cost_details"],
    .metrics: ["langwatch.metrics", "braintrust.metrics"],
    .metadata: [
      "metadata", "langfuse.trace.metadata", "langwatch.metadata", "braintrust.metadata", "neatlogs.metadata",
    ],
  ]

  /// The place of the workflow's key by which a span says how the trace is called, whatever it is part of.
  static let traceNameRank: UInt16 = 0

  /// Keys of the input whose figure is the provider's own. Where that is `anthropic`, it leaves out what was cached; the other keys
  /// are of conventions that include it, and of SDKs that add it up first.
  static let rawInputs: KeyValuePairs<String, RawInput> = [
    "neatlogs.llm.token_count.prompt": .withWrites,
    "$ai_input_tokens": .unlessToldOtherwise,
  ]

  enum RawInput: Sendable {
    /// Where the span tells what was written to the cache, too: Anthropic's API always does, and no framework that adds up first.
    case withWrites
    /// Where `inputIsUncached` doesn't say what it is.
    case unlessToldOtherwise
  }

  /// What Anthropic is called as a provider, in whatever case.
  static let anthropic = "anthropic"

  /// Tags add up, and stand in this order. A list, the text of a JSON array, or text with commas.
  static let tags = [
    "langfuse.trace.tags", "langfuse.tags", "tag.tags", "neatlogs.tags", "langsmith.span.tags", "langwatch.labels",
    "langwatch.tags", "braintrust.tags", "ai.telemetry.metadata.tags",
  ]

  /// How conventions begin that have an attribute for each key of the metadata.
  static let metadataPrefixes: KeyValuePairs<String, MetadataEncoding> = [
    "langfuse.trace.metadata.": .json,
    "traceloop.association.properties.": .plain,
    "langsmith.metadata.": .plain,
    "langwatch.metadata.": .plain,
    "ai.telemetry.metadata.": .plain,
  ]

  enum MetadataEncoding: Sendable {
    /// Strings are JSON text, if they can be read as such: Langfuse's SDKs since 5 write `"pro"`, those before `pro`.
    case json
    case plain
  }

  /// What such a prefix has and what is no metadata: whom somebody belongs to, and what else has a place of its own. So
  /// are the keys of ids, sessions and tags.
  static let noMetadata = [
    "langfuse.trace.metadata.langfuse_user_id", "langfuse.trace.metadata.langfuse_session_id",
    "langfuse.trace.metadata.langfuse_tags", "traceloop.association.properties.user_id",
    "traceloop.association.properties.session_id", "traceloop.association.properties.customer_id",
    "langsmith.metadata.user_id", "langsmith.metadata.session_id", "langsmith.metadata.thread_id",
    "langsmith.metadata.conversation_id", "langwatch.metadata.user_id", "langwatch.metadata.thread_id",
    "langwatch.metadata.customer_id", "ai.telemetry.metadata.userId", "ai.telemetry.metadata.sessionId",
  ]

  /// What the conventions call the kinds, in lower case. A word that isn't here, `span` and `unknown` above all, says nothing.
  static let kinds: KeyValuePairs<String, ObservationKind> = [
    "llm": .llm, "generation": .llm, "chat": .llm, "completion": .llm, "text_completion": .llm,
    "generate_content": .llm, "embedding": .embedding, "embeddings": .embedding, "agent": .agent,
    "invoke_agent": .agent, "create_agent": .agent, "chain": .chain, "workflow": .workflow,
    "invoke_workflow": .workflow, "task": .task, "tool": .tool, "execute_tool": .tool, "mcp_tool": .tool,
    "retriever": .retriever, "retrieval": .retriever, "vector_store": .retriever, "rag": .retriever,
    "reranker": .reranker, "rerank": .reranker, "guardrail": .guardrail, "evaluator": .evaluator,
    "evaluation": .evaluator, "prompt": .prompt, "event": .event,
  ]

  /// What Langfuse calls an error, whatever the span's status.
  static let errorLevel = "ERROR"
}
