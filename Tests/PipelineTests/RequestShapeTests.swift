import OTLP
import Pipeline
import TestSupport
import Testing

/// What is in a request: the names of its spans, each with its resource's and its scope's header.
private func spans(_ request: EncodedRequest) throws -> [String] {
  try request.bytes.withUnsafeBytes { message in
    var result: [String] = []
    var request = WireReader(message)
    while let field = try request.next() {
      guard field.number == 1, let resource = field.bytes else { continue }
      let (resourceHeader, scopes) = try parts(resource)
      for scope in scopes {
        let (scopeHeader, spans) = try parts(scope)
        for span in spans { result.append("\(resourceHeader) \(scopeHeader) \(Array(span))") }
      }
    }
    return result
  }
}

private func parts(_ message: UnsafeRawBufferPointer) throws -> (header: [UInt8], children: [UnsafeRawBufferPointer]) {
  var header: [UInt8] = []
  var children: [UnsafeRawBufferPointer] = []
  var reader = WireReader(message)
  while let field = try reader.next() {
    if field.number == 2, let bytes = field.bytes { children.append(bytes) } else { header += Array(field.encoding) }
  }
  return (header, children)
}

@Suite struct RequestShapeTests {
  @Test func `merged requests hold all spans of their parts`() throws {
    let parts = (0..<3).map { SampleRequest.make(name: "part\($0)", spans: $0 + 1, segmentLength: 10) }
    let merged = EncodedRequest.merging(parts)
    #expect(merged.itemCount == 6)
    #expect(merged.byteCount == parts.reduce(0) { $0 + $1.byteCount })
    #expect(try spans(merged) == parts.flatMap(spans))
  }

  @Test func `a merged request releases its parts with itself`() {
    let released = Collected<Int>()
    func part(_ index: Int) -> EncodedRequest {
      EncodedRequest(segments: [], itemCount: 1) { released.append(index) }
    }
    var merged: EncodedRequest? = .merging([part(0), part(1)])
    #expect(merged != nil && released.all.isEmpty)
    merged = nil
    #expect(Set(released.all) == [0, 1])
  }

  @Test func `one request is merged with none`() {
    let request = SampleRequest.make()
    #expect(EncodedRequest.merging([request]) === request)
  }

  @Test(arguments: [1, 2, 3, 5, 6, 100])
  func `pieces hold every span once, in order, under its resource and scope`(maxSize: Int) throws {
    let request = EncodedRequest.merging([
      SampleRequest.make(name: "a", spans: 4, resource: "one", segmentLength: 7),
      SampleRequest.make(name: "b", spans: 2, resource: "two"),
    ])

    let pieces = try request.split(maxSize: maxSize, sizer: .items)

    #expect(pieces.map(\.itemCount).reduce(0, +) == 6)
    #expect(pieces.allSatisfy { (1...maxSize).contains($0.itemCount) })
    #expect(try pieces.allSatisfy { try spans($0).count == $0.itemCount })
    #expect(try pieces.flatMap(spans) == spans(request))
    #expect(pieces.count == (6 + maxSize - 1) / maxSize)
  }

  @Test(arguments: [200, 500, 2000])
  func `pieces keep to a number of bytes`(maxSize: Int) throws {
    let request = SampleRequest.make(spans: 50, padding: 20)
    let pieces = try request.split(maxSize: maxSize, sizer: .bytes)
    #expect(pieces.allSatisfy { $0.byteCount <= maxSize })
    #expect(try pieces.flatMap(spans) == spans(request))
    // No piece is much smaller than it may be: two neighbours would not fit into one.
    #expect(zip(pieces, pieces.dropFirst()).allSatisfy { $0.byteCount + $1.byteCount > maxSize })
  }

  @Test func `a span that is larger than the limit travels alone`() throws {
    let pieces = try SampleRequest.make(spans: 3, padding: 1000).split(maxSize: 10, sizer: .bytes)
    #expect(pieces.map(\.itemCount) == [1, 1, 1])
  }

  @Test func `what is not understood survives a split, once`() throws {
    let unknown = SampleRequest.field(99, [1, 2, 3])
    let empty = SampleRequest.field(1, SampleRequest.field(1, []))
    let whole = unknown + SampleRequest.bytes(spans: 2) + empty
    let pieces = try whole.withUnsafeBytes { EncodedRequest(copying: $0, itemCount: 2) }.split(
      maxSize: 1, sizer: .items)
    #expect(pieces[0].bytes.starts(with: unknown))
    #expect(pieces[1].bytes.suffix(empty.count) == empty[...])
    #expect(pieces.map(\.itemCount) == [1, 1])
  }

