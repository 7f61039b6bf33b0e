import JSON

extension Answer {
  /// Rows of a list when nobody says how many.
  private static let usualRows = 50
  /// Rows that the API gives at once.
  static let largestPage = 1000

  /// Goes through the pages of a list until there are enough rows.
  ///
  /// Columns of these titles would say the same in every row. The introduction is given the first page before its rows are
  /// shown in a table.
  func list(
    _ listing: Listing, _ path: LedgerRequest, without titles: Set<String> = [],
    introduction: (JSONValue) throws -> Void = { _ in }
  ) throws {
    var writer = ListWriter(listing, without: titles, answer: self)
    let wanted = command.wantsAll ? Int.max : command.limit ?? Self.usualRows
    let hasMore = try pages(path, wanted) { page, bytes, isFirst in
      if isFirst, command.form == .table { try introduction(page) }
      return try writer.write(page.rows(listing.key), bytes)
    }
    try writer.end(hasMore: hasMore)
  }

  /// Lends the pages of a list until there are so many rows, as documents and as they came.
  ///
  /// - Returns: whether the list goes on.
  func pages(
    _ path: LedgerRequest, _ wanted: Int, _ body: (_ page: JSONValue, _ bytes: [UInt8], _ isFirst: Bool) throws -> Int
  ) throws -> Bool {
    var wanted = wanted
    var cursor: String?
    repeat {
      var request = bounded(path)
      request.ask("filter", command.filter)
      request.ask("sort", command.sort)
      request.ask("limit", String(min(wanted, Self.largestPage)))
      request.ask("cursor", cursor)
      let bytes = try source.get(request)
      let page = try Self.parse(bytes)
      wanted -= try body(page, bytes, cursor == nil)
      cursor = page.text("next_cursor")
    } while cursor != nil && wanted > 0
    return cursor != nil
  }
}

/// Writes a list page by page, so that the longest needs no more memory than a page.
struct ListWriter {
  private let listing: Listing
  private let answer: Answer
  private let table: Table
  private let fields: [Listing.Field]
  /// As the first page needs it.
  private var layout: Table.Layout?
  private var count = 0

  init(_ listing: Listing, without titles: Set<String>, answer: Answer) {
    self.listing = listing
    self.answer = answer
    (table, fields) = listing.table(without: titles)
  }

  /// - Returns: how many rows that were.
  mutating func write(_ rows: [JSONValue], _ bytes: [UInt8]) throws -> Int {
    defer { count += rows.count }
    switch answer.command.form {
    case .json: try answer.write(json: bytes)
    case .csv:
      let header = count == 0 ? listing.csvHeader : ""
      try answer.write(csv: rows.reduce(header) { $0 + listing.csvLine($1) })
    case .table:
      guard !rows.isEmpty else { break }
      let screen = answer.screen
      let cells = rows.map { row in fields.map { $0.cell(row, screen) } }
      let layout = self.layout ?? table.layout(cells, room: screen.width)
      if self.layout == nil { try answer.output.write(table.header(layout, colours: screen.hasColours)) }
      self.layout = layout
      try answer.output.write(
        table.lines(cells, layout, isLimited: screen.width != nil, colours: screen.hasColours))
    }
    return rows.count
  }

  /// Tells a person what else there is.
  func end(hasMore: Bool) throws {
    guard answer.command.form == .table else { return }
    if count == 0 {
      Terminal.note("no \(listing.key)" + (answer.command.filter == nil ? "" : " that the filter matches"))
    } else if hasMore {
      Terminal.note("the first \(count); --limit N shows more, --all everything")
    }
  }
}
