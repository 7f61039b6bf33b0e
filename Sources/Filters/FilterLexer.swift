/// One piece of a filter's text.
struct FilterToken {
  enum Kind: Equatable {
    case word(String)
    /// Text that stood in quotes, which it has lost.
    case quoted(String)
    case comparison(Filter.NumberOperator)
    case notEqual
    case open, close, comma
    case end
  }

  let kind: Kind
  /// In Unicode scalars.
  let range: Range<Int>

  /// The word in lower case, when it is one: operators and fields don't mind the case.
  var keyword: String? {
    guard case .word(let word) = kind else { return nil }
    return String(decoding: word.utf8.map { 0x41...0x5a ~= $0 ? $0 | 0x20 : $0 }, as: UTF8.self)
  }
}

/// Cuts a filter's text into tokens.
struct FilterLexer {
  private let text: String
  private let scalars: [Unicode.Scalar]
  private var position = 0
  private var tokens: [FilterToken] = []

  init(_ text: String) {
    self.text = text
    scalars = Array(text.unicodeScalars)
  }

  /// - Returns: the tokens; the last one is `.end`.
  mutating func scan() throws(FilterError) -> [FilterToken] {
    while position < scalars.count {
      let scalar = scalars[position]
      switch scalar {
      case "(": take(.open, length: 1)
      case ")": take(.close, length: 1)
      case ",": take(.comma, length: 1)
      case "=": take(.comparison(.equal), length: 1)
      case "!":
        guard follows("=") else { throw error("expected “!=”; to negate a condition, write “not” before it") }
        take(.notEqual, length: 2)
      case "<": takeOrdering(.less, orEqual: .lessOrEqual)
      case ">": takeOrdering(.greater, orEqual: .greaterOrEqual)
      case "\"", "'": try takeQuoted(by: scalar)
      case _ where scalar.properties.isWhitespace: position += 1
      case _ where Self.isWord(scalar): takeWord()
      default: throw error(Self.message(unexpected: scalar))
      }
    }
    take(.end, length: 0)
    return tokens
  }

  private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "a"..."z", "A"..."Z", "0"..."9", "-", "_", "@", ".", ":", "/", "+": true
    default: !scalar.isASCII && !scalar.properties.isWhitespace
    }
  }

  private static func message(unexpected scalar: Unicode.Scalar) -> String {
    switch scalar {
    case "&": "expected “and” in place of “&”"
    case "|": "expected “or” in place of “|”"
    case _ where scalar.properties.generalCategory == .control: "a control character must stand in quotes"
    default: "text with “\(scalar)” in it must stand in quotes"
    }
  }

  private func error(_ message: String) -> FilterError { FilterError(message, at: position, in: text) }

  private func follows(_ scalar: Unicode.Scalar) -> Bool {
    position + 1 < scalars.count && scalars[position + 1] == scalar
  }

  private mutating func take(_ kind: FilterToken.Kind, length: Int) {
    tokens.append(FilterToken(kind: kind, range: position..<position + length))
    position += length
  }

  private mutating func takeOrdering(_ plain: Filter.NumberOperator, orEqual: Filter.NumberOperator) {
    if follows("=") { take(.comparison(orEqual), length: 2) } else { take(.comparison(plain), length: 1) }
  }

  private mutating func takeWord() {
    let end = scalars[position...].firstIndex { !Self.isWord($0) } ?? scalars.count
    var word = String.UnicodeScalarView()
    word.append(contentsOf: scalars[position..<end])
    take(.word(String(word)), length: end - position)
  }

  private mutating func takeQuoted(by quote: Unicode.Scalar) throws(FilterError) {
    var content = String.UnicodeScalarView()
    var at = position + 1
    while at < scalars.count, scalars[at] != quote {
      var scalar = scalars[at]
      if scalar == "\\" {
        at += 1
        guard at < scalars.count else { break }
        guard let meant = Self.escaped(scalars[at]) else {
          position = at - 1
          throw error("after a backslash comes a quote, a backslash, n, r or t")
        }
        scalar = meant
      }
      content.append(scalar)
      at += 1
    }
    guard at < scalars.count else { throw error("the quote that opens here is never closed") }
    take(.quoted(String(content)), length: at + 1 - position)
  }

  private static func escaped(_ scalar: Unicode.Scalar) -> Unicode.Scalar? {
    switch scalar {
    case "\"", "'", "\\": scalar
    case "n": "\n"
    case "r": "\r"
    case "t": "\t"
    default: nil
    }
  }
}
