import Glibc

/// The value of an HTTP `Retry-After` header: seconds, or a date.
package enum RetryAfter {
  /// No server is left alone for longer than a day at its mere word. In seconds.
  package static let limit: Int64 = 86_400

  /// How long to wait.
  ///
  /// - Parameters:
  ///   - text: the header's value.
  ///   - unixTime: the wall clock, in seconds since 1970, for a date.
  /// - Returns: from zero to a day; nil when the text is neither a number nor a date.
  package static func parse(_ text: String, unixTime: Int) -> Duration? {
    let words = text.split { " \t,-".contains($0) }
    if words.count == 1, !text.contains("-"), words[0].utf8.allSatisfy(isDigit) {
      return .seconds(min(Int64(words[0]) ?? limit, limit))
    }
    // A date in the past wants no wait.
    return date(words).map { .seconds(min(max(Int64($0 - unixTime), 0), limit)) }
  }

  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

  /// Seconds since 1970. The three forms that HTTP asks to understand all have the day before the year, and between them
  /// a month and a time that nothing else can be taken for:
  /// `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT`, `Sun Nov  6 08:49:37 1994`.
  private static func date(_ words: [Substring]) -> Int? {
    var parts = tm()
    var numbers: [Int] = []
    var hasMonth = false
    var hasTime = false
    for word in words.dropFirst() where word != "GMT" {
      if let month = months.firstIndex(of: String(word)) {
        parts.tm_mon = Int32(month)
        hasMonth = true
      } else if word.contains(":") {
        let time = word.split(separator: ":", omittingEmptySubsequences: false).map { Int32($0) ?? -1 }
        guard time.count == 3, (0..<24).contains(time[0]), (0..<60).contains(time[1]), (0..<61).contains(time[2])
        else { return nil }
        (parts.tm_hour, parts.tm_min, parts.tm_sec) = (time[0], time[1], time[2])
        hasTime = true
      } else {
        guard word.utf8.allSatisfy(isDigit), let number = Int(word) else { return nil }
        numbers.append(number)
      }
    }
    guard hasMonth, hasTime, numbers.count == 2, (1...31).contains(numbers[0]), (0...9999).contains(numbers[1]) else {
      return nil
    }
    parts.tm_mday = Int32(numbers[0])
    // Two digits are a year of this century.
    parts.tm_year = Int32(numbers[1] < 100 ? numbers[1] + 100 : numbers[1] - 1900)
    return timegm(&parts)
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }
}
