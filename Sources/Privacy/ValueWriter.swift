import OTLP
import Pipeline

/// Writes messages down to their attributes' values, as a policy wants them.
struct ValueWriter {
  typealias Bytes = UnsafeRawBufferPointer

  /// What is known of a value by the keys that lead to it.
  private struct Context {
    var meaning = PrivacyKeys.Meaning()
    /// What of it goes, within metadata.
    var paths = MetadataPaths(nil)
    var place = KnownIDs.Place.value
  }

  /// Whose ids there are in the request, and which of them may stand in what is written.
  var users: RequestUsers?
  var known = KnownIDs()

  private let policy: PrivacyPolicy
  private let keys: PrivacyKeys
  private let metadata: MetadataText
  private let allPaths: MetadataPaths
  private let redacts: Redaction.Action
  private var out: [UInt8] = []
  /// Digits of an int that may be an id although no key says so, at least: a shorter one is more likely a count.
  private static let fewestDigits = 6

  init(_ policy: PrivacyPolicy, _ keys: PrivacyKeys, _ metadata: MetadataText) {
    self.policy = policy
    self.keys = keys
    self.metadata = metadata
    allPaths = MetadataPaths(policy.redaction)
    redacts = policy.redaction?.action ?? .drop
  }

  mutating func begin(capacity: Int) {
    out = []
    out.reserveCapacity(capacity)
  }

  mutating func take() -> [UInt8] {
    defer { (out, users, known) = ([], nil, KnownIDs()) }
    return out
  }

  // MARK: Messages

  var mark: Int { out.count }
  mutating func close(_ number: Int, from mark: Int) { out.closeField(number, from: mark) }
  mutating func copy(_ field: WireField) { out.append(contentsOf: field.encoding) }

  /// What nobody here knows, unless an id is in it.
  mutating func copyUnknown(_ field: WireField) {
    guard let bytes = field.bytes, known.stand(in: bytes) else { return copy(field) }
  }

  mutating func write(_ content: Bytes, _ shape: MessageShape, _ place: KnownIDs.Place) throws(WireError) {
    var reader = WireReader(content)
    while let field = try reader.next() {
      guard let bytes = field.bytes else {
        copy(field)
        continue
      }
      switch shape.field(field.number) {
      case .plain: copy(field)
      case .text: writeText(field.number, bytes, place)
      case .attribute: try attribute(field.number, bytes, shape == .metric ? .value : place)
      case .body:
        var context = Context()
        context.meaning.isMasked = policy.masking?.includesBodies ?? false
        let start = mark
        if try value(bytes, context) { close(field.number, from: start) }
      case .message(let inner):
        let start = mark
        // A metric's name is that of all its points; what they say is said of one.
        try write(bytes, inner, shape == .metric ? .value : place)
        close(field.number, from: start)
      case .unknown: copyUnknown(field)
      }
    }
  }

  mutating func writeText(_ number: Int, _ text: Bytes, _ place: KnownIDs.Place) {
    if let replaced = known.replaced(in: text, place) {
      out.appendBytes(number, replaced)
    } else {
      out.appendBytes(number, text)
    }
  }

  // MARK: Pairs

  private mutating func attribute(_ number: Int, _ pair: Bytes, _ place: KnownIDs.Place) throws(WireError) {
    let key = try AnyValueReader.key(of: pair)
    var context = Context(meaning: keys.meaning(of: key), place: place)
    switch context.meaning.metadata {
    case .none: break
    case .object: context.paths = allPaths
    case .member:
      switch allPaths.verdict(on: Bytes(rebasing: key[context.meaning.prefixLength...])) {
      case .redacted: return redact(number, key, isJSON: context.meaning.isJSON)
      case .within(let rest): context.paths = rest
      }
    }
    try write(number, pair, context)
  }

  /// A pair of a list that is an attribute's value.
  private mutating func member(_ pair: Bytes, of list: Context) throws(WireError) {
    var context = list
    if list.meaning.metadata != .none, !list.meaning.namesUser {
      let key = try AnyValueReader.key(of: pair)
      switch list.paths.verdict(on: key) {
      case .redacted: return redact(1, key, isJSON: false)
      case .within(let rest): context.paths = rest
      }
      context.meaning.metadata = .member
      context.meaning.isJSON = false
      context.meaning.namesUser = keys.isUser(member: key)
    }
    try write(1, pair, context)
  }

  private mutating func write(_ number: Int, _ pair: Bytes, _ context: Context) throws(WireError) {
    let start = mark
    var isKept = true
    var reader = WireReader(pair)
    while let field = try reader.next() {
      switch (field.number, field.bytes) {
      case (1, let key?): writeText(1, key, .name)
      case (2, let content?):
        let start = mark
        isKept = try value(content, context)
        close(2, from: start)
      default: copyUnknown(field)
      }
    }
    if isKept { close(number, from: start) } else { out.removeSubrange(start...) }
  }

  private mutating func redact(_ number: Int, _ key: Bytes, isJSON: Bool) {
    guard redacts == .mask else { return }
    let start = mark
    writeText(1, key, .name)
    let value = mark
    out.appendBytes(AnyValueReader.string, Array((isJSON ? "\"\(Redaction.mark)\"" : Redaction.mark).utf8))
    close(2, from: value)
    close(number, from: start)
  }

