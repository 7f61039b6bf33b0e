import Glibc

/// A file operation that the system refused.
struct FileError: Error, CustomStringConvertible {
  let description: String

  /// Takes the reason from `errno`, so nothing may come between it and the failed call.
  init(_ operation: String, _ path: String) {
    description = "cannot \(operation) \"\(path)\": \(String(cString: strerror(errno)))"
  }
}
