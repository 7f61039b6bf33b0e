package import OTLP

/// What somebody thinks of a trace, a span or a session: a person's verdict, a judge's, a check's.
///
/// A score replaces the one of the same id that came before it.
package struct Score: Equatable, Sendable {
  /// What the value is. The numbers are those of records.
  package enum DataType: UInt8, Sendable, CaseIterable {
    /// `number`, and a `label` for it where both were given.
    case numeric
    /// `label`, and a `number` for it where both were given.
    case categorical
    /// `number`, which is 1 or 0.
    case boolean
    /// `label`: some sentences.
    case text
    /// `label`: what should have come out.
    case correction
  }

  /// Who says so. The numbers are those of records.
  package enum Source: UInt8, Sendable, CaseIterable {
    /// A program, by the API.
    case api
    /// A person.
    case annotation
    /// An evaluator.
    case evaluation
  }

  /// The sender's, or else `derivedID`. Not empty.
  package var id: String
  /// Not empty.
  package var name: String
  /// Finite. There is this, or a label, or both.
  package var number: Double?
  package var label: String?
  package var dataType: DataType
  /// What it is about: a trace, with a span's id where it is about that alone; or a session. Never both, and never nothing.
  package var trace: TraceID?
  /// Only with a trace; the 8 bytes as they lie in memory, not 0.
  package var span: UInt64?
  package var session: String?
  /// Why, in the words of who gave it.
  package var comment: String?
  package var source: Source
  /// Nanoseconds since the Unix epoch; at most `Int64.max`.
  package var timestamp: UInt64
  package var environment: String?
  /// A JSON object.
  package var metadata: String?

  package init(
    id: String, name: String, number: Double? = nil, label: String? = nil, dataType: DataType = .numeric,
    trace: TraceID? = nil, span: UInt64? = nil, session: String? = nil, comment: String? = nil, source: Source = .api,
    timestamp: UInt64, environment: String? = nil, metadata: String? = nil
  ) {
    self.id = id
    self.name = name
    self.number = number
    self.label = label
    self.dataType = dataType
    self.trace = trace
    self.span = span
    self.session = session
    self.comment = comment
    self.source = source
    self.timestamp = timestamp
    self.environment = environment
    self.metadata = metadata
  }

  /// Bytes of a name at most. A longer one is none.
  package static let mostNameBytes = 500
  /// Bytes of a label or a comment at most.
  package static let mostTextBytes = 64 << 10
  /// Bytes of metadata at most.
  package static let mostMetadataBytes = 64 << 10

  /// The id of a score whose sender gives none: what is delivered twice has the same, and so has a later verdict of the same
  /// kind on the same thing. The session counts only without a trace; the identifier tells apart scores of one name on one
  /// thing, where the sender has such a word.
  package static func derivedID(
    name: String, trace: TraceID?, span: UInt64?, session: String?, source: Source, identifier: String = ""
  ) -> String {
    var parts = ["\(source)"]
    if let trace {
      parts.append(trace.hexadecimal)
      if let span { parts.append(TraceID.hexadecimal(span)) }
    } else {
      parts.append("session \(session ?? "")")
    }
    if !identifier.isEmpty { parts.append("by \(identifier)") }
    return (parts + [name]).joined(separator: "/")
  }
}
