import Compression
@testable import Receivers
import TestSupport
import Testing

/// How bodies may be compressed.
struct ContentCodingTests {
  private func zstd(_ bytes: [UInt8]) -> [UInt8] { bytes.withUnsafeBytes { Zstd.compress($0, level: 3) } }

  @Test(arguments: [
    ("identity", ContentCoding.identity), ("", .identity), ("IDENTITY , identity", .identity), ("gzip", .gzip),
    ("GZip", .gzip), ("x-gzip", .gzip), ("gzip, identity", .gzip), ("identity,\tGZIP", .gzip), (" zstd ", .zstd),
    ("deflate", .deflate), ("zlib", .zlib), (",zstd,", .zstd),
  ])
  func `a header names one coding`(header: String, coding: ContentCoding) {
    #expect(ContentCoding(header: header) == coding)
  }

  @Test(arguments: ["br", "gzip, gzip", "gzip, zstd", "gzip;q=1", "g zip", "snappy", "*"])
  func `others are not known`(header: String) {
    #expect(ContentCoding(header: header) == nil)
  }

  @Test func `zstd is taken, and its limit is that of the body`() throws {
    let body = request(spans: 7, padding: 1000)
    try withReceiver(limit: body.count) { receiver in
      let client = try receiver.client()
      #expect(try client.exchange(zstd(body), headers: ["Content-Encoding: zstd"]).status == 200)
      #expect(try client.exchange(zstd(body), headers: ["Content-Encoding: Zstd, identity"]).status == 200)
      #expect(receiver.acceptedSpans == 14)
    }
    try withReceiver(limit: body.count - 1) { receiver in
      let client = try receiver.client()
      #expect(try client.exchange(zstd(body), headers: ["Content-Encoding: zstd"]).status == 413)
      #expect(try client.exchange(zstd(request(spans: 1)), headers: ["Content-Encoding: zstd"]).status == 200)
    }
  }

  @Test func `only what is listed is taken`() throws {
    try withReceiver(configure: { $0.compressionAlgorithms = [.zstd, .identity] }) { receiver in
      let client = try receiver.client()
      #expect(try client.exchange(request(spans: 1)).status == 200)
      #expect(try client.exchange(zstd(request(spans: 1)), headers: ["Content-Encoding: zstd"]).status == 200)
      let refused = try client.exchange(gzip(request(spans: 1)), headers: ["Content-Encoding: gzip"])
      #expect(refused.status == 415)
      #expect(refused.headers["accept-encoding"] == "zstd, identity")
    }
    try withReceiver(configure: { $0.compressionAlgorithms = [.gzip] }) { receiver in
      let client = try receiver.client()
      #expect(try client.exchange(request(spans: 1)).status == 415)
      #expect(try client.exchange(gzip(request(spans: 1)), headers: ["Content-Encoding: gzip"]).status == 200)
    }
  }
}
