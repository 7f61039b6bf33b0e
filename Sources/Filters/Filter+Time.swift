extension Filter {
  /// A time as filters have it: RFC 3339, or a date, which is its midnight in UTC.
  ///
  /// - Returns: nanoseconds since the Unix epoch; nil for what is no time.
  package static func time(_ text: String) -> Int64? { try? TimeText.parse(text) }

  /// A duration as filters have it: `250ms`, `1h30m`, `7d`.
  ///
  /// - Returns: nanoseconds; nil for what is no duration.
  package static func duration(_ text: String) -> Int64? { try? DurationText.parse(text) }
}
