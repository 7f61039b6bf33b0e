import Testing

@testable import Filters

@Suite struct ParserTests {
  private func condition(_ text: String) throws -> Filter.Condition { try Filter(parsing: text).condition }

  @Test(
    arguments: [
      ("end_user is u_812", .text(.is, "u_812")),
      ("end_user = u_812", .text(.is, "u_812")),
      ("user=u_812", .text(.is, "u_812")),
      ("END_USER IS u_812", .text(.is, "u_812")),
      ("end_user contains 81", .text(.contains, "81")),
      ("end_user starts with u_", .text(.startsWith, "u_")),
      ("end_user ends with .com", .text(.endsWith, ".com")),
      ("end_user is any of (a, 'b c',\"d\")", .anyOf(["a", "b c", "d"])),
      ("end_user exists", .exists),
      ("end_user is any", .text(.is, "any")),
      ("end_user is none", .text(.is, "none")),
      ("end_user is 42", .text(.is, "42")),
      ("end_user is -1.50", .text(.is, "-1.50")),
      ("end_user is mailto:a.b+c@d-e.org/f", .text(.is, "mailto:a.b+c@d-e.org/f")),
      ("end_user is Жанна", .text(.is, "Жанна")),
      ("end_user is 'and'", .text(.is, "and")),
      ("end_user is true", .text(.is, "true")),
      (#"end_user is "say \"x\" \\ 'y'\n""#, .text(.is, "say \"x\" \\ 'y'\n")),
      (#"end_user is 'it\'s'"#, .text(.is, "it's")),
      ("end_user is ''", .text(.is, "")),
    ] as [(String, Filter.Comparison)])
  func `text is compared`(_ text: String, _ comparison: Filter.Comparison) throws {
    #expect(try condition(text) == .comparison(.endUser, comparison))
  }

  @Test(
    arguments: [
      ("end_user is not u_812", .text(.is, "u_812")),
      ("end_user!=u_812", .text(.is, "u_812")),
      ("end_user does not contain 81", .text(.contains, "81")),
      ("end_user is none of (a)", .anyOf(["a"])),
    ] as [(String, Filter.Comparison)])
  func `a negative comparison is the not of a positive one`(_ text: String, _ comparison: Filter.Comparison) throws {
    #expect(try condition(text) == .not(.comparison(.endUser, comparison)))
  }

  @Test(arguments: Filter.Field.named)
  func `every field is known by its name, in any case`(_ field: Filter.Field) throws {
    let text = field == .error ? field.name : "\(field.name) exists"
    #expect(try condition(text) == .comparison(field, .exists))
    #expect(try condition(text.uppercased()) == .comparison(field, .exists))
  }

  @Test(
    arguments: [
      ("metadata:plan is pro", "plan"), ("METADATA:Plan is pro", "Plan"),
      ("metadata:company.plan is pro", "company.plan"), ("metadata:\"the plan\" is pro", "the plan"),
      ("metadata:'is' is pro", "is"), ("metadata:и is pro", "и"), ("metadata:a:b is pro", "a:b"),
    ])
  func `metadata has a path`(_ text: String, _ path: String) throws {
    #expect(try condition(text) == .comparison(.metadata(path), .text(.is, "pro")))
  }

  @Test(
    arguments: [
      ("score:helpful >= 0.8", "helpful", .number(.greaterOrEqual, .init(billionths: 800_000_000))),
      ("SCORE:Helpful<-1", "Helpful", .number(.less, .init(-1))),
      ("score:'is it helpful?' = 1", "is it helpful?", .number(.equal, .init(1))),
      ("score:a:b is 1.5k", "a:b", .number(.equal, .init(1500))),
      ("score:a > \"0.5\"", "a", .number(.greater, .init(billionths: 500_000_000))),
      ("score:verdict is good", "verdict", .text(.is, "good")),
      ("score:verdict = good", "verdict", .text(.is, "good")),
      // In quotes, a number is text.
      ("score:verdict is '1'", "verdict", .text(.is, "1")),
      ("score:verdict contains 1", "verdict", .text(.contains, "1")),
      ("score:verdict is any of (1, good)", "verdict", .anyOf(["1", "good"])),
      ("score:verdict is any", "verdict", .text(.is, "any")),
      ("score:verdict exists", "verdict", .exists),
    ] as [(String, String, Filter.Comparison)])
  func `scores have a name, and are compared as what they are compared with`(
    _ text: String, _ name: String, _ comparison: Filter.Comparison
  ) throws {
    #expect(try condition(text) == .comparison(.score(name), comparison))
  }

  @Test(
    arguments: [
      ("score:a != 1", .number(.equal, .init(1))), ("score:a is not 1", .number(.equal, .init(1))),
      ("score:a is not good", .text(.is, "good")), ("score:a != '1'", .text(.is, "1")),
      ("score:a is none of (good)", .anyOf(["good"])),
    ] as [(String, Filter.Comparison)])
  func `so are those that are not`(_ text: String, _ comparison: Filter.Comparison) throws {
    #expect(try condition(text) == .not(.comparison(.score("a"), comparison)))
  }

  @Test(arguments: [
    ("error", true), ("error is true", true), ("error = TRUE", true), ("error is not false", true),
    ("error is false", false), ("error is not true", false), ("error != true", false), ("not error", false),
  ])
  func `an error is a condition`(_ text: String, _ isAsked: Bool) throws {
    let error = Filter.Condition.comparison(.error, .exists)
    #expect(try condition(text) == (isAsked ? error : .not(error)))
  }

  private static let (a, b, c) = (letter("a"), letter("b"), letter("c"))
  private static func letter(_ tag: String) -> Filter.Condition { .comparison(.tag, .text(.is, tag)) }

  @Test(
    arguments: [
      ("tag is a or tag is b and tag is c", .or([a, .and([b, c])])),
      ("tag is a and tag is b or tag is c", .or([.and([a, b]), c])),
      ("(tag is a or tag is b) and tag is c", .and([.or([a, b]), c])),
      ("not tag is a and tag is b", .and([.not(a), b])),
      ("not (tag is a and tag is b)", .not(.and([a, b]))),
      ("not not tag is a", .not(.not(a))),
      ("tag is a or tag is b or tag is c", .or([a, b, c])),
      ("tag=a AND(tag=b)Or Not(tag=c)", .or([.and([a, b]), .not(c)])),
      (" \n tag\tis\r\na\u{a0}and tag is b ", .and([a, b])),
    ] as [(String, Filter.Condition)])
  func `not binds more than and, and more than or`(_ text: String, _ expected: Filter.Condition) throws {
    #expect(try condition(text) == expected)
  }

  @Test(
    arguments: [
      ("cost > 0.5", .greater, 500_000_000), ("cost>=0.000000001", .greaterOrEqual, 1),
      ("cost < 1k", .less, 1000_000_000_000),
      ("cost <= -2", .lessOrEqual, -2_000_000_000), ("cost = 1.5M", .equal, 1_500_000_000_000_000),
      ("cost = 007", .equal, 7_000_000_000), ("cost is 3", .equal, 3_000_000_000),
      ("cost is '3'", .equal, 3_000_000_000),
      ("cost < 999999999999999.999999999", .less, 999_999_999_999_999_999_999_999),
    ] as [(String, Filter.NumberOperator, Int128)])
  func `numbers are exact`(_ text: String, _ relation: Filter.NumberOperator, _ billionths: Int128) throws {
    #expect(try condition(text) == .comparison(.cost, .number(relation, .init(billionths: billionths))))
  }

  @Test(arguments: ["cost != 7", "cost is not 7"])
  func `not equal is the not of equal`(_ text: String) throws {
    #expect(try condition(text) == .not(.comparison(.cost, .number(.equal, .init(billionths: 7_000_000_000)))))
  }

  @Test(arguments: [
    ("3s", 3_000_000_000), ("250ms", 250_000_000), ("1m30s", 90_000_000_000), ("2h", 7_200_000_000_000),
    ("1.5s", 1_500_000_000), ("1.000000001s", 1_000_000_001), ("7us", 7000), ("7µs", 7000), ("0.5us", 500), ("9ns", 9),
    ("1d", 86_400_000_000_000), ("0s", 0), ("106751d", 9_223_286_400_000_000_000),
  ])
  func `durations have units`(_ text: String, _ nanoseconds: Int64) throws {
    #expect(try condition("latency > \(text)") == .comparison(.latency, .duration(.greater, nanoseconds)))
  }

  @Test func `any bytes of a value come through quotes`() throws {
    for scalar in (0...0x2ff).compactMap(Unicode.Scalar.init) where scalar != "\"" && scalar != "\\" {
      #expect(
        try condition("tag is \"a\(scalar)\"") == .comparison(.tag, .text(.is, "a\(scalar)")), "\(scalar.value)")
    }
  }
}
