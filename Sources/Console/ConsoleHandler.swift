import HTTPServer
import Ledger

/// Says what a request asks for, and has it answered.
final class ConsoleHandler: HTTPHandler {
  /// What answers come from.
  struct Answering: Sendable {
    let api: LedgerAPI
    let forget: Console.Forgetting
  }

  private let answering: Answering
  private let access: Access
  private let threads: QueryThreads

  init(_ answering: Answering, access: Access, threads: QueryThreads) {
    self.answering = answering
    self.access = access
    self.threads = threads
  }

  func decide(_ head: HTTPRequestHead) -> HTTPDecision {
    switch access.verdict(on: head) {
    case .tokenNeeded: return .reject(ConsoleReply.tokenNeeded)
    case .strangeHost: return .reject(ConsoleReply.strangeHost)
    case .granted: break
    }
    guard let place = Place(head.pathPieces) else { return .reject(ConsoleReply.unknownPath) }
    guard place.methods.contains(head.method) else { return .reject(ConsoleReply.wrongMethod(place.methods)) }
    return .receive(limit: 0)
  }

  func handle(_ request: HTTPRequest) {
    let head = request.head
    let parameters = head.parameters
    switch Place(head.pathPieces) {
    case nil: request.respond(ConsoleReply.unknownPath)
    case .index: request.respond(ConsoleReply.index)
    case .openAPI: request.respond(ConsoleReply.openAPI)
    case .resource(.user(let user)) where head.method == "DELETE":
      guard parameters.isEmpty else { return request.respond(ConsoleReply.failure(400, "DELETE has no parameters")) }
      ask(request) { $0.erase(user) }
    case .resource(let resource): ask(request) { $0.api.get(resource, parameters) }
    }
  }

  func reply(to fault: HTTPFault, of head: HTTPRequestHead?) -> HTTPResponse {
    ConsoleReply.failure(fault.status, fault.message)
  }

  private func ask(_ request: HTTPRequest, _ answer: @escaping @Sendable (Answering) -> LedgerAPI.Answer) {
    let isTaken = threads.ask { [answering] isLate in
      request.respond(isLate ? ConsoleReply.busy : ConsoleReply.answer(answer(answering)))
    }
    if !isTaken { request.respond(ConsoleReply.busy) }
  }
}

/// What there is at a path.
private enum Place {
  case index, openAPI
  case resource(LedgerAPI.Resource)

  /// - Parameter pieces: of the path, decoded.
  init?(_ pieces: [String]) {
    if pieces == [""] {
      self = .index
    } else if pieces == ["api", "v1", "openapi.json"] {
      self = .openAPI
    } else if pieces.starts(with: ["api", "v1"]), let resource = LedgerAPI.Resource(Array(pieces.dropFirst(2))) {
      self = .resource(resource)
    } else {
      return nil
    }
  }

  var methods: [String] {
    if case .resource(.user) = self { ["GET", "HEAD", "DELETE"] } else { ["GET", "HEAD"] }
  }
}

extension ConsoleHandler.Answering {
  fileprivate func erase(_ user: String) -> LedgerAPI.Answer {
    do { return LedgerAPI.success(try forget(user)) } catch { return LedgerAPI.failure(500, "\(error)") }
  }
}
