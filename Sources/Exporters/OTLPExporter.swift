import HTTPClient
import Locks
package import OTLP
package import Pipeline
package import SelfTelemetry

/// Sends the requests of one signal to an OTLP server, over HTTP or gRPC, with a queue and retries of its own.
package final class OTLPExporter: Exporter {
  /// What the exporter takes from other parts of the collector.
  package struct Codecs: Sendable {
    /// The compressed bytes of a request, as `compression` of the configuration names them; nil sends it as it is.
    package let compress: (@Sendable (EncodedRequest) -> [UInt8])?
    /// What a gzip file holds, at most `responseLimit` of an `HTTPClient`; nil when it is none, or holds more.
    package let inflate: GRPCResponse.Inflate
    package let decodeStatusMessage: OTLPHTTPResponse.DecodeStatus
    package let decodePartialSuccess: OTLPHTTPResponse.DecodePartialSuccess

    package init(
      compress: (@Sendable (EncodedRequest) -> [UInt8])?, inflate: @escaping GRPCResponse.Inflate = { _ in nil },
      decodeStatusMessage: @escaping OTLPHTTPResponse.DecodeStatus,
      decodePartialSuccess: @escaping OTLPHTTPResponse.DecodePartialSuccess
    ) {
      self.compress = compress
      self.inflate = inflate
      self.decodeStatusMessage = decodeStatusMessage
      self.decodePartialSuccess = decodePartialSuccess
    }
  }

  package let id: String
  private let client: HTTPClient
  private let queue: SendingQueue

  /// An `otlp_http`. Checks the configuration; no connection is made before the first request.
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
  package convenience init(
    id: String, signal: Signal = .traces, configuration: OTLPHTTPExporterConfiguration, codecs: Codecs, version: String,
    store: (any RequestStore)? = nil, deadLetters: DeadLetterFile? = nil, registry: MetricRegistry, log: Log
  ) throws {
    let transport = OTLPHTTPTransport(
      url: try configuration.url(of: signal),
      headers: try configuration.requestHeaders(isCompressed: codecs.compress != nil),
      decodeStatus: codecs.decodeStatusMessage, decodePartialSuccess: codecs.decodePartialSuccess)
    let client = try HTTPClient(configuration.clientConfiguration(version: version), name: "http \(id)")
    self.init(
      id: id, signal: signal, client: client, transport: transport, compress: codecs.compress,
      delivery: configuration.delivery, store: store, deadLetters: deadLetters, registry: registry, log: log)
  }

  /// An `otlp_grpc`, as above.
  package convenience init(
    id: String, signal: Signal = .traces, configuration: OTLPGRPCExporterConfiguration, codecs: Codecs, version: String,
    store: (any RequestStore)? = nil, deadLetters: DeadLetterFile? = nil, registry: MetricRegistry, log: Log
  ) throws {
    let endpoint = try configuration.grpcEndpoint()
    let transport = try OTLPGRPCTransport(
      endpoint: endpoint.url, signal: signal,
      headers: try configuration.requestHeaders(isCompressed: codecs.compress != nil),
      isCompressed: codecs.compress != nil, inflate: codecs.inflate, decodePartialSuccess: codecs.decodePartialSuccess)
    let client = try HTTPClient(
      configuration.clientConfiguration(version: version, endpoint: endpoint), name: "grpc \(id)")
    self.init(
      id: id, signal: signal, client: client, transport: transport, compress: codecs.compress,
      delivery: configuration.delivery, store: store, deadLetters: deadLetters, registry: registry, log: log)
  }

  private init(
    id: String, signal: Signal, client: HTTPClient, transport: any OTLPTransport,
    compress: (@Sendable (EncodedRequest) -> [UInt8])?, delivery: OTLPDeliveryConfiguration,
    store: (any RequestStore)?, deadLetters: DeadLetterFile?, registry: MetricRegistry, log: Log
  ) {
    self.id = id
    self.client = client
    let sender = OTLPSender(
      client: client, transport: transport, compress: compress,
      partialSuccess: FailureLog(
        "the server left \(signal.itemsName) out", exporter: id, itemsKey: signal.itemsKey, log: log))
    queue = SendingQueue(
      id: id, signal: signal, configuration: delivery.sendingQueue, retry: delivery.retryOnFailure, sender: sender,
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
