import Prices

/// Which of a trace's spans count, so that nothing is counted twice.
///
/// **Tokens** count at the deepest span that knows any: what an agent, a workflow or a proxy tells is the sum of what is below
/// it, or the same call once more.
///
/// **Costs** that spans tell count at the deepest span that tells one. That of a model call stands for everything below it: what
/// hangs there are the same call's spans. That of anything else, an agent's or a workflow's total, stands only where nothing
/// below it can be priced. Whatever no told cost stands for is priced by its tokens, where these count.
struct UsageCount: ~Copyable {
  typealias Spans = TraceFactsReader.Spans

  private(set) var tokens = TokenCounts()
  private(set) var cost: Int64?
  private(set) var unpriced = LabelSet()
  private var notes = Scratch<Note>()

  /// What is found out about a span.
  struct Note {
    var cost: Int64 = 0
    /// Which span's told cost may stand for it; -1 for none.
    var teller: Int32 = -1
    var marks: Marks = []
  }

  struct Marks: OptionSet {
    let rawValue: UInt8

    static let tokensBelow = Marks(rawValue: 1)
    static let costBelow = Marks(rawValue: 2)
    /// Its tokens count.
    static let counts = Marks(rawValue: 4)
    /// The note has what it costs.
    static let isPriced = Marks(rawValue: 8)
    /// Something below it is priced.
    static let pricedBelow = Marks(rawValue: 16)
    static let isUnpriced = Marks(rawValue: 32)
  }

  mutating func count(_ spans: Spans, _ tree: borrowing SpanTree, _ prices: inout PriceLookup) {
    tokens = TokenCounts()
    cost = nil
    unpriced.clear()
    notes.clear()
    notes.append(repeating: Note(), count: spans.count)
    let tells = mark(spans, tree)
    if tells { findTellers(spans, tree) }
    for place in spans.indices where notes.elements[place].marks.contains(.counts) {
      tokens.add(spans[place].tokens.counted)
      price(place, spans, &prices)
    }
    if tells { settle(spans) }
    sumUp(spans)
  }

  /// What of a span counts.
  func counted(_ place: Int, _ spans: Spans) -> CountedUsage {
    var counted = CountedUsage()
    let note = notes.elements[place]
    if note.marks.contains(.counts) { counted.tokens = spans[place].tokens.counted }
    if note.marks.contains(.isPriced) { counted.cost = note.cost }
    counted.isUnpriced = note.marks.contains(.isUnpriced)
    return counted
  }

  /// Finds the deepest spans that know tokens, and says whether any span tells a cost.
  private func mark(_ spans: Spans, _ tree: borrowing SpanTree) -> Bool {
    let (notes, parents) = (notes.elements, tree.parents)
    var tells = false
    for place in tree.upwards.lazy.map(Int.init) {
      let knowsTokens = spans[place].knowsTokens
      if knowsTokens, !notes[place].marks.contains(.tokensBelow) { notes[place].marks.insert(.counts) }
      let tellsCost = spans[place].toldCost != nil
      tells = tells || tellsCost
      let parent = Int(parents[place])
      guard parent >= 0 else { continue }
      if knowsTokens || notes[place].marks.contains(.tokensBelow) { notes[parent].marks.insert(.tokensBelow) }
      if tellsCost || notes[place].marks.contains(.costBelow) { notes[parent].marks.insert(.costBelow) }
    }
    return tells
  }

  /// Hands down from the deepest spans that tell a cost. No such span is below another.
  private func findTellers(_ spans: Spans, _ tree: borrowing SpanTree) {
    let (notes, parents) = (notes.elements, tree.parents)
    for place in tree.upwards.reversed().lazy.map(Int.init) {
      if spans[place].toldCost != nil, !notes[place].marks.contains(.costBelow) {
        notes[place].teller = Int32(truncatingIfNeeded: place)
      } else if parents[place] >= 0 {
        notes[place].teller = notes[Int(parents[place])].teller
      }
    }
  }

