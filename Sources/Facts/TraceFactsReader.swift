package import EndUser
package import Prices

/// Finds out what a trace is from the records of its spans, in time linear to their number. Keeps its memory, and the prices of
/// the models that it met, for the next trace; one thread at a time.
package struct TraceFactsReader: ~Copyable {
  let fallback: EndUserConfiguration.Fallback
  /// The known spans of a trace.
  typealias Spans = UnsafeBufferPointer<SpanFacts>

  /// Each id once. Their text is in the records.
  private var spans = Scratch<SpanFacts>()
  var tree = SpanTree()
  var prices: PriceLookup
  var usage = UsageCount()
  private var labels = LabelWriter()

  package init(prices: PriceTable, fallback: EndUserConfiguration.Fallback) {
    self.fallback = fallback
    self.prices = PriceLookup(prices)
  }

  /// Lends what a trace is, by `SpanRecord`s behind one another. What comes behind damaged bytes is unknown. Of several records
  /// with the same span id the first one holds.
  package mutating func read<Result, Failure>(
    _ records: UnsafeRawBufferPointer, _ body: (borrowing TraceFacts) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(sumUp(gather(records)))
  }

  /// Lends what counts of each of a trace's spans, in the order of the records. `parent` is which of these spans it hangs on,
  /// counted from 0; nil where its parent is unknown. However spans name their parents, this makes a forest.
  package mutating func readSpans(
    _ records: UnsafeRawBufferPointer,
    _ body: (_ facts: borrowing SpanFacts, _ parent: Int?, _ counted: CountedUsage) -> Void
  ) {
    let spans = gather(records)
    usage.count(spans, tree, &prices)
    for place in spans.indices {
      let parent = tree.parents[place]
      body(spans[place], parent < 0 ? nil : Int(parent), usage.counted(place, spans))
    }
  }

  /// The spans of a trace, which are here until the next trace is read.
  mutating func gather(_ records: UnsafeRawBufferPointer) -> Spans {
    spans.clear()
    tree.clear()
    var reader = ByteReader(records)
    // One that is left out stays where it is until the next one is read, which may repeat what it says.
    var (isFirst, isLastLeftOut) = (true, false)
    while !reader.isAtEnd {
      let next = spans.reserve(1)
      let last = isFirst ? nil : UnsafePointer(isLastLeftOut ? next : next - 1)
      guard SpanRecord.read(&reader, into: next, after: last) else { break }
      (isFirst, isLastLeftOut) = (false, !tree.add(next.pointee.spanID))
      if !isLastLeftOut { spans.addReserved() }
    }
    let spans = spans.all
    tree.link { spans[$0].flags.contains(.hasParent) ? spans[$0].parentID : 0 }
    return spans
  }

  private mutating func sumUp(_ spans: Spans) -> TraceFacts {
    var facts = TraceFacts()
    Self.observe(spans, &facts)
    usage.count(spans, tree, &prices)
    facts.tokens = usage.tokens
    facts.cost = usage.cost
    facts.unpriced = usage.unpriced.texts
    attribute(spans, &facts)
    if let name = Self.toldName(of: spans) { facts.name = name }
    labels.write(spans)
    facts.labels = labels.texts
    return facts
  }

  /// Times and numbers. A time of 0 is unknown.
  private static func observe(_ spans: Spans, _ facts: inout TraceFacts) {
    var (start, end) = (UInt64.max, UInt64.min)
    var (markedStart, markedEnd) = (start, end)
    for place in spans.indices {
      let began = spans[place].start == 0 ? .max : spans[place].start
      if spans[place].flags.contains(.completionMarker) {
        markedStart = min(markedStart, began)
        markedEnd = max(markedEnd, spans[place].end)
      } else {
        facts.observations += 1
        if spans[place].flags.contains(.isError) { facts.errors += 1 }
        start = min(start, began)
        end = max(end, spans[place].end)
      }
    }
    if end == 0 { (start, end) = (markedStart, markedEnd) }
    (facts.start, facts.end) = (min(start, end), end)
  }

  /// How spans say that the trace is called, which goes before what they are part of: a root, else the earliest one.
  private static func toldName(of spans: Spans) -> SpanFacts.Text? {
    let tellers = spans.indices.lazy.filter { spans[$0].flags.contains(.namesTrace) }
    // An unknown start comes last.
    func rank(_ place: Int) -> (UInt64, UInt64) { (spans[place].start &- 1, spans[place].spanID) }
    let teller = tellers.first { spans[$0].isRoot } ?? tellers.min { rank($0) < rank($1) }
    return teller.map { spans[$0].workflow }
  }
}
