import Glibc
import Locks
import SelfTelemetry

/// Why a file of credentials can't be used.
package struct CredentialFileError: Error, CustomStringConvertible {
  package let description: String
}

/// What stands in a file, read again when the file has changed: it is looked at when somebody asks, once a second at most.
final class WatchedFile<Content: Sendable>: Sendable {
  /// What tells a file from the one that was read.
  private struct Stamp: Equatable {
    let device: UInt
    let inode: UInt
    let size: Int
    let modified: Int
    let nanoseconds: Int
  }

  private struct State {
    var content: Content
    var stamp: Stamp?
    /// In monotonic nanoseconds.
    var nextLook: UInt64
    var isComplaining = false
  }

  private static var interval: UInt64 { 1_000_000_000 }
  private static var maxBytes: Int { 16 << 20 }

  private let path: String?
  private let log: Log
  private let parse: @Sendable (String) throws(CredentialFileError) -> Content
  private let state: Locked<State>

  /// Reads the file.
  ///
  /// - Parameters:
  ///   - path: nil for no file.
  ///   - content: without a file.
  ///   - log: told when the file can't be read any more. What was read last holds then.
  ///   - parse: makes the content of the file's text.
  /// - Throws: why there is no content.
  init(
    _ path: String?, otherwise content: Content, log: Log,
    parse: @escaping @Sendable (String) throws(CredentialFileError) -> Content
  ) throws(CredentialFileError) {
    self.path = path
    self.log = log
    self.parse = parse
    guard let path else {
      state = Locked(State(content: content, nextLook: .max))
      return
    }
    // First the stamp: what is written meanwhile is read again.
    let stamp = Self.stamp(of: path)
    state = Locked(
      State(content: try parse(Self.text(of: path)), stamp: stamp, nextLook: MonotonicClock.now() + Self.interval))
  }

  /// What stands there now.
  var content: Content {
    state.withLock { state in
      guard MonotonicClock.now() >= state.nextLook, let path else { return state.content }
      state.nextLook = MonotonicClock.now() + Self.interval
      let stamp = Self.stamp(of: path)
      guard stamp != state.stamp || state.isComplaining else { return state.content }
      do throws(CredentialFileError) {
        state.content = try parse(Self.text(of: path))
        state.isComplaining = false
        log.info("credentials were read again", ["file": path])
      } catch {
        if !state.isComplaining { log.error("credentials stay as they were", ["problem": "\(error)"]) }
        state.isComplaining = true
      }
      state.stamp = stamp
      return state.content
    }
  }

  private static func stamp(of path: String) -> Stamp? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    return Stamp(
      device: UInt(status.st_dev), inode: UInt(status.st_ino), size: Int(status.st_size),
      modified: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec)
  }

  private static func text(of path: String) throws(CredentialFileError) -> String {
    func failure() -> CredentialFileError {
      CredentialFileError(description: "\(path): \(String(cString: strerror(errno)))")
    }
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw failure() }
    defer { close(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = read(file, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw failure() }
      if count == 0 { return String(decoding: bytes, as: UTF8.self) }
      bytes += buffer[..<count]
      guard bytes.count <= maxBytes else {
        throw CredentialFileError(description: "\(path): larger than \(maxBytes) bytes")
      }
    }
  }
}
