import SelfTelemetry

/// Rows under titles, as wide as there is room.
struct Table {
  struct Column {
    enum Alignment { case left, right }

    let title: String
    var alignment = Alignment.left
    /// As narrow as it may become; nil for what is no use cut.
    var minimum: Int?
    /// Where there is no room, the column with the highest rank goes first; one with rank 0 stays.
    var rank = 0
  }

  struct Cell: Equatable, ExpressibleByStringInterpolation {
    var text: String
    var style = Style.plain

    /// The text may come from anywhere: orders to a terminal are written out.
    init(_ text: String, _ style: Style = .plain) {
      self.text = PlainText.harmless(text)
      self.style = style
    }

    init(stringLiteral text: String) { self.init(text) }
  }

  /// Which columns are shown, and how wide each is; nil for one that is left out.
  typealias Layout = [Int?]

  let columns: [Column]

  private static let gap = 2
  /// What the last resort leaves of a column.
  private static let narrowest = 4

  /// Makes room for rows: for all, or for the first, after whose example the others are laid out. `room` is how many columns
  /// the terminal has; nil for no limit.
  func layout(_ rows: [[Cell]], room: Int?) -> Layout {
    let natural = columns.indices.map { index in
      rows.reduce(PlainText.width(columns[index].title)) { max($0, PlainText.width($1[index].text)) }
    }
    guard let room else { return natural }
    var layout: Layout = natural
    while true {
      let minimum = columns.map { column in column.minimum.map { max($0, PlainText.width(column.title)) } }
      if shrink(&layout, to: room, minimum: { minimum[$0] }) { return layout }
      let shown = columns.indices.filter { layout[$0] != nil && columns[$0].rank > 0 }
      guard let least = shown.max(by: { columns[$0].rank < columns[$1].rank }) else { break }
      layout = columns.indices.map { $0 == least || layout[$0] == nil ? nil : natural[$0] }
    }
    _ = shrink(&layout, to: room) { columns[$0].alignment == .left ? Self.narrowest : nil }
    return layout
  }

  /// Takes from the widest columns first. False when that is not enough.
  private func shrink(_ layout: inout Layout, to room: Int, minimum: (Int) -> Int?) -> Bool {
    var excess = layout.reduce(-Self.gap) { $0 + ($1.map { $0 + Self.gap } ?? 0) } - room
    while excess > 0 {
      let candidates = layout.indices.filter { index in
        guard let width = layout[index], let least = minimum(index) else { return false }
        return width > least
      }
      guard let widest = candidates.max(by: { layout[$0]! < layout[$1]! }), let width = layout[widest] else {
        return false
      }
      layout[widest] = width - 1
      excess -= 1
    }
    return true
  }

  /// The line of titles.
  func header(_ layout: Layout, colours: Bool) -> String {
    line(columns.map { Cell($0.title, .bold) }, layout, isLimited: true, colours: colours)
  }

  /// The rows, a line each. Where they are limited, what is too long is cut.
  func lines(_ rows: [[Cell]], _ layout: Layout, isLimited: Bool, colours: Bool) -> String {
    rows.map { line($0, layout, isLimited: isLimited, colours: colours) }.joined()
  }

  /// Everything at once.
  func text(_ rows: [[Cell]], on screen: Screen) -> String {
    let layout = layout(rows, room: screen.width)
    return header(layout, colours: screen.hasColours)
      + lines(rows, layout, isLimited: screen.width != nil, colours: screen.hasColours)
  }

  private func line(_ cells: [Cell], _ layout: Layout, isLimited: Bool, colours: Bool) -> String {
    var line = ""
    // Blanks are written when something follows them.
    var blanks = 0
    for (index, cell) in cells.enumerated() {
      guard let width = layout[index] else { continue }
      let text = isLimited && columns[index].alignment == .left ? PlainText.cut(cell.text, to: width) : cell.text
      let padding = max(0, width - PlainText.width(text))
      if columns[index].alignment == .right { blanks += padding }
      if !text.isEmpty {
        line += String(repeating: " ", count: blanks) + (colours ? cell.style.applied(to: text) : text)
        blanks = 0
      }
      blanks += (columns[index].alignment == .left ? padding : 0) + Self.gap
    }
    return line + "\n"
  }
}

/// How text stands out on a terminal with colours.
enum Style {
  case plain, bold, dim, red, yellow

  func applied(to text: String) -> String {
    let code =
      switch self {
      case .plain: ""
      case .bold: "1"
      case .dim: "2"
      case .red: "31"
      case .yellow: "33"
      }
    return code.isEmpty ? text : "\u{1B}[\(code)m\(text)\u{1B}[0m"
  }
}
