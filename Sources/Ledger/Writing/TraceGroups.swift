import Facts
import OTLP

/// What came for the ledger since the last transaction.
struct Arrival: Sendable {
  var facts: FactsChunk
  var pipeline: String
  /// Of the request in the pipeline's spool.
  var sequence: UInt64?
}

/// The spans of a transaction, by trace: traces in the order in which they came, each with its spans likewise. And where its
/// scores are.
struct TraceGroups {
  struct Group {
    let trace: TraceID
    fileprivate var first: Int32
    fileprivate var last: Int32
    fileprivate(set) var spanCount: Int
    /// Of its spans in the chunks: no less than their records take.
    fileprivate(set) var byteCount: Int
  }

  /// Spans of a trace that came behind one another.
  private struct Run {
    /// In a chunk of the batch.
    let bytes: UnsafeRawBufferPointer
    /// The trace's next one; -1 behind the last.
    var next: Int32
  }

  private(set) var groups: [Group] = []
  /// What is read of it lies in its chunks, and is reached by pointer.
  private let batch: [Arrival]
  private var runs: [Run] = []
  /// In chunks of the batch, too.
  private var scores: [UnsafeRawBufferPointer] = []

  init(_ batch: [Arrival]) {
    self.batch = batch
    let spanCount = batch.reduce(0) { $0 + $1.facts.spanCount }
    runs.reserveCapacity(spanCount / 2)
    groups.reserveCapacity(spanCount / 8)
    var known = ByteTable<Int32>(room: spanCount / 8)
    for batched in batch {
      batched.facts.forEachRun { run in
        if run.trace == .none {
          scores.append(run.bytes)
          return
        }
        let next = Int32(groups.count)
        let group = Int(withUnsafeBytes(of: run.trace) { known[$0] } ?? next)
        let place = Int32(runs.count)
        if group == next {
          withUnsafeBytes(of: run.trace) { known.set(next, for: $0) }
          groups.append(
            Group(
              trace: run.trace, first: place, last: place, spanCount: run.count,
              byteCount: run.bytes.count))
        } else {
          runs[Int(groups[group].last)].next = place
          groups[group].last = place
          groups[group].spanCount += run.count
          groups[group].byteCount += run.bytes.count
        }
        runs.append(Run(bytes: run.bytes, next: -1))
      }
    }
  }

  /// Lends the spans of a trace.
  @inline(__always)
  func forEach<Failure>(
    in group: Group, _ body: (FactsChunk.Place) throws(Failure) -> Void
  ) throws(Failure) {
    try forEachRun(of: group) { (run) throws(Failure) in try FactsChunk.forEach(in: run, body) }
  }

  /// The same with what their records say.
  func forEachFacts<Failure>(
    in group: Group, _ body: (borrowing SpanFacts, FactsChunk.Place) throws(Failure) -> Void
  ) throws(Failure) {
    var reader = SpanRecordReader()
    try forEachRun(of: group) { (run) throws(Failure) in
      reader.begin()
      try FactsChunk.forEach(in: run) { (place) throws(Failure) in
        try reader.read(place.record) { (facts) throws(Failure) in try body(facts, place) }
      }
    }
  }

  /// Lends the bytes of a trace's runs.
  @inline(__always)
  private func forEachRun<Failure>(
    of group: Group, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    defer { withExtendedLifetime(batch) {} }
    var next = group.first
    while next >= 0 {
      let run = runs[Int(next)]
      try body(run.bytes)
      next = run.next
    }
  }

  /// Lends the scores, in the order in which they came.
  func forEachScore(_ body: (Score) throws(LedgerError) -> Void) throws(LedgerError) {
    defer { withExtendedLifetime(batch) {} }
    for run in scores { _ = try ScoreRecord.forEach(in: run, body) }
  }
}
