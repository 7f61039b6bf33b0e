import Filters
import Glibc
import SelfTelemetry

/// The commands that ask the ledger.
package enum Terminal {
  /// Asks, and shows the answer on standard output.
  ///
  /// - Parameters:
  ///   - command: what is asked, and how it is to be shown.
  ///   - place: where the ledger is if the command does not say it.
  ///   - environment: reads one variable.
  /// - Returns: the exit status: 0, or 1 when there is no answer; then standard error says why.
  package static func run(
    _ command: LedgerCommand, place: LedgerPlace, environment: (String) -> String? = Terminal.environment
  ) -> Int32 {
    // Whoever reads may stop whenever he likes: then writing fails, and that is the end.
    signal(SIGPIPE, SIG_IGN)
    let screen = Screen.standardOutput(environment: environment)
    let output = Output(descriptor: STDOUT_FILENO)
    do {
      let source = try place.source(for: command, environment: environment)
      if case .forget(let endUser) = command.subject {
        return try Forgetting(endUser, command, source).run(on: screen, output)
      }
      try Answer(command, source, screen, output).write()
      return 0
    } catch let fault as LedgerFault {
      say(message(fault, command))
    } catch Output.Failure.closed {
      return 0
    } catch Output.Failure.system(let code) {
      say("cannot write: \(String(cString: strerror(code)))")
    } catch {
      say("\(error)")
    }
    return 1
  }

  package static let environment: @Sendable (String) -> String? = { name in getenv(name).map { String(cString: $0) } }

  static func say(_ message: String) {
    Log.writeToStandardError("heirloom: \(PlainText.harmlessLines(message))\n")
  }

  /// Tells something beside the answer, which goes to standard error so that the answer stays what it is.
  static func note(_ message: String) { Log.writeToStandardError("(\(message))\n") }

  /// A question, where the answer to the command does not go.
  static func ask(_ question: String) { Log.writeToStandardError(question) }

  private static func message(_ fault: LedgerFault, _ command: LedgerCommand) -> String {
    switch (fault, command.subject) {
    case (.failed(let message), _): message
    case (.filter(let message, let position), _):
      FilterError(message, at: position, in: command.filter ?? "")
        .description(columns: Screen.columns(of: STDERR_FILENO) ?? FilterError.usualColumns)
    case (.notFound, .user(let id)), (.notFound, .forget(let id)): "the ledger knows no end user \"\(id)\""
    case (.notFound, .session(let id)): "the ledger knows no session \"\(id)\""
    case (.notFound, .trace(let id)) where id.utf8.count < 6:
      "the ledger knows no trace \"\(id)\": an id takes 6 of its digits at least"
    case (.notFound, .trace(let id)): "the ledger knows no trace \"\(id)\""
    default: "there is no ledger at that address"
    }
  }
}
