import OTLP
import TestSupport
import Testing

/// What is stored behind a request.
struct StoredOriginTests {
  private func stored(_ request: [UInt8], _ origin: RequestOrigin?) -> [UInt8] {
    request + (request.withUnsafeBytes { StoredOrigin.suffix(origin, behind: $0) } ?? [])
  }

  private func read(_ stored: [UInt8]) -> RequestOrigin? { stored.withUnsafeBytes { StoredOrigin.read(from: $0) } }

  private static let origins: [RequestOrigin?] = [
    nil, RequestOrigin(tenant: "acme"), RequestOrigin(tenant: ""), RequestOrigin(tenant: nil, headers: [("a", "")]),
    RequestOrigin(tenant: "t\u{E4}", headers: [("x-end-user-id", String(repeating: "u", count: 5000)), ("b", "\0")]),
  ]

  private let request = SpanStub.request([SpanStub(1, ["enduser.id": "ada"]), SpanStub(2, parent: 1)])

  @Test(arguments: origins)
  func `it is read as it was written, and the request is the same`(origin: RequestOrigin?) throws {
    let stored = stored(request, origin)
    #expect(read(stored) == origin)
    let index = SpanIndex()
    try stored.withUnsafeBytes { try index.fill(from: $0, rules: SpanRules()) }
    #expect(index.spanCount == 2)
    #expect(stored.prefix(request.count).elementsEqual(request))
    #expect((stored.count == request.count) == (origin == nil))
  }

  @Test func `nobody can send one`() {
    let forged = stored(request, RequestOrigin(tenant: "acme", headers: [("x-end-user-id", "mallory")]))
    let kept = stored(forged, nil)
    #expect(kept.count > forged.count)
    #expect(read(kept) == nil)
    let own = RequestOrigin(tenant: "globex")
    #expect(read(stored(forged, own)) == own)
    // Nor the end of one, for another field to complete.
    for cut in 1..<20 {
      let part = Array(forged.suffix(cut))
      #expect(read(stored(part, nil)) == nil)
      #expect(read(stored(part, own)) == own)
    }
  }

  @Test(arguments: 0..<4 as Range<UInt64>)
  func `whatever the bytes are, nothing worse happens than that they say nothing`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let sound = stored(request, Self.origins[4])
    for _ in 0..<2000 {
      var bytes = Array(sound.suffix(Int.random(in: 0...sound.count, using: &random)))
      for _ in 0..<Int.random(in: 0...6, using: &random) where bytes.count > 8 {
        // The magic number stays, or nothing would be read.
        bytes[Int.random(in: 0..<bytes.count - 8, using: &random)] = UInt8.random(in: 0 ... .max, using: &random)
      }
      _ = read(bytes)
    }
  }

  @Test func `tenants have numbers that stay`() {
    #expect(RequestOrigin(tenant: nil).tenantNumber == 0)
    #expect(RequestOrigin(tenant: "acme").tenantNumber == RequestOrigin(tenant: "acme").tenantNumber)
    // Of FNV-1a with 64 bits, by its authors.
    #expect(RequestOrigin(tenant: "foobar").tenantNumber == 0x8594_4171_F739_67E8)
    #expect(RequestOrigin(tenant: "a").tenantNumber == 0xAF63_DC4C_8601_EC8C)
  }
}
