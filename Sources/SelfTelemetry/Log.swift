import Glibc
import Locks
import Synchronization

/// Heirloom's own log: one line an event, on standard error unless told otherwise.
package final class Log: Sendable {
  package enum Level: Int, Sendable, CaseIterable {
    case debug, info, warn, error

    package var name: String { String(describing: self) }
  }

  package enum Encoding: String, Sendable, CaseIterable {
    case console, json
  }

  /// What is known beside the message, in the order it was given.
  package typealias Fields = KeyValuePairs<String, String>

  private let settings: Atomic<Int>
  /// A function in a structure: a generic value that is a bare function gets another wrapper at each access.
  private struct Sink {
    let write: @Sendable (String) -> Void
  }

  private let sink: Locked<Sink>

  /// `write` takes one whole line, its newline included; one call at a time.
  package init(
    level: Level = .info, encoding: Encoding = .console,
    write: @escaping @Sendable (String) -> Void = Log.writeToStandardError
  ) {
    settings = Atomic(Self.settings(level, encoding))
    sink = Locked(Sink(write: write))
  }

  /// What is less than this is left out.
  package var level: Level { Level(rawValue: settings.load(ordering: .relaxed) >> 1) ?? .info }

  private var encoding: Encoding { settings.load(ordering: .relaxed) & 1 == 1 ? .json : .console }

  /// What is written from now on is of that kind.
  package func change(level: Level, encoding: Encoding) {
    settings.store(Self.settings(level, encoding), ordering: .relaxed)
  }

  /// Both in one number.
  private static func settings(_ level: Level, _ encoding: Encoding) -> Int {
    level.rawValue << 1 | (encoding == .json ? 1 : 0)
  }

  package func debug(_ message: String, _ fields: Fields = [:]) { log(.debug, message, fields) }
  package func info(_ message: String, _ fields: Fields = [:]) { log(.info, message, fields) }
  package func warn(_ message: String, _ fields: Fields = [:]) { log(.warn, message, fields) }
  package func error(_ message: String, _ fields: Fields = [:]) { log(.error, message, fields) }

  package func log(_ level: Level, _ message: String, _ fields: Fields) {
    guard level.rawValue >= self.level.rawValue else { return }
    let line =
      encoding == .json
      ? Self.jsonLine(time: Self.timestamp(), level, message, fields)
      : Self.consoleLine(time: Self.timestamp(), level, message, fields)
    sink.withLock { $0.write(line) }
  }

  package static func consoleLine(time: String, _ level: Level, _ message: String, _ fields: Fields) -> String {
    var line = "\(time)\t\(level.name)\t\(singleLine(message))"
    for (name, value) in fields { line += "\t\(name)=\(singleLine(value))" }
    return line + "\n"
  }

  package static func jsonLine(time: String, _ level: Level, _ message: String, _ fields: Fields) -> String {
    var line = "{\"ts\":\(quoted(time)),\"level\":\(quoted(level.name)),\"msg\":\(quoted(message))"
    for (name, value) in fields { line += ",\(quoted(name)):\(quoted(value))" }
    return line + "}\n"
  }

  /// Whether nobody read standard error when something was last written to it.
  private static let isStandardErrorStuck = Locked(false)

  /// Writes whole lines to standard error. If nobody reads its other end, that costs a second once; then what does not
  /// fit is left out until somebody reads again: words about the work must not stop the work.
  @Sendable package static func writeToStandardError(_ text: String) {
    isStandardErrorStuck.withLock { isStuck in
      isStuck = !write(text, to: STDERR_FILENO, patience: isStuck ? 0 : 1000)
    }
  }

  /// Writes a text, as far as somebody reads it. Meant for descriptors that nobody else in this process writes to at the
  /// same time.
  ///
  /// - Parameters:
  ///   - text: what to write.
  ///   - descriptor: open for writing, and blocking.
  ///   - patience: milliseconds to wait for each piece's turn.
  /// - Returns: false when a piece had no turn.
  package static func write(_ text: String, to descriptor: Int32, patience: Int32) -> Bool {
    var text = text
    return text.withUTF8 { bytes in
      var offset = 0
      while offset < bytes.count {
        var polled = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        let isReady = poll(&polled, 1, patience)
        if isReady == 0 { return false }
        // A pipe that is ready takes as much as this at once.
        let written =
          isReady < 0 ? -1 : Glibc.write(descriptor, bytes.baseAddress! + offset, min(bytes.count - offset, 4096))
        if written < 0 && errno != EINTR { return true }
        offset += max(written, 0)
      }
      return true
    }
  }

  /// A value that somebody else chose must not forge a second line, a field, or orders to a terminal.
  private static func singleLine(_ text: String) -> String {
    guard text.utf8.contains(where: { $0 < 0x20 || $0 >= 0x7F }) else { return text }
    return String(String.UnicodeScalarView(text.unicodeScalars.map { isHarmless($0) ? $0 : " " }))
  }

  private static func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator: false
    default: true
    }
  }

  /// A JSON string.
  package static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }

  /// RFC 3339 in UTC, with milliseconds.
  package static func timestamp() -> String {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    var parts = tm()
    gmtime_r(&now.tv_sec, &parts)
    func padded(_ value: some BinaryInteger, _ width: Int) -> String {
      let digits = String(value)
      return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    return "\(padded(parts.tm_year + 1900, 4))-\(padded(parts.tm_mon + 1, 2))-\(padded(parts.tm_mday, 2))T"
      + "\(padded(parts.tm_hour, 2)):\(padded(parts.tm_min, 2)):\(padded(parts.tm_sec, 2))"
      + ".\(padded(now.tv_nsec / 1_000_000, 3))Z"
  }
}
