@testable import Collector
import Foundation
import Locks
import Testing

/// One storage directory, one process.
struct DirectoryLockTests {
  private func inFolder(_ test: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "heirloom-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try test(folder.path)
  }

  private func message(_ directory: String) -> String? {
    do throws(DirectoryLock.Failure) {
      _ = try DirectoryLock(directory)
      return nil
    } catch {
      return error.description
    }
  }

  @Test func `the directory is made with those above it, for nobody else`() throws {
    try inFolder { folder in
      let lock = try DirectoryLock("\(folder)/a//b/")
      for path in ["a", "a/b"] {
        var status = stat()
        #expect(stat("\(folder)/\(path)", &status) == 0)
        #expect(status.st_mode & 0o777 == 0o700)
      }
      #expect(lock.directory == "\(folder)/a//b/")
    }
  }

  @Test func `a second one is told who is there, until the first lets go`() throws {
    try inFolder { folder in
      let lock = try DirectoryLock(folder)
      #expect(message(folder) == "another process uses \(folder): one Heirloom, one directory")
      withExtendedLifetime(lock) {}
    }
    try inFolder { folder in
      var lock: DirectoryLock? = try DirectoryLock(folder)
      #expect(lock != nil)
      lock = nil
      #expect(message(folder) == nil)
    }
  }

  @Test func `one that is refused closes nobody else's file`() throws {
    try inFolder { folder in
      let lock = try DirectoryLock(folder)
      let stolen = Locked(0)
      let isOver = Locked(false)
      // Gets the number that was given back a moment ago, time and again.
      let other = BackgroundThread(name: "other") {
        while !isOver.withLock({ $0 }) {
          let descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC)
          sched_yield()
          if descriptor >= 0, close(descriptor) != 0 { stolen.withLock { $0 += 1 } }
        }
      }
      for _ in 0..<20_000 { #expect(message(folder) != nil) }
      isOver.withLock { $0 = true }
      other.join()
      #expect(stolen.withLock { $0 } == 0)
      withExtendedLifetime(lock) {}
    }
  }

  @Test func `what cannot be a directory is told`() throws {
    try inFolder { folder in
      try Data().write(to: URL(fileURLWithPath: "\(folder)/file"))
      #expect(message("\(folder)/file") == "\(folder)/file is no directory")
      #expect(message("\(folder)/file/a") == "cannot make the directory \(folder)/file/a: Not a directory")
      #expect(message("/proc/heirloom") == "cannot make the directory /proc/heirloom: No such file or directory")
    }
  }
}
