import Glibc
import Locks
package import OTLP
package import SelfTelemetry

/// `dead_letter` of an exporter: what the destination refuses for good is written here, so that it can be sent again.
package struct DeadLetterConfiguration: Sendable, Equatable {
  /// Nil: there is no such file.
  package var path: String?
  /// MiB that the file and the older one beside it take together.
  package var maxMebibytes = 100

  package init() {}
}

/// A file with a line of JSON for each refused request. At half of its size it is renamed to `<path>.1`, in the place of
/// the one before. The queues of an exporter's signals share it.
package final class DeadLetterFile: @unchecked Sendable {
  // Sendable: the mutable properties are touched only under `lock`.
  private let lock = Lock()
  private let path: String
  private let maxMebibytes: Int
  private let exporter: String
  private let syncs: Bool
  private let log: Log
  private var file: Int32 = -1
  private var size = 0

  /// A file that is opened with the first line.
  ///
  /// - Parameters:
  ///   - path: of the file; missing directories are created.
  ///   - maxMebibytes: see `DeadLetterConfiguration`.
  ///   - exporter: id of the component.
  ///   - syncs: whether a line counts as written only when it is on the disk.
  ///   - log: the collector's log.
  package init(path: String, maxMebibytes: Int, exporter: String, syncs: Bool, log: Log) {
    self.path = path
    self.maxMebibytes = maxMebibytes
    self.exporter = exporter
    self.syncs = syncs
    self.log = log
  }

  deinit { closeFile() }

  /// Adds a line.
  ///
  /// - Returns: nil, or why it could not be written; nothing of it is in the file then.
  package func append(_ request: EncodedRequest, _ refused: Refused) -> String? {
    let line = DeadLetter.line(request, refused, exporter: exporter)
    return lock.withLock { append(line) }
  }

  private func append(_ line: [UInt8]) -> String? {
    do throws(Failure) {
      if file < 0 { try open() }
      if size > 0, size + line.count > maxMebibytes << 19 { try putAside() }
      try write(line)
      return nil
    } catch {
      closeFile()
      return error.description
    }
  }

  private struct Failure: Error {
    let description: String

    /// Takes the reason from `errno`.
    init(_ operation: String, _ path: String) {
      description = "cannot \(operation) the dead letters at \"\(path)\": \(String(cString: strerror(errno)))"
    }
  }

  private func open() throws(Failure) {
    for index in path.indices where path[index] == "/" && index != path.startIndex {
      guard mkdir(String(path[..<index]), 0o755) == 0 || errno == EEXIST else { throw Failure("create", path) }
    }
    // What is refused may be confidential.
    file = Glibc.open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw Failure("open", path) }
    var status = stat()
    guard fstat(file, &status) == 0 else { throw Failure("read", path) }
    size = status.st_mode & S_IFMT == S_IFREG ? Int(status.st_size) : 0
    try cutUnfinishedLine()
    if syncs { try syncDirectory() }
  }

  /// A line that a killed process left unfinished was nobody's yet.
  private func cutUnfinishedLine() throws(Failure) {
    var end = size
    var piece = [UInt8](repeating: 0, count: 64 << 10)
    while end > 0 {
      let start = max(0, end - piece.count)
      let count = pread(file, &piece, end - start, start)
      guard count == end - start else { throw Failure("read", path) }
      if let last = piece[..<count].lastIndex(of: UInt8(ascii: "\n")) {
        end = start + last + 1
        break
      }
      end = start
    }
    guard end < size else { return }
    guard ftruncate(file, end) == 0 else { throw Failure("repair", path) }
    log.warn(
      "the dead letters end within a line, cut off",
      ["exporter": exporter, "path": path, "bytes": String(size - end)])
    size = end
  }

  private func putAside() throws(Failure) {
    let older = path + ".1"
    var status = stat()
    let replaces = stat(older, &status) == 0
    guard rename(path, older) == 0 || errno == ENOENT else { throw Failure("rename", path) }
    closeFile()
    if replaces {
      log.warn(
        "the oldest dead letters are gone: the file has reached its size",
        ["exporter": exporter, "path": older, "max_mib": String(maxMebibytes)])
    }
    try open()
  }

  private func write(_ line: [UInt8]) throws(Failure) {
    var written = 0
    while written < line.count {
      let count = line.withUnsafeBytes { Glibc.write(file, $0.baseAddress! + written, $0.count - written) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else {
        let failure = Failure("write", path)
        // If the system refuses this too, the next attempt opens the file again and repairs it.
        _ = ftruncate(file, size)
        throw failure
      }
      written += count
    }
    if syncs, fdatasync(file) != 0, errno != EINVAL {
      let failure = Failure("sync", path)
      _ = ftruncate(file, size)
      throw failure
    }
    size += written
  }

  private func syncDirectory() throws(Failure) {
    let name = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    let directory = Glibc.open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard directory >= 0 else { throw Failure("open", name) }
    defer { close(directory) }
    guard fsync(directory) == 0 else { throw Failure("sync", name) }
  }

  private func closeFile() {
    if file >= 0 { close(file) }
    file = -1
  }
}

/// The line of one refused request.
enum DeadLetter {
  static func line(_ request: EncodedRequest, _ refused: Refused, exporter: String) -> [UInt8] {
    var line: [UInt8] = []
    line.reserveCapacity(2 * request.byteCount + 512)
    line += Array("{\"time\":\(Log.quoted(Log.timestamp())),\"exporter\":\(Log.quoted(exporter))".utf8)
    line += Array(",\"signal\":\"\(request.signal.name)\"".utf8)
    line += Array(",\"reason\":\(Log.quoted(refused.reason))".utf8)
    if let status = refused.status { line += Array(",\"status\":\(status)".utf8) }
    line += Array(",\"\(request.signal.itemsKey)\":\(request.itemCount)".utf8)
    let start = line.count
    line += Array(",\"request\":".utf8)
    do {
      try request.withContiguousBytes { try OTLPJSON.append(message: $0, signal: request.signal, to: &line) }
    } catch {
      // What has no JSON is kept as it is.
      line.removeSubrange(start...)
      line += Array(",\"protobuf\":\"".utf8)
      line += Base64.encode(request.bytes).utf8
      line.append(UInt8(ascii: "\""))
    }
    line += Array("}\n".utf8)
    return line
  }
}
