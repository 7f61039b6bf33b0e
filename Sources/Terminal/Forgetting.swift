import Glibc
import JSON
import SelfTelemetry

/// `users forget ID`: erases an end user, and says where copies are that no ledger reaches.
struct Forgetting {
  private let endUser: String
  private let command: LedgerCommand
  private let source: any LedgerSource

  init(_ endUser: String, _ command: LedgerCommand, _ source: any LedgerSource) {
    self.endUser = endUser
    self.command = command
    self.source = source
  }

  /// Asks whoever sits at the terminal, erases, and reports. Nobody is asked where `isAttended` is false.
  ///
  /// Returns the exit status.
  func run(
    on screen: Screen, _ output: Output, isAttended: Bool = isatty(STDIN_FILENO) == 1,
    answer: () -> String? = { readLine() }
  ) throws -> Int32 {
    if !command.isConfirmed {
      guard isAttended else {
        Terminal.say("nothing was erased: without a terminal to ask on, users forget needs --yes")
        return 2
      }
      Terminal.ask("\(try known())Erase all of it for good? [y/N] ")
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

  /// What was erased, what becomes of later spans, and where else there may be some.
  private func report(_ erasure: JSONValue) -> String {
    let name = PlainText.harmless(endUser)
    var figures = ["traces", "sessions", "observations"].map { "\(erasure.count($0) ?? 0) \($0)" }
    if let scores = erasure.count("scores"), scores > 0 { figures.append("\(scores) scores") }
    let went =
      erasure.count("traces") == 0
      ? "The ledger had nothing of \(name)." : "Erased of \(name): \(figures.joined(separator: ", "))."
    let later =
      erasure.text("pseudonym").map { "will be taken in as those of \(PlainText.harmless($0))" } ?? "will be refused"
    var text = "\(went)\nSpans with that id \(later).\n"
    if erasure.at("remains_in_log")?.bool == true {
      text += "Somebody is reading the ledger: its files keep some of it until a collector has tried again.\n"
    }
    let copies = erasure.texts("copies")
    guard !copies.isEmpty else { return text }
    return text + "Copies may remain where the ledger does not reach:\n"
      + copies.map { "  \(PlainText.harmless($0))\n" }.joined()
  }
}
