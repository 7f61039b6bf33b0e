import OTLP
import TestSupport
import Testing

/// How spans become outgoing requests.
struct RequestBuilderTests {
  private let interner = ScopeInterner()

  /// The message of a request that a builder sealed.
  private static func message(_ builder: RequestBuilder) throws -> [UInt8] { try #require(builder.seal()).bytes }

  private static func append(
    _ span: [UInt8], _ scope: Scope, cuts: [Cut] = [], suffix: [UInt8] = [], to builder: RequestBuilder
  ) {
    span.withUnsafeBytes { span in
      cuts.withUnsafeBufferPointer { cuts in
        suffix.withUnsafeBytes { suffix in
          // An empty array's address may be nil; a payload's never is.
          withUnsafeBytes(of: 0) { nothing in
            builder.append(
              span: span.baseAddress ?? nothing.baseAddress!, length: span.count, scope: .passUnretained(scope),
              cuts: cuts,
              suffix: suffix)
          }
        }
      }
    }
  }

  /// Adds every span of a request as it is.
  private func append(_ request: [UInt8], to builder: RequestBuilder) throws {
    let indexed = try IndexedRequest(request, interner: interner)
    for position in 0..<indexed.batch.spanCount {
      let entry = indexed.batch.index.spans[position]
      builder.append(
        span: indexed.batch.payload(of: entry), length: Int(entry.length),
        scope: .passUnretained(indexed.batch.scopes[Int(entry.scope)]), cuts: UnsafeBufferPointer(start: nil, count: 0),
        suffix: UnsafeRawBufferPointer(start: nil, count: 0))
    }
  }

  private func scope(_ name: String, of resource: String) throws -> Scope {
    let request = HandWire.message(
      1, HandWire.text(3, resource), HandWire.message(2, HandWire.text(3, name), HandWire.span()))
    return try IndexedRequest(request, interner: interner).batch.scopes[0]
  }

  @Test func `a builder without spans seals nothing`() {
    let builder = RequestBuilder()
    #expect(builder.seal() == nil)
    #expect(builder.itemCount == 0 && builder.byteCount == 0)
  }

  @Test func `spans of several requests stand once under each resource and scope`() throws {
    let builder = RequestBuilder()
    func request(_ resource: String, _ scope: String, _ names: String...) -> [UInt8] {
      HandWire.message(
        1, HandWire.text(3, resource),
        HandWire.message(2, HandWire.text(3, scope), names.flatMap { HandWire.span(HandWire.text(5, $0)) }))
    }
    try append(request("shop", "a", "1", "2") + request("bank", "a", "3") + request("shop", "b", "4"), to: builder)
    try append(request("bank", "a", "5"), to: builder)
    try append(request("shop", "a", "6") + request("shop", "b", "7"), to: builder)
    #expect(builder.itemCount == 7)

    let request1 = try #require(builder.seal())
    #expect(request1.itemCount == 7)
    func scope(_ name: String, _ spans: String...) -> [UInt8] {
      HandWire.message(2, HandWire.text(3, name), spans.flatMap { HandWire.span(HandWire.text(5, $0)) })
    }
    #expect(
      request1.bytes
        == HandWire.message(1, HandWire.text(3, "shop"), scope("a", "1", "2", "6"), scope("b", "4", "7"))
        + HandWire.message(1, HandWire.text(3, "bank"), scope("a", "3", "5")))
  }

  @Test func `a scope without a header stands as one`() throws {
    let builder = RequestBuilder()
    try append(HandWire.request(HandWire.text(5, "n")), to: builder)
    #expect(try Self.message(builder) == HandWire.request(HandWire.text(5, "n")))
  }

