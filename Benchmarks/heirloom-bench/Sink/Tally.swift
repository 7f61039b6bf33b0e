/// What a sink has seen.
struct Tally: Sendable {
  var requests = 0
  /// Bytes of bodies, as they were before a content encoding.
  var bytes = 0
  /// Bytes of bodies on the wire.
  var wireBytes = 0
  var spans = 0
  /// Spans whose identity was looked at.
  var checked = 0
  /// Spans with the three attributes of their trace's root, each once.
  var correct = 0
  /// Spans without one of them.
  var missing = 0
  /// Spans where one of them is somebody else's.
  var wrong = 0
  /// Spans that have one of the keys more than once.
  var repeated = 0
  /// Spans that have another number of attributes than was sent, and added.
  var altered = 0
  /// Spans that had come before.
  var duplicates = 0
  /// Spans that nobody has sent.
  var foreign = 0
  /// Requests that could not be read, or were too large.
  var malformed = 0
  /// Encoded bytes of the identity on spans other than roots.
  var identityBytes = 0
  /// CPU time of the sink's own threads, in nanoseconds.
  var cpu = 0

  /// Everything but what should be there.
  var faults: Int {
    missing + wrong + repeated + altered + duplicates + foreign + malformed
  }

  static func + (a: Tally, b: Tally) -> Tally {
    a.combined(with: b, +)
  }

  static func - (a: Tally, b: Tally) -> Tally {
    a.combined(with: b, -)
  }

  private func combined(with other: Tally, _ combine: (Int, Int) -> Int) -> Tally {
    var result = Tally()
    for field in Self.fields {
      result[keyPath: field] = combine(self[keyPath: field], other[keyPath: field])
    }
    return result
  }

  private static let fields: [any WritableKeyPath<Tally, Int> & Sendable] = [
    \.requests, \.bytes, \.wireBytes, \.spans, \.checked, \.correct, \.missing, \.wrong, \.repeated, \.altered,
    \.duplicates, \.foreign, \.malformed, \.identityBytes, \.cpu,
  ]
}
