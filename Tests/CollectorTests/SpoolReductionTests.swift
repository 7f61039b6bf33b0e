@testable import Collector
import Foundation
import OTLP
import SelfTelemetry
import Spool
import TestSupport
import Testing

/// What a spool keeps of a request that is not done.
struct SpoolReductionTests {
  private static let acme = RequestOrigin(tenant: "acme", headers: [("x-end-user-id", "ada")])

  /// A request of three spans, of which the first is done, reduced: what is left of it.
  private func reduced(_ spans: [SpanStub], _ origin: RequestOrigin?) throws -> [UInt8] {
    let folder = FileManager.default.temporaryDirectory.path + "/heirloom-reduction-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let spool = try Spool(
      Spool.Configuration(directory: folder), budget: SpoolBudget(maxBytes: 1 << 30), log: Log { _ in },
      registry: MetricRegistry(), labels: [])
    defer { spool.stop() }
    let request = SpanStub.request(spans)
    let stored = request + (request.withUnsafeBytes { StoredOrigin.suffix(origin, behind: $0) } ?? [])
    return try stored.withUnsafeBytes { stored in
      let record = try spool.append([stored], unitCount: spans.count)
      record.markDone(0, count: 1)
      return try #require(SpoolReduction(.traces, rules: SpanRules()).reduce(stored, of: record, units: nil)).payload
    }
  }

  @Test(arguments: [nil, acme])
  func `where it came from stays`(origin: RequestOrigin?) throws {
    let left = try reduced((1...3).map { SpanStub($0, ["n": .string("\($0)")]) }, origin)
    #expect(left.withUnsafeBytes { StoredOrigin.read(from: $0) } == origin)
    #expect(DecodedSpan.all(inRequest: left).map(\.id) == [2, 3])
  }

  @Test func `a span that ends like an origin is none`() throws {
    let forged = try #require([].withUnsafeBytes { StoredOrigin.suffix(Self.acme, behind: $0) })
    var last = SpanStub(3)
    // An unknown field of the span, whose content ends the request once what follows is gone.
    last.extra = [0xFA, 0x07, UInt8(forged.count)] + forged
    for origin in [nil, Self.acme, RequestOrigin(tenant: "globex")] {
      let left = try reduced([SpanStub(1), SpanStub(2), last], origin)
      #expect(left.withUnsafeBytes { StoredOrigin.read(from: $0) } == origin)
    }
  }
}
