import Filters

extension FilterSQL {
  /// Where a view's text is. Names lie in tables of their own, each once: what matches there is found first, by an index
  /// where that can be, and rows of the view refer to it.
  struct TextSource {
    /// A column that text is compared with.
    var column: String
    /// What of the view's row says which rows have the column; nil where it is in the row itself.
    var reference: String?
    /// Selects these rows, up to the condition on the column.
    var select = ""
    var after = ""
    /// What of `select` is a parameter.
    var key: String?
    /// Where `RowBlock`s have the reference.
    var blockColumn: Int?
    /// Whether `select` finds the ids of the view's own rows, and there may be many.
    var isFacet = false
    /// True when the row has any value at all; nil for what matches every name there is.
    var exists: String?
    /// Ids are bytes in the ledger and hexadecimal digits in a filter.
    var isTraceID = false

    init?(_ field: Filter.Field, _ view: LedgerView) {
      let row = view.alias
      switch (field, view) {
      case (.session, .scores): self.init(reference: "sc.session", to: "sessions")
      case (.name, .scores): self.init(reference: "sc.name", to: "score_names")
      case (.trace, .scores):
        self.init(column: "sc.about_trace")
        exists = "sc.about_trace IS NOT NULL"
      case (.endUser, .scores): self.init(reference: "sc.user", to: "users")
      case (_, .scores): return nil
      case (.endUser, .users), (.session, .sessions): self.init(column: "\(row).name")
      case (.endUser, _): self.init(reference: "\(row).user", to: "users")
      case (.session, .users): self.init(column: "name", "u.id", in: "SELECT user FROM sessions WHERE ")
      case (.session, .traces): self.init(reference: "t.session", to: "sessions")
      case (.workflow, .traces), (.name, .traces):
        self.init(reference: "t.name", to: "names")
        blockColumn = RowBlock.Column.traceName
      case (.workflow, _), (.name, _): self.init(facet: .workflow, of: view)
      case (.model, .traces): self.init(label: .model)
      case (.model, _): self.init(facet: .model, of: view)
      case (.tag, .traces): self.init(label: .tag)
      case (.tag, _): self.init(facet: .tag, of: view)
      case (.trace, .traces): self.init(column: "t.trace")
      case (.trace, .users): self.init(column: "trace", "u.id", in: "SELECT user FROM traces WHERE ")
      case (.trace, .sessions): self.init(column: "trace", "s.id", in: "SELECT session FROM traces WHERE ")
      case (.metadata(let path), _):
        self.init(column: "value", "\(row).metadata", in: "SELECT metadata FROM metadata_values WHERE key = ")
        key = path
        blockColumn = view == .traces ? RowBlock.Column.traceMetadata : RowBlock.Column.metadata
      default: return nil
      }
      isTraceID = field == .trace
    }

    /// Text in the row itself, or in rows that it refers to.
    private init(column: String, _ reference: String? = nil, in select: String = "") {
      self.column = column
      self.reference = reference
      self.select = select
    }

    /// One name, or none.
    private init(reference: String, to table: String) {
      self.init(column: "name", reference, in: "SELECT id FROM \(table) WHERE ")
      exists = "\(reference) IS NOT NULL"
    }

    /// Any of a trace's models or tags.
    private init(label kind: LabelKind) {
      self.init(
        column: "name", "t.labels",
        in: "SELECT label_set FROM labels WHERE kind = \(kind.rawValue) AND name IN (SELECT id FROM names WHERE ")
      after = ")"
      blockColumn = RowBlock.Column.traceLabels
    }

    /// Any of those of a user's or session's traces.
    private init(facet kind: LabelKind, of view: LedgerView) {
      let (row, owner) = view == .users ? ("u", 0) : ("s", 1)
      self.init(
        column: "name", "\(row).id",
        in: "SELECT owner FROM facets WHERE kind = \(kind.rawValue) AND owner_kind = \(owner) AND name IN "
          + "(SELECT id FROM names WHERE ")
      after = ")"
      isFacet = true
    }
  }

  mutating func append(_ source: TextSource, _ comparison: Filter.Comparison) {
    if comparison == .exists, let exists = source.exists {
      append(exists)
      return
    }
    guard let reference = source.reference else {
      appendCondition(source, comparison)
      return
    }
    append("\(reference) IN (")
    appendSelection(source, comparison)
    append(")")
  }

  /// The statement that selects what the view's rows refer to.
  mutating func appendSelection(_ source: TextSource, _ comparison: Filter.Comparison) {
    append(source.select)
    if let key = source.key {
      append(parameter: .text(key))
      append(" AND ")
    }
    appendCondition(source, comparison)
    append(source.after)
  }

  private mutating func appendCondition(_ source: TextSource, _ comparison: Filter.Comparison) {
    if source.isTraceID {
      appendTraceID(source.column, comparison)
    } else {
      appendName(source.column, comparison)
    }
  }

  mutating func appendName(_ column: String, _ comparison: Filter.Comparison) {
    switch comparison {
    case .text(.is, let value): append(column, in: [.text(value)])
    case .anyOf(let values): append(column, in: values.map(SQLValue.text))
    case .text(.startsWith, let value): append(column, startsWith: value)
    case .text(.contains, let value):
      append("instr(\(column), ")
      append(parameter: .text(value))
      append(") > 0")
    case .text(.endsWith, let value): append(column, endsWith: value)
    default: append("TRUE")
    }
  }

  private mutating func append(_ column: String, in values: [SQLValue]) {
    append("\(column) IN (")
    for (position, value) in values.enumerated() {
      if position > 0 { append(", ") }
      append(parameter: value)
    }
    append(")")
  }

  /// A range, which an index serves: text in UTF-8 has the order of its scalars.
  private mutating func append(_ column: String, startsWith prefix: String) {
    append("\(column) >= ")
    append(parameter: .text(prefix))
    guard let end = Self.firstBehind(prefix) else { return }
    append(" AND \(column) < ")
    append(parameter: .text(end))
  }

  /// The least text behind everything that starts with a prefix; nil when nothing is.
  private static func firstBehind(_ prefix: String) -> String? {
    var scalars = prefix.unicodeScalars
    while let last = scalars.popLast() {
      // Surrogates are no scalars.
      let next = last.value == 0xd7ff ? 0xe000 : last.value + 1
      if let scalar = Unicode.Scalar(next) {
        scalars.append(scalar)
        return String(scalars)
      }
    }
    return nil
  }

  /// By bytes: SQLite counts characters only up to the first NUL.
  private mutating func append(_ column: String, endsWith suffix: String) {
    guard !suffix.isEmpty else {
      append("TRUE")
      return
    }
    append("substr(CAST(\(column) AS BLOB), ")
    append(parameter: .int(Int64(-suffix.utf8.count)))
    append(") = ")
    append(parameter: .blob(Array(suffix.utf8)))
  }

  private mutating func appendTraceID(_ column: String, _ comparison: Filter.Comparison) {
    switch comparison {
    case .text(.is, let value): append(column, in: Self.traceIDs([value]))
    case .anyOf(let values): append(column, in: Self.traceIDs(values))
    default: appendName("lower(hex(\(column)))", comparison)
    }
  }

  /// Those that are ids; nothing equals the others.
  private static func traceIDs(_ values: [String]) -> [SQLValue] {
    values.compactMap { value in
      let digits = value.utf8.compactMap { byte -> UInt8? in
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        default: nil
        }
      }
      guard digits.count == 32, value.utf8.count == 32 else { return nil }
      return .blob(stride(from: 0, to: 32, by: 2).map { digits[$0] << 4 | digits[$0 + 1] })
    }
  }
}
