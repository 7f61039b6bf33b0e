extension Schema {
  /// Lets a row of `trees` hold the trees of several traces (see `TreeRow`). Those that are there stay as they are; but versions
  /// before would misread what comes.
  static let treeBundles = Migration(sql: "")
}