  // MARK: Values

  /// Writes an `AnyValue`; false where it has to go with its key.
  private mutating func value(_ content: Bytes, _ context: Context) throws(WireError) -> Bool {
    var reader = WireReader(content)
    while let field = try reader.next() {
      switch (field.number, field.bytes) {
      case (AnyValueReader.string, let text?):
        switch string(text, context) {
        case .unchanged: copy(field)
        case .changed(let new): out.appendBytes(AnyValueReader.string, new)
        case .dropped: return false
        }
      case (AnyValueReader.array, let array?): try write(array: array, context)
      case (AnyValueReader.kvlist, let list?):
        let start = mark
        var pairs = WireReader(list)
        while let pair = try pairs.next() {
          if pair.number == 1, let bytes = pair.bytes { try member(bytes, of: context) } else { copyUnknown(pair) }
        }
        close(AnyValueReader.kvlist, from: start)
      case (AnyValueReader.bytes, let bytes?): write(bytes: bytes, context)
      case (AnyValueReader.int, nil), (AnyValueReader.double, nil): write(number: field, context)
      default: copyUnknown(field)
      }
    }
    return true
  }

  private mutating func write(array: Bytes, _ context: Context) throws(WireError) {
    let start = mark
    var elements = WireReader(array)
    while let element = try elements.next() {
      guard element.number == 1, let bytes = element.bytes else {
        copyUnknown(element)
        continue
      }
      let start = mark
      if try value(bytes, context) { close(1, from: start) } else { out.removeSubrange(start...) }
    }
    close(AnyValueReader.array, from: start)
  }

  private mutating func write(bytes: Bytes, _ context: Context) {
    if context.meaning.namesUser, !bytes.isEmpty, let users {
      out.appendBytes(AnyValueReader.string, users.pseudonym(of: bytes))
    } else if let replaced = known.replaced(in: bytes, context.place) {
      out.appendBytes(AnyValueReader.bytes, replaced)
    } else {
      out.appendBytes(AnyValueReader.bytes, bytes)
    }
  }

  private mutating func write(number field: WireField, _ context: Context) {
    guard let digits = AnyValueReader.digits(field) else { return copy(field) }
    var new: [UInt8]?
    digits.withUnsafeBytes { digits in
      if context.meaning.namesUser, let users {
        new = users.pseudonym(of: digits)
        return
      }
      guard field.number == AnyValueReader.int else { return }
      if digits.count >= Self.fewestDigits { new = known.replaced(in: digits, context.place) }
      if new == nil, context.meaning.isMasked { new = masked(digits) }
    }
    if let new { out.appendBytes(AnyValueReader.string, new) } else { copy(field) }
  }

  private enum Text {
    case unchanged
    case changed([UInt8])
    case dropped
  }

  private func string(_ text: Bytes, _ context: Context) -> Text {
    if context.meaning.namesUser, let users {
      return text.isEmpty ? .unchanged : .changed(pseudonym(text, context, users))
    }
    var new: [UInt8]?
    if context.meaning.metadata != .none {
      switch redacted(text, context) {
      case .unchanged: break
      case .changed(let rest): new = rest
      case .dropped: return .dropped
      }
    }
    if !known.isEmpty, let replaced = Self.lend(new, text, { known.replaced(in: $0, context.place) }) { new = replaced }
    if context.meaning.isMasked, let masked = Self.lend(new, text, masked) { new = masked }
    return new.map(Text.changed) ?? .unchanged
  }

  private func pseudonym(_ text: Bytes, _ context: Context, _ users: RequestUsers) -> [UInt8] {
    guard context.meaning.isJSON, let id = metadata.scalar(text) else { return users.pseudonym(of: text) }
    let quote = UInt8(ascii: "\"")
    return [quote] + id.withUnsafeBytes { users.pseudonym(of: $0) } + [quote]
  }

  /// The text of metadata without what has to go. What can't be read goes as a whole.
  private func redacted(_ text: Bytes, _ context: Context) -> Text {
    let isContainer = MetadataText.isContainer(text)
    guard isContainer || (context.meaning.metadata == .object && !context.paths.isEmpty) else { return .unchanged }
    switch metadata.rewritten(text, context.paths) {
    case .unchanged: return .unchanged
    case .rewritten(let new): return .changed(new)
    case .unreadable:
      if context.paths.isEmpty || text.isEmpty { return .unchanged }
      return redacts == .mask ? .changed(Array(Redaction.mark.utf8)) : .dropped
    }
  }

  private func masked(_ text: Bytes) -> [UInt8]? {
    var new: [UInt8]?
    for pattern in policy.masking?.patterns ?? [] {
      if let masked = Self.lend(new, text, pattern.masked) { new = masked }
    }
    return new
  }

  /// Lends what a text has become so far.
  private static func lend(_ new: [UInt8]?, _ old: Bytes, _ body: (Bytes) -> [UInt8]?) -> [UInt8]? {
    guard let new else { return body(old) }
    return new.withUnsafeBytes(body)
  }
}
