package import Glibc

/// The system calls that fail when a disk does, replaceable so that tests can let them fail.
package struct FileOperations: Sendable {
  /// `pwritev`.
  package var write: @Sendable (Int32, UnsafePointer<iovec>, Int32, Int) -> Int
  /// `fdatasync`.
  package var sync: @Sendable (Int32) -> Int32

  package init(
    write: @escaping @Sendable (Int32, UnsafePointer<iovec>, Int32, Int) -> Int,
    sync: @escaping @Sendable (Int32) -> Int32
  ) {
    self.write = write
    self.sync = sync
  }

  package static let system = FileOperations(
    write: { pwritev($0, $1, $2, $3) }, sync: { fdatasync($0) })
}

/// An open file, closed with its last reference.
final class File: Sendable {
  let path: String
  private let descriptor: Int32
  private let operations: FileOperations

  /// `flags`: as for `open`. `name`: what the file is going to be called, if it gets another name.
  init(
    _ path: String, flags: Int32, operations: FileOperations = .system, name: String? = nil
  ) throws(SpoolError) {
    descriptor = open(path, flags | O_CLOEXEC, 0o640)
    self.path = name ?? path
    self.operations = operations
    if descriptor < 0 { throw .failed("open", path) }
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  /// Bytes in the file.
  func size() throws(SpoolError) -> Int {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .failed("look at", path) }
    return Int(status.st_size)
  }

  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(SpoolError) {
    var part = iovec(iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
    try withUnsafeMutablePointer(to: &part) { part throws(SpoolError) in
      try write(UnsafeMutableBufferPointer(start: part, count: 1), at: offset)
    }
  }

  /// Writes what an array has from `start` on.
  func write(_ bytes: [UInt8], from start: Int = 0, at offset: Int) throws(SpoolError) {
    let fault: SpoolError? = bytes.withUnsafeBytes { bytes in
      do throws(SpoolError) {
        try write(UnsafeRawBufferPointer(rebasing: bytes[start...]), at: offset)
        return nil
      } catch { return error }
    }
    if let fault { throw fault }
  }

  /// Writes all parts one after another, with one system call if the system takes them at once. Changes `parts`.
  func write(_ parts: UnsafeMutableBufferPointer<iovec>, at offset: Int) throws(SpoolError) {
    var first = 0
    var offset = offset
    while first < parts.count {
      if parts[first].iov_len == 0 {
        first += 1
        continue
      }
      let count = min(parts.count - first, 1024)
      let result = operations.write(descriptor, parts.baseAddress! + first, Int32(count), offset)
      if result < 0 && errno == EINTR { continue }
      if result == 0 { errno = ENOSPC }
      guard result > 0 else { throw .failed("write", path) }
      offset += result
      var rest = result
      while rest > 0 {
        let taken = min(rest, parts[first].iov_len)
        parts[first].iov_base += taken
        parts[first].iov_len -= taken
        rest -= taken
        if parts[first].iov_len == 0 { first += 1 }
      }
    }
  }

  /// Reads until the buffer is full or the file ends.
  ///
  /// - Returns: bytes read.
  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(SpoolError) -> Int {
    var count = 0
    while count < buffer.count {
      let result = pread(descriptor, buffer.baseAddress! + count, buffer.count - count, offset + count)
      if result < 0 && errno == EINTR { continue }
      guard result >= 0 else { throw .failed("read", path) }
      guard result > 0 else { break }
      count += result
    }
    return count
  }

  /// Everything from the beginning.
  func readAll() throws(SpoolError) -> [UInt8] {
    let size = try size()
    var fault: SpoolError?
    let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      do throws(SpoolError) {
        count = try read(into: UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: size), at: 0)
      } catch { fault = error }
    }
    if let fault { throw fault }
    return bytes
  }

  func truncate(to size: Int) throws(SpoolError) {
    guard ftruncate(descriptor, size) == 0 else { throw .failed("cut", path) }
  }

  /// Returns when everything written is on the disk. After a failure nothing says that what was written before is there
  /// or ever will be, whatever a second call returns.
  func sync() throws(SpoolError) {
    while operations.sync(descriptor) != 0 {
      guard errno == EINTR else { throw .failed("sync", path) }
    }
  }
}

extension SpoolError {
  /// Takes the reason from `errno`, so nothing may come between it and the failed call.
  static func failed(_ action: String, _ path: String) -> SpoolError {
    .system("cannot \(action) \(path): \(String(cString: strerror(errno)))")
  }
}
