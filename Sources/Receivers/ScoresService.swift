import Facts
import HTTPServer
import JSON
import Locks
import OTLP
import Pipeline
import SelfTelemetry

/// Takes scores that are posted by themselves, as Langfuse's SDKs post them, and hands them to the ledger.
final class ScoresService: Sendable {
  private let intake: Intake
  private let metrics: ReceiverMetrics
  private let documents = ReusePool { JSONDocument() }

  init(intake: Intake, metrics: ReceiverMetrics) {
    self.intake = intake
    self.metrics = metrics
  }

  /// What would be answered now, as far as it is known before the body has come: nil when that would be looked at.
  var objection: HTTPResponse? {
    switch intake.lookingAhead({ $0.scores }) {
    case .success(let scores?): scores.refusal.map(ScoresReply.refused)
    case .success(nil): ScoresReply.noLedger
    case .failure(let refusal): ScoresReply.refused(refusal)
    case nil: nil
    }
  }

  /// Takes a request.
  ///
  /// - Parameters:
  ///   - body: inflated; it is read before this returns.
  ///   - reply: called once, perhaps later and from another thread.
  func take(_ body: PooledBuffer, reply: @escaping @Sendable (HTTPResponse) -> Void) {
    let request: ScoresRequest
    do throws(ScoresRequest.Malformed) {
      request = try read(body)
    } catch {
      return refuse(OTLPHTTPReply.malformed(error.message), reply)
    }
    metrics.refusedScores.add(request.faultCount)
    intake.pass { [self] passage in
      switch passage {
      case .success(let target): hand(request, to: target.scores, reply: reply)
      case .failure(let refusal): refuse(ScoresReply.refused(refusal), reply)
      }
    }
  }

  private func read(_ body: PooledBuffer) throws(ScoresRequest.Malformed) -> ScoresRequest {
    let document = documents.take()
    defer { documents.give(document, requestBytes: body.count) }
    return try body.withBytes { bytes throws(ScoresRequest.Malformed) in
      try ScoresRequest(bytes, with: document, now: WallClock.now())
    }
  }

  private func hand(
    _ request: ScoresRequest, to scores: (any ScoresConsumer)?, reply: @escaping @Sendable (HTTPResponse) -> Void
  ) {
    guard let scores else { return refuse(ScoresReply.noLedger, reply) }
    guard !request.scores.isEmpty else { return answer(request, reply) }
    // Asked again: others may have filled what was empty when the request began.
    if let refusal = scores.refusal { return refuse(request, refusal, reply) }
    scores.take(request.scores) { [self] refusal in
      if let refusal {
        refuse(request, refusal, reply)
      } else {
        metrics.acceptedScores.add(request.scores.count)
        answer(request, reply)
      }
    }
  }

  private func answer(_ request: ScoresRequest, _ reply: (HTTPResponse) -> Void) {
    let response = ScoresReply.response(to: request)
    if response.status >= 400 { metrics.refusedRequests.add() }
    reply(response)
  }

  private func refuse(_ request: ScoresRequest, _ refusal: Refusal, _ reply: (HTTPResponse) -> Void) {
    metrics.refusedScores.add(request.scores.count)
    refuse(ScoresReply.refused(refusal), reply)
  }

  private func refuse(_ response: HTTPResponse, _ reply: (HTTPResponse) -> Void) {
    metrics.refusedRequests.add()
    reply(response.written(in: .json, nil))
  }
}
