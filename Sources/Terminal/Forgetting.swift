import Glibc
import JSON

/// `users forget ID`: erases an end user, and says where copies are that no ledger reaches.
struct Forgetting {
  private let endUser: String
  private let command: LedgerCommand
  private let copies: [String]
  private let source: any LedgerSource

  init(_ endUser: String, _ command: LedgerCommand, _ place: LedgerPlace, _ source: any LedgerSource) {
    self.endUser = endUser
    self.command = command
    self.source = source
    copies = place.copies ?? Self.usualCopies
  }

  private static let usualCopies = [
    "the collector's storage directory: spans under way, and queues of exporters",
    "dead letters: what a backend refused for good",
    "files that `file` exporters write, rotated ones included",
    "every backend that spans were sent to",
    "backups of any of these",
  ]

  /// - Parameter isAttended: whether somebody can be asked.
  /// - Returns: the exit status.
  func run(
    on screen: Screen, _ output: Output, isAttended: Bool = isatty(STDIN_FILENO) == 1,
    answer: () -> String? = { readLine() }
  ) throws -> Int32 {
    if !command.isConfirmed {
      guard isAttended else {
        Terminal.say("nothing was erased: without a terminal to ask on, users forget needs --yes")
        return 2
      }
      Terminal.ask("\(try known())Erase it for good? [y/N] ")
      guard ["y", "yes"].contains((answer() ?? "").lowercased()) else {
        Terminal.say("nothing was erased")
        return 1
      }
    }
    let bytes = try source.forget(endUser)
    if command.form == .json {
      try Answer(command, source, screen, output).write(json: bytes)
    } else {
      try output.write(report(try Answer.parse(bytes)))
    }
    return 0
  }

  /// What there is to erase.
  private func known() throws -> String {
    do {
      let user = try Answer.parse(try source.get(LedgerRequest("users", endUser)))
      let parts = ["traces", "sessions", "observations"].compactMap { key in
        user.count(key).map { "\($0) \(key)" }
      }
      return "The ledger has \(parts.joined(separator: ", ")) of \(PlainText.harmless(endUser)).\n"
    } catch LedgerFault.notFound {
      return "The ledger has nothing of \(PlainText.harmless(endUser)).\n"
    }
  }

  /// What was erased, figure by figure as the ledger has counted it, and what was not.
  private func report(_ erasure: JSONValue) -> String {
    let figures = erasure.members.compactMap { key, value in
      value.int.map { "\($0) \(String(decoding: key, as: UTF8.self).split(separator: "_").joined(separator: " "))" }
    }
    let told = erasure.texts("copies")
    let copies = (told.isEmpty ? self.copies : told).map { "  \(PlainText.harmless($0))\n" }.joined()
    return "Erased of \(PlainText.harmless(endUser)): \(figures.joined(separator: ", ")).\n"
      + "The ledger reaches no copies elsewhere. Where they may be:\n\(copies)"
  }
}
