import Facts
import OTLP

/// A trace of the ledger: its row, and the records of its spans.
final class TraceState {
  var row: TraceRow
  /// `SpanRecord`s behind one another.
  var records: [UInt8] = []
  /// The ids of the records' spans. Most traces come at once, and nobody asks.
  lazy var spans = SpanIDs(of: records)
  /// The last part of the tree, and where it begins in the records.
  var lastPart: Int64 = 0
  var lastPartStart = 0
  /// Whether there is a row.
  var isStored = false

  init(_ row: TraceRow) {
    self.row = row
  }

  /// What it takes in memory, about.
  var byteCount: Int { 400 + records.count + spans.byteCount }
}

/// The span ids of a trace: most have so few that a list is searched faster.
struct SpanIDs {
  private var list: [UInt64] = []
  private var set: Set<UInt64> = []
  private static let longestList = 32

  init() {}

  /// Those of records.
  init(of records: [UInt8]) {
    records.withUnsafeBytes { _ = SpanRecord.forEach(in: $0) { facts, _ in _ = insert(facts.spanID) } }
  }

  var count: Int { list.count + set.count }
  var byteCount: Int { list.count * 8 + set.count * 16 }

  /// Empties it, and keeps the list's memory.
  mutating func removeAll() {
    list.removeAll(keepingCapacity: true)
    set = []
  }

  /// False when it was there already.
  mutating func insert(_ id: UInt64) -> Bool {
    if !set.isEmpty { return set.insert(id).inserted }
    if list.contains(id) { return false }
    if list.count < Self.longestList {
      list.append(id)
    } else {
      set = Set(list)
      set.insert(id)
      list.removeAll(keepingCapacity: true)
    }
    return true
  }

  func contains(_ id: UInt64) -> Bool {
    set.isEmpty ? list.contains(id) : set.contains(id)
  }
}

/// Traces that got spans lately, as far as memory allows. Those that got none for longest go first, about.
struct HotTraces: ~Copyable {
  /// Of each half: what is used moves to the younger one; the older one goes when the younger is full.
  private let capacity: Int
  private var young = ByteTable<TraceState>()
  private var old = ByteTable<TraceState>()
  private var byteCount = 0

  /// - Parameter capacity: bytes that traces take at most.
  init(capacity: Int) {
    self.capacity = capacity / 2
  }

  /// The trace, which is not kept any more.
  mutating func take(_ id: TraceID) -> TraceState? {
    withUnsafeBytes(of: id) { id in
      if let state = young.remove(id) {
        byteCount -= state.byteCount
        return state
      }
      return old.remove(id)
    }
  }

  mutating func keep(_ state: TraceState) {
    let size = state.byteCount
    if byteCount + size > capacity {
      swap(&old, &young)
      young.removeAll()
      byteCount = 0
    }
    byteCount += size
    withUnsafeBytes(of: state.row.trace) { young.set(state, for: $0) }
  }

  mutating func removeAll() {
    young.removeAll()
    old.removeAll()
    byteCount = 0
  }
}
