import Glibc
import Testing

@testable import Terminal

/// A ledger of answers that a test writes.
final class ScriptedLedger: LedgerSource {
  /// The questions, in their order.
  private(set) var asked: [String] = []
  private let answer: (String) throws -> String

  /// - Parameter answer: to a target, or to `DELETE` and the id.
  init(_ answer: @escaping (String) throws -> String) {
    self.answer = answer
  }

  convenience init(_ answers: [String: String]) {
    self.init { target in
      guard let answer = answers[target] else { throw LedgerFault.notFound }
      return answer
    }
  }

  func get(_ request: LedgerRequest) throws(LedgerFault) -> [UInt8] { try reply(to: request.target) }
  func forget(_ endUser: String) throws(LedgerFault) -> [UInt8] { try reply(to: "DELETE \(endUser)") }

  private func reply(to question: String) throws(LedgerFault) -> [UInt8] {
    asked.append(question)
    do {
      return Array(try answer(question).utf8)
    } catch let fault as LedgerFault {
      throw fault
    } catch {
      throw .failed("\(error)")
    }
  }
}

/// A file that output goes to, and what is in it.
final class Paper {
  let output: Output
  private let file: UnsafeMutablePointer<FILE>

  init() throws {
    file = try #require(tmpfile())
    output = Output(descriptor: fileno(file))
  }

  deinit {
    fclose(file)
  }

  var text: String {
    var bytes = [UInt8](repeating: 0, count: Int(lseek(output.descriptor, 0, SEEK_END)))
    let count = pread(output.descriptor, &bytes, bytes.count, 0)
    return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
  }
}

extension Screen {
  static let now = Moment("2026-11-21T10:00:00Z")!
  static let pipe = Screen(width: nil, hasColours: false, isTerminal: false, now: now)

  static func terminal(_ width: Int, colours: Bool = false) -> Screen {
    Screen(width: width, hasColours: colours, isTerminal: true, now: now)
  }
}

/// What a command writes.
func answer(_ words: String..., from source: ScriptedLedger, on screen: Screen = .pipe) throws -> String {
  let paper = try Paper()
  let command = try LedgerCommand(
    try #require(LedgerCommand.Name(rawValue: words[0])), Array(words.dropFirst()), now: Screen.now)
  try Answer(command, source, screen, paper.output).write()
  return paper.text
}
