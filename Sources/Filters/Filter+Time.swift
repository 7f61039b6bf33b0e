extension Filter {
  /// A time as filters have it: RFC 3339, or a date, which is its midnight in UTC.
  ///
  /// - Returns: nanoseconds since the Unix epoch; nil for what is no time.
  package static func time(_ text: String) -> Int64? { try? TimeText.parse(text) }
}
