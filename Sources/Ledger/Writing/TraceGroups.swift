import OTLP

/// What came for the ledger since the last transaction.
struct Arrival: Sendable {
  var facts: FactsChunk
  var pipeline: String
  /// Of the request in the pipeline's spool.
  var sequence: UInt64?
}

/// The spans of a transaction, by trace: traces in the order in which they came, each with its spans likewise.
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
    let arrival: Int32
    let spans: Range<Int>
    /// The trace's next one; -1 behind the last.
    var next: Int32
  }

  private(set) var groups: [Group] = []
  private let batch: [Arrival]
  private var runs: [Run] = []

  init(_ batch: [Arrival]) {
    self.batch = batch
    let spanCount = batch.reduce(0) { $0 + $1.facts.spanCount }
    runs.reserveCapacity(spanCount / 2)
    groups.reserveCapacity(spanCount / 8)
    var known = ByteTable<Int32>(room: spanCount / 8)
    for (arrival, batched) in batch.enumerated() {
      batched.facts.forEachRun { run in
        let next = Int32(groups.count)
        let group = Int(withUnsafeBytes(of: run.trace) { known[$0] } ?? next)
        let place = Int32(runs.count)
        if group == next {
          withUnsafeBytes(of: run.trace) { known.set(next, for: $0) }
          groups.append(
            Group(
              trace: run.trace, first: place, last: place, spanCount: run.spanCount,
              byteCount: run.spans.count))
        } else {
          runs[Int(groups[group].last)].next = place
          groups[group].last = place
          groups[group].spanCount += run.spanCount
          groups[group].byteCount += run.spans.count
        }
        runs.append(Run(arrival: Int32(arrival), spans: run.spans, next: -1))
      }
    }
  }

  /// Lends the spans of a trace.
  @inline(__always)
  func forEach<Failure>(
    in group: Group, _ body: (FactsChunk.Place) throws(Failure) -> Void
  ) throws(Failure) {
    var next = group.first
    while next >= 0 {
      let run = runs[Int(next)]
      try batch[Int(run.arrival)].facts.forEach(in: run.spans, body)
      next = run.next
    }
  }
}
