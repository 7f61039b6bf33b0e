package import OTLP

/// What the ledger keeps of one span. Text is borrowed: it may be read while the bytes are there that it was found in.
package struct SpanFacts: BitwiseCopyable {
  /// UTF-8; empty where the span says nothing.
  package typealias Text = UnsafeRawBufferPointer

  package struct Flags: OptionSet, BitwiseCopyable, Sendable {
    package let rawValue: UInt16

    package init(rawValue: UInt16) {
      self.rawValue = rawValue
    }

    package static let hasParent = Flags(rawValue: 1)
    /// A parent in another process.
    package static let remoteParent = Flags(rawValue: 2)
    package static let applicationRoot = Flags(rawValue: 4)
    package static let isError = Flags(rawValue: 8)
    /// No observation: what an SDK sends when a trace is complete.
    package static let completionMarker = Flags(rawValue: 16)
    /// The end user is the default that the root's resource names: what any span says goes before it.
    package static let endUserFromResource = Flags(rawValue: 32)
    /// The workflow is what the span says that the trace is called.
    package static let namesTrace = Flags(rawValue: 64)
  }

  package var trace = TraceID(first: 0, second: 0)
  package var spanID: UInt64 = 0
  /// 0 without a parent.
  package var parentID: UInt64 = 0
  /// Nanoseconds since the Unix epoch; the end is never before the start. Both are 0 where the span doesn't say when it was.
  package var start: UInt64 = 0
  package var end: UInt64 = 0
  package var kind = ObservationKind.span
  package var flags: Flags = []
  package var tokens = TokenCounts()
  /// What the span itself says that it cost, in billionths of a US dollar; nil when it doesn't say.
  package var cost: Int64?

  package var name = Text(start: nil, count: 0)
  package var statusMessage = Text(start: nil, count: 0)
  package var model = Text(start: nil, count: 0)
  package var provider = Text(start: nil, count: 0)
  /// The workflow or trace name that the span is part of, when it says so.
  package var workflow = Text(start: nil, count: 0)
  /// Who the span says that the end user is, by the keys of the `enduser` processor and their order; what binds to roots alone
  /// is left out on a child.
  package var endUser = Text(start: nil, count: 0)
  package var session = Text(start: nil, count: 0)
  /// End-user metadata, of whatever encoding it came in, as one JSON object.
  package var metadata = Text(start: nil, count: 0)
  /// A JSON array of strings.
  package var tags = Text(start: nil, count: 0)
  /// `SpanClaims`: by which keys the span says whose it is, and what of that does not count. Empty where it says nothing, or
  /// nobody wants to know.
  package var claims = Text(start: nil, count: 0)

  package init() {}
}

/// What a span is to an application that uses models.
package enum ObservationKind: UInt8, BitwiseCopyable, Sendable, CaseIterable {
  case span, llm, embedding, agent, chain, workflow, task, tool, retriever, reranker, guardrail, evaluator, prompt,
    event
}

/// Tokens of one call, or of many; nil where nobody told. `input` includes `cacheRead` and `cacheWrite`, `output` includes
/// `reasoning`, whatever the convention that they came in.
package struct TokenCounts: BitwiseCopyable, Sendable, Equatable {
  package var input: Int64?
  package var output: Int64?
  /// As told, or else the sum of what is known of both; never less than that.
  package var total: Int64?
  package var cacheRead: Int64?
  package var cacheWrite: Int64?
  package var reasoning: Int64?

  package init() {}

  package var isEmpty: Bool {
    input == nil && output == nil && total == nil && cacheRead == nil && cacheWrite == nil && reasoning == nil
  }
}
