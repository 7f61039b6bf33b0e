package import Facts
import JSON
package import OTLP
package import Pipeline
package import SelfTelemetry

/// Lets the spans through that every `filter` processor of a pipeline lets through.
package final class FilterSieve: SpanSieve {
  /// One filter, and where it counts the spans that it drops.
  package struct Rule: Sendable {
    let filter: SpanFilter
    let dropped: Counter

    package init(_ filter: SpanFilter, dropped: Counter) {
      self.filter = filter
      self.dropped = dropped
    }
  }

  private let rules: [Rule]
  private let document = JSONDocument()
  private var extractor: FactsExtractor
  private var trace = TraceID(first: 0, second: 0)
  /// What the trace hands down; empty where it hands nothing down.
  private var endUser: [UInt8] = []
  private var session: [UInt8] = []
  private var metadata: [UInt8] = []

  /// - Parameters:
  ///   - rules: in the order in which they are asked.
  ///   - plan: of the pipeline's `enduser` processor, or of the default.
  package init(_ rules: [Rule], plan: FactsPlan) {
    self.rules = rules
    extractor = FactsExtractor(plan: plan)
  }

  package func begin(trace: TraceID, inherited: UnsafeRawBufferPointer) {
    self.trace = trace
    endUser.removeAll(keepingCapacity: true)
    session.removeAll(keepingCapacity: true)
    metadata.removeAll(keepingCapacity: true)
    guard !inherited.isEmpty else { return }
    extractor.extract(handedDown: inherited) { facts in
      endUser.append(contentsOf: facts.endUser)
      session.append(contentsOf: facts.session)
      metadata.append(contentsOf: facts.metadata)
    }
  }

  package func keeps(_ span: SievedSpan) -> Bool {
    var keeps = false
    let entry = SpanEntry(
      traceID: trace, spanID: span.spanID, parentID: span.parentID, start: span.start, marks: span.marks)
    let scope = span.scope.takeUnretainedValue()
    extractor.extract(entry, payload: span.payload, scope: scope) { facts in keeps = self.keeps(facts) }
    return keeps
  }

  private func keeps(_ own: borrowing SpanFacts) -> Bool {
    var facts = copy own
    return endUser.withUnsafeBytes { endUser in
      session.withUnsafeBytes { session in
        metadata.withUnsafeBytes { metadata in
          if !session.isEmpty { facts.session = session }
          if !metadata.isEmpty {
            facts.metadata = metadata
          } else if !endUser.isEmpty, !facts.endUser.isEmpty, !facts.endUser.elementsEqual(endUser) {
            // It is about somebody else.
            facts.metadata = SpanFacts.Text(start: nil, count: 0)
          }
          if !endUser.isEmpty { facts.endUser = endUser }
          return isKept(facts)
        }
      }
    }
  }

  private func isKept(_ facts: borrowing SpanFacts) -> Bool {
    for rule in rules where rule.filter.predicate.matches(facts, using: document) != (rule.filter.effect == .keep) {
      rule.dropped.add()
      return false
    }
    return true
  }
}
