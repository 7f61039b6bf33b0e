extension ConfigNode {
  /// Reads one YAML document; an empty one is a null.
  ///
  /// Safe on any bytes: what is malformed, too deep, too large or repeated without end by aliases is an error
  /// that says where. Nothing is substituted yet.
  package static func parse(_ bytes: [UInt8], source: String = "config") throws(Diagnostic) -> ConfigNode {
    var budget = Budget()
    return try parse(bytes, origin: .document(source), budget: &budget, maximumDepth: Budget.maximumDepth)
  }

  /// The same at the cost of a budget shared with other documents.
  static func parse(
    _ bytes: [UInt8], origin: YAMLOrigin, budget: inout Budget, maximumDepth: Int
  ) throws(Diagnostic) -> ConfigNode {
    guard bytes.count <= Budget.maximumSourceSize else {
      throw Diagnostic(.error, at: origin.whole, "larger than 16 MiB")
    }
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    let text = bytes.starts(with: mark) ? bytes.dropFirst(mark.count) : bytes[...]
    return try text.withUnsafeBufferPointer { (buffer) throws(Diagnostic) in
      // libyaml compares every %TAG with every other.
      let directives = buffer.indices.count { index in
        buffer[index] == UInt8(ascii: "%") && (index == 0 || lineEnds.contains(buffer[index - 1]))
      }
      guard directives <= 1000 else {
        throw Diagnostic(.error, at: origin.whole, "more than 1,000 lines begin with %")
      }
      var parser = ConfigParser(
        reader: try YAMLReader(buffer, origin: origin), budget: budget, maximumDepth: maximumDepth)
      let result = Result { () throws(Diagnostic) in try parser.document(origin: origin) }
      budget = parser.budget
      return try result.get()
    }
  }

  /// The last bytes of everything that ends a line in YAML: LF, CR, NEL, LS and PS.
  private static let lineEnds: [UInt8] = [0x0A, 0x0D, 0x85, 0xA8, 0xA9]
}

/// Builds the tree from events, with anchors and merge keys resolved.
private struct ConfigParser: ~Copyable {
  private var reader: YAMLReader
  private(set) var budget: Budget
  private let maximumDepth: Int
  /// What this document has cost so far; the difference over a node is that node's weight.
  private var spent = Budget.Weight()
  private var anchors: [String: (node: ConfigNode, weight: Budget.Weight)] = [:]

  init(reader: consuming YAMLReader, budget: Budget, maximumDepth: Int) {
    self.reader = reader
    self.budget = budget
    self.maximumDepth = maximumDepth
  }

  mutating func document(origin: YAMLOrigin) throws(Diagnostic) -> ConfigNode {
    guard case .documentStart = try reader.next().kind else {
      return .null(at: origin.position(line: 1, column: 1))
    }
    let root = try node(from: reader.next(), depth: 0)
    _ = try reader.next()  // the document's end
    let event = try reader.next()
    guard case .streamEnd = event.kind else {
      throw Diagnostic(.error, at: event.position, "a second document: a configuration is one YAML document")
    }
    return root
  }

  private mutating func node(from event: YAMLEvent, depth: Int) throws(Diagnostic) -> ConfigNode {
    if case .alias(let name) = event.kind {
      guard let target = anchors[name] else {
        throw Diagnostic(.error, at: event.position, "*\(displayed(name)) refers to no anchor that ends before it")
      }
      try charge(target.weight, at: event.position)
      return target.node
    }
    // Until the node is complete its name means nothing, or it could contain itself.
    if let anchor = event.anchor { anchors[anchor] = nil }
    let before = spent
    try charge(Budget.Weight(nodes: 1), at: event.position)
    let content: ConfigNode.Content
    switch event.kind {
    case .scalar(let text, let isPlain):
      try charge(Budget.Weight(bytes: text.utf8.count), at: event.position)
      content = .scalar(try scalar(text, isPlain: isPlain, tag: event.tag, at: event.position))
    case .sequenceStart:
      try check(event, tag: "seq", depth: depth)
      content = .sequence(try elements(depth: depth + 1))
    default:
      try check(event, tag: "map", depth: depth)
      content = .mapping(try entries(depth: depth + 1))
    }
    let node = ConfigNode(content, at: event.position)
    if let anchor = event.anchor {
      anchors[anchor] = (
        node, Budget.Weight(nodes: spent.nodes - before.nodes, bytes: spent.bytes - before.bytes)
      )
    }
    return node
  }

