import Authentication
import GRPCServer
import OTLP
import Pipeline

/// The replies of OTLP/gRPC. What may be sent again is `UNAVAILABLE` and says when; all other codes here are final to a client.
enum OTLPGRPCReply {
  static func result(of answer: ExportService.Answer, _ signal: Signal) -> Result<[UInt8], GRPCStatus> {
    switch answer {
    case .taken(let rejected, let message):
      .success(ServiceReply.success(signal: signal, rejected: rejected, message: message))
    case .malformed(let reason): .failure(malformed(reason))
    case .refused(let refusal): .failure(refused(refusal))
    case .unserved: .failure(GRPCStatus(.unimplemented, "no pipeline of this receiver takes \(signal)"))
    }
  }

  static func malformed(_ message: String) -> GRPCStatus { GRPCStatus(.invalidArgument, message) }

  static func refused(_ refusal: Refusal) -> GRPCStatus {
    GRPCStatus(
      .unavailable, refusal.message,
      details: ServiceReply.status(
        code: GRPCCode.unavailable.rawValue, message: refusal.message, retryAfter: refusal.retryAfter))
  }

  static func unauthenticated(_ failure: AuthenticationFailure) -> GRPCStatus {
    switch failure {
    case .unauthenticated(let message, _): GRPCStatus(.unauthenticated, message)
    case .busy(let message, let retryAfter): refused(Refusal(message: message, retryAfter: retryAfter))
    }
  }

  static func tooLarge(_ limit: Int) -> GRPCStatus {
    GRPCStatus(
      .resourceExhausted, "the request is larger than \(limit) bytes, which max_recv_msg_size_mib allows, inflated")
  }

  static func unknown(_ method: String) -> GRPCStatus {
    GRPCStatus(.unimplemented, "no method of this name is served here; traces go to \(OTLPServices.names[0])/Export")
  }
}
