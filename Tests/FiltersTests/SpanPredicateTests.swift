import Facts
import JSON
import OTLP
import Testing

@testable import Filters

@Suite struct SpanPredicateTests {
  private func matches(_ text: String, _ specimen: Specimen) throws -> Bool {
    let predicate = try SpanPredicate(Filter(parsing: text))
    return specimen.withFacts { predicate.matches($0, using: JSONDocument()) }
  }

  @Test func `random filters hold where a naive reading of them holds`() throws {
    var random = SystemRandomNumberGenerator()
    let specimens = (0..<60).map { Specimen.random($0, using: &random) }
    let generator = RandomFilter(fields: RandomFilter.spanFields, traces: specimens.map(\.trace.hexadecimal))
    let document = JSONDocument()
    var hits = 0
    for _ in 0..<1000 {
      let condition = generator.condition(depth: 3, using: &random)
      let predicate = try SpanPredicate(Filter(condition))
      for specimen in specimens {
        let expected = NaiveRow(specimen).satisfies(condition)
        let found = specimen.withFacts { predicate.matches($0, using: document) }
        #expect(found == expected, "\(condition) of \(specimen)")
        hits += found ? 1 : 0
      }
    }
    // The filters do choose.
    #expect(hits > 6_000 && hits < 54_000)
  }

  @Test func `what is written can be read`() throws {
    var random = SystemRandomNumberGenerator()
    let generator = RandomFilter(
      fields: RandomFilter.spanFields + [.traces, .sessions, .observations, .errors, .firstEvent, .lastEvent],
      isWritable: true)
    for _ in 0..<3000 {
      let condition = generator.condition(depth: 3, using: &random)
      let text = condition.text(using: &random)
      #expect(try Filter(parsing: text).condition == condition, "\(text)")
    }
  }

  @Test(arguments: [
    "traces > 1", "sessions > 1", "observations > 1", "errors > 1", "first_event < 2026-01-01", "last_event exists",
    "score:helpful >= 0.8",
  ])
  func `what a span has not is an error`(_ text: String) throws {
    let filter = try Filter(parsing: "error and (\(text))")
    let error = #expect(throws: FilterError.self) { try SpanPredicate(filter) }
    #expect(error?.offset == 11)
    #expect(error?.message == "a span has no “\(text.prefix { $0 != " " })”")
  }

  @Test func `a field that is absent makes a condition false, and its negation true`() throws {
    let nobody = Specimen()
    for (text, holds) in [
      ("end_user is a", false), ("end_user is not a", true), ("not end_user is a", true),
      ("end_user contains ''", false),
      ("end_user does not contain a", true), ("end_user is none of (a)", true), ("end_user exists", false),
      ("metadata:plan is not pro", true), ("tag is not a", true), ("cost > 0", false), ("not cost > 0", true),
      ("cost != 0", true), ("tokens = 0", false), ("error", false), ("end_user is ''", false),
    ] {
      #expect(try matches(text, nobody) == holds, "\(text)")
    }
  }

  @Test func `damaged metadata and tags have no values`() throws {
    var facts = SpanFacts()
    let predicate = try SpanPredicate(Filter(parsing: "metadata:plan exists or tag exists"))
    let document = JSONDocument()
    for text in ["{\"plan\":", "[]", "7", "\"plan\"", "{\"plan\":1}]", "null"] {
      Array(text.utf8).withUnsafeBytes { bytes in
        (facts.metadata, facts.tags) = (bytes, bytes)
        #expect(!predicate.matches(facts, using: document), "\(text)")
      }
    }
  }

  @Test func `a path that is long is left out, a value that is long is cut`() throws {
    let (long, path) = (String(repeating: "ä", count: 1000), String(repeating: "k", count: 1025))
    var specimen = Specimen()
    specimen.metadata = .init(json: "{\"a\":{\"x\":\"y\(long)\"},\"\(path)\":\"v\"}", values: [])
    #expect(try matches("metadata:a.x is \"y\(long.prefix(511))\"", specimen))
    #expect(try !matches("metadata:\(path) exists", specimen))
  }

  @Test func `values are found up to the 256th`() throws {
    var specimen = Specimen()
    specimen.metadata = .init(json: "{\"a\":[\((0..<300).map { "\"v\($0)\"" }.joined(separator: ","))]}", values: [])
    #expect(try matches("metadata:a is v255", specimen))
    #expect(try !matches("metadata:a is v256", specimen))
  }
}
