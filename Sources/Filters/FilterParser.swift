/// Reads a filter: `or` binds less than `and`, `and` less than `not`.
struct FilterParser {
  /// Bytes of text, parentheses and negations within one another, comparisons, and values in all: what is far beyond anything
  /// that somebody writes, and what every reader of a filter can bear.
  static let maxBytes = 64 << 10
  static let maxDepth = 64
  static let maxComparisons = 256
  static let maxValues = 4096

  private let text: String
  private let tokens: [FilterToken]
  private var position = 0
  private var depth = 0
  private var comparisons = 0
  private var values = 0
  /// Where each field first stands.
  private(set) var places: [Filter.Field: Int] = [:]

  init(_ text: String) throws(FilterError) {
    guard text.utf8.count <= Self.maxBytes else {
      throw FilterError("a filter has at most \(Self.maxBytes) bytes", at: 0, in: text)
    }
    self.text = text
    var lexer = FilterLexer(text)
    tokens = try lexer.scan()
  }

  mutating func parse() throws(FilterError) -> Filter.Condition {
    if token.kind == .end { throw error("the filter is empty") }
    let condition = try alternatives()
    switch token.kind {
    case .end: return condition
    case .close: throw error("no parenthesis is open that this one could close")
    case .word, .quoted:
      throw error("expected “and”, “or” or the end; a value of several words must stand in quotes")
    default: throw error("expected “and”, “or” or the end")
    }
  }

  // MARK: Tokens

  private var token: FilterToken { tokens[position] }

  private func keyword(ahead: Int = 0) -> String? {
    position + ahead < tokens.count ? tokens[position + ahead].keyword : nil
  }

  private func error(_ message: String) -> FilterError { FilterError(message, at: token.range.lowerBound, in: text) }

  /// Steps over some words, if they are next.
  private mutating func take(_ words: String...) -> Bool {
    for (ahead, word) in words.enumerated() where keyword(ahead: ahead) != word { return false }
    position += words.count
    return true
  }

  private mutating func take(_ kind: FilterToken.Kind) -> Bool {
    guard token.kind == kind else { return false }
    position += 1
    return true
  }

  private mutating func expect(_ kind: FilterToken.Kind, _ message: String) throws(FilterError) {
    guard take(kind) else { throw error(message) }
  }

  private mutating func nest<Value>(
    _ body: (inout FilterParser) throws(FilterError) -> Value
  ) throws(FilterError) -> Value {
    guard depth < Self.maxDepth else { throw error("a filter nests \(Self.maxDepth) levels at most") }
    depth += 1
    defer { depth -= 1 }
    return try body(&self)
  }

  // MARK: Conditions

  private mutating func alternatives() throws(FilterError) -> Filter.Condition {
    var terms = [try requirements()]
    while take("or") { terms.append(try requirements()) }
    return terms.count == 1 ? terms[0] : .or(terms)
  }

  private mutating func requirements() throws(FilterError) -> Filter.Condition {
    var terms = [try term()]
    while take("and") { terms.append(try term()) }
    return terms.count == 1 ? terms[0] : .and(terms)
  }

  private mutating func term() throws(FilterError) -> Filter.Condition {
    if take("not") { return .not(try nest { parser throws(FilterError) in try parser.term() }) }
    guard take(.open) else { return try comparison() }
    let condition = try nest { parser throws(FilterError) in try parser.alternatives() }
    try expect(.close, "expected “)”, “and” or “or”")
    return condition
  }

  private mutating func comparison() throws(FilterError) -> Filter.Condition {
    comparisons += 1
    guard comparisons <= Self.maxComparisons else {
      throw error("a filter has \(Self.maxComparisons) conditions at most")
    }
    let place = token.range.lowerBound
    let field = try field()
    if places[field] == nil { places[field] = place }
    switch field.kind {
    case .text: return try textComparison(of: field)
    case .flag: return try flag(field)
    case .number, .duration, .time: return try orderedComparison(of: field)
    case .score: return try scoreComparison(of: field)
    }
  }

  private mutating func field() throws(FilterError) -> Filter.Field {
    guard case .word(let word) = token.kind, let keyword = token.keyword else {
      throw error("expected a field, such as end_user")
    }
    if let field = Filter.Field(name: keyword) {
      position += 1
      return field
    }
    if let path = try take("metadata:", "a path", in: word) { return .metadata(path) }
    if let name = try take("score:", "a name", in: word) { return .score(name) }
    if keyword == "metadata" { throw error("metadata needs a path: metadata:plan") }
    if keyword == "score" { throw error("score needs a name: score:helpful") }
    let names = Filter.Field.named.map(\.name).joined(separator: ", ")
    throw error("there is no field “\(word)”; fields are \(names), metadata:PATH and score:NAME")
  }

  /// What follows a prefix, which the word that the parser stands at may have: in the same word, or else in quotes right behind
  /// it. nil without the prefix.
  private mutating func take(_ prefix: String, _ what: String, in word: String) throws(FilterError) -> String? {
    guard let keyword = token.keyword, keyword.utf8.starts(with: prefix.utf8) else { return nil }
    let rest = String(decoding: word.utf8.dropFirst(prefix.utf8.count), as: UTF8.self)
    let end = token.range.upperBound
    position += 1
    if !rest.isEmpty { return rest }
    guard case .quoted(let quoted) = token.kind, token.range.lowerBound == end, !quoted.isEmpty else {
      throw FilterError("expected \(what) right behind “\(prefix)”", at: end, in: text)
    }
    position += 1
    return quoted
  }