  @Test func `unknown fields of every level come out byte for byte`() throws {
    let builder = RequestBuilder()
    let unknown = HandWire.varint(99 << 3, bytes: 5) + HandWire.varint(7, bytes: 10) + HandWire.bytes(1000, [0xff, 2])
    let resource = HandWire.message(1, unknown, HandWire.message(1, unknown))
    let scope = HandWire.message(1, unknown)
    let span = HandWire.span(
      unknown, HandWire.message(9, unknown, HandWire.message(2, unknown)), HandWire.message(11, unknown),
      HandWire.message(13, unknown), HandWire.message(15, unknown))
    try append(
      HandWire.message(1, unknown, HandWire.message(2, unknown, span, scope), resource), to: builder)
    #expect(
      try Self.message(builder)
        == HandWire.message(1, unknown, resource, HandWire.message(2, unknown, scope, span)))
  }

  @Test func `cuts leave out what they name, and the suffix stands behind the rest`() throws {
    let scope = try scope("s", of: "r")
    let span = Array("0123456789".utf8)
    func cut(_ cuts: (UInt32, UInt32)..., suffix: String = "") throws -> String {
      let builder = RequestBuilder()
      Self.append(
        span, scope, cuts: cuts.map { Cut(offset: $0, length: $1) }, suffix: Array(suffix.utf8), to: builder)
      let message = try Self.message(builder)
      let payload = try #require(DecodedSpan.payloads(inRequest: message).first)
      return String(decoding: payload, as: UTF8.self)
    }
    #expect(try cut() == "0123456789")
    #expect(try cut((0, 3)) == "3456789")
    #expect(try cut((7, 3)) == "0123456")
    #expect(try cut((0, 10)) == "")
    #expect(try cut((0, 10), suffix: "ab") == "ab")
    #expect(try cut((0, 1), (1, 2), (5, 1), (9, 1), suffix: "xyz") == "34678xyz")
    #expect(try cut((4, 0)) == "0123456789")
    #expect(try cut(suffix: "xyz") == "0123456789xyz")
  }

  @Test func `lengths of one, two, three and four bytes are right at their borders`() throws {
    let scope = try scope("", of: "")
    for border in [0, 1, 127, 128, 16383, 16384, 2_097_151, 2_097_152] {
      for length in max(0, border - 16)...border + 1 {
        let builder = RequestBuilder()
        let span = [UInt8](repeating: UInt8(truncatingIfNeeded: length), count: length)
        Self.append(span, scope, to: builder)
        #expect(builder.byteCount == HandWire.bytes(2, span).count)
        // The empty header's own field, 1a 00, stands before the spans.
        let expected = HandWire.message(
          1, HandWire.text(3, ""), HandWire.message(2, HandWire.text(3, ""), HandWire.bytes(2, span)))
        #expect(try Self.message(builder) == expected, "\(length)")
      }
    }
  }

  @Test func `spans that fill a piece of memory, and larger ones, come out whole`() throws {
    let builder = RequestBuilder()
    let scopes = [try scope("a", of: "r"), try scope("b", of: "r")]
    var random = SeededGenerator(seed: 3)
    var expected: [[[UInt8]]] = [[], []]
    let sizes =
      [4080, 4093, 4094, 1, ChunkPool.chunkSize - 4, ChunkPool.chunkSize - 3, ChunkPool.chunkSize, 0, 1]
      + [3 * ChunkPool.chunkSize, 5, 200_000] + (0..<200).map { _ in Int.random(in: 0...9000, using: &random) }
    for size in sizes {
      let place = Int.random(in: 0...1, using: &random)
      let span = random.bytes(size)
      expected[place].append(span)
      Self.append(span, scopes[place], to: builder)
    }
    #expect(builder.itemCount == sizes.count)
    let request = try #require(builder.seal())
    #expect(request.itemCount == sizes.count)
    #expect(request.byteCount == request.bytes.count)
    #expect(request.segmentCount > 10)
    let payloads = DecodedSpan.payloads(inRequest: request.bytes)
    #expect(Set(payloads) == Set(expected.joined()) && payloads.count == sizes.count)
    let firstScope = payloads.first.map { expected[0].contains($0) } == true ? 0 : 1
    #expect(payloads == expected[firstScope] + expected[1 - firstScope])
  }

  @Test func `thousands of scopes are told apart`() throws {
    let builder = RequestBuilder()
    let scopes = try (0..<4000).map { try scope("scope \($0)", of: "resource \($0 % 7)") }
    for round in 0..<3 {
      for (position, scope) in scopes.enumerated() where (position + round) % 2 == 0 {
        Self.append(Array("\(position)/\(round)".utf8), scope, to: builder)
      }
    }
    let message = try Self.message(builder)
    var seen: [String: [String]] = [:]
    let resources = try #require(DecodedField.all(message))
    #expect(resources.count == 7)
    for resource in resources {
      for scope in try #require(DecodedField.all(resource.bytes)) where scope.number == 2 {
        let fields = try #require(DecodedField.all(scope.bytes))
        let name = String(decoding: try #require(fields.first { $0.number == 3 }).bytes, as: UTF8.self)
        #expect(seen[name] == nil, "\(name) stands twice")
        seen[name] = fields.filter { $0.number == 2 }.map { String(decoding: $0.bytes, as: UTF8.self) }
      }
    }
    for position in scopes.indices {
      #expect(seen["scope \(position)"] == (position % 2 == 0 ? [0, 2] : [1]).map { "\(position)/\($0)" })
    }
  }

  @Test func `a builder that was sealed begins anew`() throws {
    let builder = RequestBuilder()
    for round in 0..<5 {
      let names = (0..<3).map { "\(round).\($0)" }
      try append(
        HandWire.message(1, HandWire.message(2, names.flatMap { HandWire.span(HandWire.text(5, $0)) })), to: builder)
      #expect(builder.itemCount == 3)
      #expect(DecodedSpan.all(inRequest: try Self.message(builder)).map(\.name) == names)
      #expect(builder.itemCount == 0 && builder.byteCount == 0)
      #expect(builder.seal() == nil)
    }
  }

  @Test func `two builders that take turns with the same scopes don't mix them up`() throws {
    let builders = [RequestBuilder(), RequestBuilder()]
    let scopes = try ["a", "b", "c"].map { try scope($0, of: "r") }
    for round in 0..<6 {
      // They see the scopes in different order, so each one's hint is wrong for the other.
      Self.append([UInt8(round)], scopes[round % 3], to: builders[0])
      Self.append([UInt8(round)], scopes[2 - round % 3], to: builders[1])
    }
    func expected(_ order: [String], _ payloads: [[UInt8]]) -> [UInt8] {
      HandWire.message(
        1, HandWire.text(3, "r"),
        zip(order, payloads).flatMap { name, payloads in
          HandWire.message(2, HandWire.text(3, name), payloads.flatMap { HandWire.bytes(2, [$0]) })
        })
    }
    #expect(try Self.message(builders[0]) == expected(["a", "b", "c"], [[0, 3], [1, 4], [2, 5]]))
    #expect(try Self.message(builders[1]) == expected(["c", "b", "a"], [[0, 3], [1, 4], [2, 5]]))
  }

  @Test func `a sealed request outlives its builder and the spans that it was made of`() throws {
    var builder: RequestBuilder? = RequestBuilder()
    try append(HandWire.request(HandWire.text(5, "n")), to: try #require(builder))
    let request = try #require(builder?.seal())
    builder = nil
    #expect(DecodedSpan.all(inRequest: request.bytes).map(\.name) == ["n"])
  }

  // MARK: Memory

  @Test func `memory goes back to the pool with the request, or with the builder`() throws {
    let pool = ChunkPool(capacity: 8)
    let scope = try scope("s", of: "r")
    // A group's first piece is small; the second is the pool's.
    let span = [UInt8](repeating: 7, count: 4000)
    do {
      let builder = RequestBuilder(pool: pool)
      for _ in 0..<20 { Self.append(span, scope, to: builder) }
      let request = try #require(builder.seal())
      #expect(pool.unusedCount == 0)
      #expect(request.itemCount == 20)
    }
    let afterRequest = pool.unusedCount
    #expect(afterRequest == 2)
    do {
      let builder = RequestBuilder(pool: pool)
      for _ in 0..<20 { Self.append(span, scope, to: builder) }
      #expect(pool.unusedCount == 0, "the pieces are used again")
    }
    #expect(pool.unusedCount == 2)
  }

  @Test func `a pool keeps no more than its capacity, and no piece of another size`() throws {
    let pool = ChunkPool(capacity: 3)
    let scope = try scope("s", of: "r")
    let builder = RequestBuilder(pool: pool)
    for _ in 0..<100 { Self.append([UInt8](repeating: 7, count: 8000), scope, to: builder) }
    Self.append([UInt8](repeating: 7, count: 2 * ChunkPool.chunkSize), scope, to: builder)
    _ = try Self.message(builder)
    #expect(pool.unusedCount == 3)
  }
}
