import Compression

/// How a message may be compressed, by the OpenTelemetry Collector's names, which are those of `Content-Encoding` and of
/// `grpc-encoding` too.
package enum ContentCoding: String, Sendable, CaseIterable {
  /// Not at all.
  case identity
  case gzip
  case zstd
  /// A zlib stream, which HTTP calls `deflate`.
  case zlib, deflate

  /// Decompresses a whole message.
  ///
  /// - Parameters:
  ///   - input: as it came.
  ///   - limit: the most bytes that may come out.
  ///   - reserve: returns memory of at least that many bytes, which starts with what was written to it before.
  /// - Returns: how many bytes of the reserved memory are valid.
  /// - Throws: when the input is not intact, or larger than the limit.
  func inflate(
    _ input: UnsafeRawBufferPointer, limit: Int, reserve: (Int) -> UnsafeMutableRawBufferPointer
  ) throws(InflateError) -> Int {
    switch self {
    case .identity: preconditionFailure("what is not compressed is taken as it is")
    case .gzip: try Inflate.gzip(input, limit: limit, reserve: reserve)
    case .zstd: try Inflate.zstd(input, limit: limit, reserve: reserve)
    case .zlib: try Inflate.zlib(input, limit: limit, reserve: reserve)
    case .deflate: try Inflate.deflate(input, limit: limit, reserve: reserve)
    }
  }

  /// What is wrong with a message in this coding, for the person who runs the sender.
  func objection(_ error: InflateError) -> String {
    let kind =
      switch self {
      case .identity, .gzip: "gzip file"
      case .zstd: "zstd file"
      case .zlib, .deflate: "zlib stream"
      }
    return "the body is no intact \(kind): \(error.reason)"
  }

  /// The one coding that a `Content-Encoding` header names, in any letter case; `identity` counts for nothing, in a list
  /// too. Nil when it names another, or several.
  init?(header: String) {
    var found = ContentCoding.identity
    for word in header.split(separator: ",") {
      let name = word.lowercased().trimmingBlanks
      guard let coding = name.isEmpty ? .identity : ContentCoding(rawValue: name == "x-gzip" ? "gzip" : name) else {
        return nil
      }
      guard coding != .identity else { continue }
      guard found == .identity else { return nil }
      found = coding
    }
    self = found
  }
}

extension String {
  /// Without the spaces and tabs around it.
  fileprivate var trimmingBlanks: String {
    func isBlank(_ character: Character) -> Bool { character == " " || character == "\t" }
    return String(drop { isBlank($0) }.reversed().drop { isBlank($0) }.reversed())
  }
}

extension InflateError {
  fileprivate var reason: String {
    switch self {
    case .empty: "it is empty"
    case .tooLarge(let limit): "more than \(limit) bytes come out"
    case .corrupt: "it is broken or cut off"
    case .checksumMismatch: "its checksum is wrong"
    case .trailingBytes: "other bytes follow it"
    }
  }
}
