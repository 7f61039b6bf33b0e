import Facts

extension Filter {
  /// Times as they are written in filters.
  enum TimeText {
    /// Nanoseconds since the Unix epoch.
    static func parse(_ text: String) throws(Number.Fault) -> Int64 {
      guard let nanoseconds = RFC3339.nanoseconds(of: text) else {
        throw Number.Fault(
          message: "expected a date or a time, found “\(text)”; write 2026-11-21 or 2026-11-21T09:30:00Z")
      }
      guard let time = Int64(exactly: nanoseconds) else {
        throw Number.Fault(message: "a time lies between the years 1678 and 2262")
      }
      return time
    }
  }
}
