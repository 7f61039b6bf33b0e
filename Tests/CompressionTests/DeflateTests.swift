import Compression
import Foundation
import Testing

struct DeflateTests {
  private let text = Data((0..<200_000).map { UInt8(truncatingIfNeeded: $0 / 7) })

  @Test(arguments: [1, 6, 12, 1]) func `the gzip program unpacks it`(level: Int) throws {
    let packed = Deflate.gzip(bytes: text, level: level)
    #expect(packed.count < text.count / 2)
    #expect(try run("gzip", ["-dc"], input: Data(packed)) == text)
  }

  @Test(arguments: [[], [0], [5], [3, 0, 100_000]]) func `segments are packed as one`(counts: [Int]) throws {
    var rest = text
    let segments = counts.map { count in
      defer { rest = rest.dropFirst(count) }
      return Array(rest.prefix(count))
    }
    let pointers = segments.map { segment in
      let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: segment.count, alignment: 1)
      copy.copyBytes(from: segment)
      return UnsafeRawBufferPointer(copy)
    }
    defer { for pointer in pointers { pointer.deallocate() } }
    let packed = Deflate.gzip(pointers, level: 1)
    #expect(try run("gzip", ["-dc"], input: Data(packed)) == text.prefix(counts.reduce(0, +)))
  }

  @Test func `threads compress side by side`() async throws {
    let text = text
    let results = await withTaskGroup(of: [UInt8].self) { group in
      for _ in 0..<16 { group.addTask { Deflate.gzip(bytes: text, level: 4) } }
      return await group.reduce(into: Set<[UInt8]>()) { $0.insert($1) }
    }
    #expect(results.count == 1)
  }

  @Test(arguments: [0, 1, 200_000], [-5, 1, 3, 19]) func `the zstd library unpacks it`(count: Int, level: Int) throws {
    let content = text.prefix(count)
    let packed = content.withUnsafeBytes { Zstd.compress($0, level: level) }
    #expect(try unpackZstd(packed, capacity: count) == content)
  }

  @Test func `a zstd frame notices damage`() throws {
    var packed = text.withUnsafeBytes { Zstd.compress($0, level: 3) }
    packed[packed.count - 1] ^= 1
    #expect(throws: ForeignLibraryError.self) { try unpackZstd(packed, capacity: text.count) }
  }
}
