import Glibc
import OTLP
import Synchronization

/// A file of records that never has a broken one in its middle, however a write fails.
///
/// Records gather in memory and are written together. What a failed write left of a record is cut off again, and the
/// records stay until they can be written. Not for several threads.
final class RecordFile {
  private let path: String
  private let isLengthPrefixed: Bool
  private let rotation: FileRotationConfiguration?
  /// Permission bits of directories to create; nil to create none.
  private let directoryMode: mode_t?
  private let syncs: Bool
  private let delivered: (EncodedRequest) -> Void
  private let notice: (String) -> Void

  private var file: Int32 = -1
  private var isRegular = false
  /// Bytes of the file, as far as this process knows.
  private var size = 0

  private var buffer: [UInt8] = []
  /// Bytes of memory that the buffer may keep while it is empty; a larger record is not copied into it.
  private static let keptCapacity = 4 << 20
  /// Where each record in `buffer` ends, and the request in it.
  private var records: [(end: Int, request: EncodedRequest)] = []
  /// What the system has taken and the disk not yet.
  private var unsynced: [EncodedRequest] = []

  private let isLeftBehind = Atomic<Bool>(false)

  /// A file that is not open yet.
  ///
  /// - Parameters:
  ///   - configuration: path, format, rotation.
  ///   - syncs: whether a request is settled only when the disk has it, not already when the system has.
  ///   - delivered: is told of each request that the system has taken.
  ///   - notice: is told what the operator should know.
  init(
    _ configuration: FileExporterConfiguration, syncs: Bool, delivered: @escaping (EncodedRequest) -> Void,
    notice: @escaping (String) -> Void
  ) {
    path = configuration.path
    isLengthPrefixed = configuration.isLengthPrefixed
    rotation = configuration.rotation
    directoryMode = configuration.createDirectory ? configuration.directoryPermissions : nil
    self.syncs = syncs
    self.delivered = delivered
    self.notice = notice
  }

  deinit {
    if file >= 0 { close(file) }
  }

  /// Settles nothing from now on, for the spool that has the spans is about to be closed. The only method that another
  /// thread may call.
  func leaveBehind() { isLeftBehind.store(true, ordering: .releasing) }

  private func settle(_ request: EncodedRequest) {
    if !isLeftBehind.load(ordering: .acquiring) { request.settle() }
  }

  /// Bytes that wait to be written.
  var bufferedBytes: Int { buffer.count }
  /// Items in them.
  var bufferedRequests: [EncodedRequest] { records.map(\.request) }

  /// Opens the file, and its directory where that is wanted.
  ///
  /// - Parameter truncating: whether to begin with an empty file.
  /// - Throws: `FileError`.
  func open(truncating: Bool) throws(FileError) {
    if let directoryMode { try createDirectory(directoryMode) }
    // Who holds the reading end of a pipe never learns that its reader has gone; who waits for a reader waits for ever.
    var named = stat()
    let isSpecial = stat(path, &named) == 0 && named.st_mode & S_IFMT != S_IFREG
    let flags = O_CREAT | O_APPEND | O_CLOEXEC | (truncating ? O_TRUNC : 0)
    let descriptor = Glibc.open(path, flags | (isSpecial ? O_WRONLY | O_NONBLOCK : O_RDWR), 0o644)
    guard descriptor >= 0 else { throw FileError("open", path) }
    if isSpecial { _ = fcntl(descriptor, F_SETFL, O_APPEND) }
    file = descriptor
    let status = fileStatus()
    isRegular = status.st_mode & S_IFMT == S_IFREG
    size = isRegular ? Int(status.st_size) : 0
    if isRegular { try repairTail() }
    if syncs, isRegular { try syncDirectory() }
  }

  /// Adds a record; it is written with the next `flush`, or before if the file must be rotated.
  ///
  /// - Parameters:
  ///   - record: with its length in front or its line feed.
  ///   - request: what is in it; settled when it is written.
  /// - Throws: `FileError`; the record has not been added then.
  func append(_ record: [UInt8], of request: EncodedRequest) throws(FileError) {
    if let rotation, isRegular || file < 0, size + buffer.count > 0,
      size + buffer.count + record.count > min(rotation.maxMegabytes, 1 << 40) << 20
    {
      try flush()
      try rotate(rotation)
    }
    if record.count > Self.keptCapacity {
      // It leaves alone, from the memory that it is in.
      try flush()
      buffer = record
    } else {
      buffer.append(contentsOf: record)
    }
    records.append((buffer.count, request))
  }

  /// Writes all that waits.
  ///
  /// - Throws: `FileError`; what was not written whole still waits then.
  func flush() throws(FileError) {
    if !buffer.isEmpty { try writeBuffer() }
    try sync()
  }