  private mutating func elements(depth: Int) throws(Diagnostic) -> [ConfigNode] {
    var elements: [ConfigNode] = []
    while true {
      let event = try reader.next()
      if case .sequenceEnd = event.kind { return elements }
      elements.append(try node(from: event, depth: depth))
    }
  }

  private mutating func entries(depth: Int) throws(Diagnostic) -> [ConfigNode.Entry] {
    var entries: [ConfigNode.Entry] = []
    var lines: [String: Position] = [:]
    var merged: [ConfigNode] = []
    while true {
      let event = try reader.next()
      if case .mappingEnd = event.kind { break }
      let isMerge = if case .scalar("<<", isPlain: true) = event.kind { true } else { false }
      guard case .scalar(let key) = try node(from: event, depth: depth).content else {
        throw Diagnostic(.error, at: event.position, "a key must be a single value")
      }
      let value = try node(from: reader.next(), depth: depth)
      if isMerge {
        merged += try mappings(toMerge: value)
        continue
      }
      if let first = lines.updateValue(event.position, forKey: key.text) {
        throw Diagnostic(
          .error, at: event.position, "the key \(quoted(key.text)) is already given in line \(first.line)")
      }
      entries.append(ConfigNode.Entry(key: key.text, keyPosition: event.position, value: value))
    }
    for case .mapping(let more) in merged.map(\.content) {
      for entry in more where lines.updateValue(entry.keyPosition, forKey: entry.key) == nil {
        entries.append(entry)
      }
    }
    return entries
  }

  /// What `<<:` may name: a mapping, or several of which the first to have a key gives it.
  private func mappings(toMerge value: ConfigNode) throws(Diagnostic) -> [ConfigNode] {
    let candidates = if case .sequence(let list) = value.content { list } else { [value] }
    for candidate in candidates {
      guard case .mapping = candidate.content else {
        throw Diagnostic(.error, at: candidate.position, "<<: merges mappings only")
      }
    }
    return candidates
  }

  private mutating func charge(_ weight: Budget.Weight, at position: Position) throws(Diagnostic) {
    try budget.charge(weight, at: position)
    spent.nodes += weight.nodes
    spent.bytes += weight.bytes
  }

  private func check(_ event: YAMLEvent, tag: String, depth: Int) throws(Diagnostic) {
    guard depth < maximumDepth else {
      throw Diagnostic(
        .error, at: event.position, "lists and mappings nest deeper than \(Budget.maximumDepth) levels")
    }
    if let given = event.tag, given != "!", given != coreTag(tag) { throw unknownTag(given, at: event.position) }
  }

  private func scalar(
    _ text: String, isPlain: Bool, tag: String?, at position: Position
  ) throws(Diagnostic) -> Scalar {
    guard let tag else { return Scalar(text, isQuoted: !isPlain) }
    if tag == "!" || tag == coreTag("str") { return Scalar(text, isQuoted: true) }
    let scalar = Scalar(text, isQuoted: false)
    let fits: Bool
    switch (tag, scalar.value) {
    case (coreTag("null"), .null), (coreTag("int"), .int): fits = true
    case (coreTag("float"), .double), (coreTag("float"), .int): fits = true
    case (coreTag("bool"), _): fits = scalar.asBool != nil
    default: fits = false
    }
    guard fits else { throw unknownTag(tag, at: position) }
    return scalar
  }

  private func coreTag(_ name: String) -> String { "tag:yaml.org,2002:" + name }

  private func unknownTag(_ tag: String, at position: Position) -> Diagnostic {
    Diagnostic(.error, at: position, "the tag \(quoted(tag)) does not fit here or means nothing to Heirloom")
  }
}
