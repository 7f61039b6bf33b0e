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
    fileprivate(set) var spanCount: Int32
  }

  struct Place {
    let span: UInt64
    /// Which arrival has it, and where in its bytes.
    let arrival: Int32
    let record: Range<Int32>
    let body: Range<Int32>
    fileprivate var next: Int32
  }

  private(set) var groups: [Group] = []
  private var places: [Place] = []
  private var known: [TraceID: Int32] = [:]

  init(_ batch: [Arrival]) {
    let spanCount = batch.reduce(0) { $0 + $1.facts.spanCount }
    places.reserveCapacity(spanCount)
    known.reserveCapacity(spanCount / 8)
    groups.reserveCapacity(spanCount / 8)
    var last: (trace: TraceID, group: Int)?
    for (arrival, content) in batch.enumerated() {
      content.facts.bytes.withUnsafeBytes { bytes in
        var offset = 0
        while offset < bytes.count {
          let entry = FactsChunk.entry(at: offset, in: bytes)
          // A trace's spans mostly come behind one another.
          let group = last?.trace == entry.trace ? last!.group : group(of: entry.trace)
          last = (entry.trace, group)
          add(entry, of: Int32(arrival), to: group)
          offset = entry.body.upperBound
        }
      }
    }
  }

  private mutating func group(of trace: TraceID) -> Int {
    let next = Int32(groups.count)
    let group = known[trace, default: next]
    if group == next {
      known[trace] = next
      groups.append(Group(trace: trace, first: -1, last: -1, spanCount: 0))
    }
    return Int(group)
  }

  private mutating func add(_ entry: FactsChunk.Entry, of arrival: Int32, to group: Int) {
    let place = Int32(places.count)
    places.append(
      Place(
        span: entry.span, arrival: arrival,
        record: Int32(entry.record.lowerBound)..<Int32(entry.record.upperBound),
        body: Int32(entry.body.lowerBound)..<Int32(entry.body.upperBound), next: -1))
    if groups[group].last < 0 {
      groups[group].first = place
    } else {
      places[Int(groups[group].last)].next = place
    }
    groups[group].last = place
    groups[group].spanCount += 1
  }

  func forEach(in group: Group, _ body: (borrowing Place) throws(LedgerError) -> Void) throws(LedgerError) {
    var place = group.first
    while place >= 0 {
      try body(places[Int(place)])
      place = places[Int(place)].next
    }
  }
}