  private func writeBuffer() throws(FileError) {
    try reopenIfMoved()
    // Somebody else may have cut the file: count from what it is.
    if isRegular { size = Int(fileStatus().st_size) }
    var written = 0
    while written < buffer.count {
      let count = buffer.withUnsafeBytes { write(file, $0.baseAddress! + written, $0.count - written) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else {
        let error = FileError("write to", path)
        keepWhole(written)
        throw error
      }
      written += count
    }
    size += written
    take(written)
  }

  private func sync() throws(FileError) {
    guard !unsynced.isEmpty else { return }
    defer { unsynced.removeAll() }
    // After a failure nobody can say what is on the disk, and the system tells it once: what is not settled now is for the
    // next start to bring again.
    if file >= 0, isRegular, fdatasync(file) != 0 { throw FileError("sync", path) }
    for request in unsynced { settle(request) }
  }

  /// A file that is new, or was renamed, has its name in the directory.
  private func syncDirectory() throws(FileError) {
    let name = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    let directory = Glibc.open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard directory >= 0 else { throw failure("open the directory of") }
    defer { close(directory) }
    guard fsync(directory) == 0 else { throw failure("sync the directory of") }
  }

  private func keepWhole(_ written: Int) {
    guard isRegular else { return take(written) }
    let whole = records.last { $0.end <= written }?.end ?? 0
    take(whole)
    size += whole
    // If the system refuses this too, the next attempt opens the file again and repairs it.
    if written > whole, ftruncate(file, size) != 0 { closeFile() }
  }

  /// Forgets the first `count` bytes of the buffer, which the system has taken.
  private func take(_ count: Int) {
    var whole = 0
    while whole < records.count, records[whole].end <= count {
      let request = records[whole].request
      delivered(request)
      if syncs { unsynced.append(request) } else { settle(request) }
      whole += 1
    }
    records.removeFirst(whole)
    for index in records.indices { records[index].end -= count }
    buffer.removeFirst(count)
    if buffer.isEmpty, buffer.capacity > Self.keptCapacity { buffer = [] }
  }

  private func fileStatus() -> stat {
    var status = stat()
    fstat(file, &status)
    return status
  }

  private func closeFile() {
    if file >= 0 { close(file) }
    file = -1
  }

  /// A file that was renamed or deleted would swallow everything unseen.
  private func reopenIfMoved() throws(FileError) {
    if file >= 0, isRegular {
      var named = stat()
      let opened = fileStatus()
      if stat(path, &named) == 0, named.st_dev == opened.st_dev, named.st_ino == opened.st_ino { return }
      notice("the file is no longer at its path, opening it anew")
      if syncs, fdatasync(file) != 0 { unsynced.removeAll() }
      closeFile()
    }
    if file < 0 { try open(truncating: false) }
  }

  private func rotate(_ rotation: FileRotationConfiguration) throws(FileError) {
    let now = Self.milliseconds()
    let names = FileRotation(path: path, usesLocalTime: rotation.localtime)
    try names.putAside(path, now: now)
    closeFile()
    size = 0
    do throws(FileError) {
      try names.prune(maxBackups: rotation.maxBackups, maxDays: rotation.maxDays, now: now)
    } catch {
      notice(error.description)
    }
  }

  private func repairTail() throws(FileError) {
    switch RecordTail(of: file, size: size, isLengthPrefixed: isLengthPrefixed) {
    case .whole:
      return
    case .cut(let offset):
      notice("the file ends within a record, cut off \(size - offset) bytes of it")
      guard ftruncate(file, offset) == 0 else { throw failure("truncate") }
      size = offset
    case .unterminated:
      guard write(file, "\n", 1) == 1 else { throw failure("write to") }
      size += 1
    case .unreadable:
      notice("the file does not begin with a whole record, put aside")
      closeFile()
      try FileRotation(path: path, usesLocalTime: false).putAside(path, now: Self.milliseconds())
      try open(truncating: false)
    }
  }

  /// The reason is taken before the file is closed, which leaves the next attempt to begin anew.
  private func failure(_ operation: String) -> FileError {
    let error = FileError(operation, path)
    closeFile()
    return error
  }

  /// Creates every missing directory of the path.
  private func createDirectory(_ mode: mode_t) throws(FileError) {
    for (index, character) in zip(path.indices, path) where character == "/" && index != path.startIndex {
      let directory = String(path[..<index])
      guard mkdir(directory, mode) == 0 || errno == EEXIST else { throw FileError("create directory", directory) }
    }
  }

  private static func milliseconds() -> Int {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return now.tv_sec * 1000 + now.tv_nsec / 1_000_000
  }
}
