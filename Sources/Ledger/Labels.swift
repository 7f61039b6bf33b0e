/// What a trace, and whoever has the trace, can be found by beside its end user and session. The raw value is the `kind` of
/// `facets` and of `labels`.
enum LabelKind: Int64, CaseIterable {
  case model = 0, tag, workflow
}

/// A name with its kind.
struct Label: Hashable {
  var kind: LabelKind
  /// Of `names`.
  var name: Int64

  init(kind: LabelKind, name: Int64) {
    self.kind = kind
    self.name = name
  }

  /// Both in one number, as blobs have it: the name four-fold plus the kind.
  var code: UInt64 { UInt64(name) << 2 | UInt64(kind.rawValue) }

  init?(code: UInt64) {
    guard let kind = LabelKind(rawValue: Int64(code & 3)) else { return nil }
    self.init(kind: kind, name: Int64(code >> 2))
  }
}

/// Models and tags of a trace, each in the order of their first appearance: `label_sets.labels`. Each is a varint, its code.
enum LabelSet {
  static func bytes(of labels: [Label]) -> [UInt8] {
    var bytes: [UInt8] = []
    for label in labels { bytes.append(varint: label.code) }
    return bytes
  }

  static func labels(in bytes: [UInt8]) -> [Label] {
    bytes.varints.compactMap { Label(code: $0) }
  }
}

/// Calls of a trace that no price is known for: `traces.unpriced`. For each model two varints, its name and the calls; zeros
/// may stand behind them.
enum UnpricedCalls {
  static func bytes(of calls: [(model: Int64, calls: Int64)]) -> [UInt8] {
    var bytes: [UInt8] = []
    for (model, calls) in calls {
      bytes.append(varint: UInt64(model))
      bytes.append(varint: UInt64(calls))
    }
    return bytes
  }

  static func calls(in bytes: [UInt8]) -> [(model: Int64, calls: Int64)] {
    let numbers = bytes.varints
    return stride(from: 0, to: numbers.count - 1, by: 2).map { (Int64(numbers[$0]), Int64(numbers[$0 + 1])) }
  }

  /// No model has the number 0, and no varint but that of 0 ends with a zero.
  static func withoutPadding(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
    var count = bytes.count
    while count > 0, bytes[count - 1] == 0 { count -= 1 }
    return Array(bytes[..<count])
  }
}
