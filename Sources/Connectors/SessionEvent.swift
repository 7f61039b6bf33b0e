import Facts
import Ledger

/// What a log record says of a session. docs/connectors.md has the names.
struct SessionEvent {
  enum Kind: String {
    case update = "session.update"
    case end = "session.end"
  }

  let kind: Kind
  let session: ListedSession
  /// When this was found out, in nanoseconds since the Unix epoch.
  let observed: Int64

  private static let info = 9

  /// A `LogRecord`.
  var logRecord: [UInt8] {
    var record = MessageWriter()
    // The end of the latest trace.
    record.fixed64(1, UInt64(clamping: session.summary.firstEvent + session.duration))
    record.fixed64(11, UInt64(clamping: observed))
    record.varint(2, Self.info)
    record.string(3, "INFO")
    record.anyValue(5, .string(kind == .end ? "session ended" : "session updated"))
    for (key, value) in attributes { record.attribute(6, key, value) }
    record.string(12, kind.rawValue)
    return record.bytes
  }

  /// What nobody told is left out.
  private var attributes: [(String, AttributeValue)] {
    var attributes: [(String, AttributeValue)] = [("session.id", .string(session.session))]
    if let endUser = session.endUser { attributes.append(("enduser.id", .string(endUser))) }
    let summary = session.summary
    if let metadata = summary.metadata { attributes.append(("enduser.metadata", .string(metadata))) }
    attributes += [
      ("session.conflicting_end_users", .bool(session.disagrees)),
      ("session.first_event", .string(LedgerTime.text(summary.firstEvent))),
      ("session.last_event", .string(LedgerTime.text(summary.lastEvent))),
      ("session.duration", .double(Self.seconds(session.duration))),
      ("session.traces", .int(summary.traces)),
      ("session.observations", .int(summary.amounts.observations)),
      ("session.errors", .int(summary.amounts.errors)),
    ]
    attributes += Self.usage(summary.amounts)
    let percentiles = [("p50", summary.latency.p50), ("p95", summary.latency.p95), ("p99", summary.latency.p99)]
    for (name, latency) in percentiles {
      if let latency { attributes.append(("session.trace.duration.\(name)", .double(Self.seconds(latency)))) }
    }
    attributes += [
      ("session.models", .strings(summary.labels.models)),
      ("session.workflows", .strings(summary.labels.workflows)),
      ("session.tags", .strings(summary.labels.tags)),
    ]
    return attributes
  }

  private static func usage(_ amounts: Amounts) -> [(String, AttributeValue)] {
    let tokens = [
      ("input_tokens", amounts.tokens.input), ("output_tokens", amounts.tokens.output),
      ("total_tokens", amounts.tokens.total), ("cache_read.input_tokens", amounts.tokens.cacheRead),
      ("cache_creation.input_tokens", amounts.tokens.cacheWrite),
      ("reasoning.output_tokens", amounts.tokens.reasoning),
    ].compactMap { name, count in count.map { ("gen_ai.usage.\(name)", AttributeValue.int($0)) } }
    return tokens + (amounts.cost.map { [("gen_ai.usage.cost", .double(Double($0) / 1e9))] } ?? [])
  }

  private static func seconds(_ nanoseconds: Int64) -> Double { Double(nanoseconds) / 1e9 }
}
