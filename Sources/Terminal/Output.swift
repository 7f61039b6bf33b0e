import Glibc

/// Writes to a descriptor, and knows when nobody reads any more.
struct Output {
  /// Why nothing more can be written.
  enum Failure: Error, Equatable {
    /// The reader has gone, as `head` does when it has enough.
    case closed
    case system(Int32)
  }

  let descriptor: Int32

  /// - Throws: `Failure`; SIGPIPE must be ignored for `closed`.
  func write(_ text: String) throws(Failure) {
    try write(Array(text.utf8))
  }

  func write(_ bytes: [UInt8]) throws(Failure) {
    var offset = 0
    while offset < bytes.count {
      let written = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress! + offset, $0.count - offset) }
      if written >= 0 {
        offset += written
      } else if errno == EPIPE {
        throw .closed
      } else if errno == EAGAIN {
        var polled = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&polled, 1, -1)
      } else if errno != EINTR {
        throw .system(errno)
      }
    }
  }
}
