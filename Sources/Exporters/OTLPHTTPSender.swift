import Glibc
import HTTPClient
import OTLP
import Pipeline
import SelfTelemetry

/// A request's segments are the body, as they are.
extension EncodedRequest: HTTPBody {}

/// Sends requests to one OTLP/HTTP endpoint.
final class OTLPHTTPSender: RequestSender {
  private let client: HTTPClient
  private let url: HTTPURL
  private let headers: [HTTPHeader]
  private let compress: (@Sendable (EncodedRequest) -> [UInt8])?
  private let decodeStatus: OTLPHTTPResponse.DecodeStatus
  private let decodePartialSuccess: OTLPHTTPResponse.DecodePartialSuccess
  private let partialSuccess: FailureLog

  init(
    client: HTTPClient, url: HTTPURL, headers: [HTTPHeader], compress: (@Sendable (EncodedRequest) -> [UInt8])?,
    decodeStatus: @escaping OTLPHTTPResponse.DecodeStatus,
    decodePartialSuccess: @escaping OTLPHTTPResponse.DecodePartialSuccess, partialSuccess: FailureLog
  ) {
    self.client = client
    self.url = url
    self.headers = headers
    self.compress = compress
    self.decodeStatus = decodeStatus
    self.decodePartialSuccess = decodePartialSuccess
    self.partialSuccess = partialSuccess
  }

  func prepare(_ request: EncodedRequest) -> EncodedRequest {
    guard let compress else { return request }
    return compress(request).withUnsafeBytes {
      EncodedRequest(copying: $0, signal: request.signal, itemCount: request.itemCount)
    }
  }

  func send(_ request: EncodedRequest, completion: @escaping @Sendable (SendOutcome) -> Void) {
    client.send(HTTPRequest(url: url, headers: headers, body: request)) { [self] result in
      switch result {
      case .failure(let error):
        completion(.unavailable(reason: error.description, wait: nil))
      case .success(let response):
        let answer = OTLPHTTPResponse(
          response, unixTime: time(nil), decodeStatus: decodeStatus, decodePartialSuccess: decodePartialSuccess)
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
