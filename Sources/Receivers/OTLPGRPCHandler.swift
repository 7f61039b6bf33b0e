import Authentication
import Compression
import GRPCServer
import HTTPServer
import OTLP
import Pipeline
import SelfTelemetry

/// OTLP/gRPC: what can be refused by its metadata is, before the message is read; the thread that read the message also inflates
/// it and hands it to the export service.
final class OTLPGRPCHandler: GRPCHandler {
  private let limit: Int
  private let doorkeeper: Doorkeeper
  private let metrics: ReceiverMetrics
  private let service: ExportService

  init(
    _ configuration: OTLPGRPCReceiver.Configuration, interner: ScopeInterner, intake: Intake, doorkeeper: Doorkeeper,
    metrics: ReceiverMetrics
  ) {
    self.doorkeeper = doorkeeper
    limit = configuration.maxMessageBytes
    self.metrics = metrics
    service = ExportService(interner: interner, intake: intake, metrics: metrics)
  }

  func decide(_ head: GRPCCallHead) -> GRPCDecision {
    metrics.requests.add()
    let origin: RequestOrigin?
    do throws(AuthenticationFailure) {
      origin = try doorkeeper.admit(head.metadata)
    } catch {
      metrics.refusedRequests.add()
      return .reject(OTLPGRPCReply.unauthenticated(error))
    }
    if let status = objection(to: head.method) {
      metrics.refusedRequests.add()
      return .reject(status)
    }
    return .receive(note: origin)
  }

  /// What is wrong with a call of which the message is not known yet; nil when nothing is.
  private func objection(to method: String) -> GRPCStatus? {
    guard let signal = OTLPServices.signal(of: method) else { return OTLPGRPCReply.unknown(method) }
    return service.objection(to: signal).flatMap { OTLPGRPCReply.result(of: $0, signal).failure }
  }

  func handle(_ call: GRPCCall) {
    let signal = OTLPServices.signal(of: call.head.method) ?? .traces
    switch inflated(call) {
    case .success(let message):
      service.export(message, signal, from: call.note as? RequestOrigin) { answer in
        call.respond(OTLPGRPCReply.result(of: answer, signal))
      }
    case .failure(let status):
      metrics.refusedRequests.add()
      call.respond(.failure(status))
    }
  }

  func status(of fault: GRPCFault) -> GRPCStatus {
    metrics.refusedRequests.add()
    return OTLPGRPCReply.refused(Refusal(message: fault.message, retryAfter: 1))
  }

  func callLost() { metrics.refusedRequests.add() }

  func connectionRefused() { metrics.closedConnections[.maxConnections]?.add() }

  private func inflated(_ call: GRPCCall) -> Result<ExportService.Message, GRPCStatus> {
    let received = call.takeMessage()
    guard received.isGzip else {
      return .success(ExportService.Message(bytes: received.bytes, owner: received))
    }
    defer { withExtendedLifetime(received) {} }
    let message = call.pool.makeBuffer()
    do throws(InflateError) {
      message.setCount(try Inflate.gzip(received.bytes, limit: limit, reserve: message.reserve))
      return .success(ExportService.Message(bytes: message.bytes, owner: message))
    } catch .tooLarge {
      return .failure(OTLPGRPCReply.tooLarge(limit))
    } catch {
      return .failure(OTLPGRPCReply.malformed(ContentCoding.gzip.objection(error)))
    }
  }
}

extension Result {
  fileprivate var failure: Failure? { if case .failure(let failure) = self { failure } else { nil } }
}
