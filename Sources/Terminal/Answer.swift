import JSON
import SelfTelemetry

/// The answer to a command, on its way to the output.
struct Answer {
  let command: LedgerCommand
  let source: any LedgerSource
  let screen: Screen
  let output: Output

  init(_ command: LedgerCommand, _ source: any LedgerSource, _ screen: Screen, _ output: Output) {
    self.command = command
    self.source = source
    self.screen = screen
    self.output = output
  }

  /// - Throws: `LedgerFault`, `Output.Failure`.
  func write() throws {
    let isList = command.filter != nil || command.sort != nil
    switch command.subject {
    case .users: try list(.users, LedgerRequest("users"))
    case .sessions: try list(.sessions, LedgerRequest("sessions"))
    case .traces: try list(.traces, LedgerRequest("traces"))
    case .scores: try list(.scores, LedgerRequest("scores"))
    // What is chosen of a user's or session's are its traces.
    case .user(let id) where isList: try list(.traces, LedgerRequest("users", id, "traces"), without: ["USER"])
    case .user(let id): try user(id)
    case .session(let id): try session(id)
    case .trace(let id): try trace(id)
    case .overview: try overview()
    case .forget: break
    }
  }

  /// A request with the command's bounds in time.
  func bounded(_ request: LedgerRequest) -> LedgerRequest {
    var request = request
    request.ask("since", command.since)
    request.ask("until", command.until)
    return request
  }

  /// An answer as a document.
  func document(_ request: LedgerRequest) throws -> JSONValue { try Self.parse(try source.get(request)) }

  static func parse(_ bytes: [UInt8]) throws -> JSONValue {
    let document = JSONDocument(maxDepth: deepest)
    do {
      return try bytes.withUnsafeBytes { try document.parse($0) }
    } catch {
      throw LedgerFault.failed("the answer cannot be read: \(error)")
    }
  }

  /// A tree of spans is as deep as somebody made it.
  private static let deepest = 100_000

  /// JSON as the API gives it, and a line's end. Orders to a terminal are escaped on one.
  func write(json bytes: [UInt8]) throws {
    let end = bytes.last == UInt8(ascii: "\n") ? "" : "\n"
    guard screen.isTerminal else { return try output.write(bytes + Array(end.utf8)) }
    var text = ""
    for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
      if scalar == "\n" || PlainText.isHarmless(scalar) {
        text.unicodeScalars.append(scalar)
      } else {
        for unit in String(scalar).utf16 {
          let digits = String(unit, radix: 16)
          text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }
      }
    }
    try output.write(text + end)
  }

  /// CSV as it is. Orders to a terminal are written out on one.
  func write(csv text: String) throws {
    guard screen.isTerminal else { return try output.write(text) }
    let lines = text.split(separator: "\r\n", omittingEmptySubsequences: false).map { PlainText.harmless(String($0)) }
    try output.write(lines.joined(separator: "\r\n"))
  }
}
