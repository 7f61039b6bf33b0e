import Compression
import Exporters
import OTLP
import Pipeline
import SelfTelemetry
import Spool

/// Makes exporters of their configurations.
enum ExporterFactory {
  /// - Parameters:
  ///   - defined: the exporter's keys.
  ///   - storage: where it may keep what it has accepted; nil in memory mode.
  ///   - registry: the collector's own metrics.
  ///   - log: the collector's own log.
  /// - Returns: an exporter that has not started.
  /// - Throws: what is wrong with the configuration or the storage, for the operator.
  static func make(
    _ defined: Defined<ExporterConfig>, storage: StorageContext? = nil, registry: MetricRegistry, log: Log
  ) throws -> any Exporter {
    let id = defined.id.description
    switch defined.value {
    case .debug(let configuration):
      return DebugExporter(id: id, configuration: configuration, registry: registry)
    case .file(let configuration):
      return FileExporter(
        id: id, configuration: configuration,
        encode: { try OTLPJSON.append(message: $0, signal: .traces, to: &$1) },
        compress: { message in message.withUnsafeBytes { Zstd.compress($0, level: 3) } },
        durability: storage?.durability ?? .memory, registry: registry, log: log)
    case .otlpHTTP(var configuration, let compression):
      configuration.delivery.deadLetter.path =
        configuration.delivery.deadLetter.path ?? storage?.deadLetterPath(of: id)
      return try OTLPExporter(
        id: id, configuration: configuration, codecs: codecs(compression), version: Version.number,
        store: try storage.map { try $0.queueStore(of: id, registry: registry, log: log) },
        syncsDeadLetters: storage?.durability == .fsync, registry: registry, log: log)
    case .otlpGRPC(var configuration, let compression):
      configuration.delivery.deadLetter.path =
        configuration.delivery.deadLetter.path ?? storage?.deadLetterPath(of: id)
      return try OTLPExporter(
        id: id, configuration: configuration, codecs: codecs(compression), version: Version.number,
        store: try storage.map { try $0.queueStore(of: id, registry: registry, log: log) },
        syncsDeadLetters: storage?.durability == .fsync, registry: registry, log: log)
    }
  }

  private static func codecs(_ compression: RequestCompression?) -> OTLPExporter.Codecs {
    var compress: (@Sendable (EncodedRequest) -> [UInt8])?
    if let compression { compress = { compression.compress($0) } }
    return OTLPExporter.Codecs(
      compress: compress, inflate: inflate, decodeStatusMessage: statusMessage, decodePartialSuccess: partialSuccess)
  }

  /// Bytes of an inflated answer at most: a partial success is a number and a text.
  private static let answerLimit = 1 << 20

  @Sendable private static func inflate(_ file: [UInt8]) -> [UInt8]? {
    var isIntact = false
    let content = [UInt8](unsafeUninitializedCapacity: answerLimit) { buffer, count in
      let memory = UnsafeMutableRawBufferPointer(buffer)
      guard
        let inflated = try? file.withUnsafeBytes({ try Inflate.gzip($0, limit: answerLimit, reserve: { _ in memory }) })
      else { return }
      (count, isIntact) = (inflated, true)
    }
    return isIntact ? content : nil
  }

  @Sendable private static func statusMessage(_ body: [UInt8]) -> String? {
    body.withUnsafeBytes { try? ServiceReply.decodeStatus($0).message }
  }

  @Sendable private static func partialSuccess(_ body: [UInt8]) throws -> (rejected: Int, message: String)? {
    let partial = try body.withUnsafeBytes { try ServiceReply.decodePartialSuccess($0) }
    return partial.map { (rejected: Int($0.rejected), message: $0.message) }
  }
}
