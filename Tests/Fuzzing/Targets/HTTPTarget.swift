import Facts
import HTTPServer
import OTLP
import Pipeline
import Receivers
import SelfTelemetry
import TestSupport

extension FuzzTarget {
  /// An OTLP/HTTP receiver: the input is all that a client ever sends on a connection.
  static let http = FuzzTarget(name: "http") { input in Door.shared.fault(of: input) }
}

/// A receiver, for as long as the process lives.
private final class Door: Sendable {
  static let shared = Door()

  private let receiver: OTLPReceiver

  private init() {
    var configuration = OTLPReceiver.Configuration()
    configuration.port = 0
    configuration.maxRequestBodySize = 1 << 16
    // Who has sent half a request, and no more, is not waited for.
    configuration.timeouts.idle = .milliseconds(50)
    configuration.cors.allowedOrigins = ["http://*.example"]
    do {
      receiver = try OTLPReceiver(
        id: "otlp", configuration: configuration, interner: ScopeInterner(), registry: MetricRegistry())
      let consumer = Taker()
      receiver.doorkeeper.take(Doorkeeper.Duties())
      receiver.intake.open(
        Intake.Target(
          rules: SpanRules(), consumers: Dictionary(uniqueKeysWithValues: Signal.allCases.map { ($0, consumer) }),
          scores: consumer))
      try receiver.start()
    } catch {
      fatalError("no receiver: \(error)")
    }
  }

  /// What is wrong with the answer, or with the next client's.
  func fault(of input: [UInt8]) -> String? {
    do {
      let client = try TestClient(port: receiver.port)
      // A server that has refused a request need not read it.
      try? client.send(input)
      client.finishSending()
      // What is no request to the end may be left without a reply.
      if let reply = try? client.receive(toHead: input.starts(with: "HEAD ".utf8)), let fault = fault(of: reply) {
        return fault
      }
      client.waitForEnd()
      return try faultOfNeighbour()
    } catch {
      return "nobody listens any more"
    }
  }

  /// What is wrong with the answer to the next client. On a busy machine it may itself be so slow that it is not waited for:
  /// then it comes again.
  private func faultOfNeighbour() throws -> String? {
    for _ in 0..<100 {
      let neighbour = try TestClient(port: receiver.port)
      try? neighbour.send("POST", "/v1/traces", headers: ["Content-Type: application/x-protobuf"], body: [])
      guard let answered = try? neighbour.receive(), answered.status != 408 else { continue }
      return answered.status == 200 ? nil : "the next client gets a \(answered.status)"
    }
    return "the next client gets no answer"
  }

  /// An error says why in the form that its type promises.
  private func fault(of reply: TestClient.Reply) -> String? {
    guard 100..<600 ~= reply.status else { return "a reply of status \(reply.status)" }
    guard reply.status >= 400, reply.headers["content-type"] == "application/x-protobuf", !reply.body.isEmpty else {
      return nil
    }
    let status = try? reply.body.withUnsafeBytes { try ServiceReply.decodeStatus($0) }
    guard let status else { return "a \(reply.status) whose body is no Status" }
    return status.message.isEmpty ? "a \(reply.status) that does not say why" : nil
  }
}

/// Takes everything.
private final class Taker: TracesConsumer, ScoresConsumer {
  var refusal: Refusal? { nil }

  func take(_ scores: [Score], completion: @escaping @Sendable (Refusal?) -> Void) { completion(nil) }

  func consume(_ batch: SpanBatch, completion: @escaping @Sendable (Refusal?) -> Void) { completion(nil) }
}
