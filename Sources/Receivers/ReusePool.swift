import Locks

/// What requests are read with, kept and used again, so that reading one allocates nothing.
final class ReusePool<Tool>: Sendable {
  private static var maxIdleCount: Int { 64 }
  /// A tool grows with its request: those of larger ones are freed, as their bodies are.
  private static var maxRequestBytes: Int { 4 << 20 }

  private let idle = Locked<[Tool]>([])
  private let make: @Sendable () -> Tool

  init(_ make: @escaping @Sendable () -> Tool) {
    self.make = make
  }

  /// A tool that nobody else has, with anything in it.
  func take() -> Tool { idle.withLock { $0.popLast() } ?? make() }

  /// Takes a tool back that was used for a request of that many bytes.
  func give(_ tool: Tool, requestBytes: Int) {
    guard requestBytes <= Self.maxRequestBytes else { return }
    idle.withLock { if $0.count < Self.maxIdleCount { $0.append(tool) } }
  }

  /// Tools that wait for a request.
  var idleCount: Int { idle.withLock { $0.count } }
}
