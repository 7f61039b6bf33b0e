/// What a configuration may cost, so that a few lines of aliases or substitutions cannot fill the memory.
struct Budget {
  /// Bytes of one file, variable or argument.
  static let maximumSourceSize = 16 << 20
  /// Lists and mappings inside one another.
  static let maximumDepth = 100

  private var nodes = 1_000_000
  private var bytes = 64 << 20
  private var lookups = 10_000

  /// What a tree has cost so far.
  struct Weight {
    var nodes = 0
    var bytes = 0
  }

  /// Something could not be paid for; nothing can be from then on.
  var isExhausted: Bool { nodes < 0 || bytes < 0 || lookups < 0 }

  /// Pays for values, each counted as often as aliases repeat it.
  mutating func charge(_ weight: Weight, at position: Position) throws(Diagnostic) {
    nodes -= weight.nodes
    bytes -= weight.bytes
    guard nodes >= 0, bytes >= 0 else {
      throw Diagnostic(
        .error, at: position,
        "the configuration is too large: more than 1,000,000 values or 64 MiB, with aliases written out")
    }
  }

  /// Pays for one `${…}`.
  mutating func chargeLookup(at position: Position) throws(Diagnostic) {
    lookups -= 1
    guard lookups >= 0 else {
      throw Diagnostic(.error, at: position, "more than 10,000 substitutions")
    }
  }
}
