import HTTPClient
import OTLP
import Pipeline
import SelfTelemetry

/// A request's segments are the body, as they are.
extension EncodedRequest: HTTPBody {}

/// What OTLP's protocols differ in: how a request looks, and what an answer says.
protocol OTLPTransport: Sendable {
  /// The form in which a request, compressed if the exporter does that, goes over the wire.
  func httpRequest(for request: EncodedRequest) -> HTTPRequest

  /// Judges an answer.
  func judge(_ response: HTTPResponse) -> OTLPAnswer
}

/// What a server's answer means.
struct OTLPAnswer: Sendable, Equatable {
  let outcome: SendOutcome
  /// What the server wants the operator to know although it took the request.
  var warning: String?

  /// The request was taken; `partial` is what the server says about parts of it.
  static func taken(_ partial: (rejected: Int, message: String)?) -> OTLPAnswer {
    OTLPAnswer(
      outcome: .delivered(rejected: partial?.rejected ?? 0),
      warning: partial.flatMap { $0.rejected == 0 && $0.message.isEmpty ? nil : $0.message })
  }

  /// The credentials are wrong, not the data: an operator can put that right.
  static func unauthorized(_ reason: String) -> OTLPAnswer {
    OTLPAnswer(
      outcome: .unavailable(reason: reason + " (the data is held until the server takes the credentials)", wait: nil))
  }
}

/// Sends requests to one OTLP endpoint.
final class OTLPSender: RequestSender {
  private let client: HTTPClient
  private let transport: any OTLPTransport
  private let compress: (@Sendable (EncodedRequest) -> [UInt8])?
  private let partialSuccess: FailureLog

  init(
    client: HTTPClient, transport: any OTLPTransport, compress: (@Sendable (EncodedRequest) -> [UInt8])?,
    partialSuccess: FailureLog
  ) {
    self.client = client
    self.transport = transport
    self.compress = compress
    self.partialSuccess = partialSuccess
  }

  func prepare(_ request: EncodedRequest) -> EncodedRequest {
    guard let compress else { return request }
    return compress(request).withUnsafeBytes {
      EncodedRequest(copying: $0, signal: request.signal, itemCount: request.itemCount)
    }
  }

  func send(_ request: EncodedRequest, completion: @escaping @Sendable (SendOutcome) -> Void) {
    client.send(transport.httpRequest(for: request)) { [self] result in
      switch result {
      case .failure(let error):
        completion(.unavailable(reason: error.description, wait: nil))
      case .success(let response):
        let answer = transport.judge(response)
        guard case .delivered(let claimed) = answer.outcome else { return completion(answer.outcome) }
        // The number is the server's word: it cannot leave out more than it was sent.
        let rejected = min(max(claimed, 0), request.itemCount)
        if let warning = answer.warning { partialSuccess.failed(warning, items: rejected) }
        completion(.delivered(rejected: rejected))
      }
    }
  }

  func stop() {
    client.stop()
  }
}
