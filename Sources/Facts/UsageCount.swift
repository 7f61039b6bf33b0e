import Prices

/// Which of a trace's spans count, so that nothing is counted twice.
///
/// **Tokens** count at the deepest span that knows any: what an agent, a workflow or a proxy tells is the sum of what is below
/// it, or the same call once more.
///
/// **Costs** that spans tell count at the deepest span that tells one. That of a model call stands for everything below it: what
/// hangs there are the same call's spans. That of anything else, an agent's or a workflow's total, stands only where nothing
/// below it can be priced. Whatever no told cost stands for is priced by its tokens, where these count.
struct UsageCount {
  typealias Spans = TraceFactsReader.Spans

  private(set) var tokens = TokenCounts()
  private(set) var cost: Int64?
  private(set) var unpriced = LabelSet()
  private var marks: [Marks] = []
  /// For each span which one's told cost may stand for it; -1 for none.
  private var tellers: [Int32] = []
  private var costs: [Int64] = []

  private struct Marks: OptionSet {
    let rawValue: UInt8

    static let tokensBelow = Marks(rawValue: 1)
    static let costBelow = Marks(rawValue: 2)
    /// Its tokens count.
    static let counts = Marks(rawValue: 4)
    /// `costs` has what it costs.
    static let isPriced = Marks(rawValue: 8)
    /// Something below it is priced.
    static let pricedBelow = Marks(rawValue: 16)
    static let isUnpriced = Marks(rawValue: 32)
  }

  /// Above this, memory is given back rather than kept.
  private static let kept = 4096

  mutating func count(_ spans: Spans, _ tree: SpanTree, _ prices: inout PriceLookup) {
    tokens = TokenCounts()
    cost = nil
    unpriced.clear()
    clear(spans.count)
    let tells = mark(spans, tree)
    if tells { findTellers(spans, tree) }
    for place in spans.indices where marks[place].contains(.counts) {
      tokens.add(spans[place].countedTokens)
      price(place, spans, &prices)
    }
    if tells { settle(spans) }
    sumUp(spans)
  }

  /// What of a span counts.
  func counted(_ place: Int, _ spans: Spans) -> CountedUsage {
    var counted = CountedUsage()
    if marks[place].contains(.counts) { counted.tokens = spans[place].countedTokens }
    if marks[place].contains(.isPriced) { counted.cost = costs[place] }
    counted.isUnpriced = marks[place].contains(.isUnpriced)
    return counted
  }

  private mutating func clear(_ count: Int) {
    if marks.capacity > Self.kept { (marks, tellers, costs) = ([], [], []) }
    marks.removeAll(keepingCapacity: true)
    tellers.removeAll(keepingCapacity: true)
    costs.removeAll(keepingCapacity: true)
    marks.append(contentsOf: repeatElement([], count: count))
    tellers.append(contentsOf: repeatElement(-1, count: count))
    costs.append(contentsOf: repeatElement(0, count: count))
  }

  /// Finds the deepest spans that know tokens, and says whether any span tells a cost.
  private mutating func mark(_ spans: Spans, _ tree: SpanTree) -> Bool {
    var tells = false
    for place in tree.upwards.lazy.map(Int.init) {
      let knowsTokens = spans[place].knowsTokens
      if knowsTokens, !marks[place].contains(.tokensBelow) { marks[place].insert(.counts) }
      let tellsCost = spans[place].toldCost != nil
      tells = tells || tellsCost
      let parent = Int(tree.parents[place])
      guard parent >= 0 else { continue }
      if knowsTokens || marks[place].contains(.tokensBelow) { marks[parent].insert(.tokensBelow) }
      if tellsCost || marks[place].contains(.costBelow) { marks[parent].insert(.costBelow) }
    }
    return tells
  }

  /// Hands down from the deepest spans that tell a cost. No such span is below another.
  private mutating func findTellers(_ spans: Spans, _ tree: SpanTree) {
    for place in tree.upwards.reversed().lazy.map(Int.init) {
      if spans[place].toldCost != nil, !marks[place].contains(.costBelow) {
        tellers[place] = Int32(truncatingIfNeeded: place)
      } else if tree.parents[place] >= 0 {
        tellers[place] = tellers[Int(tree.parents[place])]
      }
    }
  }

  /// Prices a span whose tokens count, unless a told cost stands for it.
  private mutating func price(_ place: Int, _ spans: Spans, _ prices: inout PriceLookup) {
    let teller = Int(tellers[place])
    if teller >= 0, teller == place || spans[teller].isModelCall { return }
    let cost = spans[place].pricedUsage.flatMap {
      prices.cost(model: spans[place].model, provider: spans[place].provider, at: spans[place].start, $0)
    }
    if let cost {
      costs[place] = cost
      marks[place].insert(.isPriced)
      if teller >= 0 { marks[teller].insert(.pricedBelow) }
    } else {
      marks[place].insert(.isUnpriced)
    }
  }

  /// Lets told costs count where they do. What they stand for lacks no price.
  private mutating func settle(_ spans: Spans) {
    for place in spans.indices where tellers[place] >= 0 {
      let teller = Int(tellers[place])
      guard spans[teller].isModelCall || !marks[teller].contains(.pricedBelow) else { continue }
      if teller == place {
        costs[place] = spans[place].toldCost ?? 0
        marks[place].insert(.isPriced)
      } else {
        marks[place].remove(.isUnpriced)
      }
    }
  }

  private mutating func sumUp(_ spans: Spans) {
    for place in spans.indices {
      if marks[place].contains(.isPriced) { cost = (cost ?? 0).addingUpToLimit(costs[place]) }
      if marks[place].contains(.isUnpriced) { unpriced.insert(spans[place].model) }
    }
  }
}

extension SpanFacts {
  /// Completion markers observe nothing.
  fileprivate var knowsTokens: Bool { !flags.contains(.completionMarker) && !tokens.isEmpty }
  fileprivate var toldCost: Int64? { flags.contains(.completionMarker) ? nil : cost }

  fileprivate var isModelCall: Bool {
    switch kind {
    case .llm, .embedding, .reranker: true
    default: false
    }
  }

  /// Its tokens; the total is what is known of both ways where nobody told it.
  fileprivate var countedTokens: TokenCounts {
    var counted = tokens
    if counted.total == nil, counted.input != nil || counted.output != nil {
      counted.total = (counted.input ?? 0).addingUpToLimit(counted.output ?? 0)
    }
    return counted
  }

  /// What its price depends on; nil where too little is known. Of two ways and their sum, two tell the third.
  fileprivate var pricedUsage: PricedUsage? {
    var (input, output) = (tokens.input, tokens.output)
    if let total = tokens.total {
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
    usage.cacheRead = tokens.cacheRead ?? 0
    usage.cacheWrite = tokens.cacheWrite ?? 0
    usage.reasoning = tokens.reasoning ?? 0
    return usage
  }
}

extension TokenCounts {
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
