import GRPCServer
import Locks
import TestSupport

/// Answers as a test tells it to: at once with what came, with nothing, or later.
final class TestHandler: GRPCHandler {
  enum Behaviour: Sendable {
    case echo
    case wait
  }

  struct Pending: Sendable {
    let call: GRPCCall
    let message: GRPCMessage
  }

  let pending = Collected<Pending>()
  let lost = Collected<Void>()
  let refusedConnections = Collected<Void>()
  let seen = Collected<String?>()
  private let behaviour: Behaviour

  init(_ behaviour: Behaviour = .echo) {
    self.behaviour = behaviour
  }

  func decide(_ head: GRPCCallHead) -> GRPCDecision {
    seen.append(head.metadata("x-tenant"))
    return head.method == "/test.Echo/Call" ? .receive() : .reject(GRPCStatus(.unimplemented, "there is only an echo"))
  }

  func handle(_ call: GRPCCall) {
    let message = call.takeMessage()
    switch behaviour {
    case .echo:
      call.respond(.success(Array(message.bytes)))
      withExtendedLifetime(message) {}
    case .wait: pending.append(Pending(call: call, message: message))
    }
  }

  func status(of fault: GRPCFault) -> GRPCStatus { GRPCStatus(.unavailable, fault.message) }

  func callLost() { lost.append(()) }

  func connectionRefused() { refusedConnections.append(()) }
}

let echo = "/test.Echo/Call"

/// Runs a server for the time of a test.
func withServer(
  _ handler: TestHandler = TestHandler(), _ configure: (inout GRPCServerConfiguration) -> Void = { _ in },
  _ test: (GRPCServer) throws -> Void
) throws {
  var configuration = GRPCServerConfiguration()
  configuration.threads = 2
  configure(&configuration)
  let server = try GRPCServer(configuration: configuration, services: ["test.Echo"], handler: handler)
  server.start()
  defer { server.stop(timeout: .zero) }
  try test(server)
}
