/// Something in a text that is not for everybody, and what takes its place.
package struct TextPattern: Sendable, Equatable {
  /// Those that need no expression.
  package enum Name: String, Sendable, CaseIterable {
    case email, card, phone
  }

  /// What the expression was read from.
  private let source: String
  private let expression: Expression
  private let mark: [UInt8]
  /// What a match must be beside.
  private let check: Check
  /// Whether a match may begin with the letters of a JSON escape, which are no part of it.
  private let sparesEscapes: Bool

  private enum Check {
    case none
    /// A card's number passes its own check.
    case luhn
    /// The digits behind a point are no number of their own.
    case noFraction
  }

  /// One of the patterns that everybody knows.
  package init(_ name: Name) {
    let pattern =
      switch name {
      case .email: Self.email
      case .card: Self.card
      case .phone: Self.phone
      }
    guard let expression = try? Expression(pattern) else { preconditionFailure("\(name) is no expression") }
    source = pattern
    self.expression = expression
    mark = Array("[\(name.rawValue)]".utf8)
    check =
      switch name {
      case .email: .none
      case .card: .luhn
      case .phone: .noFraction
      }
    sparesEscapes = true
  }

  /// An operator's own: `[masked]` takes its place.
  ///
  /// - Throws: what is wrong with the expression.
  package init(expression: String) throws(PatternError) {
    self.expression = try Expression(expression)
    source = expression
    mark = Array("[masked]".utf8)
    check = .none
    sparesEscapes = false
  }

  /// The at sign may be encoded, for a URL or in JSON.
  private static let email =
    #"[A-Za-z0-9._%+\-]{1,64}(?:@|%40|\\u0040)(?:[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,63}"#
  /// 13 to 19 digits of the ranges that payment cards have, which may stand in groups; the last digit is for the check.
  private static let card = #"\b[2-6](?:[ \-]?[0-9]){12,18}\b"#
  /// With `+` or `00` before the country; with an area in brackets, or one that begins with 0; or as in North America.
  private static let phone = [
    #"(?:\+|\b00)[1-9](?:[ .\-/]?\(?[0-9]\)?){7,14}\b"#,
    #"\([0-9]{2,5}\)[ ]?[0-9](?:[ \-]?[0-9]){4,9}\b"#,
    #"\b0[1-9][0-9]{1,3}[ \-/][0-9](?:[ \-]?[0-9]){4,9}\b"#,
    #"\b0[1-9][0-9]{8,9}\b"#,
    #"\b(?:1[ .\-])?[2-9][0-9]{2}[ .\-][2-9][0-9]{2}[ .\-][0-9]{4}\b"#,
  ].joined(separator: "|")

  package static func == (one: TextPattern, other: TextPattern) -> Bool {
    one.source == other.source && one.mark == other.mark
  }

  /// A text without what the pattern finds; nil where it finds nothing.
  func masked(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
    var result: [UInt8] = []
    var (copied, from) = (0, 0)
    while from <= text.count, let found = expression.firstMatch(in: text, from: from) {
      let match = sparesEscapes ? Self.withoutEscape(found, in: text) : found
      guard !match.isEmpty, let hidden = confirmed(match, in: text) else {
        from = max(match.lowerBound, from) + 1
        continue
      }
      let isBare = JSONPlace.isBareNumber(hidden, of: text)
      result.append(contentsOf: text[copied..<hidden.lowerBound])
      if isBare { result.append(UInt8(ascii: "\"")) }
      result.append(contentsOf: mark)
      if isBare { result.append(UInt8(ascii: "\"")) }
      (copied, from) = (hidden.upperBound, hidden.upperBound)
    }
    guard copied > 0 else { return nil }
    result.append(contentsOf: text[copied...])
    return result
  }

  /// What of a match has to go; nil when it only looks like one.
  private func confirmed(_ match: Range<Int>, in text: UnsafeRawBufferPointer) -> Range<Int>? {
    switch check {
    case .none: return match
    case .noFraction: return Self.isFraction(match, of: text) ? nil : match
    case .luhn: return Self.card(in: match, of: text)
    }
  }

  private static func isFraction(_ match: Range<Int>, of text: UnsafeRawBufferPointer) -> Bool {
    guard match.lowerBound >= 2 else { return false }
    return [UInt8(ascii: "."), UInt8(ascii: ",")].contains(text[match.lowerBound - 1])
      && ASCII.isDigit(text[match.lowerBound - 2])
  }

  /// The part of a match that is a card's number; nil without one.
  private static func card(in match: Range<Int>, of text: UnsafeRawBufferPointer) -> Range<Int>? {
    // A shorter number may have digits of something else behind it.
    var end = match.upperBound
    while end > match.lowerBound {
      let digits = text[match.lowerBound..<end].lazy.filter(ASCII.isDigit)
      guard digits.count >= 13 else { return nil }
      if passesLuhn(text[match.lowerBound..<end]) { return match.lowerBound..<end }
      // Back to the group before.
      guard let gap = text[match.lowerBound..<end].lastIndex(where: { !ASCII.isDigit($0) }) else { return nil }
      end = gap
    }
    return nil
  }

  private static func passesLuhn(_ number: Slice<UnsafeRawBufferPointer>) -> Bool {
    var sum = 0
    var doubles = false
    for byte in number.reversed() where ASCII.isDigit(byte) {
      let digit = Int(byte - UInt8(ascii: "0"))
      sum += doubles ? (digit > 4 ? 2 * digit - 9 : 2 * digit) : digit
      doubles.toggle()
    }
    return sum % 10 == 0
  }

  /// Without the letters that belong to a backslash before it.
  private static func withoutEscape(_ match: Range<Int>, in text: UnsafeRawBufferPointer) -> Range<Int> {
    let backslashes = text[..<match.lowerBound].reversed().prefix { $0 == UInt8(ascii: "\\") }.count
    guard backslashes % 2 == 1 else { return match }
    let letters = text[match.lowerBound] == UInt8(ascii: "u") ? 5 : 1
    return min(match.lowerBound + letters, match.upperBound)..<match.upperBound
  }
}
