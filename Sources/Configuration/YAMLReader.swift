import CYAML

/// What libyaml reports of a document, one event at a time.
struct YAMLEvent {
  enum Kind {
    case streamEnd, documentStart, documentEnd
    case alias(String)
    case scalar(text: String, isPlain: Bool)
    case sequenceStart, sequenceEnd
    case mappingStart, mappingEnd
  }

  let kind: Kind
  let anchor: String?
  let tag: String?
  let position: Position
}

/// Where the values of a text are said to stand.
enum YAMLOrigin {
  /// At their own line and column of a named source.
  case document(String)
  /// All at the same place: a short text that stands elsewhere, whose own lines would tell nobody anything.
  case inline(Position)

  func position(line: Int, column: Int) -> Position {
    switch self {
    case .document(let source): Position(source: source, line: line, column: column)
    case .inline(let position): position
    }
  }

  /// The source as a whole.
  var whole: Position {
    switch self {
    case .document(let source): Position(source: source)
    case .inline(let position): position
    }
  }
}

/// libyaml's parser over bytes that are borrowed for its lifetime.
struct YAMLReader: ~Copyable {
  private let reader: OpaquePointer
  private let bytes: UnsafeBufferPointer<UInt8>
  private let origin: YAMLOrigin

  /// `bytes` must outlive the reader.
  init(_ bytes: UnsafeBufferPointer<UInt8>, origin: YAMLOrigin) throws(Diagnostic) {
    guard let reader = cyaml_reader_create(bytes.baseAddress, bytes.count) else {
      throw Diagnostic(.error, at: origin.whole, "out of memory")
    }
    self.reader = reader
    self.bytes = bytes
    self.origin = origin
  }

  deinit { cyaml_reader_destroy(reader) }

  /// The next event; not to be called again after an error or the end of the stream.
  mutating func next() throws(Diagnostic) -> YAMLEvent {
    var event = cyaml_event()
    guard cyaml_reader_next(reader, &event) else { throw failure() }
    return YAMLEvent(
      kind: Self.kind(of: event), anchor: event.anchor.map { String(cString: $0) },
      tag: event.tag.map { String(cString: $0) }, position: position(event.line, event.column))
  }

  private static func kind(of event: cyaml_event) -> YAMLEvent.Kind {
    switch event.kind {
    case CYAML_DOCUMENT_START: .documentStart
    case CYAML_DOCUMENT_END: .documentEnd
    case CYAML_ALIAS: .alias(event.anchor.map { String(cString: $0) } ?? "")
    case CYAML_SCALAR:
      .scalar(
        text: String(decoding: UnsafeBufferPointer(start: event.text, count: event.text_length), as: UTF8.self),
        isPlain: event.is_plain)
    case CYAML_SEQUENCE_START: .sequenceStart
    case CYAML_SEQUENCE_END: .sequenceEnd
    case CYAML_MAPPING_START: .mappingStart
    case CYAML_MAPPING_END: .mappingEnd
    default: .streamEnd
    }
  }

  private func position(_ line: Int, _ column: Int) -> Position {
    origin.position(line: line + 1, column: column + 1)
  }

  private func failure() -> Diagnostic {
    let failure = cyaml_reader_failure(reader)
    let problem = String(cString: failure.problem)
    if failure.is_encoding {
      let (line, column) = place(ofByte: failure.offset)
      return Diagnostic(.error, at: position(line, column), "not valid YAML text: \(problem)")
    }
    var message = "not valid YAML: \(problem)"
    if let context = failure.context {
      message += ", \(String(cString: context))"
      if failure.context_line != failure.line {
        message += " that starts at line \(failure.context_line + 1)"
      }
    }
    if isIndentedWithTab(line: failure.line) { message += " (indent with spaces: YAML takes no tabs there)" }
    return Diagnostic(.error, at: position(failure.line, failure.column), message)
  }

  /// The line and character, from 0, at which a byte lies.
  private func place(ofByte offset: Int) -> (line: Int, column: Int) {
    var line = 0
    var column = 0
    var previous: UInt8 = 0
    for byte in bytes.prefix(offset) {
      switch byte {
      case UInt8(ascii: "\n") where previous == UInt8(ascii: "\r"): break
      case UInt8(ascii: "\n"), UInt8(ascii: "\r"): (line, column) = (line + 1, 0)
      case 0x80..<0xC0: break  // inside a character
      default: column += 1
      }
      previous = byte
    }
    return (line, column)
  }

  private func isIndentedWithTab(line wanted: Int) -> Bool {
    let lines = bytes.split(separator: UInt8(ascii: "\n"), maxSplits: wanted + 1, omittingEmptySubsequences: false)
    guard lines.indices.contains(wanted) else { return false }
    return lines[wanted].first { $0 != UInt8(ascii: " ") } == UInt8(ascii: "\t")
  }
}
