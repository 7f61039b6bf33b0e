import EndUser
import Facts
import TestSupport
import Testing

/// Traces of any shape against a model that is slow and obvious: a tree, and definitions that look at all of it.
@Suite struct TraceModelTests {
  @Test func `counts what the definitions say`() {
    var random = SeededGenerator(seed: 7)
    for round in 0..<4000 {
      let spans = Self.spans(&random)
      let facts = trace(spans)
      let model = TraceModel(spans)
      #expect(facts.tokens == model.tokens, "round \(round)")
      let bill = model.bill
      #expect(facts.cost == bill.cost && facts.unpriced == bill.unpriced, "round \(round)")
      #expect(facts.endUser.map { Array($0.utf8) } == model.topmost(\.endUser), "round \(round)")
      #expect(facts.observations == model.observations.count)
      #expect(facts.start == model.start(of: model.observations) ?? model.start(of: model.spans) ?? 0)
    }
  }

  @Test func `tells per span what it sums up`() {
    var random = SeededGenerator(seed: 8)
    for round in 0..<1000 {
      let spans = Self.spans(&random)
      let facts = trace(spans)
      let parts = counted(spans)
      #expect(facts.cost == parts.compactMap(\.counted.cost).reduce(nil) { ($0 ?? 0) + $1 }, "round \(round)")
      #expect(facts.tokens.input == parts.compactMap(\.counted.tokens.input).reduce(nil) { ($0 ?? 0) + $1 })
      #expect(facts.unpriced.values.reduce(0, +) == parts.filter(\.counted.isUnpriced).count)
      #expect(parts.map(\.id) == TraceModel(spans).spans.map(\.spanID))
    }
  }

  @Test func `does not mind the order of the records`() {
    var random = SeededGenerator(seed: 9)
    for round in 0..<1000 {
      let spans = TraceModel(Self.spans(&random)).spans
      let (one, other) = (trace(spans), trace(spans.shuffled(using: &random)))
      #expect(one.tokens == other.tokens && one.cost == other.cost && one.unpriced == other.unpriced, "round \(round)")
      #expect(one.start == other.start && one.end == other.end)
      // Of several roots the first one to come speaks.
      if spans.count(where: { !$0.flags.contains(.hasParent) }) < 2 {
        #expect(one.name == other.name && one.endUser == other.endUser, "round \(round)")
      }
    }
  }

  @Test func `takes linear time over chains, circles and crowds of many spans`() {
    let count: UInt64 = 30_000
    func check(_ parent: (UInt64) -> UInt64, _ input: Int64) {
      let spans = (1...count).map { id in
        span(id, under: parent(id), .llm, tokens: (1, 0)) { $0.endUser = [UInt8(ascii: "u")] }
      }
      let facts = trace(spans)
      #expect(facts.observations == Int(count) && facts.tokens.input == input && facts.endUser == "u")
    }
    check({ $0 - 1 }, 1)
    check({ $0 % count + 1 }, 1)
    check({ _ in count + 1 }, Int64(count))
    check({ $0 / 2 }, Int64(count / 2))
  }

  /// A few spans whose ids and parents repeat, circle and lead nowhere.
  private static func spans(_ random: inout SeededGenerator) -> [OwnedFacts] {
    let count = Int.random(in: 0...14, using: &random)
    let wild = random.once(in: 3)
    return (0..<count).map { number in
      let id = wild ? UInt64.random(in: 1...12, using: &random) : UInt64(number + 1)
      let parents = wild ? 0...14 : 0...UInt64(number)
      var facts = span(id, under: UInt64.random(in: parents, using: &random))
      facts.kind =
        [.llm, .llm, .embedding, .reranker, .agent, .workflow, .tool, .span].randomElement(using: &random) ?? .span
      if random.once(in: 2) { facts.tokens.input = Int64.random(in: 0...9, using: &random) }
      if random.once(in: 2) { facts.tokens.output = Int64.random(in: 0...9, using: &random) }
      if random.once(in: 5) { facts.tokens.cacheRead = Int64.random(in: 0...9, using: &random) }
      if random.once(in: 4) { facts.cost = Int64.random(in: 0...9, using: &random) * 7 }
      facts.model = Array((["cheap", "dear", "strange", ""].randomElement(using: &random) ?? "").utf8)
      if random.once(in: 9) { facts.flags.insert(.completionMarker) }
      if random.once(in: 3) { facts.endUser = Array("user \(number)".utf8) }
      if random.once(in: 5) { facts.workflow = Array("workflow \(number)".utf8) }
      if !facts.workflow.isEmpty, random.once(in: 3) { facts.flags.insert(.namesTrace) }
      if facts.parentID != 0, random.once(in: 8) { facts.flags.insert(.remoteParent) }
      facts.start = UInt64.random(in: 0...5, using: &random)
      facts.end = facts.start + UInt64.random(in: 0...5, using: &random)
      return facts
    }
  }
}

/// A trace as a tree, with each question answered by looking at everything there is.
private struct TraceModel {
  struct Bill: Equatable {
    var cost: Int64?
    var unpriced: [String: Int] = [:]
  }

