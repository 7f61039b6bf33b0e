extension Schema {
  /// Lets a row of `trees` hold the trees of several traces (see `TreeRow`), and a `SpanRecord` repeat what the one before it says.
  /// What is there stays as it is; but versions before would misread what comes.
  static let treeBundles = Migration(sql: "")
}