  // MARK: Comparisons

  private mutating func textComparison(of field: Filter.Field) throws(FilterError) -> Filter.Condition {
    func compares(_ relation: Filter.TextOperator, _ value: String) -> Filter.Condition {
      .comparison(field, .text(relation, value))
    }
    if case .comparison(let symbol) = token.kind, symbol != .equal {
      throw error("\(field.name) is text, which has no order: compare it with is, contains, starts with…")
    }
    if take("exists") { return .comparison(field, .exists) }
    if take("is", "any", "of") { return .comparison(field, .anyOf(try list())) }
    if take("is", "none", "of") { return .not(.comparison(field, .anyOf(try list()))) }
    if takeIsNot() { return .not(compares(.is, try value())) }
    if takeIs() { return compares(.is, try value()) }
    if take("contains") { return compares(.contains, try value()) }
    if take("does", "not", "contain") { return .not(compares(.contains, try value())) }
    if take("starts", "with") { return compares(.startsWith, try value()) }
    if take("ends", "with") { return compares(.endsWith, try value()) }
    let numeric = field.kind == .score ? "=, !=, <, <=, >, >=, " : ""
    throw error(
      "expected what to ask of \(field.name): \(numeric)is, is not, contains, does not contain, starts with, ends with, "
        + "is any of, is none of or exists")
  }

  private mutating func takeIs() -> Bool { take("is") || take(.comparison(.equal)) }
  private mutating func takeIsNot() -> Bool { take("is", "not") || take(.notEqual) }

  /// `error`, `error is true` or `error is false`.
  private mutating func flag(_ field: Filter.Field) throws(FilterError) -> Filter.Condition {
    let isNegated = takeIsNot()
    guard isNegated || takeIs() else { return .comparison(field, .exists) }
    let isTrue = keyword() == "true"
    guard isTrue || keyword() == "false" else { throw error("\(field.name) is true or false") }
    position += 1
    return isTrue != isNegated ? .comparison(field, .exists) : .not(.comparison(field, .exists))
  }

  private mutating func orderedComparison(of field: Filter.Field) throws(FilterError) -> Filter.Condition {
    if take("exists") { return .comparison(field, .exists) }
    if takeIsNot() { return .not(.comparison(field, try ordered(.equal, field.kind))) }
    if takeIs() { return .comparison(field, try ordered(.equal, field.kind)) }
    guard case .comparison(let relation) = token.kind else {
      throw error("expected what to ask of \(field.name): =, !=, <, <=, >, >= or exists")
    }
    position += 1
    return .comparison(field, try ordered(relation, field.kind))
  }

  /// A number without quotes is compared as one, anything else as text.
  private mutating func scoreComparison(of field: Filter.Field) throws(FilterError) -> Filter.Condition {
    var ahead = 1
    switch token.kind {
    case .comparison(.equal), .notEqual: break
    case .comparison: return try orderedComparison(of: field)
    default:
      guard keyword() == "is" else { return try textComparison(of: field) }
      if keyword(ahead: 1) == "not" { ahead = 2 }
    }
    guard position + ahead < tokens.count, case .word(let word) = tokens[position + ahead].kind,
      (try? Filter.Number(parsing: word)) != nil
    else { return try textComparison(of: field) }
    return try orderedComparison(of: field)
  }

  private mutating func ordered(
    _ relation: Filter.NumberOperator, _ kind: Filter.Field.Kind
  ) throws(FilterError) -> Filter.Comparison {
    let place = token.range.lowerBound
    let value = try value()
    do {
      switch kind {
      case .duration: return .duration(relation, try Filter.DurationText.parse(value))
      case .time: return .time(relation, try Filter.TimeText.parse(value))
      default: return .number(relation, try Filter.Number(parsing: value))
      }
    } catch {
      throw FilterError(error.message, at: place, in: text)
    }
  }

  // MARK: Values

  /// Words that are values only in quotes: where one of them stands in place of a value, the value was forgotten.
  private static let reserved: Set<String> = ["and", "or", "not", "is", "contains", "exists"]

  private mutating func value() throws(FilterError) -> String {
    values += 1
    guard values <= Self.maxValues else { throw error("a filter has \(Self.maxValues) values at most") }
    switch token.kind {
    case .quoted(let value):
      position += 1
      return value
    case .word(let word):
      guard !Self.reserved.contains(token.keyword ?? "") else {
        throw error("expected a value; if it is the word “\(word)”, it must stand in quotes")
      }
      position += 1
      return word
    default: throw error("expected a value")
    }
  }

  private mutating func list() throws(FilterError) -> [String] {
    try expect(.open, "expected “(” and values with commas between them")
    var list = [try value()]
    while take(.comma) { list.append(try value()) }
    try expect(.close, "expected “,” or “)”")
    return list
  }
}