  /// Each id once.
  var spans: [OwnedFacts] = []

  init(_ all: [OwnedFacts]) {
    for span in all where !spans.contains(where: { $0.spanID == span.spanID }) { spans.append(span) }
  }

  var observations: [OwnedFacts] { spans.filter { !$0.flags.contains(.completionMarker) } }

  /// Of the known times the earliest start, or what is nearest to it.
  func start(of spans: [OwnedFacts]) -> UInt64? {
    spans.map(\.start).filter { $0 > 0 }.min() ?? spans.map(\.end).filter { $0 > 0 }.max()
  }

  /// The known parents above a span, nearest first, until the first that comes again.
  private func ancestors(_ span: OwnedFacts) -> [OwnedFacts] {
    var above: [OwnedFacts] = []
    var current = span
    while let parent = spans.first(where: { $0.spanID == current.parentID }), !above.contains(parent) {
      above.append(parent)
      current = parent
    }
    return above
  }

  private func isOnCircle(_ span: OwnedFacts) -> Bool { ancestors(span).contains(span) }

  /// Of a circle the span with the smallest id is on top.
  private func parent(_ span: OwnedFacts) -> OwnedFacts? {
    guard let parent = spans.first(where: { $0.spanID == span.parentID }) else { return nil }
    if isOnCircle(span), ancestors(span).allSatisfy({ $0.spanID >= span.spanID }) { return nil }
    return parent
  }

  private func children(_ span: OwnedFacts) -> [OwnedFacts] { spans.filter { parent($0) == span } }

  private func descendants(_ span: OwnedFacts) -> [OwnedFacts] {
    children(span).flatMap { [$0] + descendants($0) }
  }

  private func knowsTokens(_ span: OwnedFacts) -> Bool {
    !span.flags.contains(.completionMarker) && !span.tokens.isEmpty
  }

  private func tellsCost(_ span: OwnedFacts) -> Bool {
    !span.flags.contains(.completionMarker) && span.cost != nil
  }

  private func counts(_ span: OwnedFacts) -> Bool {
    knowsTokens(span) && !descendants(span).contains(where: knowsTokens)
  }

  var tokens: TokenCounts {
    let counting = spans.filter(counts).map(\.tokens)
    func sum(_ field: (TokenCounts) -> Int64?) -> Int64? {
      let known = counting.compactMap(field)
      return known.isEmpty ? nil : known.reduce(0, +)
    }
    var sums = TokenCounts()
    sums.input = sum(\.input)
    sums.output = sum(\.output)
    sums.cacheRead = sum(\.cacheRead)
    sums.total = sum { $0.input == nil && $0.output == nil ? nil : ($0.input ?? 0) + ($0.output ?? 0) }
    return sums
  }

  var bill: Bill { add(spans.filter { parent($0) == nil }.map(bill)) }

  /// What a span and all below it cost.
  private func bill(_ span: OwnedFacts) -> Bill {
    let below = add(children(span).map(bill))
    if tellsCost(span), !descendants(span).contains(where: tellsCost) {
      let isCall = [.llm, .embedding, .reranker].contains(span.kind)
      return isCall || below.cost == nil ? Bill(cost: span.cost) : below
    }
    guard counts(span) else { return below }
    let rate: Int64? = span.model == Array("cheap".utf8) ? 1000 : span.model == Array("dear".utf8) ? 10_000 : nil
    guard let rate, span.tokens.input != nil || span.tokens.output != nil else {
      return add([below, Bill(unpriced: [String(decoding: span.model, as: UTF8.self): 1])])
    }
    // Both models cost the same for every token; what was read from a cache is more than the input at times.
    let input = max(span.tokens.input ?? 0, span.tokens.cacheRead ?? 0)
    return add([below, Bill(cost: rate * (input + (span.tokens.output ?? 0)))])
  }

  private func add(_ bills: [Bill]) -> Bill {
    bills.reduce(into: Bill()) { sum, bill in
      if let cost = bill.cost { sum.cost = (sum.cost ?? 0) + cost }
      sum.unpriced.merge(bill.unpriced, uniquingKeysWith: +)
    }
  }

  /// Who speaks: a root; without any root a local root; else whoever has the fewest above it.
  func topmost(_ claim: (OwnedFacts) -> [UInt8]) -> [UInt8]? {
    func depth(_ span: OwnedFacts) -> Int {
      let above = ancestors(span)
      return isOnCircle(span) || above.contains(where: isOnCircle) ? spans.count : above.count
    }
    func choose(_ candidates: [OwnedFacts]) -> [UInt8]? {
      candidates.min {
        (depth($0), $0.start, $0.spanID.byteSwapped) < (depth($1), $1.start, $1.spanID.byteSwapped)
      }.map(claim)
    }
    let claiming = spans.filter { !claim($0).isEmpty }
    let roots = spans.filter { !$0.flags.contains(.hasParent) }
    if let root = claiming.first(where: { !$0.flags.contains(.hasParent) }) { return claim(root) }
    if roots.isEmpty, let local = choose(claiming.filter { $0.flags.contains(.remoteParent) }) { return local }
    return choose(claiming)
  }
}
