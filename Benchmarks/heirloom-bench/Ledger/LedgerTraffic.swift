import Facts
import Ledger
import OTLP

/// Traces of many users and sessions, as facts: the same ones for the same numbers.
struct LedgerTraffic {
  var users = 10_000
  var sessions = 100_000
  var traces = 1_000_000
  var spansPerTrace = 10
  /// When the first trace begins and how long after it the last one, in nanoseconds.
  var start: UInt64 = 1_750_000_000_000_000_000
  var period: UInt64 = 3_600_000_000_000
  /// One of so many traces has a workflow, tags and models that the others have not.
  private static let rareness: UInt64 = 50_000
  private var words = LedgerWords()

  init() {}

  /// A number that looks random, of a few others.
  private static func mixed(_ number: Int, _ salt: UInt64) -> UInt64 {
    var mixed = UInt64(number) &+ salt &* 0x9e37_79b9_7f4a_7c15
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }

  /// Some sessions are under way at a time, each with as many traces as any.
  private func session(of trace: Int) -> Int {
    let perSession = max(traces / sessions, 1)
    let window = min(1000, sessions)
    let first = trace / (window * perSession) * window
    return min(first + Int(Self.mixed(trace, 1) % UInt64(window)), sessions - 1)
  }

  /// Adds some of a trace's spans to a chunk. The root is the last one: it ends last.
  mutating func append(_ spans: Range<Int>, of trace: Int, to chunk: inout FactsChunk) {
    let session = session(of: trace)
    let user = Int(Self.mixed(session, 2) % UInt64(users))
    let random = Self.mixed(trace, 3)
    let isRare = (random >> 32) % Self.rareness == 0
    let begin = start + UInt64(Double(period) * Double(trace) / Double(traces))
    let root = spansPerTrace - 1
    for span in spans {
      var facts = SpanFacts()
      facts.trace = TraceID(first: Self.mixed(trace, 4), second: Self.mixed(trace, 5))
      facts.spanID = Self.mixed(trace &* 1000 &+ span, 6)
      facts.start = begin + (span == root ? 0 : UInt64(span + 1) * 7_000_000)
      facts.end = facts.start + (span == root ? 900_000_000 + random % 4_000_000_000 : 5_000_000 + random % 40_000_000)
      if span == root {
        facts.kind = .chain
        facts.name = words.text(.workflow, isRare ? LedgerWords.rare : (user + Int(random % 3)) % 40)
        facts.endUser = words.text(.user, user)
        facts.session = words.text(.session, session)
        facts.metadata = words.text(.metadata, user)
        facts.tags = words.text(.tags, isRare ? LedgerWords.rare : (user + Int(random >> 8 % 2)) % 12)
      } else {
        facts.flags.insert(.hasParent)
        facts.parentID = Self.mixed(trace &* 1000 &+ root, 6)
        describeChild(&facts, span, random, user, isRare)
      }
      chunk.append(facts)
    }
  }

  /// Adds what somebody thinks of a trace: a third of them have a number, a tenth have a word, and few a name of their own.
  func appendScores(of trace: Int, to chunk: inout FactsChunk) {
    let random = Self.mixed(trace, 7)
    var score = Score(id: "\(trace)", name: "helpful", timestamp: start + UInt64(trace) * 1_000_000_000)
    score.trace = TraceID(first: Self.mixed(trace, 4), second: Self.mixed(trace, 5))
    if trace % 3 == 0 {
      // One in 50,000 is below zero.
      score.number = random % Self.rareness == 0 ? -1 : Double(random % 11) / 10
      chunk.append(score)
    }
    if trace % 10 == 0 {
      (score.id, score.name, score.number) = ("\(trace) verdict", "verdict", nil)
      (score.label, score.dataType) = (random % 5 == 0 ? "bad" : "good", .categorical)
      chunk.append(score)
    }
    if (random >> 32) % Self.rareness == 0 {
      (score.id, score.name, score.number, score.label) = ("\(trace) rare", "rare", 1, nil)
      chunk.append(score)
    }
  }

  private mutating func describeChild(
    _ facts: inout SpanFacts, _ span: Int, _ random: UInt64, _ user: Int, _ isRare: Bool
  ) {
    guard span % 3 == 0 else {
      facts.kind = span % 3 == 1 ? .tool : .retriever
      facts.name = words.text(.tool, Int((random >> 16) % 12))
      if random % 97 == 0 { facts.flags.insert(.isError) }
      return
    }
    facts.kind = .llm
    facts.name = words.text(.call, 0)
    facts.model = words.text(.model, isRare ? LedgerWords.rare : (user + Int((random >> 24) % 2)) % 8)
    facts.tokens.input = Int64(300 + random % 3000)
    facts.tokens.output = Int64(20 + random % 500)
    facts.tokens.total = facts.tokens.input.flatMap { input in facts.tokens.output.map { input + $0 } }
    if random % 3 == 0 { facts.tokens.cacheRead = Int64(random % 300) }
  }
}

/// Text that stays where it is while facts are written.
struct LedgerWords {
  enum Kind {
    case workflow, user, session, metadata, tags, tool, call, model
  }

  private static let models = [
    "gpt-4o", "gpt-4o-mini", "claude-sonnet-4-5", "claude-3-5-haiku-latest", "gemini-2.5-pro", "gpt-4.1", "o3",
    "house-7b",
  ]
  /// A number of what few traces have.
  static let rare = 1000
  private var memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 8 << 10, alignment: 1)
  private var used = 0

  /// Valid until some dozens of others were asked for.
  mutating func text(_ kind: Kind, _ number: Int) -> UnsafeRawBufferPointer {
    var text =
      switch kind {
      case .workflow: "answer-question-\(number)"
      case .user: "user_\(number)"
      case .session: "session-\(number)"
      case .metadata:
        "{\"plan\":\"\(number % 5 == 0 ? "pro" : "free")\",\"region\":\"eu-\(number % 9)\",\"account\":\"acc-\(number)\"}"
      case .tags: "[\"tag-\(number)\",\"tag-\(number % 5 + 20)\"]"
      case .tool: "tool-\(number)"
      case .call: "chat.completions"
      case .model: number < Self.models.count ? Self.models[number] : "model-\(number)"
      }
    return text.withUTF8 { bytes in
      if used + bytes.count > memory.count { used = 0 }
      let place = UnsafeMutableRawBufferPointer(rebasing: memory[used..<used + bytes.count])
      place.copyMemory(from: UnsafeRawBufferPointer(bytes))
      used += bytes.count
      return UnsafeRawBufferPointer(place)
    }
  }
}
