import Foundation
import Locks
import Testing

struct LockTests {
  @Test func `what is done under a lock is done alone`() {
    let sum = Locked(0)
    let threads = (0..<4).map { _ in
      BackgroundThread(name: "adder") { for _ in 0..<10_000 { sum.withLock { $0 += 1 } } }
    }
    for thread in threads { thread.join() }
    #expect(sum.withLock { $0 } == 40_000)
  }

  @Test func `a lock is free again when its body throws`() {
    struct Failure: Error {}
    let value = Locked(1)
    #expect(throws: Failure.self) {
      try value.withLock { value in
        value = 2
        throw Failure()
      }
    }
    #expect(value.withLock { $0 } == 2)
  }

  @Test func `a wait ends at its deadline, also at one that has passed`() {
    let lock = Lock()
    lock.withLock {
      #expect(!lock.wait(until: 0))
      let deadline = MonotonicClock.now() + 2_000_000
      while lock.wait(until: deadline) {}
      #expect(MonotonicClock.now() >= deadline)
    }
  }

  @Test func `waking ends every wait, with and without a deadline`() {
    let lock = Lock()
    let state = Locked((isOpen: false, through: 0))
    let threads = (0..<4).map { thread in
      BackgroundThread(name: "waiter") {
        lock.withLock {
          while !state.withLock({ $0.isOpen }) { lock.wait(until: thread % 2 == 0 ? nil : .max) }
        }
        state.withLock { $0.through += 1 }
      }
    }
    lock.withLock {
      state.withLock { $0.isOpen = true }
      lock.wakeAll()
    }
    for thread in threads { thread.join() }
    #expect(state.withLock { $0.through } == 4)
  }

  @Test func `waking one passes a turn on from thread to thread`() {
    let lock = Lock()
    let turn = Locked(0)
    let threads = (0..<2).map { me in
      BackgroundThread(name: "player") {
        for _ in 0..<500 {
          lock.withLock {
            while turn.withLock({ $0 % 2 }) != me { lock.wait() }
            turn.withLock { $0 += 1 }
            lock.wakeOne()
          }
        }
      }
    }
    for thread in threads { thread.join() }
    #expect(turn.withLock { $0 } == 1_000)
  }
}

struct BackgroundThreadTests {
  @Test func `the body runs on a thread of that name, which may be joined twice`() {
    let names = Locked<[String]>([])
    let thread = BackgroundThread(name: "a name of more than fifteen bytes") {
      let name = try? String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8)
      names.withLock { $0.append(name ?? "") }
    }
    thread.join()
    thread.join()
    #expect(names.withLock { $0 } == ["a name of more \n"])
  }

  @Test func `what the body holds is let go when it has run`() {
    final class Held: Sendable {}
    weak var held: Held?
    let thread: BackgroundThread
    do {
      let object = Held()
      held = object
      thread = BackgroundThread(name: "holder") { withExtendedLifetime(object) {} }
    }
    thread.join()
    #expect(held == nil)
  }
}

struct MonotonicClockTests {
  @Test func `time never goes back`() {
    var last = MonotonicClock.now()
    for _ in 0..<10_000 {
      let now = MonotonicClock.now()
      #expect(now >= last)
      last = now
    }
  }

  @Test(
    arguments: [
      (.zero, 0), (.nanoseconds(1), 1), (.milliseconds(1_500), 1_500_000_000), (.seconds(-1), 0), (.nanoseconds(-1), 0),
      (.seconds(18_446_744_073) + .nanoseconds(709_551_615), .max),
      (.seconds(18_446_744_073) + .nanoseconds(709_551_616), .max), (.seconds(Int64.max), .max),
      (Duration(secondsComponent: 0, attosecondsComponent: 999_999_999), 0),
    ] as [(Duration, UInt64)])
  func `a duration is whole nanoseconds within what can be represented`(duration: Duration, nanoseconds: UInt64) {
    #expect(duration.nanoseconds == nanoseconds)
  }
}