  /// Prices a span whose tokens count, unless a told cost stands for it.
  private func price(_ place: Int, _ spans: Spans, _ prices: inout PriceLookup) {
    let notes = notes.elements
    let teller = Int(notes[place].teller)
    if teller >= 0, teller == place || spans[teller].isModelCall { return }
    // What was at an unknown time costs what it costs by the latest prices.
    let time = spans[place].start == 0 ? .max : spans[place].start
    let cost = spans[place].tokens.priced(spans[place].kind).flatMap {
      prices.cost(model: spans[place].model, provider: spans[place].provider, at: time, $0)
    }
    if let cost {
      notes[place].cost = cost
      notes[place].marks.insert(.isPriced)
      if teller >= 0 { notes[teller].marks.insert(.pricedBelow) }
    } else {
      notes[place].marks.insert(.isUnpriced)
    }
  }

  /// Lets told costs count where they do. What they stand for lacks no price.
  private func settle(_ spans: Spans) {
    let notes = notes.elements
    for place in spans.indices where notes[place].teller >= 0 {
      let teller = Int(notes[place].teller)
      guard spans[teller].isModelCall || !notes[teller].marks.contains(.pricedBelow) else { continue }
      if teller == place {
        notes[place].cost = spans[place].toldCost ?? 0
        notes[place].marks.insert(.isPriced)
      } else {
        notes[place].marks.remove(.isUnpriced)
      }
    }
  }

  private mutating func sumUp(_ spans: Spans) {
    for place in spans.indices {
      let note = notes.elements[place]
      if note.marks.contains(.isPriced) { cost = (cost ?? 0).addingUpToLimit(note.cost) }
      if note.marks.contains(.isUnpriced) { unpriced.insert(spans[place].model) }
    }
  }
}

extension SpanFacts {
  /// Completion markers observe nothing.
  fileprivate var knowsTokens: Bool { !flags.contains(.completionMarker) && !tokens.isEmpty }
  fileprivate var toldCost: Int64? { flags.contains(.completionMarker) ? nil : cost }

  fileprivate var isModelCall: Bool { kind.isModelCall }
}

extension ObservationKind {
  /// What other kinds used is a sum over calls.
  fileprivate var isModelCall: Bool {
    switch self {
    case .llm, .embedding, .reranker: true
    default: false
    }
  }
}

extension TokenCounts {
  /// With a total: what is known of both ways where nobody told it.
  fileprivate var counted: TokenCounts {
    var counted = self
    if total == nil, input != nil || output != nil {
      counted.total = (input ?? 0).addingUpToLimit(output ?? 0)
    }
    return counted
  }

  /// What the price of a span of a kind depends on; nil where too little is known. Of two ways and their sum, two tell the third.
  fileprivate func priced(_ kind: ObservationKind) -> PricedUsage? {
    var (input, output) = (input, output)
    if let total {
      switch (input, output) {
      case (nil, let known?): input = max(0, total.subtractingUpToLimit(known))
      case (let known?, nil): output = max(0, total.subtractingUpToLimit(known))
      case (nil, nil) where kind == .embedding || kind == .reranker: input = total
      default: break
      }
    }
    guard input != nil || output != nil else { return nil }
    var usage = PricedUsage()
    usage.input = input ?? 0
    usage.output = output ?? 0
    usage.cacheRead = cacheRead ?? 0
    usage.cacheWrite = cacheWrite ?? 0
    usage.reasoning = reasoning ?? 0
    usage.isSum = !kind.isModelCall
    return usage
  }

  /// Adds what is known.
  fileprivate mutating func add(_ other: TokenCounts) {
    func add(_ number: Int64?, to sum: inout Int64?) {
      if let number { sum = (sum ?? 0).addingUpToLimit(number) }
    }
    add(other.input, to: &input)
    add(other.output, to: &output)
    add(other.total, to: &total)
    add(other.cacheRead, to: &cacheRead)
    add(other.cacheWrite, to: &cacheWrite)
    add(other.reasoning, to: &reasoning)
  }
}

extension Int64 {
  /// The sum, or what is nearest to it: senders may say anything.
  fileprivate func addingUpToLimit(_ other: Int64) -> Int64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? (other < 0 ? .min : .max) : sum
  }

  fileprivate func subtractingUpToLimit(_ other: Int64) -> Int64 {
    let (difference, overflow) = subtractingReportingOverflow(other)
    return overflow ? (other < 0 ? .max : .min) : difference
  }
}
