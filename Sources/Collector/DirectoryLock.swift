import Glibc

/// Keeps other processes out of a storage directory, for as long as this lives.
final class DirectoryLock: Sendable {
  /// Why a directory cannot be used, for the operator.
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  let directory: String
  private let descriptor: Int32

  /// Makes the directory, with those above it, for this user alone.
  init(_ directory: String) throws(Failure) {
    self.directory = directory
    try Self.makeDirectories(directory)
    descriptor = open("\(directory)/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw Self.failure("cannot open \(directory)/lock") }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let isTaken = errno == EWOULDBLOCK
      let failure = Self.failure("cannot lock \(directory)/lock")
      // The end of an initializer that throws is `deinit`: what is closed here would be closed twice, and the second time it
      // may be somebody else's file.
      throw isTaken ? Failure(description: "another process uses \(directory): one Heirloom, one directory") : failure
    }
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  /// Makes a directory, and those above it that are missing, for this user alone.
  static func makeDirectories(_ path: String) throws(Failure) {
    var prefix = path.hasPrefix("/") ? "" : "."
    for part in path.split(separator: "/") {
      prefix += "/" + part
      guard mkdir(prefix, 0o700) != 0, errno != EEXIST else { continue }
      throw failure("cannot make the directory \(prefix)")
    }
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
      throw Failure(description: "\(path) is no directory")
    }
  }

  private static func failure(_ what: String) -> Failure {
    Failure(description: "\(what): \(String(cString: strerror(errno)))")
  }
}
