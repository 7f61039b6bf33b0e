package import HTTPClient
package import Pipeline

/// What an OTLP/gRPC server's answer says.
package struct GRPCResponse: Sendable {
  /// What a gzip file holds; nil when it is none.
  package typealias Inflate = @Sendable ([UInt8]) -> [UInt8]?

  let answer: OTLPAnswer
  package var outcome: SendOutcome { answer.outcome }
  package var warning: String? { answer.warning }

  /// Judges an answer as OTLP's specification does, but for two things: wrong credentials hold the data, and what is too
  /// large is worth another attempt in parts.
  ///
  /// - Parameters:
  ///   - response: the answer, with the `GRPCStatus.fields` that it has.
  ///   - inflate: for a compressed message.
  ///   - decodePartialSuccess: for the message of a success.
  package init(_ response: HTTPResponse, inflate: Inflate, decodePartialSuccess: OTLPHTTPResponse.DecodePartialSuccess)
  {
    let status = GRPCStatus(response)
    switch status.code {
    case GRPCStatus.Code.ok:
      // A message that nobody can read is no reason to send again what the server says it has taken.
      let message = Self.message(of: response, inflate)
      answer = .taken(message.flatMap { (try? decodePartialSuccess($0)) ?? nil })
    case GRPCStatus.Code.outOfRange where status.message.contains("message length too large"):
      // What the others call RESOURCE_EXHAUSTED has this code in servers made with tonic.
      answer = Self.refused(status, isAboutItems: true)
    case GRPCStatus.Code.resourceExhausted where status.retryDelay == nil:
      answer = Self.refused(status, isAboutItems: true)
    case GRPCStatus.Code.cancelled, GRPCStatus.Code.deadlineExceeded, GRPCStatus.Code.resourceExhausted,
      GRPCStatus.Code.aborted, GRPCStatus.Code.outOfRange, GRPCStatus.Code.unavailable, GRPCStatus.Code.dataLoss:
      answer = OTLPAnswer(outcome: .unavailable(reason: status.reason, wait: status.retryDelay))
    case GRPCStatus.Code.unauthenticated, GRPCStatus.Code.permissionDenied:
      answer = .unauthorized(status.reason)
    default:
      // A proxy says it with HTTP's number.
      let isTooLarge = response.status == 413
      answer = Self.refused(status, isAboutItems: status.code == GRPCStatus.Code.invalidArgument || isTooLarge)
    }
  }

  private static func refused(_ status: GRPCStatus, isAboutItems: Bool) -> OTLPAnswer {
    OTLPAnswer(outcome: .refused(reason: status.reason, status: status.code, isAboutItems: isAboutItems))
  }

  private static func message(of response: HTTPResponse, _ inflate: Inflate) -> [UInt8]? {
    guard let (isCompressed, bytes) = GRPCMessage.first(of: response.body) else { return nil }
    guard isCompressed else { return Array(bytes) }
    return response.fields["grpc-encoding"] == "gzip" ? inflate(Array(bytes)) : nil
  }
}
