package import EndUser
package import Prices

/// Finds out what a trace is from the records of its spans, in time linear to their number. Keeps its memory, and the prices of
/// the models that it met, for the next trace; one thread at a time.
package struct TraceFactsReader {
  let fallback: EndUserConfiguration.Fallback
  /// The known spans, each id once. Their text is in the records.
  var spans: [SpanFacts] = []
  var tree = SpanTree()
  var prices: PriceLookup
  var usage = UsageCount()
  private var models = LabelSet()
  private var tags = LabelSet()
  private var tagReader = TagReader()

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
    return sumUp()
  }

  /// What a trace is, and what counts of each of its spans, which `body` gets in the order of the records. `parent` is which of
  /// these spans it hangs on, counted from 0; nil where its parent is unknown. However spans name their parents, this makes a
  /// forest.
  package mutating func read(
    _ records: UnsafeRawBufferPointer,
    spans body: (_ facts: borrowing SpanFacts, _ parent: Int?, _ counted: CountedUsage) -> Void
  ) -> TraceFacts {
    gather(records)
    let facts = sumUp()
    for place in spans.indices {
      let parent = tree.parents[place]
      body(spans[place], parent < 0 ? nil : Int(parent), usage.counted(place, spans[place]))
    }
    return facts
  }

  private mutating func gather(_ records: UnsafeRawBufferPointer) {
    if spans.capacity > Self.kept { spans = [] }
    spans.removeAll(keepingCapacity: true)
    tree.clear()
    SpanRecord.forEach(in: records) { facts, _ in
      if tree.add(facts.spanID) { spans.append(copy facts) }
    }
    tree.link { spans[$0].flags.contains(.hasParent) ? spans[$0].parentID : 0 }
  }

  private mutating func sumUp() -> TraceFacts {
    var facts = TraceFacts()
    observe(&facts)
    usage.count(spans, tree, &prices)
    facts.tokens = usage.tokens
    facts.cost = usage.cost
    if !usage.unpriced.isEmpty { facts.unpriced = usage.unpriced.numbers }
    attribute(&facts)
    label(&facts)
    return facts
  }

  /// Times and numbers.
  private func observe(_ facts: inout TraceFacts) {
    guard let first = spans.first else { return }
    var (start, end) = (UInt64.max, UInt64.min)
    for span in spans where !span.flags.contains(.completionMarker) {
      facts.observations += 1
      if span.flags.contains(.isError) { facts.errors += 1 }
      start = min(start, span.start)
      end = max(end, span.end)
    }
    if facts.observations == 0 {
      start = spans.reduce(first.start) { min($0, $1.start) }
      end = spans.reduce(first.end) { max($0, $1.end) }
    }
    (facts.start, facts.end) = (start, max(start, end))
  }

  /// Models and tags.
  private mutating func label(_ facts: inout TraceFacts) {
    models.clear()
    tags.clear()
    for span in spans {
      if !span.model.isEmpty { models.insert(span.model) }
      if !span.tags.isEmpty { tagReader.add(span.tags, to: &tags) }
    }
    facts.models = models.strings
    facts.tags = tags.strings
  }
}
