import Authentication
import HTTPServer
import OTLP
import Pipeline

/// The replies of OTLP/HTTP: every error carries a `google.rpc.Status`. They are built in protobuf; who asked in JSON gets
/// them `written` so.
enum OTLPHTTPReply {
  private static let protobuf = MessageFormat.protobuf.contentType
  private static let json = MessageFormat.json.contentType

  /// The common reply: everything was taken.
  static let success = HTTPResponse(status: 200, contentType: protobuf)

  private static let successInJSON = success.written(in: .json, nil)

  static func response(
    to answer: ExportService.Answer, _ signal: Signal, in format: MessageFormat
  ) -> HTTPResponse {
    if format == .json, answer == .complete { return successInJSON }
    return response(to: answer, signal).written(in: format, signal)
  }

  private static func response(to answer: ExportService.Answer, _ signal: Signal) -> HTTPResponse {
    switch answer {
    case .complete: success
    case .taken(let rejected, let message):
      HTTPResponse(
        status: 200, contentType: protobuf,
        body: ServiceReply.success(signal: signal, rejected: rejected, message: message))
    case .malformed(let reason): malformed(reason)
    case .refused(let refusal): refused(refusal)
    case .unserved: unserved("no pipeline of this receiver takes \(signal)")
    }
  }

  static func unserved(_ message: String) -> HTTPResponse { error(404, .unimplemented, message) }

  static func malformed(_ message: String) -> HTTPResponse { error(400, .invalidArgument, message) }

  static func unknownPath(_ known: String) -> HTTPResponse {
    unserved("nothing is served on this path; traces go to \(known)")
  }

  static let wrongMethod = error(
    405, .unimplemented, "OTLP requests are sent with POST", headers: [("Allow", "POST")])

  static func tooLarge(_ limit: Int, of key: String = "max_request_body_size") -> HTTPResponse {
    error(
      413, .resourceExhausted,
      "the request is larger than \(limit) bytes, which \(key) allows, as sent or inflated")
  }

  static let wrongContentType = wrongType("Content-Type must be \(protobuf) or \(json)")

  static let wrongCharset = wrongType("the charset of \(json) must be utf-8")

  static func wrongType(_ message: String, accepted: String = "\(protobuf), \(json)") -> HTTPResponse {
    error(415, .invalidArgument, message, headers: [("Accept", accepted)])
  }

  static func wrongContentEncoding(_ known: [ContentCoding]) -> HTTPResponse {
    let names = known.map(\.rawValue).joined(separator: ", ")
    return error(
      415, .invalidArgument, "Content-Encoding must be one of \(names)", headers: [("Accept-Encoding", names)])
  }

  static func unauthenticated(_ failure: AuthenticationFailure) -> HTTPResponse {
    switch failure {
    case .unauthenticated(let message, let challenge):
      error(401, .unauthenticated, message, headers: [("WWW-Authenticate", challenge)])
    case .busy(let message, let retryAfter): refused(Refusal(message: message, retryAfter: retryAfter))
    }
  }

  static func unreadable(_ fault: HTTPFault) -> HTTPResponse {
    switch fault {
    case .contradictoryLength, .unencrypted: error(fault.status, .invalidArgument, fault.message)
    case .unknownTransferCoding: error(fault.status, .unimplemented, fault.message)
    case .headersTooLarge, .bodyTooLarge: error(fault.status, .resourceExhausted, fault.message)
    case .tooSlow: error(fault.status, .deadlineExceeded, fault.message)
    case .tooManyBodies, .tooManyConnections: refused(Refusal(message: fault.message, retryAfter: 1))
    }
  }

  static func refused(_ refusal: Refusal) -> HTTPResponse {
    error(503, .unavailable, refusal.message, headers: [("Retry-After", String(refusal.retryAfter))])
  }

  /// The gRPC status codes that stand in a Status.
  private enum Code: Int32 {
    case invalidArgument = 3
    case deadlineExceeded = 4
    case resourceExhausted = 8
    case unimplemented = 12
    case unavailable = 14
    case unauthenticated = 16
  }

  private static func error(
    _ status: Int, _ code: Code, _ message: String, headers: [(name: String, value: String)] = []
  ) -> HTTPResponse {
    HTTPResponse(
      status: status, contentType: protobuf, headers: headers,
      body: ServiceReply.status(code: code.rawValue, message: message))
  }
}
