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
    case .otlpHTTP(var configuration, let gzipLevel):
      configuration.deadLetter.path = configuration.deadLetter.path ?? storage?.deadLetterPath(of: id)
      var compress: (@Sendable (EncodedRequest) -> [UInt8])?
      if configuration.compression != nil { compress = { request in gzip(request, level: gzipLevel) } }
      let codecs = OTLPHTTPExporter.Codecs(
        compress: compress, decodeStatusMessage: statusMessage, decodePartialSuccess: partialSuccess)
      return try OTLPHTTPExporter(
        id: id, configuration: configuration, codecs: codecs, version: Version.number,
        store: try storage.map { try $0.queueStore(of: id, registry: registry, log: log) },
        syncsDeadLetters: storage?.durability == .fsync, registry: registry, log: log)
    }
  }

  @Sendable private static func statusMessage(_ body: [UInt8]) -> String? {
    body.withUnsafeBytes { try? ServiceReply.decodeStatus($0).message }
  }

  @Sendable private static func partialSuccess(_ body: [UInt8]) throws -> (rejected: Int, message: String)? {
    let partial = try body.withUnsafeBytes { try ServiceReply.decodePartialSuccess($0) }
    return partial.map { (rejected: Int($0.rejected), message: $0.message) }
  }

  private static func gzip(_ request: EncodedRequest, level: Int) -> [UInt8] {
    withExtendedLifetime(request) {
      Deflate.gzip((0..<request.segmentCount).map { request.segment($0) }, level: level)
    }
  }
}
