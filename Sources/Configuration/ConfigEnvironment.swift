import Glibc

/// What a configuration may look at beyond itself.
package struct ConfigEnvironment: Sendable {
  /// Why a file could not be read, in a few words.
  package struct Unreadable: Error {
    package let reason: String

    package init(_ reason: String) {
      self.reason = reason
    }
  }

  /// The value of an environment variable, nil if it is not set.
  package let variable: @Sendable (_ name: String) -> String?
  /// The content of a file.
  package let file: @Sendable (_ path: String) throws(Unreadable) -> [UInt8]

  package init(
    variable: @escaping @Sendable (_ name: String) -> String?,
    file: @escaping @Sendable (_ path: String) throws(Unreadable) -> [UInt8]
  ) {
    self.variable = variable
    self.file = file
  }

  /// The environment and the files of this process. Files of more than 16 MiB are refused.
  package static let process = ConfigEnvironment(
    variable: { name in getenv(name).map { String(cString: $0) } }, file: readFile)

  @Sendable private static func readFile(_ path: String) throws(Unreadable) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Unreadable(String(cString: strerror(errno))) }
    defer { close(descriptor) }
    var content: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = read(descriptor, &chunk, chunk.count)
      if count < 0 {
        if errno == EINTR { continue }
        throw Unreadable(String(cString: strerror(errno)))
      }
      if count == 0 { return content }
      content += chunk.prefix(count)
      guard content.count <= Budget.maximumSourceSize else { throw Unreadable("larger than 16 MiB") }
    }
  }
}
