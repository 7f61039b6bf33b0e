import Foundation
import Glibc
import Locks
@testable import Spool
import TestSupport
import Testing

/// What may happen while a sync runs.
@Suite("Syncs that overlap with other work")
struct SyncOrderTests {
  @Test("What is appended while a sync runs does not make it a failure for those who came before")
  func appendWhileSyncing() throws {
    let spool = Locked<Spool?>(nil)
    let fixture = SpoolFixture {
      $0.operations.sync = { _ in
        _ = try? spool.withLock { $0 }?.append([7, 7, 7, 7])
        return 0
      }
    }
    let opened = try fixture.open()
    try opened.append([1, 2, 3, 4])
    spool.withLock { $0 = opened }
    let answer = Locked<Bool?>(nil)
    opened.whenSynced { isSynced in answer.withLock { $0 = isSynced } }
    // Without its threads, the spool serves those who wait when it stops.
    let record = try opened.append([5, 6, 7, 8])
    #expect(record.remainingCount == 1)
    opened.start()
    while answer.withLock({ $0 }) == nil { usleep(1000) }
    #expect(answer.withLock { $0 } == true)
    spool.withLock { $0 = nil }
    opened.stop()
  }

  @Test("Who finds a directory being synced waits until it is")
  func directorySync() throws {
    let fixture = SpoolFixture()
    let entered = Locked(false)
    let returned = Locked(false)
    let wasOvertaken = Locked(false)
    let directory = try SpoolDirectory(
      fixture.directory,
      operations: FileOperations(write: { pwritev($0, $1, $2, $3) }) { _ in
        entered.withLock { $0 = true }
        // As long as another thread could need to come back too early.
        for _ in 0..<200 where !returned.withLock({ $0 }) { usleep(1000) }
        wasOvertaken.withLock { $0 = returned.withLock { $0 } }
        return 0
      })
    let first = BackgroundThread(name: "first") { try? directory.sync() }
    while !entered.withLock({ $0 }) { usleep(100) }
    let second = BackgroundThread(name: "second") {
      try? directory.sync()
      returned.withLock { $0 = true }
    }
    first.join()
    second.join()
    #expect(!wasOvertaken.withLock { $0 })
  }
}
