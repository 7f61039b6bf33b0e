import JSON
import OTLP

/// What the attributes of a span say in numbers: tokens and costs.
extension AttributeFacts {
  mutating func readUsage(_ span: Span, into facts: UnsafeMutablePointer<SpanFacts>) {
    var counts = TokenCounts()
    counts.input = findings.number(.input)
    counts.output = findings.number(.output)
    counts.total = findings.number(.total)
    counts.cacheRead = findings.number(.cacheRead)
    counts.cacheWrite = findings.number(.cacheWrite)
    counts.reasoning = findings.number(.reasoning)
    Usage.complete(&counts, inputIsUncached: inputIsUncached(span, facts.pointee.provider))
    if let metrics = object(.metrics, span) { counts.fill(from: Usage.ofModel(metrics)) }
    if let details = object(.usageDetails, span) {
      var told = LangfuseUsage.read(details)
      told.fill(from: counts)
      counts = told
    }
    Usage.sum(&counts)
    facts.pointee.tokens = counts
  }

  /// Whether the input that was found is known to leave out what was cached.
  private func inputIsUncached(_ span: Span, _ provider: SpanFacts.Text) -> Bool {
    guard let position = findings.position(of: .input) else { return false }
    func isFromAnthropic() -> Bool {
      provider.elementsEqual(FactConventions.anthropic.utf8) { $0 | 0x20 == $1 }
    }
    switch plan.meaning(of: span.attributes[position]).rawInput {
    case nil: return false
    case .withWrites: return findings.has(.cacheWrite) && isFromAnthropic()
    case .unlessToldOtherwise: return findings.number(.inputIsUncached).map { $0 != 0 } ?? isFromAnthropic()
    }
  }

  mutating func readCost(_ span: Span, into facts: UnsafeMutablePointer<SpanFacts>) {
    var dollars = object(.costDetails, span).flatMap(Usage.costOfLangfuse) ?? findings.dollars(.cost)
    if dollars == nil, findings.number(.inputCost) != nil || findings.number(.outputCost) != nil {
      dollars = (findings.dollars(.inputCost) ?? 0) + (findings.dollars(.outputCost) ?? 0)
    }
    dollars = dollars ?? object(.metrics, span).flatMap(Usage.cost)
    facts.pointee.cost = dollars.map(Quantity.billionths)
  }

  /// The object in a field's JSON text. LangWatch puts some of them into one more, with a type beside.
  private mutating func object(_ field: Field, _ span: Span) -> JSONValue? {
    guard let text = value(field, span), text.count <= Self.mostFigureBytes, let root = try? document.parse(text),
      root.kind == .object
    else { return nil }
    if field == .metrics, let inner = root["value"], inner.kind == .object { return inner }
    return root
  }
}
