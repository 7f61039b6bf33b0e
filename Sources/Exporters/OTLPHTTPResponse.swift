package import HTTPClient
package import Pipeline

/// What an OTLP/HTTP server's answer says, read with the decoders of its protobuf messages.
package struct OTLPHTTPResponse: Sendable {
  /// The message of a `google.rpc.Status`; nil when the bytes are none.
  package typealias DecodeStatus = @Sendable ([UInt8]) -> String?
  /// The `partial_success` of an export response, nil when it has none.
  package typealias DecodePartialSuccess = @Sendable ([UInt8]) throws -> (rejected: Int, message: String)?

  let answer: OTLPAnswer
  package var outcome: SendOutcome { answer.outcome }
  package var warning: String? { answer.warning }

  /// Answers that a part of the request may not get: bad request, too large, unprocessable.
  private static let statusesAboutItems = [400, 413, 422]

  /// Bytes of a text body that are worth a log line.
  private static let textLimit = 512

  /// Judges an answer.
  ///
  /// - Parameters:
  ///   - response: the answer.
  ///   - unixTime: the wall clock, in seconds since 1970.
  ///   - decodeStatus: for the body of an error.
  ///   - decodePartialSuccess: for the body of a success.
  package init(
    _ response: HTTPResponse, unixTime: Int, decodeStatus: DecodeStatus, decodePartialSuccess: DecodePartialSuccess
  ) {
    switch response.status {
    case 200..<300:
      // A body that nobody can read is no reason to send again what the server says it has taken.
      let partial = Self.isProtobuf(response) ? (try? decodePartialSuccess(response.body)) ?? nil : nil
      answer = .taken(partial)
    case 429, 502, 503, 504:
      let wait = response.retryAfter.flatMap { RetryAfter.parse($0, unixTime: unixTime) }
      answer = OTLPAnswer(outcome: .unavailable(reason: Self.reason(response, decodeStatus), wait: wait))
    case 401, 403:
      answer = .unauthorized(Self.reason(response, decodeStatus))
    default:
      answer = OTLPAnswer(
        outcome: .refused(
          reason: Self.reason(response, decodeStatus), status: response.status,
          isAboutItems: Self.statusesAboutItems.contains(response.status)))
    }
  }

  private static func isProtobuf(_ response: HTTPResponse) -> Bool {
    response.contentType?.lowercased().hasPrefix("application/x-protobuf") == true
  }

  private static func reason(_ response: HTTPResponse, _ decodeStatus: DecodeStatus) -> String {
    let message =
      (isProtobuf(response) ? decodeStatus(response.body) : nil)
      ?? String(decoding: response.body.prefix(textLimit), as: UTF8.self)
    return "HTTP \(response.status)" + (message.isEmpty ? "" : ": \(message)")
  }
}
