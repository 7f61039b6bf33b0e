import Facts
import TestSupport

/// Random spans that have much in common.
enum SpanSource {
  /// Traces of a few users and sessions, so that these often share and often change.
  static func traces(_ random: inout SeededGenerator, count: Int) -> [TestSpan] {
    var spans: [TestSpan] = []
    let users = ["", "", "ada", "bob", "cyd"]
    let sessions = ["", "s1", "s2", "s3", "s4"]
    let metadata = ["", #"{"plan":"pro","team":{"size":3}}"#, #"{"plan":"free"}"#, #"{"tags":["a","b"]}"#, "no json"]
    for trace in 1...UInt64(count) {
      // Few different starts, so that some are equal; over three days.
      let start = 1_700_000_000_000_000_000 + UInt64.random(in: 0..<40, using: &random) * 6_000_000_000_000
      let spanCount = UInt64.random(in: 1...9, using: &random)
      for id in 1...spanCount {
        var span = TestSpan(trace: trace, id: id)
        span.parent = id == 1 ? 0 : .random(in: 1..<id, using: &random)
        span.start = start + (random.once(in: 3) ? 0 : id * 1_000_000)
        span.duration = .random(in: 0...5_000_000_000, using: &random)
        span.isError = random.once(in: 6)
        span.isMarker = random.once(in: 15)
        span.name = random.once(in: 2) ? "work" : "turn"
        if id == 1 || random.once(in: 6) {
          span.endUser = users.randomElement(using: &random)!
          span.metadata = metadata.randomElement(using: &random)!
          span.session = sessions.randomElement(using: &random)!
          span.tags = ["", #"["x"]"#, #"["x","y"]"#].randomElement(using: &random)!
        }
        if random.once(in: 3) {
          span.kind = .llm
          span.model = ["gpt-4o", "claude-3-5-sonnet-20241022", "nobody-knows", "other"].randomElement(using: &random)!
          span.tokens.input = .random(in: 0...5000, using: &random)
          if random.once(in: 2) { span.tokens.output = .random(in: 0...5000, using: &random) }
          if random.once(in: 4) { span.cost = .random(in: 0...9_000_000, using: &random) }
        }
        spans.append(span)
      }
    }
    return spans
  }
}
