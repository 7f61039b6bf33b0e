import Authentication
import Compression
import HTTPServer
import OTLP
import Pipeline
import SelfTelemetry

/// OTLP/HTTP, and scores beside it: what can be refused by its headers is, before the body is read; the thread that read the
/// body also inflates it and hands it to the service that its path is for.
final class OTLPHTTPHandler: HTTPHandler {
  private let limit: Int
  private let scoresLimit: Int
  private let paths: OTLPPaths
  private let codings: [ContentCoding]
  private let cors: CORSPolicy?
  private let doorkeeper: Doorkeeper
  private let metrics: ReceiverMetrics
  private let wrongContentEncoding: HTTPResponse
  private let tooLarge: HTTPResponse
  private let tooLargeForScores: HTTPResponse
  private let unknownPath: HTTPResponse
  private let readers = ReusePool { OTLPJSONReader() }
  let service: ExportService
  private let scores: ScoresService

  init(
    _ configuration: OTLPReceiver.Configuration, interner: ScopeInterner, intake: Intake, doorkeeper: Doorkeeper,
    metrics: ReceiverMetrics
  ) {
    limit = configuration.maxRequestBodySize
    scoresLimit = min(configuration.maxScoresBodySize, limit)
    paths = OTLPPaths(configuration)
    codings = configuration.compressionAlgorithms
    cors = CORSPolicy(configuration.cors)
    self.doorkeeper = doorkeeper
    self.metrics = metrics
    wrongContentEncoding = OTLPHTTPReply.wrongContentEncoding(codings)
    service = ExportService(interner: interner, intake: intake, metrics: metrics)
    scores = ScoresService(intake: intake, metrics: metrics)
    tooLarge = OTLPHTTPReply.tooLarge(limit)
    tooLargeForScores =
      scoresLimit == limit ? tooLarge : OTLPHTTPReply.tooLarge(scoresLimit, of: "max_scores_body_size")
    unknownPath = OTLPHTTPReply.unknownPath(configuration.tracesURLPath)
  }

  func decide(_ head: HTTPRequestHead) -> HTTPDecision {
    metrics.requests.add()
    if let cors, cors.isPreflight(head) { return .reject(CORSPolicy.preflightReply) }
    let service = paths.service(of: head.path)
    let origin: RequestOrigin?
    do throws(AuthenticationFailure) {
      origin = try doorkeeper.admit { head.header(named: $0)?.string }
    } catch {
      metrics.refusedRequests.add()
      return .reject(OTLPHTTPReply.unauthenticated(error).written(in: errorFormat(of: head), nil))
    }
    if let response = objection(to: head, for: service) {
      metrics.refusedRequests.add()
      return .reject(response.written(in: errorFormat(of: head), nil))
    }
    return .receive(limit: service == .scores ? scoresLimit : limit, note: origin)
  }

  /// How what is wrong is told, when all that is known of a request is its headers, or not even these.
  private func errorFormat(of head: HTTPRequestHead?) -> MessageFormat {
    guard let head else { return .protobuf }
    return paths.service(of: head.path) == .scores ? .json : MessageFormat(of: head) ?? .protobuf
  }

  func furtherHeaders(for head: HTTPRequestHead) -> [(name: String, value: String)] { cors?.headers(for: head) ?? [] }

  /// What is wrong with a request that only its headers are known of; nil when nothing is.
  private func objection(to head: HTTPRequestHead, for wanted: OTLPPaths.Service?) -> HTTPResponse? {
    guard let wanted else { return unknownPath }
    guard head.method == "POST" else { return OTLPHTTPReply.wrongMethod }
    guard let format = MessageFormat(of: head), wanted != .scores || format == .json else {
      return wanted == .scores ? ScoresReply.wrongContentType : OTLPHTTPReply.wrongContentType
    }
    guard format.isReadable(head) else { return OTLPHTTPReply.wrongCharset }
    guard coding(of: head) != nil else { return wrongContentEncoding }
    // The server will refuse it by its length: coming again would not help.
    if let length = head.contentLength, length > (wanted == .scores ? scoresLimit : limit) { return nil }
    switch wanted {
    case .export(let signal):
      return service.objection(to: signal).map { OTLPHTTPReply.response(to: $0, signal, in: .protobuf) }
    case .scores: return scores.objection
    }
  }

  /// How the body is compressed; nil when it is in a way that is not taken here.
  private func coding(of head: HTTPRequestHead) -> ContentCoding? {
    guard let header = head.header("Content-Encoding") else { return codings.contains(.identity) ? .identity : nil }
    // The usual one costs no text.
    let coding = header.isWord("gzip") ? .gzip : ContentCoding(header: header.string)
    return coding.flatMap { codings.contains($0) ? $0 : nil }
  }

  func handle(_ request: HTTPRequest) {
    switch paths.service(of: request.head.path) ?? .export(.traces) {
    case .export(let signal): export(request, signal)
    case .scores:
      switch inflated(request, limit: scoresLimit) {
      case .success(let body): scores.take(body) { request.respond($0) }
      case .failure(let refused): refuse(request, refused, .json)
      }
    }
  }

  private func export(_ request: HTTPRequest, _ signal: Signal) {
    let format = MessageFormat(of: request.head) ?? .protobuf
    let message = inflated(request, limit: limit)
      .flatMap { format == .json ? readJSON($0, signal, of: request) : .success($0) }
    switch message {
    case .success(let body):
      let message = ExportService.Message(bytes: body.bytes, owner: body)
      service.export(message, signal, from: request.note as? RequestOrigin) { answer in
        request.respond(OTLPHTTPReply.response(to: answer, signal, in: format))
      }
    case .failure(let refused): refuse(request, refused, format)
    }
  }

  private func refuse(_ request: HTTPRequest, _ refused: Refused, _ format: MessageFormat) {
    metrics.refusedRequests.add()
    request.respond(refused.response.written(in: format, nil))
  }

  func reply(to fault: HTTPFault, of head: HTTPRequestHead?) -> HTTPResponse {
    // These are counted as connections: nobody knows whether they would have brought a request.
    if fault != .tooManyConnections, fault != .unencrypted { metrics.refusedRequests.add() }
    let isOfScores = head.map { paths.service(of: $0.path) } == .scores
    let response =
      fault == .bodyTooLarge ? (isOfScores ? tooLargeForScores : tooLarge) : OTLPHTTPReply.unreadable(fault)
    return response.written(in: errorFormat(of: head), nil)
  }

  func connectionEnded(_ reason: HTTPEnding) { metrics.closedConnections[reason]?.add() }

  private struct Refused: Error {
    let response: HTTPResponse
  }

  private func inflated(_ request: HTTPRequest, limit: Int) -> Result<PooledBuffer, Refused> {
    let coding = coding(of: request.head) ?? .identity
    let received = request.takeBody()
    guard coding != .identity else { return .success(received) }
    let body = request.pool.makeBuffer()
    do throws(InflateError) {
      body.setCount(
        try received.withBytes { bytes throws(InflateError) in
          try coding.inflate(bytes, limit: limit, reserve: body.reserve)
        })
      return .success(body)
    } catch .tooLarge {
      return .failure(Refused(response: limit == self.limit ? tooLarge : tooLargeForScores))
    } catch {
      return .failure(Refused(response: OTLPHTTPReply.malformed(coding.objection(error))))
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
