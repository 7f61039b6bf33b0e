/// A protobuf message before it has bytes: its fields in the order of their meaning.
///
/// The same message has many wire forms. `plain` is what a library would write; `bytes(using:)` picks one at random from
/// all that mean the same to a decoder.
package struct WireMessage: Sendable {
  package indirect enum Value: Sendable {
    case varint(UInt64)
    case fixed64(UInt64)
    case fixed32(UInt32)
    case bytes([UInt8])
    case message(WireMessage)
  }

  package struct Field: Sendable {
    package let number: Int
    package let value: Value
    /// One of many: all of its occurrences count. Otherwise the last does, or submessages are merged.
    package let isElement: Bool
  }

  package private(set) var fields: [Field] = []
  /// Whether the fields are members of a oneof, where one that stands later takes the place of the others.
  private let isOneof: Bool

  package init(isOneof: Bool = false) {
    self.isOneof = isOneof
  }

  /// Sets a field that a message has once.
  package mutating func set(_ number: Int, _ value: Value) {
    fields.append(Field(number: number, value: value, isElement: false))
  }

  /// Adds an element to a repeated field.
  package mutating func add(_ number: Int, _ value: Value) {
    fields.append(Field(number: number, value: value, isElement: true))
  }

  /// The bytes as a library writes them.
  package var plain: [UInt8] {
    ProtobufWriter.message { writer in
      for field in fields { writer.writePlain(field) }
    }
  }

  /// The bytes with every freedom of the wire taken now and then: fields in another order, scalars that a later one
  /// overrides, submessages in two pieces, unknown fields, numbers longer than they must be.
  package func bytes(using random: inout SeededGenerator) -> [UInt8] {
    var writer = ProtobufWriter()
    for field in shuffled(using: &random) {
      if random.once(in: 12) { writer.writeUnknown(using: &random) }
      for occurrence in occurrences(of: field, using: &random) { writer.write(occurrence, using: &random) }
    }
    if random.once(in: 12) { writer.writeUnknown(using: &random) }
    return writer.bytes
  }

  /// The fields in a random order; elements of the same field keep theirs.
  private func shuffled(using random: inout SeededGenerator) -> [Field] {
    guard !isOneof, random.once(in: 2) else { return fields }
    var queues = Dictionary(grouping: fields, by: \.number).sorted { $0.key < $1.key }.map { $0.value[...] }
    var result: [Field] = []
    while !queues.isEmpty {
      let choice = queues.indices.randomElement(using: &random)!
      result.append(queues[choice].removeFirst())
      if queues[choice].isEmpty { queues.remove(at: choice) }
    }
    return result
  }

  /// What together means the field: itself, or another value before it that it overrides, or a submessage's pieces.
  private func occurrences(of field: Field, using random: inout SeededGenerator) -> [Field] {
    guard !field.isElement, random.once(in: 4) else { return [field] }
    guard case .message(let message) = field.value else { return [field.decoy, field] }
    return message.pieces(using: &random).map { Field(number: field.number, value: .message($0), isElement: false) }
  }

  /// Two messages that are this one when they are merged; or only this one.
  private func pieces(using random: inout SeededGenerator) -> [WireMessage] {
    // libprotobuf-c can't merge a oneof of which nothing has come yet with one of which nothing comes.
    guard !isOneof || !fields.isEmpty else { return [self] }
    let place = Int.random(in: (isOneof ? 1 : 0)...fields.count, using: &random)
    var (first, second) = (self, self)
    first.fields = Array(fields[..<place])
    second.fields = Array(fields[place...])
    return [first, second]
  }
}

extension WireMessage.Field {
  /// Another value of the same kind and length.
  fileprivate var decoy: WireMessage.Field {
    let other: WireMessage.Value =
      switch value {
      case .varint(let value): .varint(value ^ 1)
      case .fixed64(let value): .fixed64(~value)
      case .fixed32(let value): .fixed32(~value)
      case .bytes(let value): .bytes(value.map { $0 < 0x80 ? $0 ^ 1 : 0x41 })
      case .message: value
      }
    return WireMessage.Field(number: number, value: other, isElement: isElement)
  }
}

extension ProtobufWriter {
  fileprivate mutating func writePlain(_ field: WireMessage.Field) {
    switch field.value {
    case .varint(let value): varintField(field.number, value)
    case .fixed64(let value): fixed64Field(field.number, value)
    case .fixed32(let value): fixed32Field(field.number, value)
    case .bytes(let value): bytesField(field.number, value)
    case .message(let message): bytesField(field.number, message.plain)
    }
  }

  fileprivate mutating func write(_ field: WireMessage.Field, using random: inout SeededGenerator) {
    switch field.value {
    case .varint(let value):
      longVarint(UInt64(field.number << 3), upTo: 5, using: &random)
      longVarint(value, upTo: 10, using: &random)
    case .bytes(let value): longBytes(field.number, value, using: &random)
    case .message(let message): longBytes(field.number, message.bytes(using: &random), using: &random)
    case .fixed64, .fixed32: writePlain(field)
    }
  }

  fileprivate mutating func writeUnknown(using random: inout SeededGenerator) {
    let number = [40, 99, 5000].randomElement(using: &random)!
    switch Int.random(in: 0..<4, using: &random) {
    case 0: varintField(number, .random(in: 0 ... .max, using: &random))
    case 1: fixed64Field(number, .random(in: 0 ... .max, using: &random))
    case 2: fixed32Field(number, .random(in: 0 ... .max, using: &random))
    default: bytesField(number, random.bytes(.random(in: 0..<20, using: &random)))
    }
  }

  private mutating func longBytes(_ number: Int, _ value: [UInt8], using random: inout SeededGenerator) {
    longVarint(UInt64(number << 3 | 2), upTo: 5, using: &random)
    longVarint(UInt64(value.count), upTo: 5, using: &random)
    raw(value)
  }

  /// A number in more bytes than it needs, now and then.
  private mutating func longVarint(_ value: UInt64, upTo most: Int, using random: inout SeededGenerator) {
    let start = bytes.count
    varint(value)
    let used = bytes.count - start
    guard used < most, random.once(in: 20) else { return }
    let count = Int.random(in: used + 1...most, using: &random)
    replaceLast(with: bytes.last! | 0x80)
    raw([UInt8](repeating: 0x80, count: count - used - 1) + [0])
  }
}
