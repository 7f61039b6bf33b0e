import EndUser
import Facts
import OTLP
import Pipeline
import Prices
import SelfTelemetry
import Synchronization
import TestSupport
import Testing

/// When the requests of these tests were accepted: two seconds and five milliseconds after their spans' usual start.
let sampleAcceptance: UInt64 = 1_000 + 2_005_000_000

/// The records of a request's spans with what they claim, in its order.
func claimedRecords(
  _ request: [UInt8], _ configuration: EndUserConfiguration = EndUserConfiguration()
) throws -> [UInt8] {
  let rules = SpanRules()
  var extractor = FactsExtractor(plan: FactsPlan(configuration, rules: rules))
  extractor.acceptance = sampleAcceptance
  let batch = try IndexedRequest(request, rules: rules).batch
  var records: [UInt8] = []
  for position in 0..<batch.spanCount { extractor.extract(batch, at: position) { SpanRecord.append($0, to: &records) } }
  return records
}

/// Why a trace of these spans is whose it is.
func provenance(
  _ spans: [SpanStub], _ configuration: EndUserConfiguration = EndUserConfiguration()
) throws -> Provenance {
  var reader = TraceFactsReader(prices: testPrices, fallback: configuration.fallback)
  return try claimedRecords(SpanStub.request(spans), configuration).withUnsafeBytes { reader.explain($0) }
}

/// What the claims of one span are.
func claims(
  _ attributes: KeyValuePairs<String, StubValue>, parent: UInt64 = 0, scope: String = "app",
  _ configuration: EndUserConfiguration = EndUserConfiguration()
) throws -> [SpanClaim] {
  var claims: [SpanClaim] = []
  let request = SpanStub.request([SpanStub(7, parent: parent, attributes, scope: scope)])
  try claimedRecords(request, configuration).withUnsafeBytes {
    _ = SpanRecord.forEach(in: $0) { facts, _ in claims = SpanClaims(facts).claims }
  }
  return claims
}

/// The spans as an `enduser` processor sends them on, when all have come in these requests and every wait is over.
func forwarded(
  _ requests: [[SpanStub]], _ configuration: EndUserConfiguration = EndUserConfiguration()
) throws -> [DecodedSpan] {
  let rules = SpanRules()
  let now = Clock()
  let exporter = CollectingExporter()
  let output = Batcher(exporters: [exporter])
  let processor = EndUserProcessor(
    configuration, rules: rules,
    metrics: EndUserMetrics(registry: MetricRegistry(), processor: "enduser", pipeline: "traces"), output: output,
    clock: { now.time.load(ordering: .relaxed) })
  for request in requests {
    processor.consume(try IndexedRequest(SpanStub.request(request), rules: rules).batch) { _ in }
  }
  now.time.add(3_600_000_000_000, ordering: .relaxed)
  processor.sweep()
  output.close()
  return exporter.spans
}

private final class Clock: Sendable {
  let time = Atomic<UInt64>(1_000_000_000)
}
