import Locks
import OTLP
import Pipeline

/// Writes the spans of very large traces on a thread of its own, a block at a time, so that neither the receiver that
/// brought the root nor other traces wait for all of them.
final class Releaser: @unchecked Sendable {
  // Sendable: the queue and the thread are touched under `lock`; the inheritance by the thread alone.
  private let lock = Lock()
  private let output: Batcher
  private var inheritance: Inheritance
  private var queue: [(chain: WaitingChain, identity: Identity?)] = []
  private var thread: BackgroundThread?
  private var stopping = false
  /// Until when spans wait for an exporter that has room, in monotonic nanoseconds.
  private var patience = UInt64.max

  init(inheritance: Inheritance, output: Batcher) {
    self.inheritance = inheritance
    self.output = output
  }

  func start() {
    thread = BackgroundThread(name: "releaser") { [self] in run() }
  }

  /// Takes a chain over.
  func take(_ chain: WaitingChain, _ identity: Identity?) {
    lock.withLock {
      queue.append((chain, identity))
      lock.wakeAll()
    }
  }

  /// Writes what is left and ends the thread; what finds no room by the deadline is written all the same.
  func stop(until deadline: UInt64) {
    lock.withLock {
      stopping = true
      patience = deadline
      lock.wakeAll()
    }
    if let thread { thread.join() } else { run() }
  }

  private func run() {
    while true {
      let next: (chain: WaitingChain, identity: Identity?)? = lock.withLock {
        while queue.isEmpty, !stopping { lock.wait() }
        return queue.isEmpty ? nil : queue.removeFirst()
      }
      guard var chain = next?.chain else { return }
      let identity = next?.identity
      while let block = chain.popFirst() {
        while lock.withLock({ MonotonicClock.now() < patience }), !output.waitForRoom() {}
        output.write { writer in inheritance.write(identity, to: writer, spans: block.forEach) }
        block.free()
      }
    }
  }
}

/// Calls something several times a second until it is stopped.
final class Sweeper: @unchecked Sendable {
  // Sendable: everything is touched under `lock`.
  /// How late a wait may end.
  private static let interval: UInt64 = 50_000_000
  private let lock = Lock()
  private var thread: BackgroundThread?
  private var stopping = false

  func start(_ body: @escaping @Sendable () -> Void) {
    thread = BackgroundThread(name: "sweeper") { [self] in
      while lock.withLock({
        if !stopping { lock.wait(until: MonotonicClock.now() + Self.interval) }
        return !stopping
      }) {
        body()
      }
    }
  }

  func stop() {
    lock.withLock {
      stopping = true
      lock.wakeAll()
    }
    thread?.join()
  }
}
