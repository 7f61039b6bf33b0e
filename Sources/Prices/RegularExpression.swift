import Glibc

/// A POSIX extended regular expression, as the C library knows it.
///
/// Patterns are written for names in lowercase. They may match anywhere in a name unless they are anchored.
final class RegularExpression: @unchecked Sendable {
  // Sendable: nothing changes it after init, and regexec locks what it has to.
  private let compiled: UnsafeMutablePointer<regex_t>

  /// - Throws: what is wrong with the pattern.
  init(_ pattern: String) throws(PriceRuleError) {
    if let problem = Self.foreignSyntax(in: pattern) { throw PriceRuleError(problem) }
    let compiled = UnsafeMutablePointer<regex_t>.allocate(capacity: 1)
    compiled.initialize(to: regex_t())
    let code = regcomp(compiled, pattern, REG_EXTENDED | REG_ICASE | REG_NOSUB)
    guard code == 0 else {
      var text = [CChar](repeating: 0, count: 256)
      regerror(code, compiled, &text, text.count)
      compiled.deallocate()
      let message = String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      throw PriceRuleError("not a regular expression: \(message)")
    }
    // Only now: a failing init of a whole object would free what was never compiled.
    self.compiled = compiled
  }

  deinit {
    regfree(compiled)
    compiled.deallocate()
  }

  func matches(_ name: [UInt8]) -> Bool {
    name.withUnsafeBytes { name in
      // The range to look at comes in and out by this; so the name needs no zero behind it.
      var range = regmatch_t(rm_so: 0, rm_eo: regoff_t(name.count))
      guard let text = name.baseAddress?.assumingMemoryBound(to: CChar.self) else {
        return regexec(compiled, "", 0, nil, 0) == 0
      }
      return regexec(compiled, text, 0, &range, REG_STARTEND) == 0
    }
  }

  /// What other kinds of expressions have and this one would silently take for something else.
  private static func foreignSyntax(in pattern: String) -> String? {
    var escaped = false
    var previous: Character?
    for character in pattern {
      if escaped {
        if character == "d" || character == "D" {
          let instead = character == "d" ? "[0-9]" : "[^0-9]"
          return "\\\(character) means nothing in a POSIX regular expression: write \(instead)"
        }
        escaped = false
        previous = nil
        continue
      }
      if previous == "(", character == "?" { return "POSIX regular expressions have no (?…) groups" }
      if character == "\0" { return "a regular expression can't hold a zero byte" }
      escaped = character == "\\"
      previous = character
    }
    return nil
  }
}
