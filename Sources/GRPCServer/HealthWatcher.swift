import Locks

/// A call that hears of a service's health until it ends. One message is under way at a time.
final class HealthWatcher: CallObject, @unchecked Sendable {
  // Sendable: the mutable properties are touched only under `lock`, but for `head`, whose functions may be called on any thread.

  private let head: GRPCCallHead
  private let health: HealthService
  private let service: String
  private let lock = Lock()
  private var told: HealthService.Status?
  private var isSending = false
  private var isClosed = false
  private var isAnswered = false

  init(_ head: GRPCCallHead, of health: HealthService, service: String) {
    self.head = head
    self.health = health
    self.service = service
  }

  func start() {
    // Whoever adds it keeps it until it is removed, and the shim's events come before that.
    health.add(self)
    head.watch(self)
    update()
  }

  override func sent() {
    lock.withLock { isSending = false }
    update()
  }

  override func closed() {
    lock.withLock { isClosed = true }
    update()
  }

  /// Does what is to be done next.
  func update() {
    lock.withLock {
      guard !isSending, !isAnswered else { return }
      let status = health.status(of: service)
      if !isClosed && status != told {
        told = status
        isSending = true
        head.send(status.response, self)
      } else if isClosed || health.mustEnd {
        isAnswered = true
        head.answer(GRPCStatus(isClosed ? .cancelled : .unavailable, "the server is being stopped"))
      }
    }
    if lock.withLock({ isAnswered && isClosed }) { health.remove(self) }
  }
}
