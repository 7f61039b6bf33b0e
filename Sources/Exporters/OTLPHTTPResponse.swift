package import HTTPClient
package import Pipeline

/// What an OTLP/HTTP server's answer says, read with the decoders of its protobuf messages.
package struct OTLPHTTPResponse: Sendable {
  /// The message of a `google.rpc.Status`; nil when the bytes are none.
  package typealias DecodeStatus = @Sendable ([UInt8]) -> String?
  /// The `partial_success` of an export response, nil when it has none.
  package typealias DecodePartialSuccess = @Sendable ([UInt8]) throws -> (rejected: Int, message: String)?

  package let outcome: SendOutcome
  /// What the server wants the operator to know although it took the request.
  package let warning: String?

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
      outcome = .delivered(rejected: partial?.rejected ?? 0)
      warning = partial.flatMap { $0.rejected == 0 && $0.message.isEmpty ? nil : $0.message }
    case 429, 502, 503, 504:
      let wait = response.retryAfter.flatMap { RetryAfter.parse($0, unixTime: unixTime) }
      outcome = .unavailable(reason: Self.reason(response, decodeStatus), wait: wait)
      warning = nil
    case 401, 403:
      // The credentials are wrong, not the data: an operator can put that right.
      let reason = Self.reason(response, decodeStatus)
      outcome = .unavailable(
        reason: reason + " (the data is held until the server takes the credentials)", wait: nil)
      warning = nil
    default:
      outcome = .refused(
        reason: Self.reason(response, decodeStatus), status: response.status,
        isAboutItems: Self.statusesAboutItems.contains(response.status))
      warning = nil
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