  @Test func `metrics are cut between one another, and counted by their data points`() throws {
    typealias Sample = SampleRequest
    func metric(_ name: String, points: Int) -> [UInt8] {
      let data = (0..<points).flatMap { _ in Sample.field(1, [0x40, 1]) }
      // A gauge stands before the sum that the metric is: the last member of a oneof counts.
      return Sample.field(1, Array(name.utf8)) + Sample.field(5, Sample.field(1, [])) + Sample.field(7, data)
    }
    let metrics = [metric("a", points: 2), metric("b", points: 1), metric("c", points: 5), metric("d", points: 0)]
    let bytes = Sample.field(1, Sample.field(2, metrics.flatMap { Sample.field(2, $0) }))
    let count = bytes.withUnsafeBytes { EncodedRequest.itemCount(of: $0, signal: .metrics) }
    #expect(count == 8)
    let whole = bytes.withUnsafeBytes { EncodedRequest(copying: $0, signal: .metrics, itemCount: count) }
    let pieces = try whole.split(maxSize: 3, sizer: .items)
    #expect(pieces.map(\.itemCount) == [3, 5])
    #expect(pieces.allSatisfy { $0.signal == .metrics })
    #expect(pieces[0].bytes == Sample.field(1, Sample.field(2, metrics[..<2].flatMap { Sample.field(2, $0) })))
    #expect(EncodedRequest.merging(pieces).signal == .metrics && EncodedRequest.merging(pieces).itemCount == 8)
  }

  @Test func `a request that needs no split comes out as it went in`() throws {
    let bytes = SampleRequest.bytes(spans: 3)
    let pieces = try SampleRequest.make(spans: 3).split(maxSize: 10, sizer: .items)
    #expect(pieces.map(\.bytes) == [bytes])
  }

  @Test func `every cut of a request is either read or refused`() throws {
    let bytes = SampleRequest.bytes(spans: 3)
    for end in bytes.indices.dropFirst() {
      let cut = bytes[..<end].withUnsafeBytes { EncodedRequest(copying: $0, itemCount: 3) }
      #expect(throws: WireError.truncated) { try cut.split(maxSize: 1, sizer: .items) }
    }
  }
}

@Suite struct WireReaderTests {
  private func read(_ bytes: [UInt8]) throws -> [String] {
    try bytes.withUnsafeBytes { message in
      var reader = WireReader(message)
      var fields: [String] = []
      while let field = try reader.next() {
        let value =
          switch field.value {
          case .varint(let number): "varint \(number)"
          case .fixed64(let number): "fixed64 \(number)"
          case .fixed32(let number): "fixed32 \(number)"
          case .bytes(let bytes): "bytes \(Array(bytes))"
          }
        fields.append("\(field.number) \(value) \(field.encoding.count)")
      }
      return fields
    }
  }

  @Test func `every wire type is read`() throws {
    #expect(
      try read([
        0x08, 0x96, 0x01, 0x12, 0x02, 7, 8, 0x19, 1, 0, 0, 0, 0, 0, 0, 0, 0x25, 2, 0, 0, 0, 0x08, 0xFF, 0xFF, 0xFF,
        0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01,
      ]) == [
        "1 varint 150 3", "2 bytes [7, 8] 4", "3 fixed64 1 9", "4 fixed32 2 5", "1 varint \(UInt64.max) 11",
      ])
    #expect(try read([]).isEmpty)
  }

  @Test(
    arguments: [
      ([0x08], WireError.truncated), ([0x12, 0x05, 1], .truncated), ([0x19, 1], .truncated), ([0x80], .truncated),
      ([0x12, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01], .truncated), ([0x00, 0x00], .invalidTag),
      ([0x0B], .invalidTag), ([0x0E], .invalidTag), ([0x80, 0x80, 0x80, 0x80, 0x10, 0x00], .invalidTag),
      ([0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02], .invalidVarint),
      ([0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00], .invalidVarint),
    ] as [([UInt8], WireError)])
  func `bytes that are no message are refused`(bytes: [UInt8], error: WireError) {
    #expect(throws: error) { try read(bytes) }
  }
}
