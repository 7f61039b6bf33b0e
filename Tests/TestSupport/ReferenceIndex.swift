package import OTLP

/// What an index should look for: the same as text and as rules.
package struct ReferenceRules {
  package let keys: [String]
  package let prefixes: [String]
  /// Marks `applicationRoot` where it is true.
  package let trueKey: String
  /// Marks `neatlogs` on spans with such a key, or in a scope of such a name.
  package let markedPrefix: String
  package let markedScope: String
  /// Marks `completionMarker`.
  package let markedName: String
  package let rules: SpanRules

  package init(
    keys: [String], prefixes: [String], trueKey: String, markedPrefix: String, markedScope: String, markedName: String
  ) {
    self.keys = keys
    self.prefixes = prefixes
    self.trueKey = trueKey
    self.markedPrefix = markedPrefix
    self.markedScope = markedScope
    self.markedName = markedName
    rules = SpanRules()
    for key in keys { _ = rules.number(forKey: key) }
    for prefix in prefixes { _ = rules.number(forPrefix: prefix) }
    rules.mark(.applicationRoot, whereTrue: trueKey)
    rules.mark(.neatlogs, whereKeyHasPrefix: markedPrefix)
    rules.mark(.neatlogs, whereScopeHasPrefix: markedScope)
    rules.mark(.completionMarker, whereNameIs: markedName)
  }

  /// Rules that many of the attributes, names and scopes of `RandomTelemetry` meet.
  package static func forRandomTelemetry() -> ReferenceRules {
    ReferenceRules(
      keys: ["", "service.name", "tag"], prefixes: ["tag.", "na"], trueKey: "k", markedPrefix: "neatlogs.",
      markedScope: "neatlogs", markedName: "tag.color")
  }

  fileprivate func pattern(of key: [UInt8]) -> String? {
    if let exact = keys.first(where: { key == Array($0.utf8) }) { return exact }
    return prefixes.first { key.starts(with: $0.utf8) }.map { $0 + "*" }
  }
}

/// The index of a request as it should be, by a reader that decodes everything: slow, and written apart from the index.
package struct ReferenceIndex {
  package private(set) var spans: [IndexedSpan] = []
  package private(set) var rejected: [RejectionReason: Int] = [:]
  private let rules: ReferenceRules

  /// Nil when the bytes are no request.
  package init?(_ request: [UInt8], rules: ReferenceRules) {
    self.rules = rules
    guard OTLPSchema.check(request, as: .request) != nil else { return nil }
    for resourceSpans in Self.fields(request, 1) { read(resourceSpans) }
  }

  private mutating func read(_ resourceSpans: [UInt8]) {
    var kept: [IndexedSpan] = []
    for scopeSpans in Self.fields(resourceSpans, 2) { kept += usableSpans(scopeSpans) }
    guard Self.headerIsUTF8(resourceSpans, as: .resourceSpans) else { return reject(.string, kept.count) }
    let header = Self.header(resourceSpans)
    spans += kept.map { span in
      var span = span
      span.resource = header
      return span
    }
  }

  private mutating func usableSpans(_ scopeSpans: [UInt8]) -> [IndexedSpan] {
    var kept: [IndexedSpan] = []
    for payload in Self.fields(scopeSpans, 2) {
      if let reason = Self.fault(of: payload) { reject(reason, 1) } else { kept.append(span(payload)) }
    }
    guard Self.headerIsUTF8(scopeSpans, as: .scopeSpans) else {
      reject(.string, kept.count)
      return []
    }
    let name = Self.fields(scopeSpans, 1).flatMap { Self.fields($0, 1) }.last ?? []
    return kept.map { span in
      var span = span
      span.scope = Self.header(scopeSpans)
      if name.starts(with: rules.markedScope.utf8) { span.marks.insert(.neatlogs) }
      return span
    }
  }

  private mutating func reject(_ reason: RejectionReason, _ count: Int) {
    if count > 0 { rejected[reason, default: 0] += count }
  }

  private static func fault(of span: [UInt8]) -> RejectionReason? {
    func id(_ number: Int, of message: [UInt8]) -> [UInt8] { fields(message, number).last ?? [] }
    func isUsable(_ id: [UInt8], count: Int) -> Bool { id.count == count && id.contains { $0 != 0 } }
    guard isUsable(id(1, of: span), count: 16) else { return .traceID }
    guard isUsable(id(2, of: span), count: 8) else { return .spanID }
    guard [0, 8].contains(id(4, of: span).count) else { return .parentID }
    let links = fields(span, 13)
    guard links.allSatisfy({ [0, 16].contains(id(1, of: $0).count) && [0, 8].contains(id(2, of: $0).count) }) else {
      return .linkID
    }
    return OTLPSchema.check(span, as: .span, level: 3) == true ? nil : .string
  }

  private func span(_ payload: [UInt8]) -> IndexedSpan {
    let fields = DecodedField.all(payload) ?? []
    func last(_ number: Int) -> DecodedField? { fields.last { $0.number == number } }
    var parent = last(4)?.bytes ?? []
    if parent.allSatisfy({ $0 == 0 }) { parent = [] }
    var marks: SpanMarks = parent.isEmpty ? [] : .hasParent
    if let flags = last(16)?.value, flags & 0x300 == 0x300 { marks.insert(.remoteParent) }
    if last(5)?.bytes ?? [] == Array(rules.markedName.utf8) { marks.insert(.completionMarker) }
    var attributes: [IndexedSpan.Attribute] = []
    for field in fields where field.number == 9 {
      let key = Self.fields(field.bytes, 1).last ?? []
      let (type, value) = Self.value(Self.fields(field.bytes, 2).flatMap { $0 })
      if key.starts(with: rules.markedPrefix.utf8) { marks.insert(.neatlogs) }
      if key == Array(rules.trueKey.utf8), type == .bool, value != [UInt8](repeating: 0, count: 8) {
        marks.insert(.applicationRoot)
      }
      guard let pattern = rules.pattern(of: key) else { continue }
      attributes.append(
        IndexedSpan.Attribute(pattern: pattern, key: key, type: type, value: value, field: field.encoding))
    }
    return IndexedSpan(
      traceID: last(1)?.bytes ?? [], spanID: last(2)?.bytes ?? [], parentID: parent, start: last(7)?.value ?? 0,
      marks: marks, payload: payload, attributes: attributes, scope: [], resource: [])
  }

  /// The last member of a merged `AnyValue`.
  private static func value(_ message: [UInt8]) -> (AttributeEntry.ValueType, [UInt8]) {
    let members = (DecodedField.all(message) ?? []).filter { (1...8).contains($0.number) }
    guard let last = members.last(where: { $0.number != 2 || $0.wire == 0 }) else { return (.empty, []) }
    func number() -> [UInt8] { withUnsafeBytes(of: last.value) { Array($0) } }
    switch last.number {
    case 1: return (.string, last.bytes)
    case 2: return (.bool, number())
    case 3: return (.int, number())
    case 4: return (.double, [])
    case 5: return (.array, [])
    case 6: return (.kvlist, [])
    case 7: return (.bytes, last.bytes)
    default: return (.stringIndex, [])
    }
  }

  /// The payloads of a field.
  private static func fields(_ message: [UInt8], _ number: Int) -> [[UInt8]] {
    (DecodedField.all(message) ?? []).filter { $0.number == number }.map(\.bytes)
  }

  private static func header(_ message: [UInt8]) -> [UInt8] {
    (DecodedField.all(message) ?? []).filter { $0.number != 2 }.flatMap(\.encoding)
  }

  private static func headerIsUTF8(_ message: [UInt8], as kind: OTLPSchema) -> Bool {
    OTLPSchema.check(header(message), as: kind, level: 1) == true
  }
}

