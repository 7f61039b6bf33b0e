/// How many traces of a user or session have each label. Kept beside the owner's row; `facets`, by which owners are found,
/// only says which labels there are, so that it is seldom written.
struct LabelCounts: Equatable {
  struct Entry: Equatable {
    var label: Label
    var count: Int64
    /// Whether `facets` has it.
    var isListed: Bool
  }

  /// In the order of their labels.
  private(set) var entries: [Entry] = []

  init() {}

  mutating func change(from old: TraceView?, to new: TraceView?) {
    if let old, let new, old.hasSameLabels(as: new) { return }
    old?.forEachLabel { add($0, -1) }
    new?.forEachLabel { add($0, 1) }
  }

  private mutating func add(_ label: Label, _ amount: Int64) {
    var low = 0
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].label.code < label.code { low = middle + 1 } else { high = middle }
    }
    if low < entries.count, entries[low].label == label {
      entries[low].count += amount
    } else {
      entries.insert(Entry(label: label, count: amount, isListed: false), at: low)
    }
  }

  /// Tells which labels came or went.
  mutating func settle(_ tell: (Entry) -> Void) {
    var isAnyGone = false
    for place in entries.indices {
      let entry = entries[place]
      if entry.count == 0 { isAnyGone = true }
      guard entry.isListed != (entry.count > 0) else { continue }
      tell(entry)
      entries[place].isListed = entry.count > 0
    }
    if isAnyGone { entries.removeAll { $0.count == 0 } }
  }

  // MARK: As bytes

  /// For each label its code and its count, as varints.
  func append(to bytes: inout [UInt8]) {
    for entry in entries {
      bytes.append(varint: entry.label.code)
      bytes.append(varint: UInt64(entry.count))
    }
  }

  /// Of a row, with which `facets` agrees. Zeros may stand behind the bytes.
  init(_ bytes: UnsafeRawBufferPointer) {
    var reader = VarintReader(bytes)
    while let code = reader.next(), let count = reader.next(), count > 0 {
      guard let label = Label(code: code) else { continue }
      entries.append(Entry(label: label, count: Int64(bitPattern: count), isListed: true))
    }
  }
}

/// How many of all traces more or less have a label, in a transaction.
struct LabelChanges {
  /// What traces refer to: few of them differ.
  private struct Reference: Hashable {
    var labels: Int64?
    var name: Int64?

    init(_ trace: TraceView) { (labels, name) = (trace.row.labels, trace.row.name) }
  }

  private struct Change {
    let reference: Reference
    let trace: TraceView
    var number: Int64
  }

  private var changes: [Change] = []
  private var places: [Reference: Int] = [:]
  /// Of the latest one: mostly the next trace refers to the same.
  private var latest = -1

  mutating func change(from old: TraceView?, to new: TraceView?) {
    if let old, let new, old.hasSameLabels(as: new) { return }
    if let old { add(old, -1) }
    if let new { add(new, 1) }
  }

  private mutating func add(_ trace: TraceView, _ number: Int64) {
    let reference = Reference(trace)
    if latest < 0 || changes[latest].reference != reference {
      latest = places[reference, default: changes.count]
      if latest == changes.count {
        changes.append(Change(reference: reference, trace: trace, number: 0))
        places[reference] = latest
      }
    }
    changes[latest].number += number
  }

  mutating func removeAll() {
    changes.removeAll(keepingCapacity: true)
    places.removeAll(keepingCapacity: true)
    latest = -1
  }

  func forEach(_ body: (Label, Int64) throws(LedgerError) -> Void) throws(LedgerError) {
    var sums: [Label: Int64] = [:]
    for change in changes where change.number != 0 {
      change.trace.forEachLabel { sums[$0, default: 0] += change.number }
    }
    for (label, change) in sums where change != 0 { try body(label, change) }
  }
}
