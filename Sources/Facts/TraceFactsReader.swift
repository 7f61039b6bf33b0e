package import EndUser
package import Prices

/// Finds out what a trace is from the records of its spans, in time linear to their number. Keeps its memory, and the prices of
/// the models that it met, for the next trace; one thread at a time.
package struct TraceFactsReader {
  let fallback: EndUserConfiguration.Fallback
  /// The known spans of a trace.
  typealias Spans = UnsafeBufferPointer<SpanFacts>

  /// Each id once. Their text is in the records.
  private var spans: [SpanFacts] = []
  var tree = SpanTree()
  var prices: PriceLookup
  var usage = UsageCount()
  private var models = LabelSet()
  private var tags = LabelSet()
  private var tagReader = TagReader()
  private var labels = LabelTexts()
  private var lastLabels = LabelTexts()

  /// Above this, memory is given back rather than kept.
  private static let kept = 4096

  package init(prices: PriceTable, fallback: EndUserConfiguration.Fallback) {
    self.fallback = fallback
    self.prices = PriceLookup(prices)
  }

  /// What a trace is, by `SpanRecord`s behind one another. What comes behind damaged bytes is unknown. Of several records with
  /// the same span id the first one holds.
  package mutating func read(_ records: UnsafeRawBufferPointer) -> TraceFacts {
    gather(records)
    return lendSpans { $0.sumUp($1) }
  }

  /// What a trace is, and what counts of each of its spans, which `body` gets in the order of the records. `parent` is which of
  /// these spans it hangs on, counted from 0; nil where its parent is unknown. However spans name their parents, this makes a
  /// forest.
  package mutating func read(
    _ records: UnsafeRawBufferPointer,
    spans body: (_ facts: borrowing SpanFacts, _ parent: Int?, _ counted: CountedUsage) -> Void
  ) -> TraceFacts {
    gather(records)
    return lendSpans { reader, spans in
      let facts = reader.sumUp(spans)
      for place in spans.indices {
        let parent = reader.tree.parents[place]
        body(spans[place], parent < 0 ? nil : Int(parent), reader.usage.counted(place, spans))
      }
      return facts
    }
  }

  mutating func gather(_ records: UnsafeRawBufferPointer) {
    if spans.capacity > Self.kept { spans = [] }
    spans.removeAll(keepingCapacity: true)
    tree.clear()
    SpanRecord.forEach(in: records) { facts, _ in
      if tree.add(facts.spanID) { spans.append(copy facts) }
    }
    tree.link { spans[$0].flags.contains(.hasParent) ? spans[$0].parentID : 0 }
  }

  /// Lends the spans in place: an array's subscript copies hundreds of bytes for each look at one of them.
  mutating func lendSpans<Result>(_ body: (inout TraceFactsReader, Spans) -> Result) -> Result {
    var lent: [SpanFacts] = []
    swap(&lent, &spans)
    defer { swap(&lent, &spans) }
    return lent.withUnsafeBufferPointer { body(&self, $0) }
  }

  private mutating func sumUp(_ spans: Spans) -> TraceFacts {
    var facts = TraceFacts()
    Self.observe(spans, &facts)
    usage.count(spans, tree, &prices)
    facts.tokens = usage.tokens
    facts.cost = usage.cost
    if !usage.unpriced.isEmpty { facts.unpriced = usage.unpriced.numbers }
    attribute(spans, &facts)
    label(spans, &facts)
    return facts
  }

  /// Times and numbers.
  private static func observe(_ spans: Spans, _ facts: inout TraceFacts) {
    var (start, end) = (UInt64.max, UInt64.min)
    var (markedStart, markedEnd) = (start, end)
    for place in spans.indices {
      if spans[place].flags.contains(.completionMarker) {
        markedStart = min(markedStart, spans[place].start)
        markedEnd = max(markedEnd, spans[place].end)
      } else {
        facts.observations += 1
        if spans[place].flags.contains(.isError) { facts.errors += 1 }
        start = min(start, spans[place].start)
        end = max(end, spans[place].end)
      }
    }
    if facts.observations == 0 { (start, end) = (markedStart, markedEnd) }
    if !spans.isEmpty { (facts.start, facts.end) = (start, max(start, end)) }
  }

  /// Models and tags.
  private mutating func label(_ spans: Spans, _ facts: inout TraceFacts) {
    models.clear()
    tags.clear()
    for place in spans.indices {
      if !spans[place].model.isEmpty { models.insert(spans[place].model) }
      if !spans[place].tags.isEmpty { tagReader.add(spans[place].tags, to: &tags) }
    }
    labels.removeAll()
    models.forEach { labels.append($0, .model) }
    tags.forEach { labels.append($0, .tag) }
    // The same object as the last trace's, if it can be: most have the same.
    if labels != lastLabels { lastLabels = labels }
    facts.labels = lastLabels
  }
}