/// The messages of a trace request, as much as tells a well-formed one.
enum OTLPSchema {
  case request, resourceSpans, resource, entity, scopeSpans, scope, span, pair, value, array, list, event, link, status

  private enum Field {
    case text, bytes, varint, fixed64, fixed32, bool
    case message(OTLPSchema)

    var wire: Int {
      switch self {
      case .text, .bytes, .message: 2
      case .varint, .bool: 0
      case .fixed64: 1
      case .fixed32: 5
      }
    }
  }

  private var fields: [Int: Field] {
    switch self {
    case .request: [1: .message(.resourceSpans)]
    case .resourceSpans: [1: .message(.resource), 2: .message(.scopeSpans), 3: .text]
    case .resource: [1: .message(.pair), 2: .varint, 3: .message(.entity)]
    case .entity: [1: .text, 2: .text, 3: .text, 4: .text]
    case .scopeSpans: [1: .message(.scope), 2: .message(.span), 3: .text]
    case .scope: [1: .text, 2: .text, 3: .message(.pair), 4: .varint]
    case .span:
      [
        1: .bytes, 2: .bytes, 3: .text, 4: .bytes, 5: .text, 6: .varint, 7: .fixed64, 8: .fixed64, 9: .message(.pair),
        10: .varint, 11: .message(.event), 12: .varint, 13: .message(.link), 14: .varint, 15: .message(.status),
        16: .fixed32,
      ]
    case .pair: [1: .text, 2: .message(.value), 3: .varint]
    case .value:
      [1: .text, 2: .bool, 3: .varint, 4: .fixed64, 5: .message(.array), 6: .message(.list), 7: .bytes, 8: .varint]
    case .array: [1: .message(.value)]
    case .list: [1: .message(.pair)]
    case .event: [1: .fixed64, 2: .text, 3: .message(.pair), 4: .varint]
    case .link: [1: .bytes, 2: .bytes, 3: .text, 4: .message(.pair), 5: .varint, 6: .fixed32]
    case .status: [2: .text, 3: .varint]
    }
  }

  /// Whether all strings are UTF-8; nil when the bytes are no such message, or nested too deep.
  static func check(_ message: [UInt8], as kind: OTLPSchema, level: Int = 0) -> Bool? {
    guard level <= 64, let fields = DecodedField.all(message) else { return nil }
    let known = kind.fields
    var isUTF8 = true
    for field in fields {
      guard let expected = known[field.number] else { continue }
      if field.wire != expected.wire {
        // Any decoder takes a bool from any wire type, or for an unknown field.
        if case .bool = expected { continue }
        return nil
      }
      switch expected {
      case .text: isUTF8 = isUTF8 && String(validating: field.bytes, as: UTF8.self) != nil
      case .message(let inner):
        guard let innerIsUTF8 = check(field.bytes, as: inner, level: level + 1) else { return nil }
        isUTF8 = isUTF8 && innerIsUTF8
      default: break
      }
    }
    return isUTF8
  }
}
