import HTTPClient
import Locks
package import OTLP
package import Pipeline
package import SelfTelemetry

/// Sends the requests of one signal to an OTLP/HTTP server, with a queue and retries of its own.
package final class OTLPHTTPExporter: Exporter {
  /// What the exporter takes from other parts of the collector.
  package struct Codecs: Sendable {
    /// The compressed bytes of a request, as `compression` of the configuration names them; nil sends it as it is.
    package let compress: (@Sendable (EncodedRequest) -> [UInt8])?
    package let decodeStatusMessage: OTLPHTTPResponse.DecodeStatus
    package let decodePartialSuccess: OTLPHTTPResponse.DecodePartialSuccess

    package init(
      compress: (@Sendable (EncodedRequest) -> [UInt8])?,
      decodeStatusMessage: @escaping OTLPHTTPResponse.DecodeStatus,
      decodePartialSuccess: @escaping OTLPHTTPResponse.DecodePartialSuccess
    ) {
      self.compress = compress
      self.decodeStatusMessage = decodeStatusMessage
      self.decodePartialSuccess = decodePartialSuccess
    }
  }

  package let id: String
  private let client: HTTPClient
  private let queue: SendingQueue

  /// Checks the configuration. No connection is made before the first request.
  ///
  /// - Parameters:
  ///   - id: of the component.
  ///   - signal: of all requests that it will get.
  ///   - configuration: of the exporter.
  ///   - codecs: compression and the decoders of answers.
  ///   - version: for the `User-Agent` header.
  ///   - store: for what can't be sent soon; the exporter starts and stops it. Nil keeps all in memory.
  ///   - deadLetters: for what the server refuses for good; nil drops it.
  ///   - registry: where the exporter's metrics go.
  ///   - log: the collector's log.
  /// - Throws: a message for the operator when the configuration cannot work.
  package init(
    id: String, signal: Signal = .traces, configuration: OTLPHTTPExporterConfiguration, codecs: Codecs, version: String,
    store: (any RequestStore)? = nil, deadLetters: DeadLetterFile? = nil, registry: MetricRegistry, log: Log
  ) throws {
    self.id = id
    let url = try configuration.url(of: signal)
    let headers = try configuration.requestHeaders(isCompressed: codecs.compress != nil)
    client = try HTTPClient(configuration.clientConfiguration(version: version), name: "http \(id)")
    let sender = OTLPHTTPSender(
      client: client, url: url, headers: headers, compress: codecs.compress,
      decodeStatus: codecs.decodeStatusMessage, decodePartialSuccess: codecs.decodePartialSuccess,
      partialSuccess: FailureLog(
        "the server left \(signal.itemsName) out", exporter: id, itemsKey: signal.itemsKey, log: log))
    queue = SendingQueue(
      id: id, signal: signal, configuration: configuration.sendingQueue, retry: configuration.retryOnFailure,
      sender: sender,
      store: store, deadLetters: deadLetters,
      metrics: ExporterMetrics(exporter: id, signal: signal, registry: registry), log: log)
  }

  package func start() {
    client.start()
    queue.start()
  }

  @discardableResult
  package func export(_ request: EncodedRequest) -> Bool {
    queue.offer(request)
  }

  package var isFull: Bool { queue.isFull }

  package var blocksOnOverflow: Bool { queue.blocksOnOverflow }

  package func drain(until deadline: UInt64) {
    queue.drain(until: deadline)
  }
}
