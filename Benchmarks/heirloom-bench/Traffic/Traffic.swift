/// What a run sends, apart from how much of it.
struct Traffic: Sendable {
  /// How large spans are.
  enum Shape: String, CaseIterable, Sendable {
    case lean
    case fat

    /// Bytes of an encoded span.
    var spanBytes: Int {
      switch self {
      case .lean: 850
      case .fat: 5900
      }
    }

    /// How many traces have texts of their own before they repeat: enough that deflate, which remembers 32 KiB, never
    /// sees one again.
    var variants: Int {
      switch self {
      case .lean: 64
      case .fat: 16
      }
    }
  }

  /// What is wrong with the traffic, on purpose: the checks must notice each of these.
  enum Fault: Sendable {
    /// Nothing.
    case none
    /// A thousandth of the spans carry the identity of the next trace.
    case strangersIdentity
    /// One span of each trace carries the id twice.
    case identityTwice
    /// One span of each trace has lost an attribute.
    case attributeLost
    /// The first request of each connection is sent twice.
    case requestTwice
    /// The first request of each connection is not sent.
    case requestLost
  }

  var shape = Shape.lean
  var seed: UInt64 = 1
  var users = 5000
  /// Puts the identity on every span, as a collector would, for tests of the sink.
  var identityEverywhere = false
  /// Encodes each attribute's value before its key.
  var valueFirst = false
  /// Sends OTLP/JSON.
  var json = false
  /// Compresses bodies.
  var gzip = false
  /// Sends OTLP/gRPC instead of OTLP/HTTP.
  var grpc = false
  /// Sends bodies in chunks.
  var chunked = false
  var fault = Fault.none

  var numbering: Numbering { Numbering(seed: seed, users: users) }
}
