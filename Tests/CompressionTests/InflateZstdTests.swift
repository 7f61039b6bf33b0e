import Compression
import Foundation
import Testing

struct InflateZstdTests {
  private let text = Data((0..<200_000).map { UInt8(truncatingIfNeeded: ($0 * $0) >> 6) })

  @Test(arguments: [true, false], [-5, 1, 3, 19] as [Int32])
  func `what libzstd packs comes out as it was, and the limit is exact`(saysItsSize: Bool, level: Int32) throws {
    for content in [text, Data(), Data("x".utf8), Data(count: 3_000_000)] {
      let packed = try packZstd(content, level: level, saysItsSize: saysItsSize)
      #expect(try inflateZstd(packed, limit: content.count) == content)
      guard !content.isEmpty else { continue }
      #expect(throws: InflateError.tooLarge(limit: content.count - 1)) {
        try inflateZstd(packed, limit: content.count - 1)
      }
    }
  }

  @Test func `frames follow one another, and skippable ones say nothing`() throws {
    let skippable = Data([0x5A, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 1, 2, 3])
    let packed =
      try skippable + packZstd(text) + packZstd(Data(count: 500_000), saysItsSize: false) + skippable
      + packZstd(Data("x".utf8))
    let whole = text + Data(count: 500_000) + Data("x".utf8)
    #expect(try inflateZstd(packed, limit: whole.count) == whole)
    #expect(throws: InflateError.tooLarge(limit: whole.count - 1)) {
      try inflateZstd(packed, limit: whole.count - 1)
    }
  }

  @Test(arguments: [true, false])
  func `a cut file is corrupt wherever it is cut, and bytes after the end are refused`(saysItsSize: Bool) throws {
    let packed = try packZstd(text, saysItsSize: saysItsSize)
    #expect(throws: InflateError.empty) { try inflateZstd(Data(), limit: 1 << 20) }
    for count in stride(from: 1, to: packed.count, by: 61) {
      #expect(throws: InflateError.corrupt) { try inflateZstd(packed.prefix(count), limit: 1 << 20) }
    }
    for garbage in [[0], [0x1F, 0x8B], Array("garbage".utf8)] as [[UInt8]] {
      #expect(throws: InflateError.trailingBytes) { try inflateZstd(packed + garbage, limit: 1 << 20) }
    }
    #expect(throws: InflateError.corrupt) { try inflateZstd(packed + [0x28, 0xB5], limit: 1 << 20) }
    #expect(throws: InflateError.corrupt) { try inflateZstd(packed + [0x55, 0x2A, 0x4D], limit: 1 << 20) }
  }

  @Test func `a wrong checksum is told, and other formats are corrupt`() throws {
    var packed = try packZstd(text)
    packed[packed.count - 1] ^= 1
    #expect(throws: InflateError.checksumMismatch) { try inflateZstd(packed, limit: 1 << 20) }
    for other in [Data("no zstd at all".utf8), try packZlib(text), Data(Deflate.gzip(bytes: text, level: 1))] {
      #expect(throws: InflateError.corrupt) { try inflateZstd(other, limit: 1 << 20) }
    }
    // What libzstd wrote before it was version 1.
    #expect(throws: InflateError.corrupt) { try inflateZstd(Data([0x27, 0xB5, 0x2F, 0xFD, 0, 0, 0]), limit: 10) }
  }

  @Test func `a lie about the content is corrupt, and buys no memory`() throws {
    var packed = try packZstd(text)
    // Four bytes behind the magic number and the descriptor.
    packed.replaceSubrange(5..<9, with: [0xFF, 0xFF, 0xFF, 0x3F])
    let memory = Memory()
    #expect(throws: InflateError.corrupt) {
      try packed.withUnsafeBytes { try Inflate.zstd($0, limit: 1 << 30, reserve: memory.reserve) }
    }
    #expect(memory.bytes.count <= 32 * packed.count + 65536)
    packed.replaceSubrange(5..<9, with: [1, 0, 0, 0])
    #expect(throws: InflateError.corrupt) { try inflateZstd(packed, limit: 1 << 20) }
  }

  @Test(arguments: [true, false])
  func `a bomb gets no more memory than the limit`(saysItsSize: Bool) throws {
    let packed = try packZstd(Data(count: 50_000_000), saysItsSize: saysItsSize)
    #expect(packed.count < 10_000)
    let memory = Memory()
    #expect(throws: InflateError.tooLarge(limit: 1_000_000)) {
      try packed.withUnsafeBytes { try Inflate.zstd($0, limit: 1_000_000, reserve: memory.reserve) }
    }
    #expect(memory.bytes.count <= 1_000_000)
  }

  @Test func `a window of gigabytes costs nothing`() throws {
    // Magic number; no content size, a window of 2 GiB; one raw block, the last, of one byte.
    let packed = Data([0x28, 0xB5, 0x2F, 0xFD, 0x00, 0xA8, 0x09, 0x00, 0x00, 0x41])
    let memory = Memory()
    let count = try packed.withUnsafeBytes { try Inflate.zstd($0, limit: 1 << 20, reserve: memory.reserve) }
    #expect(Data(memory.bytes.prefix(count)) == Data("A".utf8))
    #expect(memory.bytes.count <= 64 << 10)
  }
}

/// What HTTP calls `deflate`, and what clients take it for.
struct InflateDeflateTests {
  private let text = Data((0..<20_000).map { UInt8(truncatingIfNeeded: ($0 * $0) >> 6) })

  @Test func `with zlib's header or without, it comes out as it was`() throws {
    for content in [text, Data(), Data("x".utf8), Data(count: 3_000_000)] {
      for packed in [try packZlib(content), try packDeflate(content)] {
        #expect(try inflateDeflate(packed, limit: content.count) == content)
        guard !content.isEmpty else { continue }
        #expect(throws: InflateError.tooLarge(limit: content.count - 1)) {
          try inflateDeflate(packed, limit: content.count - 1)
        }
        #expect(throws: InflateError.trailingBytes) { try inflateDeflate(packed + [0], limit: content.count) }
        #expect(throws: InflateError.self) { try inflateDeflate(packed.dropLast(1), limit: content.count) }
      }
    }
    #expect(throws: InflateError.empty) { try inflateDeflate(Data(), limit: 1) }
    #expect(throws: InflateError.corrupt) { try inflateDeflate(Data("no deflate".utf8), limit: 100) }
  }

  @Test func `a zlib stream with a wrong checksum is not taken for a bare one`() throws {
    var packed = try packZlib(text)
    packed[packed.count - 1] ^= 1
    #expect(throws: InflateError.checksumMismatch) { try inflateDeflate(packed, limit: 1 << 20) }
  }
}
