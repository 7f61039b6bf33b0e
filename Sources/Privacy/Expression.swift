import CRE2

/// A regular expression as RE2 knows it: it takes time that is linear to the text, whatever the two are.
final class Expression: @unchecked Sendable {
  // Sendable: nothing changes it after init, and RE2 locks what it has to.
  private let compiled: OpaquePointer

  /// Bytes that are looked at behind the place where a match may begin.
  private static let window = 4096
  /// A match of so many bytes is always found.
  static let longestMatch = 512

  /// - Throws: what is wrong with the pattern.
  init(_ pattern: String) throws(PatternError) {
    var problem = [CChar](repeating: 0, count: 200)
    var pattern = pattern
    let compiled = pattern.withUTF8 { pattern in
      pattern.withMemoryRebound(to: CChar.self) { cre2_compile($0.baseAddress, $0.count, &problem, problem.count) }
    }
    guard let compiled else {
      let reason = String(decoding: problem.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      throw PatternError("not a regular expression: \(reason)")
    }
    self.compiled = compiled
  }

  deinit {
    cre2_free(compiled)
  }

  /// The first match that begins at a place or behind it; nil without one.
  ///
  /// It is looked for in pieces, so that a text full of matches that could be long takes no more than linear time either.
  func firstMatch(in text: UnsafeRawBufferPointer, from start: Int) -> Range<Int>? {
    guard let base = text.baseAddress?.assumingMemoryBound(to: CChar.self) else { return nil }
    var from = start
    while true {
      let end = min(from + Self.window, text.count)
      var (first, last) = (0, 0)
      if cre2_find(compiled, base, text.count, from, end, &first, &last) { return first..<last }
      if end == text.count { return nil }
      from = end - Self.longestMatch
    }
  }
}

/// Why a pattern is none.
package struct PatternError: Error, CustomStringConvertible {
  package let description: String

  init(_ description: String) {
    self.description = description
  }
}
