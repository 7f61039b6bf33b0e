import Compression

extension FuzzTarget {
  /// The inflaters: the first byte chooses one of them, or that the rest is compressed first and must come back.
  static let inflate = FuzzTarget(name: "inflate") { input in
    guard let choice = input.first else { return nil }
    let rest = Array(input.dropFirst())
    switch choice % 8 {
    case 0: return faultOfInflated(rest, with: Inflate.gzip)
    case 1: return faultOfInflated(rest, with: Inflate.zlib)
    case 2: return faultOfPacked(gzipped(rest), of: rest, with: Inflate.gzip)
    case 3: return faultOfLimit(gzipped(rest), of: rest, with: Inflate.gzip)
    case 4: return faultOfInflated(rest, with: Inflate.deflate)
    case 5: return faultOfInflated(rest, with: Inflate.zstd)
    case 6: return faultOfPacked(zstandard(rest), of: rest, with: Inflate.zstd)
    default: return faultOfLimit(zstandard(rest), of: rest, with: Inflate.zstd)
    }
  }

  private typealias Inflater = (
    UnsafeRawBufferPointer, Int, (Int) -> UnsafeMutableRawBufferPointer
  ) throws(InflateError) -> Int

  private static func gzipped(_ bytes: [UInt8]) -> [UInt8] { bytes.withUnsafeBytes { Deflate.gzip($0, level: 1) } }

  private static func zstandard(_ bytes: [UInt8]) -> [UInt8] { bytes.withUnsafeBytes { Zstd.compress($0, level: 1) } }

  private static func faultOfPacked(_ packed: [UInt8], of bytes: [UInt8], with inflate: Inflater) -> String? {
    inflated(packed, limit: bytes.count, with: inflate) == bytes ? nil : "what was compressed does not come back"
  }

  /// As large as it is and a byte less: the limit holds exactly.
  private static func faultOfLimit(_ packed: [UInt8], of bytes: [UInt8], with inflate: Inflater) -> String? {
    guard !bytes.isEmpty else { return nil }
    return inflated(packed, limit: bytes.count - 1, with: inflate) == nil ? nil : "more came out than the limit allows"
  }

  /// What comes out, in memory of exactly the size that was asked for, which never is more than the limit; nil when it is
  /// refused.
  private static func inflated(_ bytes: [UInt8], limit: Int, with inflate: Inflater) -> [UInt8]? {
    var memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 0, alignment: 1)
    defer { memory.deallocate() }
    let count = try? bytes.withUnsafeBytes { input in
      try inflate(input, limit) { wanted in
        precondition(wanted <= limit, "more memory than the limit")
        if wanted > memory.count {
          let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: wanted, alignment: 1)
          larger.copyMemory(from: UnsafeRawBufferPointer(memory))
          memory.deallocate()
          memory = larger
        }
        return memory
      }
    }
    return count.map { Array(memory[..<$0]) }
  }

  private static func faultOfInflated(_ bytes: [UInt8], with inflate: Inflater) -> String? {
    let limit = 1 << 20
    guard let content = inflated(bytes, limit: limit, with: inflate) else { return nil }
    guard content.count <= limit else { return "more came out than the limit allows" }
    guard inflated(bytes, limit: content.count, with: inflate) == content else { return "another limit, other bytes" }
    return faultOfPacked(gzipped(content), of: content, with: Inflate.gzip)
  }
}
