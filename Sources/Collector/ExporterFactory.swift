import Compression
import EndUser
import Exporters
import OTLP
import Pipeline
import Privacy
import Rewriting
import SelfTelemetry
import Spool

/// Makes exporters of their configurations.
enum ExporterFactory {
  /// An exporter that has not started, and the signals whose requests it gets.
  struct Made {
    let signals: Set<Signal>
    let exporter: any Exporter
  }

  /// One exporter for each signal, which has a queue of its own; or one for all of them that writes to one place.
  ///
  /// - Parameters:
  ///   - defined: the exporter's keys.
  ///   - signals: of the pipelines that name it.
  ///   - endUsers: the processors by whose keys users are found.
  ///   - storage: where it may keep what it has accepted; nil in memory mode.
  ///   - registry: the collector's own metrics.
  ///   - log: the collector's own log.
  /// - Returns: exporters that have not started.
  /// - Throws: what is wrong with the configuration or the storage, for the operator.
  static func make(
    _ defined: Defined<ExporterConfig>, signals: Set<Signal>, endUsers: [EndUserConfiguration] = [],
    storage: StorageContext? = nil, registry: MetricRegistry,
    log: Log
  ) throws -> [Made] {
    let id = defined.id.description
    var rewriting = defined.value.rewriting
    rewriting.privacy = rewriting.privacy.knowing(endUsers)
    switch defined.value.destination {
    case .debug(let configuration):
      let exporter = DebugExporter(id: id, signals: signals, configuration: configuration, registry: registry)
      return [made(exporter, signals: signals, rewriting.rewritings(for: signals), registry, log)]
    case .file(let configuration):
      let exporter = FileExporter(
        id: id, signals: signals, configuration: configuration,
        encode: { try OTLPJSON.append(message: $0, signal: $1, to: &$2) },
        compress: { message in message.withUnsafeBytes { Zstd.compress($0, level: 3) } },
        durability: storage?.durability ?? .memory, registry: registry, log: log)
      return [made(exporter, signals: signals, rewriting.rewritings(for: signals), registry, log)]
    case .otlpHTTP(let configuration, let compression):
      return try each(of: signals, id, configuration.delivery, rewriting, storage, registry, log) {
        signal, store, deadLetters in
        try OTLPExporter(
          id: id, signal: signal, configuration: configuration, codecs: codecs(compression), version: Version.number,
          store: store, deadLetters: deadLetters, registry: registry, log: log)
      }
    case .otlpGRPC(let configuration, let compression):
      return try each(of: signals, id, configuration.delivery, rewriting, storage, registry, log) {
        signal, store, deadLetters in
        try OTLPExporter(
          id: id, signal: signal, configuration: configuration, codecs: codecs(compression), version: Version.number,
          store: store, deadLetters: deadLetters, registry: registry, log: log)
      }
    }
  }

  /// What changes nothing is not asked.
  private static func made(
    _ exporter: any Exporter, signals: Set<Signal>, _ rewritings: Rewritings, _ registry: MetricRegistry, _ log: Log
  ) -> Made {
    guard !rewritings.isEmpty else { return Made(signals: signals, exporter: exporter) }
    return Made(
      signals: signals,
      exporter: RewritingExporter(exporter, rewritings, signals: signals, registry: registry, log: log))
  }

  /// One exporter for each signal, with a queue of its own: what waits for one of them holds up no other.
  private static func each(
    of signals: Set<Signal>, _ id: String, _ delivery: OTLPDeliveryConfiguration,
    _ rewriting: RewritingConfiguration, _ storage: StorageContext?, _ registry: MetricRegistry, _ log: Log,
    _ make: (Signal, (any RequestStore)?, DeadLetterFile?) throws -> any Exporter
  ) throws -> [Made] {
    let deadLetters = deadLetters(delivery.deadLetter, of: id, storage: storage, log: log)
    return try Signal.allCases.filter(signals.contains).map { signal in
      let rewritings = rewriting.rewritings(for: [signal])
      let store = try storage?.queueStore(of: id, signal, registry: registry, log: log)
      let exporter = try make(
        signal, store.map { RewrittenStore($0, rewritings, signal: signal) }, deadLetters)
      return made(exporter, signals: [signal], rewritings, registry, log)
    }
  }

  /// The file that the queues of an exporter's signals share; nil when nobody said where and there is no storage.
  private static func deadLetters(
    _ configuration: DeadLetterConfiguration, of exporter: String, storage: StorageContext?, log: Log
  ) -> DeadLetterFile? {
    (configuration.path ?? storage.map { StorageContext.deadLetterPath(of: exporter, in: $0.directory) }).map {
      DeadLetterFile(
        path: $0, maxMebibytes: configuration.maxMebibytes, exporter: exporter, syncs: storage?.durability == .fsync,
        log: log)
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
