import Compression
import HTTPServer
import OTLP
import Pipeline
import SelfTelemetry

/// OTLP/HTTP: what can be refused by its headers is, before the body is read; the thread that read the body also inflates
/// it and hands it to the export service.
final class OTLPHTTPHandler: HTTPHandler {
  private let limit: Int
  private let paths: OTLPPaths
  private let metrics: ReceiverMetrics
  private let tooLarge: HTTPResponse
  private let unknownPath: HTTPResponse
  private let readers = ReusePool { OTLPJSONReader() }
  let service: ExportService

  init(
    _ configuration: OTLPReceiver.Configuration, interner: ScopeInterner, intake: Intake, metrics: ReceiverMetrics
  ) {
    limit = configuration.maxRequestBodySize
    paths = OTLPPaths(configuration)
    self.metrics = metrics
    service = ExportService(interner: interner, intake: intake, metrics: metrics)
    tooLarge = OTLPHTTPReply.tooLarge(limit)
    unknownPath = OTLPHTTPReply.unknownPath(configuration.tracesURLPath)
  }

  private enum Encoding {
    case identity, gzip
  }

  func decide(_ head: HTTPRequestHead) -> HTTPDecision {
    metrics.requests.add()
    if let response = objection(to: head) {
      metrics.refusedRequests.add()
      return .reject(response.written(in: MessageFormat(of: head) ?? .protobuf, nil))
    }
    return .receive(limit: limit)
  }

  /// What is wrong with a request that only its headers are known of; nil when nothing is.
  private func objection(to head: HTTPRequestHead) -> HTTPResponse? {
    guard let signal = paths.signal(of: head.path) else { return unknownPath }
    guard head.method == "POST" else { return OTLPHTTPReply.wrongMethod }
    guard let format = MessageFormat(of: head) else { return OTLPHTTPReply.wrongContentType }
    guard format.isReadable(head) else { return OTLPHTTPReply.wrongCharset }
    guard encoding(of: head) != nil else { return OTLPHTTPReply.wrongContentEncoding }
    // The server will refuse it by its length: coming again would not help.
    if let length = head.contentLength, length > limit { return nil }
    return service.objection(to: signal).map { OTLPHTTPReply.response(to: $0, signal, in: .protobuf) }
  }

  private func encoding(of head: HTTPRequestHead) -> Encoding? {
    guard let name = head.header("Content-Encoding") else { return .identity }
    if name.isWord("gzip") || name.isWord("x-gzip") { return .gzip }
    return name.isWord("identity") || name.isWord("") ? .identity : nil
  }

  func handle(_ request: HTTPRequest) {
    let signal = paths.signal(of: request.head.path) ?? .traces
    let format = MessageFormat(of: request.head) ?? .protobuf
    let received = request.takeBody()
    let message = inflated(received, encoding(of: request.head) ?? .identity, of: request)
      .flatMap { format == .json ? readJSON($0, signal, of: request) : .success($0) }
    switch message {
    case .success(let body):
      service.export(ExportService.Message(bytes: body.bytes, owner: body), signal) { answer in
        request.respond(OTLPHTTPReply.response(to: answer, signal, in: format))
      }
    case .failure(let refused):
      metrics.refusedRequests.add()
      request.respond(refused.response.written(in: format, signal))
    }
  }

  func reply(to fault: HTTPFault, of head: HTTPRequestHead?) -> HTTPResponse {
    // These are counted as connections: nobody knows whether they would have brought a request.
    if fault != .tooManyConnections, fault != .unencrypted { metrics.refusedRequests.add() }
    let response = fault == .bodyTooLarge ? tooLarge : OTLPHTTPReply.unreadable(fault)
    return response.written(in: head.flatMap { MessageFormat(of: $0) } ?? .protobuf, nil)
  }

  func connectionEnded(_ reason: HTTPEnding) { metrics.closedConnections[reason]?.add() }

  private struct Refused: Error {
    let response: HTTPResponse
  }

  private func inflated(
    _ received: PooledBuffer, _ encoding: Encoding, of request: HTTPRequest
  ) -> Result<PooledBuffer, Refused> {
    guard encoding == .gzip else { return .success(received) }
    let body = request.pool.makeBuffer()
    do throws(InflateError) {
      body.setCount(
        try received.withBytes { bytes throws(InflateError) in
          try Inflate.gzip(bytes, limit: limit, reserve: body.reserve)
        })
      return .success(body)
    } catch .tooLarge {
      return .failure(Refused(response: tooLarge))
    } catch {
      return .failure(Refused(response: OTLPHTTPReply.malformed("the body is no intact gzip file: \(error.reason)")))
    }
  }

  /// The protobuf bytes of a message in JSON. They are what its pipelines, and its spool, get to see.
  private func readJSON(
    _ text: PooledBuffer, _ signal: Signal, of request: HTTPRequest
  ) -> Result<PooledBuffer, Refused> {
    let message = request.pool.makeBuffer()
    let reader = readers.take()
    defer { readers.give(reader, requestBytes: text.count) }
    do throws(OTLPJSONReader.Failure) {
      message.setCount(
        try text.withPaddedBytes { bytes throws(OTLPJSONReader.Failure) in
          try reader.read(bytes, as: .request(signal), limit: limit, reserve: message.reserve)
        })
      return .success(message)
    } catch {
      return .failure(
        Refused(
          response: error.reason == .tooLarge
            ? tooLarge : OTLPHTTPReply.malformed("no \(signal.requestName): \(error)")))
    }
  }
}

extension InflateError {
  /// For the person who runs the sender.
  var reason: String {
    switch self {
    case .empty: "it is empty"
    case .tooLarge(let limit): "more than \(limit) bytes come out"
    case .corrupt: "it is broken or cut off"
    case .checksumMismatch: "its checksum is wrong"
    case .trailingBytes: "other bytes follow it"
    }
  }
}
