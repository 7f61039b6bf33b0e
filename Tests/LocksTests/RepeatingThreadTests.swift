import Locks
import Testing

struct RepeatingThreadTests {
  @Test func `it goes on until it is stopped, and then does nothing any more`() {
    let lock = Lock()
    let count = Locked(0)
    let thread = RepeatingThread(name: "test", every: 1_000) {
      lock.withLock {
        count.withLock { $0 += 1 }
        lock.wakeAll()
      }
    }
    lock.withLock { while count.withLock({ $0 }) < 10 { lock.wait() } }
    thread.stop()
    let last = count.withLock { $0 }
    #expect(last >= 10)
    for _ in 0..<1_000 { #expect(count.withLock { $0 } == last) }
  }

  @Test func `a stop does not wait for the end of a pause`() {
    let thread = RepeatingThread(name: "test", every: 3_600_000_000_000) { Issue.record("the pause was cut short") }
    thread.stop()
  }
}
