import Compression
import Foundation
import Testing

struct InflateTests {
  private let text = Data((0..<20_000).map { UInt8(truncatingIfNeeded: ($0 * $0) >> 6) })

  @Test func `what the gzip program packs comes out as it was`() throws {
    let packed = try run("gzip", ["-c"], input: text)
    #expect(try inflateGzip(packed, limit: 1 << 20) == text)
  }

  @Test func `the optional fields of a header are skipped`() throws {
    let packed = Deflate.gzip(bytes: text, level: 6)
    // Checksum, extra, name and comment flags; the checksum of the header is not looked at.
    var header = Array(packed.prefix(10))
    header[3] = 0x1F
    header += [3, 0, 1, 2, 3] + Array("name\0".utf8) + Array("comment\0".utf8) + [0xAB, 0xCD]
    #expect(try inflateGzip(Data(header) + packed.dropFirst(10), limit: 1 << 20) == text)
    for cut in 10..<header.count {
      #expect(throws: InflateError.corrupt) { try inflateGzip(Data(header.prefix(cut)), limit: 1 << 20) }
    }
  }

  @Test func `members follow one another`() throws {
    let zeros = Data(count: 500_000)
    let members = [text, Data(), zeros, Data("x".utf8)]
    let packed = members.map { Data(Deflate.gzip(bytes: $0, level: 1)) }.reduce(Data(), +)
    let whole = members.reduce(Data(), +)
    #expect(try inflateGzip(packed, limit: whole.count) == whole)
    #expect(throws: InflateError.tooLarge(limit: whole.count - 1)) {
      try inflateGzip(packed, limit: whole.count - 1)
    }
  }

  @Test func `an empty content is no error, no content at all is`() throws {
    #expect(try inflateGzip(Data(Deflate.gzip(bytes: Data(), level: 1)), limit: 0) == Data())
    #expect(throws: InflateError.empty) { try inflateGzip(Data(), limit: 10) }
    #expect(throws: InflateError.empty) { try inflateZlib(Data(), limit: 10) }
  }

  @Test func `the limit is exact`() throws {
    let packed = Data(Deflate.gzip(bytes: text, level: 6))
    #expect(try inflateGzip(packed, limit: text.count) == text)
    #expect(throws: InflateError.tooLarge(limit: text.count - 1)) { try inflateGzip(packed, limit: text.count - 1) }
    let zlibPacked = try packZlib(text)
    #expect(try inflateZlib(zlibPacked, limit: text.count) == text)
    #expect(throws: InflateError.tooLarge(limit: 5)) { try inflateZlib(zlibPacked, limit: 5) }
  }

  @Test func `a cut file is corrupt wherever it is cut`() throws {
    let packed = Data(Deflate.gzip(bytes: text, level: 6))
    for count in stride(from: 1, to: packed.count, by: 7) {
      #expect(throws: InflateError.corrupt) { try inflateGzip(packed.prefix(count), limit: 1 << 20) }
    }
    let zlibPacked = try packZlib(text)
    for count in stride(from: 1, to: zlibPacked.count, by: 7) {
      #expect(throws: InflateError.corrupt) { try inflateZlib(zlibPacked.prefix(count), limit: 1 << 20) }
    }
  }

  @Test func `no flipped bit goes unnoticed in the content`() throws {
    let packed = Data(Deflate.gzip(bytes: text.prefix(3000), level: 6))
    // Time, extra flags and system in the header mean nothing to us.
    let ignored = Set(4..<10)
    for index in packed.indices where !ignored.contains(index) {
      var broken = packed
      broken[index] ^= 0x08
      // A flag for a name that is not there may swallow the content up to some zero; then it is no stream any more.
      #expect(throws: InflateError.self) { try inflateGzip(broken, limit: 1 << 20) }
    }
  }

  @Test func `a wrong checksum or size is told from broken data`() throws {
    let packed = Data(Deflate.gzip(bytes: text, level: 6))
    for index in packed.indices.suffix(8) {
      var broken = packed
      broken[index] ^= 1
      #expect(throws: InflateError.checksumMismatch) { try inflateGzip(broken, limit: 1 << 20) }
    }
    var zlibBroken = try packZlib(text)
    zlibBroken[zlibBroken.count - 1] ^= 1
    #expect(throws: InflateError.checksumMismatch) { try inflateZlib(zlibBroken, limit: 1 << 20) }
  }

  @Test func `bytes after the end are refused`() throws {
    let packed = Data(Deflate.gzip(bytes: text, level: 6))
    for garbage in [[0], [0x1F], [0x1F, 0x8C], Array("garbage".utf8)] as [[UInt8]] {
      #expect(throws: InflateError.trailingBytes) { try inflateGzip(packed + garbage, limit: 1 << 20) }
    }
    #expect(throws: InflateError.corrupt) { try inflateGzip(packed + [0x1F, 0x8B], limit: 1 << 20) }
    let zlibPacked = try packZlib(text)
    #expect(throws: InflateError.trailingBytes) { try inflateZlib(zlibPacked + [0], limit: 1 << 20) }
  }

  @Test(arguments: [
    Data("no gzip at all".utf8), Data([0x1F, 0x8B, 9, 0, 0, 0, 0, 0, 0, 0, 3, 0]), Data([0x1F, 0x8B]),
  ])
  func `what is no gzip is corrupt`(input: Data) {
    #expect(throws: InflateError.corrupt) { try inflateGzip(input, limit: 1 << 20) }
  }

  @Test func `a preset dictionary is refused`() throws {
    #expect(throws: InflateError.corrupt) { try inflateZlib(Data([0x78, 0xBB, 0, 0, 0, 0, 3, 0]), limit: 10) }
  }

  @Test func `a bomb gets no more memory than the limit`() throws {
    let packed = Data(Deflate.gzip(bytes: Data(count: 50_000_000), level: 9))
    let memory = Memory()
    #expect(throws: InflateError.tooLarge(limit: 1_000_000)) {
      try packed.withUnsafeBytes { bytes in
        try Inflate.gzip(bytes, limit: 1_000_000, reserve: memory.reserve)
      }
    }
    #expect(memory.bytes.count <= 1_000_000)
  }

  @Test func `a lie about the size buys no memory`() throws {
    var packed = Data(Deflate.gzip(bytes: text, level: 6))
    packed.replaceSubrange(packed.count - 4..<packed.count, with: [0xFF, 0xFF, 0xFF, 0x7F])
    let memory = Memory()
    #expect(throws: InflateError.checksumMismatch) {
      try packed.withUnsafeBytes { bytes in
        try Inflate.gzip(bytes, limit: 1 << 30, reserve: memory.reserve)
      }
    }
    #expect(memory.bytes.count <= 32 * packed.count + 65536)
  }

  @Test func `what the zlib library packs comes out as it was`() throws {
    #expect(try inflateZlib(packZlib(text), limit: 1 << 20) == text)
    let zeros = Data(count: 3_000_000)
    #expect(try inflateZlib(packZlib(zeros), limit: 3_000_000) == zeros)
  }
}
