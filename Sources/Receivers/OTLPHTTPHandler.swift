import Compression
import HTTPServer
import OTLP
import Pipeline
import SelfTelemetry

/// OTLP/HTTP for traces: what can be refused by its headers is, before the body is read; the thread that read the body
/// also inflates it, indexes it and hands it to the pipeline.
final class OTLPHTTPHandler: HTTPHandler {
  /// Where Langfuse's SDKs send their traces: below the address that they are given, and nowhere else.
  static let langfusePath = "/api/public/otel/v1/traces"

  private let limit: Int
  private let tracesPath: String
  private let interner: ScopeInterner
  private let intake: Intake
  private let metrics: ReceiverMetrics
  private let tooLarge: HTTPResponse
  private let unknownPath: HTTPResponse
  let indexes = IndexPool()

  init(
    _ configuration: OTLPReceiver.Configuration, interner: ScopeInterner, intake: Intake, metrics: ReceiverMetrics
  ) {
    limit = configuration.maxRequestBodySize
    tracesPath = configuration.tracesURLPath
    self.interner = interner
    self.intake = intake
    self.metrics = metrics
    tooLarge = OTLPHTTPReply.tooLarge(limit)
    unknownPath = OTLPHTTPReply.unknownPath(tracesPath)
  }

  private enum Encoding {
    case identity, gzip
  }

  func decide(_ head: HTTPRequestHead) -> HTTPDecision {
    metrics.requests.add()
    if let response = objection(to: head) {
      metrics.refusedRequests.add()
      return .reject(response)
    }
    return .receive(limit: limit)
  }

  /// What is wrong with a request that only its headers are known of; nil when nothing is.
  private func objection(to head: HTTPRequestHead) -> HTTPResponse? {
    guard head.path == tracesPath || head.path == Self.langfusePath else { return unknownPath }
    guard head.method == "POST" else { return OTLPHTTPReply.wrongMethod }
    guard head.header("Content-Type")?.withoutParameters.isWord("application/x-protobuf") ?? false else {
      return OTLPHTTPReply.wrongContentType
    }
    guard encoding(of: head) != nil else { return OTLPHTTPReply.wrongContentEncoding }
    // The server will refuse it by its length: coming again would not help.
    if let length = head.contentLength, length > limit { return nil }
    return intake.refusal.map(OTLPHTTPReply.refused)
  }

  private func encoding(of head: HTTPRequestHead) -> Encoding? {
    guard let name = head.header("Content-Encoding") else { return .identity }
    if name.isWord("gzip") || name.isWord("x-gzip") { return .gzip }
    return name.isWord("identity") || name.isWord("") ? .identity : nil
  }

  func handle(_ request: HTTPRequest) {
    let received = request.takeBody()
    switch inflated(received, encoding(of: request.head) ?? .identity, of: request) {
    case .success(let body):
      intake.pass { [self] passage in
        switch passage {
        case .success(let target): accept(body, of: request, into: target)
        case .failure(let refusal): refuse(request, OTLPHTTPReply.refused(refusal))
        }
      }
    case .failure(let refused): refuse(request, refused.response)
    }
  }

  func reply(to fault: HTTPFault) -> HTTPResponse {
    // One too many is counted as a connection: nobody knows whether it would have brought a request.
    if fault != .tooManyConnections { metrics.refusedRequests.add() }
    return fault == .bodyTooLarge ? tooLarge : OTLPHTTPReply.unreadable(fault)
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

  private func accept(_ body: PooledBuffer, of request: HTTPRequest, into target: Intake.Target) {
    let index = indexes.take()
    let size = body.count
    do throws(MalformedRequest) {
      try body.withBytes { bytes throws(MalformedRequest) in try index.fill(from: bytes, rules: target.rules) }
    } catch {
      indexes.give(index, requestBytes: size)
      refuse(request, OTLPHTTPReply.malformed("no ExportTraceServiceRequest: \(error)"))
      return
    }
    let rejected = index.rejectedCount
    let reply = rejected == 0 ? OTLPHTTPReply.success : OTLPHTTPReply.partialSuccess(index)
    metrics.refusedSpans.add(rejected)
    guard index.spanCount > 0 else {
      indexes.give(index, requestBytes: size)
      request.respond(reply)
      return
    }
    let spans = index.spanCount
    // Asked again: others may have filled what was empty when the headers came. Nothing has been taken yet.
    if let refusal = target.consumer.refusal {
      indexes.give(index, requestBytes: size)
      metrics.refusedSpans.add(spans)
      refuse(request, OTLPHTTPReply.refused(refusal))
      return
    }
    // The batch keeps the body, and with it the bytes that it points to.
    let batch = SpanBatch(bytes: body.bytes, index: index, interner: interner) { [indexes] index in
      withExtendedLifetime(body) {}
      indexes.give(index, requestBytes: size)
    }
    target.consumer.consume(batch) { [metrics] refusal in
      if let refusal {
        metrics.refusedSpans.add(spans)
        metrics.refusedRequests.add()
        request.respond(OTLPHTTPReply.refused(refusal))
      } else {
        metrics.acceptedSpans.add(spans)
        request.respond(reply)
      }
    }
  }

  private func refuse(_ request: HTTPRequest, _ response: HTTPResponse) {
    metrics.refusedRequests.add()
    request.respond(response)
  }
}

extension InflateError {
  /// For the person who runs the sender.
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
