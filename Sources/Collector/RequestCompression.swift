import Compression
import Configuration
import OTLP

/// How an exporter compresses its requests: `compression` and `compression_params`.
enum RequestCompression: Equatable, Sendable {
  case gzip(level: Int)
  case zstd(level: Int)

  private enum Name: String, CaseIterable {
    case gzip, zstd, none
  }

  /// Nil: not at all.
  init?(_ section: ConfigSection) {
    let name = section.choice("compression", of: Name.self, default: .gzip)
    let parameters = section.section("compression_params")
    switch name {
    case .gzip:
      // The fastest is little larger than the usual one, and costs half. The Collector's -1 is its default.
      self = .gzip(level: max(parameters?.int("level", in: -1...12) ?? 1, 1))
    case .zstd:
      self = .zstd(level: parameters?.int("level", in: 1...22) ?? 1)
    case .none:
      _ = parameters?.int("level", in: -1...22)
      return nil
    }
  }

  /// What HTTP and gRPC call it.
  var name: String {
    switch self {
    case .gzip: "gzip"
    case .zstd: "zstd"
    }
  }

  /// The compressed bytes of a request.
  func compress(_ request: EncodedRequest) -> [UInt8] {
    withExtendedLifetime(request) {
      let segments = (0..<request.segmentCount).map { request.segment($0) }
      return switch self {
      case .gzip(let level): Deflate.gzip(segments, level: level)
      case .zstd(let level): Zstd.compress(segments, level: level)
      }
    }
  }
}
