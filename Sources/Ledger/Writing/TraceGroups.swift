import OTLP

/// What came for the ledger since the last transaction.
struct Arrival: Sendable {
  var facts: FactsChunk
  var pipeline: String
  /// Of the request in the pipeline's spool.
  var sequence: UInt64?
}

/// The spans of a transaction, by trace: traces in the order in which they came, each with its spans likewise.
final class TraceGroups {
  struct Group {
    let trace: TraceID
    fileprivate var first: Int32
    fileprivate var last: Int32
    fileprivate(set) var spanCount: Int32
  }

  /// A span, as long as the groups are there.
  struct Place {
    let span: UInt64
    let record: UnsafeRawBufferPointer
    let body: UnsafeRawBufferPointer
    fileprivate var next: Int32
  }

  private(set) var groups: [Group] = []
  private var places: [Place] = []
  private var known: [TraceID: Int32] = [:]
  /// What all arrivals hold, in one piece that stays where it is.
  private let bytes: UnsafeMutableRawBufferPointer

  init(_ batch: [Arrival]) {
    bytes = .allocate(byteCount: batch.reduce(0) { $0 + $1.facts.byteCount }, alignment: 8)
    let spanCount = batch.reduce(0) { $0 + $1.facts.spanCount }
    places.reserveCapacity(spanCount)
    known.reserveCapacity(spanCount / 8)
    groups.reserveCapacity(spanCount / 8)
    var end = 0
    for arrival in batch {
      UnsafeMutableRawBufferPointer(rebasing: bytes[end...]).copyBytes(from: arrival.facts.bytes)
      end += arrival.facts.byteCount
    }
    read()
  }

  deinit {
    bytes.deallocate()
  }

  private func read() {
    let bytes = UnsafeRawBufferPointer(bytes)
    // Variables of the object would be guarded against use from two places at each use.
    var groups = self.groups
    var places = self.places
    var last: (trace: TraceID, group: Int)?
    var offset = 0
    while offset < bytes.count {
      let entry = FactsChunk.entry(at: offset, in: bytes)
      // A trace's spans mostly come behind one another.
      let group = last?.trace == entry.trace ? last!.group : Self.group(of: entry.trace, in: &groups, &known)
      last = (entry.trace, group)
      let place = Int32(places.count)
      places.append(
        Place(
          span: entry.span, record: UnsafeRawBufferPointer(rebasing: bytes[entry.record]),
          body: UnsafeRawBufferPointer(rebasing: bytes[entry.body]), next: -1))
      if groups[group].last < 0 {
        groups[group].first = place
      } else {
        places[Int(groups[group].last)].next = place
      }
      groups[group].last = place
      groups[group].spanCount += 1
      offset = entry.body.upperBound
    }
    self.groups = groups
    self.places = places
  }

  private static func group(of trace: TraceID, in groups: inout [Group], _ known: inout [TraceID: Int32]) -> Int {
    let next = Int32(groups.count)
    let group = known[trace, default: next]
    if group == next {
      known[trace] = next
      groups.append(Group(trace: trace, first: -1, last: -1, spanCount: 0))
    }
    return Int(group)
  }

  @inline(__always)
  func forEach(in group: Group, _ body: (Place) throws(LedgerError) -> Void) throws(LedgerError) {
    let places = places
    var place = group.first
    while place >= 0 {
      try body(places[Int(place)])
      place = places[Int(place)].next
    }
  }
}
