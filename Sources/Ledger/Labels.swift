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
}

/// Models and tags of a trace, each in the order of their first appearance: `label_sets.labels`. Each is a varint, the name
/// four-fold plus the kind.
enum LabelSet {
  static func bytes(of labels: [Label]) -> [UInt8] {
    var bytes: [UInt8] = []
    for label in labels { bytes.append(varint: UInt64(label.name) << 2 | UInt64(label.kind.rawValue)) }
    return bytes
  }

  static func labels(in bytes: [UInt8]) -> [Label] {
    bytes.varints.compactMap { number in
      LabelKind(rawValue: Int64(number & 3)).map { Label(kind: $0, name: Int64(number >> 2)) }
    }
  }
}

/// Calls of a trace that no price is known for: `traces.unpriced`. For each model two varints, its name and the calls.
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
}
