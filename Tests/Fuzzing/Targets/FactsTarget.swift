import EndUser
import Facts
import Foundation
import JSON
import OTLP
import Prices
import TestSupport

extension FuzzTarget {
  /// What the ledger reads of anybody's bytes: the facts of a trace request's spans, records of facts, and JSON text.
  static let facts = FuzzTarget(name: "facts") { bytes in
    faultOfRequest(bytes) ?? faultOfRecords(bytes) ?? faultOfJSON(bytes)
  }

  private static func faultOfRequest(_ request: [UInt8]) -> String? {
    let rules = SpanRules()
    var extractor = FactsExtractor(plan: FactsPlan(EndUserConfiguration(), rules: rules))
    extractor.acceptance = 1_800_000_000_000_000_000
    guard let batch = try? IndexedRequest(request, rules: rules).batch else { return nil }
    var records: [UInt8] = []
    var writer = SpanRecordWriter()
    var fault: String?
    for position in 0..<batch.spanCount where fault == nil {
      extractor.extract(batch, at: position) { facts in
        fault = faultOfFacts(facts)
        writer.append(facts, to: &records)
      }
    }
    var count = 0
    let isWhole = records.withUnsafeBytes { SpanRecord.forEach(in: $0) { _, _ in count += 1 } }
    explain(records)
    guard isWhole, fault != nil || count == batch.spanCount else { return "records that can't be read" }
    return fault
  }

  private static func faultOfFacts(_ facts: borrowing SpanFacts) -> String? {
    for text in [
      facts.name, facts.statusMessage, facts.model, facts.provider, facts.workflow, facts.endUser, facts.session,
      facts.metadata, facts.tags,
    ] where String(validating: text, as: UTF8.self) == nil { return "text that is not UTF-8" }
    if !facts.metadata.isEmpty, json(facts.metadata) as? [String: Any] == nil { return "metadata that is no object" }
    if !facts.tags.isEmpty, json(facts.tags) as? [String] == nil { return "tags that are no list" }
    guard facts.end >= facts.start else { return "an end before the start" }
    let tokens = facts.tokens
    for number in [
      tokens.input, tokens.output, tokens.total, tokens.cacheRead, tokens.cacheWrite, tokens.reasoning, facts.cost,
    ] where number ?? 0 < 0 || number ?? 0 > 1 << 52 { return "a number that can't be: \(number ?? 0)" }
    return nil
  }

  private static func json(_ text: UnsafeRawBufferPointer) -> Any? {
    try? JSONSerialization.jsonObject(with: Data(text))
  }

  /// What is read of arbitrary bytes can be written and read again.
  private static func faultOfRecords(_ bytes: [UInt8]) -> String? {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { memory.deallocate() }
    memory.copyBytes(from: bytes)
    var written: [UInt8] = []
    var writer = SpanRecordWriter()
    var count = 0
    SpanRecord.forEach(in: UnsafeRawBufferPointer(memory)) { facts, range in
      precondition(range.upperBound <= bytes.count)
      writer.append(facts, to: &written)
      count += 1
    }
    var again: [UInt8] = []
    writer.begin()
    let isWhole = written.withUnsafeBytes {
      SpanRecord.forEach(in: $0) { facts, _ in
        writer.append(facts, to: &again)
        count -= 1
      }
    }
    explain(bytes)
    return isWhole && count == 0 && again == written ? nil : "records that come out otherwise"
  }

  /// Whose a trace of any records is, and why.
  private static func explain(_ records: [UInt8]) {
    var reader = TraceFactsReader(prices: PriceTable(builtIn: false, overrides: []), fallback: .topmost)
    _ = records.withUnsafeBytes { reader.explain($0) }
  }

  private static func faultOfJSON(_ bytes: [UInt8]) -> String? {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { memory.deallocate() }
    memory.copyBytes(from: bytes)
    let document = JSONDocument()
    guard let root = try? document.parse(UnsafeRawBufferPointer(memory)) else { return nil }
    var text = JSONText()
    text.value(root)
    guard let read = try? JSONDocument(text.bytes).root else { return "JSON that can't be read again" }
    var again = JSONText()
    again.value(read)
    return again.bytes == text.bytes ? nil : "JSON that comes out otherwise"
  }
}
