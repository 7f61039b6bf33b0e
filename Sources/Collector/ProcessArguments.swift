import Glibc

/// The arguments that the process was started with.
///
/// Swift's `CommandLine` looks for them beside the environment, which a library that is loaded first may have moved by
/// then: there are none left, and a collector would run with a configuration that nobody wants.
package enum ProcessArguments {
  /// The arguments, the program's own name first; nil when nobody knows them.
  package static func read() -> [String]? {
    let recorded = file("/proc/self/cmdline").map(parse) ?? []
    if !recorded.isEmpty { return recorded }
    let found = CommandLine.arguments
    return found.isEmpty ? nil : found
  }

  /// The arguments in the kernel's record, each with a zero at its end.
  static func parse(_ record: [UInt8]) -> [String] {
    var parts = record.split(separator: 0, omittingEmptySubsequences: false)
    if parts.last?.isEmpty == true { parts.removeLast() }
    return parts.map { String(decoding: $0, as: UTF8.self) }
  }

  private static func file(_ path: String) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = Glibc.read(descriptor, &piece, piece.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { return nil }
      if count == 0 { return bytes }
      bytes += piece[..<count]
    }
  }
}
