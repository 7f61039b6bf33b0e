import Glibc
import Locks
import Synchronization

/// The directory of one log, which only one process has at a time.
final class SpoolDirectory: Sendable {
  let path: String
  private let descriptor: Int32
  private let lockDescriptor: Int32
  private let operations: FileOperations
  /// Whether files were created or removed since the directory was last synced.
  private let isChanged = Atomic<Bool>(true)
  /// Held while the directory is synced: who finds nothing changed must not go on before that is on the disk.
  private let turn = Lock()

  /// Creates the directory if need be, and takes its lock.
  init(_ path: String, operations: FileOperations) throws(SpoolError) {
    self.path = path
    self.operations = operations
    try Self.create(path)
    descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    lockDescriptor = open(path + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o640)
    guard descriptor >= 0, lockDescriptor >= 0 else { throw .failed("open", path) }
    guard flock(lockDescriptor, LOCK_EX | LOCK_NB) == 0 else {
      guard errno == EWOULDBLOCK else { throw .failed("lock", path) }
      throw .system("the directory \(path) is in use: another process, or another component, has locked it")
    }
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
    if lockDescriptor >= 0 { close(lockDescriptor) }
  }

  /// What tells the directory from one that stood at the same path before. It is in the lock's file, and written there when
  /// it is first asked for; if the disk refuses that, the next run has another.
  func identity() -> UInt64 {
    var identity: UInt64 = 0
    let size = MemoryLayout<UInt64>.size
    if pread(lockDescriptor, &identity, size, 0) == size, identity != 0 { return identity }
    identity = .random(in: 1 ... .max)
    if pwrite(lockDescriptor, &identity, size, 0) == size { fdatasync(lockDescriptor) }
    return identity
  }

  /// Lets somebody else have the directory.
  func unlock() { flock(lockDescriptor, LOCK_UN) }

  private static func create(_ path: String) throws(SpoolError) {
    guard mkdir(path, 0o750) != 0, errno != EEXIST else { return }
    guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex else {
      throw .failed("create", path)
    }
    try create(String(path[..<slash]))
    guard mkdir(path, 0o750) == 0 || errno == EEXIST else { throw .failed("create", path) }
  }

  /// A number as it stands in a file's name.
  static func name(_ number: UInt64, _ suffix: String) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 16 - digits.count)) + digits + suffix
  }

  func path(_ number: UInt64, _ suffix: String) -> String { path + "/" + Self.name(number, suffix) }

  /// The numbers of all files named with this suffix, in their order.
  func numbers(_ suffix: String) throws(SpoolError) -> [UInt64] {
    guard let stream = opendir(path) else { throw .failed("list", path) }
    defer { closedir(stream) }
    var numbers: [UInt64] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) {
        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      guard name.hasSuffix(suffix), let number = UInt64(name.dropLast(suffix.count)) else { continue }
      if name.utf8.count == 16 + suffix.utf8.count, Self.name(number, suffix) == name { numbers.append(number) }
    }
    return numbers.sorted()
  }

  /// Bytes that the disk still takes; nil if it does not say.
  var freeBytes: Int? { operations.freeBytes(descriptor) }

  /// Takes note that a file was created or removed.
  func noteChange() { isChanged.store(true, ordering: .releasing) }

  func remove(_ number: UInt64, _ suffix: String) throws(SpoolError) {
    let path = path(number, suffix)
    guard unlink(path) == 0 || errno == ENOENT else { throw .failed("delete", path) }
    noteChange()
  }

  /// Returns when the files that were created and removed are so on the disk.
  func sync() throws(SpoolError) {
    turn.lock()
    defer { turn.unlock() }
    guard isChanged.exchange(false, ordering: .acquiringAndReleasing) else { return }
    guard operations.sync(descriptor) == 0 else {
      let error = SpoolError.failed("sync", path)
      noteChange()
      throw error
    }
  }
}
