/// Whether a sink has seen all that was sent, and nothing wrong.
struct Verdict {
  let tally: Tally
  let lost: Int
  /// One sentence each; none when all is well.
  private(set) var problems: [String] = []

  /// - Parameters:
  ///   - scoreboard: what came.
  ///   - expectation: what should have come.
  init(_ scoreboard: Scoreboard, _ expectation: Sink.Expectation) {
    let state = scoreboard.state
    tally = state.tally
    lost = expectation.spans - state.unique
    if lost != 0 { problems.append("\(lost) spans never came") }
    for (count, what) in [
      (tally.missing, "spans lack an identity attribute"), (tally.wrong, "spans have somebody else's identity"),
      (tally.repeated, "spans have an identity attribute more than once"),
      (tally.altered, "spans have another number of attributes than they should"),
      (tally.duplicates, "spans came more than once"), (tally.foreign, "spans were never sent"),
      (tally.malformed, "requests could not be read"),
    ] where count > 0 {
      problems.append("\(count) \(what)")
    }
    // No errors are no proof: a check that never finds what it looks for reports none either.
    if expectation.identity && tally.correct != expectation.spans {
      problems.append("\(tally.correct) of \(expectation.spans) spans were seen with the right identity")
    }
  }

  var passed: Bool { problems.isEmpty }

  mutating func add(problem: String) {
    problems.append(problem)
  }
}
