@testable import Collector
import Locks
import TestSupport
import Testing

/// When a reload runs.
struct ReloaderTests {
  /// A reload that takes as long as the test wants, and what ran.
  private final class Work: Sendable {
    let ran = Collected<String>()
    private let mayEnd = Locked(true)

    func block() { mayEnd.withLock { $0 = false } }
    func release() { mayEnd.withLock { $0 = true } }

    func reload() {
      ran.append("reload")
      _ = eventually { mayEnd.withLock { $0 } }
    }
  }

  @Test func `a storm of wishes during a reload is one more reload`() {
    let work = Work()
    let reloader = Reloader(
      reload: {
        work.reload()
        return .running
      }, mend: { .running })
    reloader.start()
    work.block()
    reloader.request()
    #expect(eventually { work.ran.all.count == 1 })
    for _ in 0..<100 { reloader.request() }
    work.release()
    #expect(eventually { work.ran.all.count == 2 })
    reloader.request()
    #expect(eventually { work.ran.all.count == 3 })
    reloader.stop()
    #expect(work.ran.all.count == 3)
  }

  @Test func `the end waits for a reload under way, and lets no other begin`() {
    let work = Work()
    let reloader = Reloader(
      reload: {
        work.reload()
        work.ran.append("reloaded")
        return .running
      }, mend: { .running })
    reloader.start()
    work.block()
    reloader.request()
    #expect(eventually { work.ran.all.count == 1 })
    let end = BackgroundThread(name: "end") { reloader.stop() }
    reloader.request()
    work.release()
    end.join()
    #expect(work.ran.all.prefix(2) == ["reload", "reloaded"])
    let count = work.ran.all.count
    reloader.request()
    #expect(work.ran.all.count == count)
  }

  @Test func `what is broken is mended again and again, until it runs`() {
    let ran = Collected<String>()
    let reloader = Reloader(
      mendingInterval: .milliseconds(1),
      reload: {
        ran.append("reload")
        return .broken
      },
      mend: {
        ran.append("mend")
        return ran.all.count < 5 ? .broken : .running
      })
    reloader.start()
    reloader.request()
    #expect(eventually { ran.all.count == 5 })
    reloader.stop()
    #expect(ran.all == ["reload", "mend", "mend", "mend", "mend"])
  }

  @Test func `a reload comes before mending`() {
    let ran = Collected<String>()
    let reloader = Reloader(
      mendingInterval: .seconds(3600),
      reload: {
        ran.append("reload")
        return ran.all.count < 2 ? .broken : .running
      },
      mend: {
        ran.append("mend")
        return .running
      })
    reloader.start()
    reloader.request()
    #expect(eventually { ran.all.count == 1 })
    reloader.request()
    #expect(eventually { ran.all.count == 2 })
    reloader.stop()
    #expect(ran.all == ["reload", "reload"])
  }
}
