import Compression

extension FuzzTarget {
  /// The inflater: the first byte chooses gzip or zlib, or that the rest is compressed first and must come back.
  static let inflate = FuzzTarget(name: "inflate") { input in
    guard let choice = input.first else { return nil }
    let rest = Array(input.dropFirst())
    switch choice % 4 {
    case 0: return faultOfInflated(rest, with: Inflate.gzip)
    case 1: return faultOfInflated(rest, with: Inflate.zlib)
    case 2: return inflated(deflated(rest), limit: rest.count, with: Inflate.gzip) == rest ? nil : "gzip lost it"
    default:
      // As large as it is and a byte less: the limit holds exactly.
      guard !rest.isEmpty else { return nil }
      let tooSmall = inflated(deflated(rest), limit: rest.count - 1, with: Inflate.gzip)
      return tooSmall == nil ? nil : "more came out than the limit allows"
    }
  }

  private typealias Inflater = (
    UnsafeRawBufferPointer, Int, (Int) -> UnsafeMutableRawBufferPointer
  ) throws(InflateError) -> Int

  private static func deflated(_ bytes: [UInt8]) -> [UInt8] {
    bytes.withUnsafeBytes { Deflate.gzip($0, level: 1) }
  }

  /// What comes out, in memory of exactly the size that was asked for; nil when it is refused.
  private static func inflated(_ bytes: [UInt8], limit: Int, with inflate: Inflater) -> [UInt8]? {
    var memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 0, alignment: 1)
    defer { memory.deallocate() }
    let count = try? bytes.withUnsafeBytes { input in
      try inflate(input, limit) { wanted in
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
    guard inflated(deflated(content), limit: limit, with: Inflate.gzip) == content else {
      return "what came out can't be compressed and inflated again"
    }
    return nil
  }
}
