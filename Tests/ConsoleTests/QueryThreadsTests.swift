import Locks
import TestSupport
import Testing

@testable import Console
@testable import Ledger

@Suite struct QueryThreadsTests {
  /// Holds whoever passes until it is opened.
  private final class Gate: Sendable {
    private let lock = Lock()
    private let isOpen = Locked(false)
    private let passing = Locked(0)

    func pass() {
      lock.withLock {
        passing.withLock { $0 += 1 }
        lock.wakeAll()
        while !isOpen.withLock({ $0 }) { lock.wait() }
      }
    }

    func waitFor(_ count: Int) {
      lock.withLock { while passing.withLock({ $0 }) < count { lock.wait() } }
    }

    func open() {
      lock.withLock {
        isOpen.withLock { $0 = true }
        lock.wakeAll()
      }
    }
  }

  @Test func `refuses what has no place, and tells what waited for too long`() {
    let threads = QueryThreads(count: 2, places: 3, patience: .zero)
    threads.start()
    let gate = Gate()
    let late = Locked<[Bool]>([])
    for _ in 0..<2 { #expect(threads.ask { _ in gate.pass() }) }
    gate.waitFor(2)
    for _ in 0..<3 { #expect(threads.ask { isLate in late.withLock { $0.append(isLate) } }) }
    #expect(!threads.ask { _ in Issue.record("there was no place for it") })
    gate.open()
    threads.stop()
    #expect(late.withLock { $0 } == [true, true, true])
    #expect(!threads.ask { _ in Issue.record("it has stopped") })
  }

  @Test func `answers in time what finds a thread`() {
    let threads = QueryThreads(count: 1, places: 100, patience: .seconds(3600))
    threads.start()
    let gate = Gate()
    let late = Locked<[Bool]>([])
    for _ in 0..<50 {
      #expect(
        threads.ask { isLate in
          late.withLock { $0.append(isLate) }
          if late.withLock({ $0.count }) == 50 { gate.pass() }
        })
    }
    gate.waitFor(1)
    gate.open()
    threads.stop()
    #expect(late.withLock { $0 } == Array(repeating: false, count: 50))
  }

  @Test func `clients are told to come again`() throws {
    let served = try ServedLedger {
      $0.threads = 1
      $0.places = 0
    }
    let reply = try served.ask("/api/v1/users")
    #expect(reply.status == 503)
    #expect(reply.headers["retry-after"] == "1")
    // What needs no ledger needs no place.
    #expect(try served.ask("/api/v1/openapi.json").status == 200)
  }
}
