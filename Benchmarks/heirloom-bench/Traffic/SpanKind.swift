/// The ten spans of a trace: an agent that runs three steps, each with a model call and a tool call.
///
///     0 agent ─┬─ 1 step ─┬─ 2 model
///              │          └─ 3 tool
///              ├─ 4 step …
///              └─ 7 step …
struct SpanKind: Sendable {
  /// 0 to 9; the root is 0.
  let position: Int

  /// The instrumentation library that makes the span. A request has its spans grouped by it, the application's own
  /// last, so that every root stands behind its children.
  enum Library: Int, CaseIterable, Sendable {
    case model
    case tool
    case application

    /// Its children in the order in which they end.
    var children: [Int] {
      switch self {
      case .model: [2, 5, 8]
      case .tool: [3, 6, 9]
      case .application: [1, 4, 7]
      }
    }

    var scopeName: String {
      switch self {
      case .model: "opentelemetry.instrumentation.openai.v1"
      case .tool: "opentelemetry.instrumentation.httpx"
      case .application: "support_assistant.agents"
      }
    }
  }

  var isRoot: Bool { position == 0 }

  var library: Library {
    Library.allCases.first { $0.children.contains(position) } ?? .application
  }

  /// The position of the span above; nil for the root.
  static func parent(of position: Int) -> Int? {
    switch position {
    case 0: nil
    case 1, 4, 7: 0
    default: position - (position - 1) % 3
    }
  }

  var name: String {
    switch library {
    case .model: "chat gpt-4o-mini"
    case .tool: "execute_tool search_documents"
    case .application: isRoot ? "POST /v1/assistants/answer" : "answer.step"
    }
  }

  /// OTLP's `SpanKind`: 1 internal, 2 server, 3 client.
  var otlpKind: UInt64 {
    switch library {
    case .model, .tool: 3
    case .application: isRoot ? 2 : 1
    }
  }

  /// All attributes but a root's identity: 13 with it.
  func attributes(words: inout Words, textBytes: Int) -> [Attribute] {
    let input = words.text(bytes: textBytes / 2)
    let output = words.text(bytes: textBytes - textBytes / 2)
    switch library {
    case .model: return modelCall(&words, input, output)
    case .tool: return toolCall(&words, input, output)
    case .application: return isRoot ? request(&words, input, output) : step(&words, input, output)
    }
  }

  private func modelCall(_ words: inout Words, _ input: String, _ output: String) -> [Attribute] {
    [
      Attribute("gen_ai.operation.name", "chat"),
      Attribute("gen_ai.system", "openai"),
      Attribute("gen_ai.request.model", "gpt-4o-mini"),
      Attribute("gen_ai.request.temperature", .double(0.2)),
      Attribute("gen_ai.request.max_tokens", .int(1024)),
      Attribute("gen_ai.response.model", "gpt-4o-mini-2024-07-18"),
      Attribute("gen_ai.response.id", "chatcmpl-" + words.token(bytes: 24)),
      Attribute("gen_ai.response.finish_reasons", .strings(["stop"])),
      Attribute("gen_ai.usage.input_tokens", .int(words.number(below: 4000))),
      Attribute("gen_ai.usage.output_tokens", .int(words.number(below: 900))),
      Attribute("server.address", "api.openai.com"),
      Attribute("gen_ai.prompt.0.content", input),
      Attribute("gen_ai.completion.0.content", output),
    ]
  }

  private func toolCall(_ words: inout Words, _ input: String, _ output: String) -> [Attribute] {
    [
      Attribute("gen_ai.operation.name", "execute_tool"),
      Attribute("gen_ai.tool.name", "search_documents"),
      Attribute("gen_ai.tool.type", "function"),
      Attribute("gen_ai.tool.call.id", "call_" + words.token(bytes: 24)),
      Attribute("gen_ai.tool.call.arguments", input),
      Attribute("gen_ai.tool.call.result", output),
      Attribute("http.request.method", "POST"),
      Attribute("http.response.status_code", .int(200)),
      Attribute("url.full", "http://search.internal:8080/indexes/handbook/query"),
      Attribute("server.address", "search.internal"),
      Attribute("server.port", .int(8080)),
      Attribute("tool.documents", .int(words.number(below: 40))),
      Attribute("tool.cached", .bool(words.number(below: 2) == 0)),
    ]
  }

  private func step(_ words: inout Words, _ input: String, _ output: String) -> [Attribute] {
    [
      Attribute("traceloop.span.kind", "task"),
      Attribute("traceloop.workflow.name", "answer_question"),
      Attribute("traceloop.entity.name", "answer.step"),
      Attribute("traceloop.entity.version", .int(3)),
      Attribute("traceloop.entity.input", input),
      Attribute("traceloop.entity.output", output),
      Attribute("code.function.name", "support_assistant.agents.answer.run_step"),
      Attribute("code.line.number", .int(214)),
      Attribute("app.step.attempt", .int(1)),
      Attribute("app.step.budget", .double(0.05)),
      Attribute("app.step.tools", .strings(["search_documents", "open_ticket"])),
      Attribute("app.release", "2025.41.3"),
      Attribute("app.step.final", .bool(words.number(below: 2) == 0)),
    ]
  }

  private func request(_ words: inout Words, _ input: String, _ output: String) -> [Attribute] {
    [
      Attribute("gen_ai.operation.name", "invoke_agent"),
      Attribute("gen_ai.agent.name", "support-assistant"),
      Attribute("http.request.method", "POST"),
      Attribute("http.route", "/v1/assistants/answer"),
      Attribute("http.response.status_code", .int(200)),
      Attribute("app.release", "2025.41.3"),
      Attribute("app.turn", .int(words.number(below: 30))),
      Attribute("app.streaming", .bool(true)),
      Attribute("input.value", input),
      Attribute("output.value", output),
    ]
  }
}
