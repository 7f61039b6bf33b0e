package import JSON

/// A request of scores in JSON, as Langfuse's SDKs post them: one score, a list of them, or a batch of events.
package struct ScoresRequest: Sendable {
  /// What it is, and so what its sender wants to hear.
  package enum Shape: Sendable {
    case one, list, batch
  }

  /// What is wrong with a part of the request.
  package struct Fault: Sendable, Equatable {
    /// Its position in the list or batch.
    package let position: Int
    /// The event's id in a batch; empty where it has none.
    package let event: String
    /// For the person who runs the sender.
    package let message: String
  }

  /// Why nothing of a request can be read.
  package struct Malformed: Error, Equatable {
    /// For the person who runs the sender.
    package let message: String
  }

  package let shape: Shape
  /// In their order.
  package private(set) var scores: [Score] = []
  /// Of a batch: the events' ids, one for each score.
  package private(set) var events: [String] = []
  /// What could not be used, `mostFaults` at most.
  package private(set) var faults: [Fault] = []
  /// All of it.
  package private(set) var faultCount = 0

  /// A list of what is wrong is not longer than this, whatever the request's length.
  package static let mostFaults = 100

  /// Reads a request.
  ///
  /// - Parameters:
  ///   - text: the JSON.
  ///   - document: what it is read with.
  ///   - now: the time of scores that name none; nanoseconds since the Unix epoch.
  /// - Throws: `Malformed`, when it is no such request.
  package init(_ text: UnsafeRawBufferPointer, with document: JSONDocument, now: UInt64) throws(Malformed) {
    let body: JSONValue
    do throws(JSONError) {
      body = try document.parse(text)
    } catch {
      throw Malformed(message: "the body cannot be read: \(error)")
    }
    switch body.kind {
    case .array:
      shape = .list
      for (position, element) in body.elements.enumerated() {
        add(position, event: "") { () throws(ScoreBody.Fault) in try ScoreBody.score(element, now: now) }
      }
    case .object:
      guard let batch = body["batch"] else {
        shape = .one
        add(0, event: "") { () throws(ScoreBody.Fault) in try ScoreBody.score(body, now: now) }
        return
      }
      guard batch.kind == .array else { throw Malformed(message: "batch is no list of events") }
      shape = .batch
      for (position, event) in batch.elements.enumerated() {
        add(position, event: event["id"]?.string ?? "") { () throws(ScoreBody.Fault) in
          try Self.score(ofEvent: event, now: now)
        }
      }
    default: throw Malformed(message: "the body is neither a score nor a list of scores")
    }
  }

  private mutating func add(_ position: Int, event: String, _ read: () throws(ScoreBody.Fault) -> Score) {
    do throws(ScoreBody.Fault) {
      scores.append(try read())
      if shape == .batch { events.append(event) }
    } catch {
      faultCount += 1
      if faults.count < Self.mostFaults {
        faults.append(Fault(position: position, event: event, message: error.message))
      }
    }
  }

  private static func score(ofEvent event: JSONValue, now: UInt64) throws(ScoreBody.Fault) -> Score {
    guard event["type"]?.string == "score-create" else {
      throw ScoreBody.Fault("only events of the type score-create are taken here; traces are sent by OTLP")
    }
    guard let body = event["body"] else { throw ScoreBody.Fault("the event has no body") }
    return try ScoreBody.score(body, now: try ScoreBody.time(event, "timestamp") ?? now)
  }
}
